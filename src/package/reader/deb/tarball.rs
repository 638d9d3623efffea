//! The two inner archives of a deb: tar as dpkg understands it (v7, ustar and GNU long names), plus pax paths.

use std::io::{self, Read};

use tar::EntryType;

use super::super::codec::Limited;
use super::super::error::{Fault, excerpt};
use super::super::inspection::{EntryKind, text_of};
use super::super::{MAX_FILES, MAX_NAME_BYTES};

/// Bytes of one long name or pax header. Linux takes 4096 for a path.
const MAX_EXTENSION_BYTES: u64 = 64 << 10;
const BLOCK: u64 = 512;

/// One header of a tar archive.
#[derive(Debug)]
pub(super) struct Header {
    /// The path without leading `./` and `/` and without a `/` at its end; empty for the root.
    pub(super) path: String,
    pub(super) kind: EntryKind,
    pub(super) mode: u32,
    pub(super) owner: String,
    pub(super) group: String,
    pub(super) size: u64,
    pub(super) mtime: u64,
    pub(super) target: Option<String>,
}

/// Long names that belong to the next entry.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
}

/// Calls `each` for every entry, then reads to the end, so that a cut or damaged stream and what is behind its end are noticed. `limit` bytes may
/// come out of `input`.
pub(super) fn read(
    input: impl Read,
    limit: u64,
    place: &str,
    mut each: impl FnMut(Header, &mut dyn Read) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut input = Ending { bytes: Limited::new(input, limit), zeros: 0 };
    let walked = walk(&mut input, place, &mut each).and_then(|()| finish(&mut input, place));
    if input.bytes.exceeded() { Err(Fault::limit(place, limit, "bytes")) } else { walked }
}

/// A reader that knows in how many zeros it ended.
struct Ending<R> {
    bytes: R,
    zeros: u64,
}

impl<R: Read> Read for Ending<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        let read = &buffer[..count];
        // Nearly everything that is read is in the middle of a file, or nothing but zeros.
        self.zeros = if is_zero(read) {
            self.zeros + count as u64
        } else {
            read.iter().rev().take_while(|byte| **byte == 0).count() as u64
        };
        Ok(count)
    }
}

fn walk(
    input: &mut impl Read,
    place: &str,
    each: &mut impl FnMut(Header, &mut dyn Read) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let unpack = |source| Fault::unpack(place, source);
    let mut archive = tar::Archive::new(input);
    let (mut files, mut name_bytes) = (0, 0);
    let mut extensions = Extensions::default();
    for entry in archive.entries().map_err(unpack)?.raw(true) {
        let mut entry = entry.map_err(unpack)?;
        let kind = entry.header().entry_type();
        match kind {
            EntryType::GNULongName => extensions.path = Some(long_name(&mut entry, place)?),
            EntryType::GNULongLink => extensions.target = Some(long_name(&mut entry, place)?),
            EntryType::XHeader => pax(&extension(&mut entry, place)?, &mut extensions, place)?,
            EntryType::XGlobalHeader => {}
            _ => {
                let extensions = std::mem::take(&mut extensions);
                let header = header(&entry, extensions, place)?;
                files += 1;
                name_bytes += header.path.len() + header.target.as_ref().map_or(0, String::len);
                if files > MAX_FILES {
                    return Err(Fault::limit(place, MAX_FILES, "files"));
                }
                if name_bytes as u64 > MAX_NAME_BYTES {
                    return Err(Fault::limit(place, MAX_NAME_BYTES, "bytes of names"));
                }
                each(header, &mut entry)?;
            }
        }
    }
    Ok(())
}

/// Reads what stands behind the last entry: the empty block that ends an archive, and more of them.
fn finish(input: &mut Ending<impl Read>, place: &str) -> Result<(), Fault> {
    let mut buffer = [0; 8192];
    loop {
        match input.read(&mut buffer) {
            Ok(0) if input.zeros < BLOCK => return Err(Fault::truncated(place)),
            Ok(0) => return Ok(()),
            Ok(count) if is_zero(&buffer[..count]) => {}
            Ok(_) => return Err(Fault::malformed(place, "goes on after its end")),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Fault::unpack(place, error)),
        }
    }
}

