//! The check of a written deb through `debpkg`, a reader that shares nothing with the writer but the compression
//! libraries: every member, every byte.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use debpkg::DebPkg;
use md5::Md5;
use sha2::{Digest as _, Sha256};
use tar::EntryType;

use super::members::Member;
use super::payload::{Body, Item, Kind, Payload};
use super::tarball::Attributes;
use super::{Data, extension};
use crate::format::Format;
use crate::image::PackageImage;
use crate::package::{Packer, WriteError};
use crate::source_date::SourceDate;

/// The global header of ar, and the size of a member's header.
const MAGIC: &[u8] = b"!<arch>\n";
const HEADER: usize = 60;
/// The most that may follow the last entry of a tar archive: its two empty blocks.
const MAX_END: u64 = 1024;

/// The reader's archive.
type Tar<'a> = tar::Archive<Box<dyn Read + 'a>>;

/// What should have been written.
pub(super) struct Check<'a> {
    pub(super) image: &'a PackageImage,
    pub(super) payload: &'a Payload<'a>,
    pub(super) members: &'a [Member],
    pub(super) packer: &'a Packer<'a>,
}

impl Check<'_> {
    /// Reads `out` from its beginning and compares it with what should have been written.
    pub(super) fn run(&self, data: &Data, out: &mut File) -> Result<(), WriteError> {
        let at = self.check_members(data, out)?;
        out.seek(SeekFrom::Start(0))?;
        // What the reader gets is the file itself up to `data.tar`, and then that member unpacked: large files were
        // compared block by block on the way, and are not unpacked once more.
        let mut begin = Vec::new();
        (&mut *out).take(at).read_to_end(&mut begin)?;
        begin.extend(header("data.tar", data.raw, self.image.date).into_bytes());
        let mut unpacked = self.packer.unpack(&data.packed, out, at + HEADER as u64).map_err(|error| broken(&error))?;
        let mut deb = DebPkg::parse(begin.as_slice().chain(&mut unpacked)).map_err(unreadable)?;
        check_control(self.image, self.members, deb.control().map_err(unreadable)?)?;
        let sums = self.members.iter().find(|member| member.name == "md5sums");
        let sums = sums.map(|member| String::from_utf8_lossy(&member.bytes)).unwrap_or_default();
        check_data(self.image.date, self.payload, &sums, deb.data().map_err(unreadable)?)?;
        drop(deb);
        match io::copy(&mut unpacked, &mut io::sink())? {
            0 => Ok(()),
            more => Err(WriteError::ReadBack(format!("has {more} bytes behind `data.tar`"))),
        }
    }

    /// Compares the members of the outer archive, whose names and order the reader takes as they come but dpkg does not
    /// (deb(5)), and their sizes with that of the file. Returns where the last one begins.
    fn check_members(&self, data: &Data, out: &mut File) -> Result<u64, WriteError> {
        let extension = extension(self.packer.compression());
        let names = ["debian-binary".to_owned(), format!("control.tar{extension}"), format!("data.tar{extension}")];
        let length = out.seek(SeekFrom::End(0))?;
        let (mut at, mut last, mut last_size) = (MAGIC.len() as u64, 0, 0);
        for name in names {
            out.seek(SeekFrom::Start(at))?;
            let mut found = [0; HEADER];
            out.read_exact(&mut found).map_err(|_| missing(&name))?;
            let size = found.get(48..58).and_then(|digits| std::str::from_utf8(digits).ok());
            let size: u64 =
                size.and_then(|digits| digits.trim_end().parse().ok()).ok_or_else(|| differs(&name, "size"))?;
            if found != *header(&name, size, self.image.date).as_bytes() {
                return Err(differs(&name, "header"));
            }
            (last, last_size) = (at, size);
            at += HEADER as u64 + size.next_multiple_of(2);
        }
        if at != length {
            return Err(WriteError::ReadBack(format!("has {length} bytes, but its members end at {at}")));
        }
        if last_size == data.packed.size { Ok(last) } else { Err(differs("data.tar", "size")) }
    }
}

fn header(name: &str, size: u64, date: SourceDate) -> String {
    format!("{name:<16}{:<12}0     0     100644  {size:<10}`\n", date.epoch())
}

/// Unpacks what follows the last entry, so that the checksums at the end of the stream are looked at.
fn drain(tar: Tar<'_>) -> Result<(), WriteError> {
    let mut rest = Vec::new();
    let mut stream = tar.into_inner().take(MAX_END + 1);
    stream.read_to_end(&mut rest).map_err(|error| WriteError::ReadBack(format!("does not end well: {error}")))?;
    if rest.len() as u64 <= MAX_END && rest.iter().all(|byte| *byte == 0) {
        Ok(())
    } else {
        Err(WriteError::ReadBack("goes on after its end".to_owned()))
    }
}

fn check_control(image: &PackageImage, members: &[Member], mut tar: Tar<'_>) -> Result<(), WriteError> {
    let mut expected = members.iter();
    for (number, entry) in tar.entries()?.enumerate() {
        let mut entry = entry?;
        if number == 0 {
            check_header("./", &entry, (EntryType::Directory, None, 0), Attributes::root(0o755), image.date)?;
            continue;
        }
        let Some(member) = expected.next() else { return Err(surplus(&entry)) };
        let size = member.bytes.len() as u64;
        let name = format!("./{}", member.name);
        check_header(&name, &entry, (EntryType::Regular, None, size), Attributes::root(member.mode), image.date)?;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        if bytes != member.bytes {
            return Err(differs(&name, "bytes"));
        }
        if member.name == "control" {
            check_stanza(image, &bytes)?;
        }
    }
    expected.next().map_or(Ok(()), |member| Err(missing(member.name)))?;
    drain(tar)
}

