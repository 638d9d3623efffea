//! What is put into a store.

use std::io;
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
                let bytes = fs::read(&source.path)?;
                source.check()?;
                Ok(bytes)
            }
        }
    }
}

/// A file of somebody else, as it was when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    path: PathBuf,
    stamp: (u64, u64, u64, i64, i64),
}

impl Source {
    /// Remembers a file as it is now, before it is read.
    pub fn new(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_path_buf(), stamp: stamp(path)? })
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

    pub(super) fn check(&self) -> Result<(), Cause> {
        if stamp(&self.path)? == self.stamp { Ok(()) } else { Err(Cause::Changed(self.path.display().to_string())) }
    }
}

/// Device, inode, size and time of the last change of a file.
fn stamp(path: &Path) -> io::Result<(u64, u64, u64, i64, i64)> {
    let metadata = fs::File::open(path)?.metadata()?;
    Ok((metadata.dev(), metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec()))
}
