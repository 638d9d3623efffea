//! Debian packages (deb(5)).

mod ar;
mod control;
mod head;
mod stanza;
mod tarball;

use std::collections::BTreeSet;
use std::io::{BufReader, Read, Seek, SeekFrom};

use fs_err::File;

use super::MAX_DATA_BYTES;
use super::codec::Codec;
use super::error::{Fault, excerpt};
use super::inspection::{
    Entry, EntryKind, Inspection, InstalledSize, Member, PackageFile, Relations, Signature, text_of,
};
use super::visit::{Visit, hand_over};
use crate::format::Format;
pub(in crate::package) use ar::{ArMember, content, members};
use control::Control;
pub(in crate::package) use control::Md5Sums;
pub use head::DebHead;
pub(in crate::package) use head::ORIGIN;
pub(super) use head::read as head;
use stanza::Stanza;

/// Bytes of `debian-binary`, which holds four.
const MAX_VERSION_BYTES: u64 = 4096;

/// The members that matter, in their order.
struct Layout<'a> {
    version: &'a ArMember,
    control: (&'a ArMember, Codec),
    data: (&'a ArMember, Codec),
}

/// Reads a deb, and hands its files to `visit`. Returns what it says and holds, and its `md5sums`.
pub(in crate::package) fn read(
    file: &mut File,
    identity: PackageFile,
    visit: &mut Visit<'_>,
) -> Result<(Inspection, Md5Sums), Fault> {
    let members = ar::members(file, identity.size)?;
    let layout = layout(&members)?;
    let format_version = format_version(file, layout.version)?;
    let mut control = control::read(&mut unpacked(file, layout.control)?, &layout.control.0.name)?;
    let files = files(&mut unpacked(file, layout.data)?, &layout.data.0.name, &control, visit)?;
    let mut stanza = std::mem::take(&mut control.stanza);
    let (name, version, revision, arch) = identify(&mut stanza, &layout.control.0.name)?;
    let (summary, description) = stanza.take("Description").map(|text| stanza::description(&text)).unzip();
    let inspection = Inspection {
        file: identity,
        format: Format::Deb,
        format_version,
        name,
        version,
        revision,
        arch,
        summary,
        description: description.flatten(),
        license: stanza.take("License"),
        maintainer: stanza.take("Maintainer"),
        vendor: stanza.take("Vendor"),
        homepage: stanza.take("Homepage"),
        section: stanza.take("Section"),
        priority: stanza.take("Priority"),
        installed_size: InstalledSize {
            bytes: files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.size)),
            declared: stanza.take("Installed-Size"),
        },
        build_time: Some(layout.version.time),
        source: stanza.take("Source"),
        payload_compression: layout.data.1.compression(),
        control_compression: Some(layout.control.1.compression()),
        relations: relations(&mut stanza),
        fields: stanza.rest().into_iter().collect(),
        scripts: control.scripts,
        triggers: control.triggers,
        changelog: Vec::new(),
        conffiles: control.conffiles,
        conffiles_removed: control.conffiles_removed,
        files,
        signatures: signatures(&members),
        members: members.into_iter().map(|member| Member { name: member.name, size: member.size }).collect(),
        control_members: control.members,
    };
    Ok((inspection, control.md5sums))
}

/// Finds the members: `debian-binary`, `control.tar`, `data.tar`. Between them `_` members are skipped, after them
/// all is tolerated (deb(5)).
fn layout(members: &[ArMember]) -> Result<Layout<'_>, Fault> {
    let mut rest = members.iter();
    let version = rest.next().filter(|member| member.name == "debian-binary");
    let version =
        version.ok_or_else(|| Fault::malformed("ar archive", "the first member is not `debian-binary`: no deb"))?;
    let mut find = |stem: &str| {
        let member = rest.find(|member| !member.name.starts_with('_'));
        let member = member.ok_or_else(|| Fault::malformed("ar archive", format!("no member `{stem}`")))?;
        let codec = Codec::of_member(&member.name, stem).ok_or_else(|| {
            let found = excerpt(&member.name);
            Fault::malformed("ar archive", format!("`{found}` where `{stem}` with a known compression should be"))
        })?;
        Ok((member, codec))
    };
    Ok(Layout { version, control: find("control.tar")?, data: find("data.tar")? })
}

