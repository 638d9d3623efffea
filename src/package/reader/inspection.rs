//! What a package says and holds, as plain data.
//!
//! The JSON form is stable: keys are the field names below, every key is always there, what a package does not say is
//! `null` (or an empty list), modes are octal text, times are seconds since 1970. New keys may be added.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::format::Format;

/// Everything that one package file says of itself. Text from the package is given as it stands there, control
/// characters included; bytes that are no UTF-8 are written `\xNN`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// The package file itself.
    pub file: PackageFile,
    /// `deb` or `rpm`.
    #[serde(serialize_with = "format_text")]
    pub format: Format,
    /// The version of the format: `debian-binary`'s text, or `RPMTAG_RPMFORMAT` (4 or 6).
    pub format_version: String,
    /// The package's name.
    pub name: String,
    /// The version, with `EPOCH:` where there is one and without the revision.
    pub version: String,
    /// Debian's revision (Policy 5.6.12), RPM's release.
    pub revision: Option<String>,
    /// The architecture, in the format's spelling; `src` for a source RPM.
    pub arch: String,
    /// The synopsis, in one line.
    pub summary: Option<String>,
    /// The extended description. Verbatim lines of a deb keep their indentation, ` .` is an empty line.
    pub description: Option<String>,
    /// `RPMTAG_LICENSE`; a deb's `License`, which is not a Policy field.
    pub license: Option<String>,
    /// Debian's `Maintainer`, RPM's packager.
    pub maintainer: Option<String>,
    /// The vendor.
    pub vendor: Option<String>,
    /// Debian's `Homepage`, `RPMTAG_URL`.
    pub homepage: Option<String>,
    /// Debian's `Section`, RPM's group.
    pub section: Option<String>,
    /// Debian's `Priority`.
    pub priority: Option<String>,
    /// The size once installed.
    pub installed_size: InstalledSize,
    /// `RPMTAG_BUILDTIME`; of a deb, the time of its `debian-binary` member.
    pub build_time: Option<u64>,
    /// Debian's `Source`, `RPMTAG_SOURCERPM`.
    pub source: Option<String>,
    /// How the files are compressed.
    pub payload_compression: Compression,
    /// How a deb's control member is compressed.
    pub control_compression: Option<Compression>,
    /// Every other field of the control stanza; other tags of an RPM, by their names without `RPMTAG_`.
    pub fields: BTreeMap<String, String>,
    /// The relations to other packages.
    pub relations: Relations,
    /// The maintainer scripts or scriptlets.
    pub scripts: Vec<Script>,
    /// The triggers.
    pub triggers: Vec<Trigger>,
    /// The changelog of an RPM, newest first. A deb has it among its files.
    pub changelog: Vec<Change>,
    /// The configuration files: `conffiles` of a deb, `%config` of an RPM.
    pub conffiles: Vec<String>,
    /// Configuration files that an upgrade takes away (`remove-on-upgrade`, deb-conffiles(5)).
    pub conffiles_removed: Vec<String>,
    /// The files, in the order in which the package has them.
    pub files: Vec<Entry>,
    /// The signatures that are there. Whether they are good is not said here.
    pub signatures: Vec<Signature>,
    /// The parts of the package file: members of the ar archive, or sections of the RPM.
    pub members: Vec<Member>,
    /// The members of a deb's control archive.
    pub control_members: Vec<Member>,
}

/// The package file itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackageFile {
    /// The path as it was given.
    pub path: String,
    /// The number of bytes.
    pub size: u64,
    /// The SHA-256, in hexadecimal.
    pub sha256: String,
}

/// The size of the files of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstalledSize {
    /// Bytes: of a deb, the sum of its regular files; of an RPM, what it declares.
    pub bytes: u64,
    /// The field as it stands there: KiB in a deb (Policy 5.6.20), bytes in an RPM.
    pub declared: Option<String>,
}

/// How bytes are compressed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compression {
    /// `none`, `gzip`, `xz`, `zstd`, `bzip2`, `lzma`, or whatever an RPM names.
    pub codec: String,
    /// The level, where it is written down: `RPMTAG_PAYLOADFLAGS`.
    pub level: Option<u32>,
}

