//! What is put into a store.

use std::fs::{File, Metadata};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::error::Cause;
use crate::digest::Digest;

/// Bytes for a store.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// A file that nobody changes.
    File(&'a Path),
    /// A package somewhere, which is stored only if it is still what was looked at.
    Package(&'a Source),
}

impl Content<'_> {
    pub(super) fn digest(&self) -> Result<Digest, Cause> {
        match self {
            Self::Bytes(bytes) => Ok(Digest::sha256(bytes)),
            Self::File(path) => Ok(Digest::sha256_of(fs::File::open(*path)?)?.0),
            Self::Package(source) => Ok(Digest::sha256_of(fs::File::open(&source.path)?)?.0),
        }
    }

    pub(super) fn read(&self) -> Result<Vec<u8>, Cause> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.to_vec()),
            Self::File(path) => Ok(fs::read(path)?),
            Self::Package(source) => {
                let (mut file, mut bytes) = (fs::File::open(&source.path)?.into_parts().0, Vec::new());
                file.read_to_end(&mut bytes)?;
                source.check(&file)?;
                Ok(bytes)
            }
        }
    }
}

type Stamp = (u64, u64, u64, i64, i64);

/// A file of somebody else, as it was when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    path: PathBuf,
    stamp: Stamp,
}

impl Source {
    /// Remembers a file as it is now, before it is read.
    pub fn new(path: &Path) -> io::Result<Self> {
        Ok(Self::open(path)?.0)
    }

    /// Opens a file to be read, and remembers it.
    pub fn open(path: &Path) -> io::Result<(Self, fs::File)> {
        let file = fs::File::open(path)?;
        let stamp = stamp(&file.metadata()?);
        Ok((Self { path: path.to_path_buf(), stamp }, file))
    }

    /// Returns the number of its bytes.
    pub fn size(&self) -> u64 {
        self.stamp.2
    }

    /// Returns it as it is when nothing but its name has changed, in the same file system.
    #[must_use]
    pub fn renamed(self, path: &Path) -> Self {
        Self { path: path.to_path_buf(), ..self }
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Copies it, if it is still what was looked at.
    pub(super) fn copy(&self, to: &mut File) -> Result<(), Cause> {
        let mut from = fs::File::open(&self.path)?.into_parts().0;
        copy(&mut from, to, self.size())?;
        self.check(&from)
    }

    fn check(&self, file: &File) -> Result<(), Cause> {
        let is_same = stamp(&file.metadata()?) == self.stamp;
        if is_same { Ok(()) } else { Err(Cause::Changed(self.path.display().to_string())) }
    }
}

/// Copies a file of about `size` bytes: a large one by the kernel, without a way through this process, and a small one with
/// fewer calls.
fn copy(from: &mut File, to: &mut File, size: u64) -> io::Result<()> {
    const SMALL: usize = 16 << 10;
    if size > SMALL as u64 {
        return io::copy(from, to).map(drop);
    }
    let mut buffer = [0; SMALL];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => to.write_all(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Device, inode, size and time of the last change of a file.
fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.dev(), metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}
