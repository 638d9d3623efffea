//! What a repository knows of one package.

mod check;
mod deb;
mod order;
mod relation;
mod rpm;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use check::BadField;
pub(super) use check::excerpt;
pub use order::{compare_deb_versions, compare_versions, upstream_version};
pub use relation::{Capability, Comparison, Requirement};

use super::apt::Stanza;
use super::rpmmd::Elements;
use crate::digest::Digest;
use crate::format::Format;
use crate::package::reader::{self, FileList, Head, ReadError, Scan};

/// The form in which fragments are kept. A fragment of another form is made anew from its package.
pub const FORM: u32 = 1;

/// Bytes that a fragment may have when it is kept: the file lists of the largest packages take some.
pub const MAX_FRAGMENT_BYTES: usize = 32 << 20;

/// All that a repository needs to know of one package, but for where it lies: the texts that index files hold of it, and
/// what gates ask.
///
/// Names and versions were checked: they have no character that means something in a path, a URL or an index file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fragment {
    form: u32,
    name: String,
    version: String,
    arch: String,
    sha256: Digest,
    size: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    requires: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    provides: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    conflicts: Vec<String>,
    body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Body {
    Deb(Stanza),
    Rpm(Elements),
}

/// What identifies a package in a repository: no two of one key with different bytes are published.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageKey {
    /// The format.
    pub format: Format,
    /// The name.
    pub name: String,
    /// The version with revision or release, and with the epoch where there is one that is not 0.
    pub version: String,
    /// The architecture in the format's spelling: `all`, `noarch` and `src` among them.
    pub arch: String,
}

impl std::fmt::Display for PackageKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {} ({})", self.name, self.version, self.arch, self.format)
    }
}

/// Who made the parts that formats have in common.
struct Parts {
    name: String,
    version: String,
    arch: String,
    requires: Vec<String>,
    provides: Vec<String>,
    conflicts: Vec<String>,
    body: Body,
}

impl Fragment {
    /// Reads the package in `path`, once. `list` says whether a deb is unpacked for the names of its files, which only
    /// [`Contents`](super::apt::Contents) need.
    pub fn read(path: &Path, list: FileList) -> Result<Self, FragmentError> {
        Self::of_scan(path, &reader::scan(path, list)?)
    }

    /// Reads a package out of memory. Errors name it by `path`.
    pub fn read_bytes(path: &Path, bytes: &[u8], list: FileList) -> Result<Self, FragmentError> {
        Self::of_scan(path, &reader::scan_from(path, bytes, bytes.len() as u64, list)?)
    }

    pub(in crate::repository) fn of_scan(path: &Path, scan: &Scan) -> Result<Self, FragmentError> {
        Self::of(scan).map_err(|source| FragmentError::Unfit { file: path.display().to_string(), source })
    }

    /// Makes the fragment of a package that was read.
    pub fn of(scan: &Scan) -> Result<Self, BadField> {
        let parts = match &scan.head {
            Head::Deb(head) => Parts::of_deb(head)?,
            Head::Rpm(head) => Parts::of_rpm(head, scan)?,
        };
        let Parts { name, version, arch, requires, provides, conflicts, body } = parts;
        let (sha256, size) = (scan.sha256.clone(), scan.size);
        let fragment = Self { form: FORM, name, version, arch, sha256, size, requires, provides, conflicts, body };
        fragment.check()?;
        Ok(fragment)
    }