/// The relations of a package, as text in the format's spelling.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Relations {
    /// `Depends`, `Requires`.
    pub requires: Vec<String>,
    /// `Pre-Depends`; `Requires(pre)` and `Requires(pretrans)`, which are not repeated in `requires`.
    pub pre_requires: Vec<String>,
    /// `Recommends`.
    pub recommends: Vec<String>,
    /// `Suggests`.
    pub suggests: Vec<String>,
    /// RPM's `Supplements`.
    pub supplements: Vec<String>,
    /// `Enhances`.
    pub enhances: Vec<String>,
    /// `Conflicts`.
    pub conflicts: Vec<String>,
    /// Debian's `Breaks`.
    pub breaks: Vec<String>,
    /// Debian's `Replaces`, RPM's `Obsoletes`.
    pub replaces: Vec<String>,
    /// `Provides`.
    pub provides: Vec<String>,
}

impl Relations {
    /// Returns every kind under its JSON key, in the order of a control stanza.
    pub fn kinds(&self) -> [(&'static str, &[String]); 10] {
        [
            ("requires", &self.requires),
            ("pre_requires", &self.pre_requires),
            ("recommends", &self.recommends),
            ("suggests", &self.suggests),
            ("supplements", &self.supplements),
            ("enhances", &self.enhances),
            ("conflicts", &self.conflicts),
            ("breaks", &self.breaks),
            ("replaces", &self.replaces),
            ("provides", &self.provides),
        ]
    }
}

/// A script that the package manager runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Script {
    /// The member (`postinst`) or the section of a spec file without its sign (`post`).
    pub name: String,
    /// The program that runs it, with its arguments.
    pub interpreter: Option<String>,
    /// The text; empty where the interpreter alone does the work (`%post -p /sbin/ldconfig`).
    pub body: String,
}

/// Something to be done when other packages change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trigger {
    /// The directive (deb-triggers(5)) or the section of a spec file without its sign (`triggerin`, `filetriggerun`).
    pub kind: String,
    /// What sets it off: trigger names, packages with versions, path prefixes.
    pub conditions: Vec<String>,
    /// The program that runs the script, for RPM.
    pub interpreter: Option<String>,
    /// The script, for RPM.
    pub body: Option<String>,
}

/// One entry of a changelog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The time.
    pub time: u64,
    /// Author and, by custom, version.
    pub author: String,
    /// The text.
    pub text: String,
}

/// One file of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The absolute path.
    pub path: String,
    /// The type.
    #[serde(rename = "type")]
    pub kind: EntryKind,
    /// The permissions with set-id and sticky bits, in four octal digits.
    #[serde(serialize_with = "octal")]
    pub mode: u32,
    /// The owner: the name, or the number where the package has no name.
    pub owner: String,
    /// The group, likewise.
    pub group: String,
    /// The number of bytes; 0 for all but regular files.
    pub size: u64,
    /// The time of the last change.
    pub mtime: u64,
    /// The target of a link.
    pub target: Option<String>,
    /// The digest that the package declares, as `md5:HEX` or `sha256:HEX`.
    pub digest: Option<String>,
    /// `config`, `noreplace`, `missingok`, `doc`, `license`, `readme`, `ghost`, `artifact`, `pubkey`, `specfile`.
    pub flags: Vec<&'static str>,
    /// The capabilities, in the spelling of `cap_to_text(3)`.
    pub capabilities: Option<String>,
}

/// The type of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// Another name of an earlier file; RPM does not mark these.
    Hardlink,
    /// A character device.
    Character,
    /// A block device.
    Block,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// Anything else.
    Unknown,
}

/// A signature that the package carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// The ar member (`_gpgorigin`) or the tag of the signature header without `RPMSIGTAG_` (`RSA`).
    pub name: String,
    /// The issuer's key id in lower-case hexadecimal, where the signature says it and it could be read.
    pub key_id: Option<String>,
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    /// The name.
    pub name: String,
    /// The number of bytes.
    pub size: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives fields by reference")]
fn format_text<S: serde::Serializer>(format: &Format, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(format)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives fields by reference")]
fn octal<S: serde::Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{mode:04o}"))
}

/// Writes bytes as text: UTF-8 as it stands, other bytes as `\xNN`, so that different names stay different.
pub(super) fn text_of(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&byte.escape_ascii().to_string());
        }
    }
    text
}
