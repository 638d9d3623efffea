//! One reading of a package from its first byte to its last: its digest, its size and what its head says. This is what
//! a repository needs of packages by the thousand; [`open`](super::open) says everything of one.

use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;

use fs_err::File;
use sha2::{Digest as _, Sha256};

use super::deb::{self, DebHead};
use super::error::{Fault, ReadError};
use super::rpm::{self, RpmHead};
use crate::digest::Digest;
use crate::format::Format;

const BUFFER: usize = 64 << 10;
/// For packages that are no larger. All of these ask for the same, so that what one gives back fits the next.
const SMALL: usize = 16 << 10;

/// Whether the files of a deb are listed, for which they have to be unpacked. An RPM has its list in the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileList {
    /// They are listed.
    Wanted,
    /// The compressed files are only hashed.
    Unwanted,
}

/// What one reading found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The SHA-256 of the file.
    pub sha256: Digest,
    /// The number of its bytes.
    pub size: u64,
    /// What it says of itself.
    pub head: Head,
}

impl Scan {
    /// Returns the format.
    pub fn format(&self) -> Format {
        match &self.head {
            Head::Deb(_) => Format::Deb,
            Head::Rpm(_) => Format::Rpm,
        }
    }
}

/// What a package says of itself, by its format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// A deb.
    Deb(DebHead),
    /// An RPM.
    Rpm(Box<RpmHead>),
}

/// Hashes what passes.
struct Hashed<R> {
    inner: R,
    hasher: Sha256,
    size: u64,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.size += count as u64;
        Ok(count)
    }
}

/// Reads the package in `path` once. Its format is told from its first bytes, whatever its name.
pub fn scan(path: &Path, list: FileList) -> Result<Scan, ReadError> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    scan_from(path, file, length, list)
}

/// Reads a package of `length` bytes, which `path` names in errors.
pub fn scan_from(path: &Path, input: impl Read, length: u64, list: FileList) -> Result<Scan, ReadError> {
    let hashed = Hashed { inner: input, hasher: Sha256::new(), size: 0 };
    // The whole buffer is filled with zeros once, which takes longer than reading a small package.
    let buffer = if length > SMALL as u64 { BUFFER } else { SMALL };
    let mut input = BufReader::with_capacity(buffer, hashed);
    let magic = input.fill_buf()?;
    let head = if magic.starts_with(b"!<arch>\n") {
        deb::head(&mut input, length, list).map(Head::Deb)
    } else if magic.starts_with(&::rpm::RPM_MAGIC) {
        rpm::head(&mut input, length).map(|head| Head::Rpm(Box::new(head)))
    } else {
        return Err(ReadError::NotAPackage(path.to_path_buf()));
    };
    let head = head.map_err(|fault| fault.of(path))?;
    io::copy(&mut input, &mut io::sink())?;
    let Hashed { hasher, size, .. } = input.into_inner();
    if size != length {
        return Err(Fault::malformed("file", "its size changes while it is read").of(path));
    }
    Ok(Scan { sha256: Digest::of_hasher(hasher), size, head })
}