    /// Returns the bytes in which it is kept: one line of JSON, the same for the same package.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeptError> {
        if bytes.len() > MAX_FRAGMENT_BYTES {
            return Err(KeptError::Large);
        }
        let fragment: Self = serde_json::from_slice(bytes).map_err(|error| match form(bytes) {
            Some(form) if form != FORM => KeptError::Form(form),
            _ => KeptError::Malformed(error),
        })?;
        fragment.check_kept()?;
        Ok(fragment)
    }

    /// Checks what was kept: its form, and what stands in paths and keys.
    pub(in crate::repository) fn check_kept(&self) -> Result<(), KeptError> {
        if self.form == FORM { Ok(self.check()?) } else { Err(KeptError::Form(self.form)) }
    }

    /// Takes out the texts of index files, which are most of it.
    pub(in crate::repository) fn take_texts(&mut self) -> Vec<String> {
        match &mut self.body {
            Body::Deb(stanza) => stanza.take_texts(),
            Body::Rpm(elements) => elements.take_texts(),
        }
    }

    /// Returns the fragment with the texts that were taken out; nothing if they cannot be its own.
    pub(in crate::repository) fn with_texts(&self, texts: &[&str]) -> Option<Self> {
        let body = match &self.body {
            Body::Deb(stanza) => Body::Deb(stanza.with_texts(texts)?),
            Body::Rpm(elements) => Body::Rpm(elements.with_texts(texts)?),
        };
        Some(Self { body, ..self.clone() })
    }

    /// Returns the format.
    pub fn format(&self) -> Format {
        match self.body {
            Body::Deb(_) => Format::Deb,
            Body::Rpm(_) => Format::Rpm,
        }
    }

    /// Returns the package's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the version with revision or release, and with the epoch where there is one that is not 0.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the architecture in the format's spelling: `all`, `noarch` and `src` among them.
    pub fn arch(&self) -> &str {
        &self.arch
    }

    /// Returns the SHA-256 of the package file.
    pub fn sha256(&self) -> &Digest {
        &self.sha256
    }

    /// Returns the size of the package file in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns what identifies the package.
    pub fn key(&self) -> PackageKey {
        let (name, version, arch) = (self.name.clone(), self.version.clone(), self.arch.clone());
        PackageKey { format: self.format(), name, version, arch }
    }

    /// Returns the conventional file name, which has no epoch (dpkg-name(1), NEVRA).
    pub fn file_name(&self) -> String {
        let version = self.version.split_once(':').map_or(self.version.as_str(), |(_, version)| version);
        match self.format() {
            Format::Deb => format!("{}_{version}_{}.deb", self.name, self.arch),
            Format::Rpm => format!("{}-{version}.{}.rpm", self.name, self.arch),
        }
    }

    /// Returns what has to be installed with it: all of these.
    pub fn requires(&self) -> impl Iterator<Item = Requirement<'_>> {
        self.requires.iter().map(|text| Requirement::parse(self.format(), text))
    }

    /// Returns what it stands for, its own name at its version among it.
    pub fn provides(&self) -> impl Iterator<Item = Capability<'_>> {
        let own = Capability { name: &self.name, version: Some((Comparison::Exactly, &self.version)) };
        std::iter::once(own).chain(self.provides.iter().map(|text| Capability::parse(self.format(), text)))
    }

    /// Returns what cannot be installed beside it: `Conflicts` and `Breaks`, `Obsoletes`.
    pub fn conflicts(&self) -> impl Iterator<Item = Capability<'_>> {
        self.conflicts.iter().map(|text| Capability::parse(self.format(), text))
    }

    /// Whether an RPM has this file, which others may require by its path. Debs require no files.
    pub fn has_file(&self, path: &str) -> bool {
        match &self.body {
            Body::Deb(_) => false,
            Body::Rpm(elements) => elements.has_file(path),
        }
    }

    /// Returns when an RPM was built, in seconds since 1970. Debs do not say it.
    pub fn built(&self) -> Option<u64> {
        self.elements().map(Elements::built)
    }

    /// Returns who signed an RPM, as its signatures say: fingerprints or key ids in upper-case hexadecimal digits. None
    /// if it is not signed. Whether they are good, [`signing::verify`](crate::package::signing::verify) says.
    pub fn signers(&self) -> &[String] {
        match &self.body {
            Body::Deb(_) => &[],
            Body::Rpm(elements) => elements.signers(),
        }
    }

    /// Whether its files are known: always of an RPM, of a deb only where they were asked for.
    pub fn lists_files(&self) -> bool {
        self.stanza().is_none_or(|stanza| stanza.files().is_some())
    }

    /// Returns the control stanza of a deb.
    pub(in crate::repository) fn stanza(&self) -> Option<&Stanza> {
        match &self.body {
            Body::Deb(stanza) => Some(stanza),
            Body::Rpm(_) => None,
        }
    }

    /// Returns the elements of an RPM.
    pub(in crate::repository) fn elements(&self) -> Option<&Elements> {
        match &self.body {
            Body::Deb(_) => None,
            Body::Rpm(elements) => Some(elements),
        }
    }
}

/// Returns the form of bytes whose other fields may be those of another form.
fn form(bytes: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    struct Formed {
        form: u32,
    }
    serde_json::from_slice::<Formed>(bytes).ok().map(|formed| formed.form)
}

/// Why a package has no place in a repository.
#[derive(Debug, thiserror::Error)]
pub enum FragmentError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It can, and an index file cannot hold what it says.
    #[error("`{file}`: {source}")]
    Unfit {
        /// The package.
        file: String,
        /// What is wrong.
        source: BadField,
    },
}

/// Why kept bytes are no fragment.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// More than [`MAX_FRAGMENT_BYTES`].
    #[error("more than {MAX_FRAGMENT_BYTES} bytes")]
    Large,
    /// Kept by another version of kubepkg.
    #[error("kept in form {0}, and this kubepkg reads form {FORM}")]
    Form(u32),
    /// Not what was written.
    #[error("no fragment of a package: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A name or version that nobody would have kept.
    #[error(transparent)]
    Field(#[from] BadField),
}