/// Compares what makes the file name with what the stanza says to a reader that parses it.
fn check_stanza(image: &PackageImage, stanza: &[u8]) -> Result<(), WriteError> {
    let control = debpkg::Control::parse(stanza).map_err(unreadable)?;
    let metadata = &image.metadata;
    let version = metadata.full_version(Format::Deb);
    let fields = [
        ("Package", metadata.name.as_str()),
        ("Version", &version),
        ("Architecture", Format::Deb.arch(metadata.arch)),
        ("Maintainer", &metadata.maintainer),
    ];
    for (field, expected) in fields {
        match control.get(field) {
            Some(found) if found == expected => {}
            found => {
                let found = found.unwrap_or_default();
                return Err(WriteError::ReadBack(format!("has `{field}: {found}` where `{expected}` was meant")));
            }
        }
    }
    Ok(())
}

fn check_data(date: SourceDate, payload: &Payload<'_>, sums: &str, mut tar: Tar<'_>) -> Result<(), WriteError> {
    let mut sums = sums.lines();
    let mut expected = payload.iter();
    for entry in tar.entries()? {
        let mut entry = entry?;
        let Some((name, item)) = expected.next() else { return Err(surplus(&entry)) };
        let (kind, target) = match item.body {
            Body::Directory => (EntryType::Directory, None),
            Body::Link(target) => (EntryType::Symlink, Some(target)),
            Body::Disk(..) | Body::Memory(_) => (EntryType::Regular, None),
        };
        let size = item.body.identity().map_or(0, |(size, _)| size);
        check_header(&name, &entry, (kind, target, size), item.attributes, date)?;
        if kind == EntryType::Regular {
            check_bytes(&name, item, &mut entry, &mut sums)?;
        }
    }
    expected.next().map_or(Ok(()), |(name, _)| Err(missing(&name)))?;
    drain(tar)
}

fn check_bytes<'s>(
    name: &str,
    item: &Item<'_>,
    entry: &mut impl Read,
    sums: &mut impl Iterator<Item = &'s str>,
) -> Result<(), WriteError> {
    let mut hasher = Sha256::new();
    io::copy(entry, &mut hasher)?;
    let found = hex::encode(hasher.finalize());
    if item.body.identity().is_none_or(|(_, expected)| found != expected.hex()) {
        return Err(differs(name, "bytes"));
    }
    let md5 = match &item.body {
        // Made in the same reading as the SHA-256, which was just compared.
        Body::Disk(_, digests) => digests.md5.clone(),
        Body::Memory(bytes) => hex::encode(Md5::digest(bytes)),
        Body::Directory | Body::Link(_) => String::new(),
    };
    let sum = format!("{md5}  {}", &name["./".len()..]);
    if item.kind == Kind::Plain && sums.next() != Some(&sum) {
        return Err(differs(name, "MD5"));
    }
    Ok(())
}

/// What of a header is not [`Attributes`]: type, target, size.
type Shape<'a> = (EntryType, Option<&'a str>, u64);

fn check_header<R: Read>(
    name: &str,
    entry: &tar::Entry<'_, R>,
    shape: Shape<'_>,
    attributes: Attributes<'_>,
    date: SourceDate,
) -> Result<(), WriteError> {
    let header = entry.header();
    let path = entry.path_bytes();
    if *path != *name.as_bytes() {
        let found = String::from_utf8_lossy(&path).into_owned();
        return Err(WriteError::ReadBack(format!("has `{found}` where `{name}` was meant")));
    }
    let (kind, target, size) = shape;
    if header.entry_type() != kind || entry.link_name_bytes().as_deref() != target.map(str::as_bytes) {
        return Err(differs(name, "type"));
    }
    if entry.size() != size {
        return Err(differs(name, "size"));
    }
    let owner = (header.username_bytes(), header.groupname_bytes());
    if owner != (Some(attributes.user.as_bytes()), Some(attributes.group.as_bytes())) {
        return Err(differs(name, "owner"));
    }
    if header.mode()? != u32::from(attributes.mode) || header.mtime()? != u64::from(date.epoch()) {
        return Err(differs(name, "mode or time"));
    }
    Ok(())
}

fn broken(error: &io::Error) -> WriteError {
    WriteError::ReadBack(format!("cannot be unpacked: {error}"))
}

fn unreadable(error: debpkg::Error) -> WriteError {
    match error {
        debpkg::Error::Io(error) => broken(&error),
        other => WriteError::ReadBack(format!("is no deb: {other}")),
    }
}

fn surplus<R: Read>(entry: &tar::Entry<'_, R>) -> WriteError {
    WriteError::ReadBack(format!("has `{}`, which was not meant", String::from_utf8_lossy(&entry.path_bytes())))
}

fn missing(name: &str) -> WriteError {
    WriteError::ReadBack(format!("lacks `{name}`"))
}

fn differs(name: &str, what: &str) -> WriteError {
    WriteError::ReadBack(format!("has another {what} of `{name}`"))
}