/// Reads `debian-binary`: a first line `2.x`; more lines are for later versions.
fn format_version(file: &mut File, member: &ArMember) -> Result<String, Fault> {
    version_of(&ar::content(file, member, MAX_VERSION_BYTES)?)
}

fn version_of(bytes: &[u8]) -> Result<String, Fault> {
    let text = text_of(bytes);
    let version = text.lines().next().unwrap_or_default();
    let minor = version.strip_prefix("2.").unwrap_or_default();
    if minor.is_empty() || minor.len() > 9 || !minor.bytes().all(|byte| byte.is_ascii_digit()) {
        let cause = format!("version `{}` is not 2.x", excerpt(version));
        return Err(Fault::malformed("member `debian-binary`", cause));
    }
    Ok(version.to_owned())
}

/// Opens the tar archive in a member.
fn unpacked<'a>(file: &'a mut File, (member, codec): (&ArMember, Codec)) -> Result<Box<dyn Read + 'a>, Fault> {
    let start = file.seek(SeekFrom::Start(member.start));
    start
        .and_then(|_| codec.decoder(BufReader::with_capacity(64 << 10, file.take(member.size))))
        .map_err(|source| Fault::unpack(&member.name, source))
}

/// Takes name, version, revision and architecture out of the stanza.
fn identify(stanza: &mut Stanza, member: &str) -> Result<(String, String, Option<String>, String), Fault> {
    let mut take = |field: &str| {
        stanza
            .take(field)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Fault::malformed(format!("{member}: control"), format!("no field `{field}`")))
    };
    let (name, version, arch) = (take("Package")?, take("Version")?, take("Architecture")?);
    let (version, revision) = match version.rsplit_once('-') {
        Some((upstream, revision)) => (upstream.to_owned(), Some(revision.to_owned())),
        None => (version, None),
    };
    Ok((name, version, revision, arch))
}

fn relations(stanza: &mut Stanza) -> Relations {
    let mut take = |field: &str| stanza.take(field).map(|value| stanza::relations(&value)).unwrap_or_default();
    Relations {
        requires: take("Depends"),
        pre_requires: take("Pre-Depends"),
        recommends: take("Recommends"),
        suggests: take("Suggests"),
        supplements: Vec::new(),
        enhances: take("Enhances"),
        conflicts: take("Conflicts"),
        breaks: take("Breaks"),
        replaces: take("Replaces"),
        provides: take("Provides"),
    }
}

/// Lists the files, whose content goes to `visit`; the digests are the declared ones.
fn files(input: &mut dyn Read, member: &str, control: &Control, visit: &mut Visit<'_>) -> Result<Vec<Entry>, Fault> {
    let mut files = Vec::new();
    let conffiles: BTreeSet<&str> = control.conffiles.iter().map(String::as_str).collect();
    tarball::read(input, MAX_DATA_BYTES, member, |header, content| {
        let digest = match header.kind {
            EntryKind::File | EntryKind::Hardlink => control.md5sums.get(&header.path),
            _ => None,
        };
        let path = format!("/{}", header.path);
        let entry = Entry {
            kind: header.kind,
            mode: header.mode,
            owner: header.owner,
            group: header.group,
            size: header.size,
            mtime: header.mtime,
            target: header.target,
            digest: digest.map(|digest| format!("md5:{digest}")),
            flags: if conffiles.contains(path.as_str()) { vec!["config"] } else { Vec::new() },
            capabilities: None,
            path,
        };
        if entry.kind == EntryKind::File {
            hand_over(&entry, content, member, visit)?;
        }
        files.push(entry);
        Ok(())
    })?;
    Ok(files)
}

/// Lists the members that debsigs(1) and dpkg-sig(1) leave.
fn signatures(members: &[ArMember]) -> Vec<Signature> {
    let signed = members.iter().filter(|member| member.name.starts_with("_gpg"));
    signed.map(|member| Signature { name: member.name.clone(), key_id: None }).collect()
}