/// Compares many bytes at a time.
fn is_zero(bytes: &[u8]) -> bool {
    const ZEROS: [u8; 4096] = [0; 4096];
    bytes.chunks(ZEROS.len()).all(|chunk| chunk == &ZEROS[..chunk.len()])
}

/// Reads the content of an entry that describes the next one.
fn extension(entry: &mut tar::Entry<'_, impl Read>, place: &str) -> Result<Vec<u8>, Fault> {
    if entry.size() > MAX_EXTENSION_BYTES {
        return Err(Fault::limit(place, MAX_EXTENSION_BYTES, "bytes in one name"));
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(|source| Fault::unpack(place, source))?;
    Ok(bytes)
}

/// Reads a GNU long name, which ends at its first NUL.
fn long_name(entry: &mut tar::Entry<'_, impl Read>, place: &str) -> Result<Vec<u8>, Fault> {
    let mut bytes = extension(entry, place)?;
    bytes.truncate(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
    Ok(bytes)
}

fn pax(records: &[u8], extensions: &mut Extensions, place: &str) -> Result<(), Fault> {
    for record in tar::PaxExtensions::new(records) {
        let record = record.map_err(|source| Fault::unpack(place, source))?;
        match record.key_bytes() {
            b"path" => extensions.path = Some(record.value_bytes().to_vec()),
            b"linkpath" => extensions.target = Some(record.value_bytes().to_vec()),
            b"size" => return Err(Fault::malformed(place, "a pax header overrides a size, which dpkg does not read")),
            _ => {}
        }
    }
    Ok(())
}

fn header(entry: &tar::Entry<'_, impl Read>, extensions: Extensions, place: &str) -> Result<Header, Fault> {
    let raw = entry.header();
    let name = extensions.path.unwrap_or_else(|| entry.path_bytes().into_owned());
    let path = path_of(&name);
    let place = || format!("{place}: `{}`", excerpt(&path));
    let kind = match raw.entry_type() {
        EntryType::Regular | EntryType::Continuous if name.ends_with(b"/") => EntryKind::Directory,
        EntryType::Regular | EntryType::Continuous => EntryKind::File,
        EntryType::Link => EntryKind::Hardlink,
        EntryType::Symlink => EntryKind::Symlink,
        EntryType::Char => EntryKind::Character,
        EntryType::Block => EntryKind::Block,
        EntryType::Directory => EntryKind::Directory,
        EntryType::Fifo => EntryKind::Fifo,
        other => {
            let letter = other.as_byte().escape_ascii();
            return Err(Fault::malformed(place(), format!("tar entries of type `{letter}` are not read")));
        }
    };
    let old = raw.as_old();
    let number = |field: &[u8], value: io::Result<u64>| match value {
        // Archivers leave fields empty that say nothing, and dpkg takes them for zero.
        Err(_) if field.iter().all(|byte| matches!(byte, 0 | b' ')) => Ok(0),
        value => value.map_err(|source| Fault::unpack(place(), source)),
    };
    let id = |name: Option<&[u8]>, field: &[u8], id: io::Result<u64>| match name {
        Some(name) if !name.is_empty() => Ok(text_of(name)),
        _ => Ok(number(field, id)?.to_string()),
    };
    let target = match kind {
        EntryKind::Symlink | EntryKind::Hardlink => {
            let bytes = extensions.target.or_else(|| entry.link_name_bytes().map(std::borrow::Cow::into_owned));
            bytes.map(|bytes| if kind == EntryKind::Hardlink { absolute(&bytes) } else { text_of(&bytes) })
        }
        _ => None,
    };
    Ok(Header {
        kind,
        mode: raw.mode().map_err(|source| Fault::unpack(place(), source))? & 0o7777,
        owner: id(raw.username_bytes(), &old.uid, raw.uid())?,
        group: id(raw.groupname_bytes(), &old.gid, raw.gid())?,
        size: if kind == EntryKind::File { entry.size() } else { 0 },
        mtime: number(&old.mtime, raw.mtime())?,
        target,
        path,
    })
}

/// Returns the absolute path that an archive name stands for.
fn absolute(name: &[u8]) -> String {
    format!("/{}", path_of(name))
}

fn path_of(name: &[u8]) -> String {
    let text = text_of(name);
    let mut path = text.as_str();
    while let Some(shorter) = path.strip_prefix("./").or_else(|| path.strip_prefix('/')) {
        path = shorter;
    }
    let path = path.trim_end_matches('/');
    if path == "." { String::new() } else { path.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_absolute_paths_and_keep_what_is_odd() {
        for (name, path) in [
            (&b"./"[..], ""),
            (b".", ""),
            (b"./usr/bin/", "usr/bin"),
            (b"/usr", "usr"),
            (b"././/usr//bin", "usr//bin"),
            (b"../x", "../x"),
            (b"./.hidden", ".hidden"),
            (b"./a\xff", "a\\xff"),
        ] {
            assert_eq!(path_of(name), path);
        }
    }
    fn archive(edit: impl Fn(&mut tar::Header)) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.set_path("./usr/x").unwrap();
        header.set_mode(0o104_755);
        header.set_size(0);
        edit(&mut header);
        header.set_cksum();
        [header.as_bytes().as_slice(), &[0; 1024]].concat()
    }

    fn listed(bytes: &[u8], limit: u64) -> Result<Vec<Header>, String> {
        let mut headers = Vec::new();
        let read = read(bytes, limit, "data.tar", |header, _| {
            headers.push(header);
            Ok(())
        });
        read.map(|()| headers).map_err(|fault| fault.of("x.deb".as_ref()).to_string())
    }

    #[test]
    fn empty_fields_are_zero_and_the_mode_keeps_no_type() {
        let headers = listed(&archive(|_| {}), 2048).unwrap();
        assert_eq!((headers[0].mode, headers[0].owner.as_str(), headers[0].mtime), (0o4755, "0", 0));
    }

    #[test]
    fn entries_that_dpkg_does_not_know_are_refused() {
        for (letter, shown) in [(b'S', "S"), (b'\x1b', "\\x1b")] {
            let bytes = archive(|header| header.set_entry_type(EntryType::new(letter)));
            let text = format!("`x.deb`: data.tar: `usr/x`: tar entries of type `{shown}` are not read");
            assert_eq!(listed(&bytes, 2048).unwrap_err(), text);
        }
    }

    #[test]
    fn sizes_that_lie_are_an_error() {
        let huge = archive(|header| header.set_size(u64::MAX / 2));
        assert_eq!(listed(&huge, 2048).unwrap_err(), "`x.deb`: data.tar: cannot be unpacked");
        assert_eq!(listed(&huge, 600).unwrap_err(), "`x.deb`: data.tar: more than 600 bytes");
    }
    #[test]
    fn the_number_of_files_is_limited() {
        /// The same entry for ever.
        struct Endless(Vec<u8>, usize);
        impl Read for Endless {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let rest = &self.0[self.1..];
                let count = rest.len().min(buffer.len());
                buffer[..count].copy_from_slice(&rest[..count]);
                self.1 = (self.1 + count) % self.0.len();
                Ok(count)
            }
        }
        let header = archive(|_| {})[..512].to_vec();
        let fault = read(Endless(header, 0), u64::MAX, "data.tar", |_, _| Ok(())).unwrap_err();
        assert_eq!(fault.of("x.deb".as_ref()).to_string(), "`x.deb`: data.tar: more than 1000000 files");
    }
}
