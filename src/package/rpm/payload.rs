//! The payload: a cpio archive with new ASCII headers (cpio(5), "New ASCII Format"), as rpmbuild writes it.

use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

use crate::format::Format;
use crate::image::{Content, Entry, PackageImage};
use crate::package::WriteError;
use crate::package::archive::Archive;

/// What headers, names and contents are padded to, in bytes.
const ALIGNMENT: usize = 4;
const TRAILER: &str = "TRAILER!!!";
/// The types of files in a mode (inode(7)).
const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

/// The archive before compression.
#[derive(Debug)]
pub(super) struct Payload {
    pub(super) archive: Archive,
    /// The SHA-256 of the archive, in hexadecimal digits (`RPMTAG_PAYLOADSHA256ALT`).
    pub(super) sha256: String,
}

impl Payload {
    /// Lays out the entries of an image in the order of the header, which is that of their paths.
    pub(super) fn new(image: &PackageImage) -> Result<Self, WriteError> {
        let mut archive = Archive::default();
        for (number, entry) in (1..).zip(image.entries(Format::Rpm)) {
            write_entry(&mut archive, number, entry, image.date.epoch())?;
        }
        header(&mut archive, &Header { name: TRAILER, ..Header::default() })?;
        let mut hasher = Sha256::new();
        archive.copy_to(&mut hasher)?;
        Ok(Self { archive, sha256: hex::encode(hasher.finalize()) })
    }
}

/// What differs between headers.
#[derive(Default)]
struct Header<'a> {
    inode: u32,
    mode: u32,
    time: u32,
    size: u64,
    name: &'a str,
}

fn write_entry(archive: &mut Archive, inode: u32, entry: &Entry, time: u32) -> Result<(), WriteError> {
    let bits = u32::from(entry.mode.bits());
    let (mode, size) = match &entry.content {
        Content::Directory => (DIRECTORY | bits, 0),
        Content::Link(target) => (LINK | 0o777, target.len() as u64),
        Content::Text(bytes) => (REGULAR | bits, bytes.len() as u64),
        Content::Artifact(artifact) => (REGULAR | bits, artifact.digests().size),
        Content::Member(member) => (REGULAR | bits, member.digests.size),
    };
    let name = format!("./{}", entry.path.relative());
    header(archive, &Header { inode, mode, time, size, name: &name })?;
    match &entry.content {
        Content::Directory => {}
        Content::Link(target) => archive.write_all(target.as_bytes())?,
        Content::Text(bytes) => archive.write_all(bytes)?,
        Content::Artifact(artifact) => archive.file(artifact.path(), artifact.digests())?,
        Content::Member(member) => archive.file(&member.path, &member.digests)?,
    }
    Ok(pad(archive)?)
}

/// Writes magic, thirteen fields of eight hexadecimal digits, and the name. Owners stand in the package's header; every
/// entry has one link and no device.
fn header(archive: &mut Archive, header: &Header<'_>) -> io::Result<()> {
    let Header { inode, mode, time, size, name } = header;
    let (owner, links, device, checksum) = (0, 1, 0, 0);
    let name_size = name.len() + 1;
    write!(archive, "070701{inode:08x}{mode:08x}{owner:08x}{owner:08x}{links:08x}{time:08x}{size:08x}")?;
    write!(archive, "{device:08x}{device:08x}{device:08x}{device:08x}{name_size:08x}{checksum:08x}{name}\0")?;
    pad(archive)
}

fn pad(archive: &mut Archive) -> io::Result<()> {
    let padding = archive.size().wrapping_neg() % ALIGNMENT as u64;
    archive.write_all(&[0; ALIGNMENT][..usize::try_from(padding).unwrap_or_default()])
}
