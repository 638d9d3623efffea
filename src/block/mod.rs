//! Large files, each compressed once for every package that holds it.
//!
//! ```text
//! tar  │ headers, small files │        kubectl        │ headers … │
//! .xz  │       a block        │ block │ block │ block │ a block   │ index
//!                               ╰── the same bytes in the cpio archive of the RPM, the next revision, the next run
//! ```
//!
//! An .xz file may hold many blocks, each of which unpacks by itself (The .xz File Format 1.2, 3), and a gzip file many
//! members (RFC 1952, 2.2). A large file is cut into parts of fixed size, whatever the number of cores, and its blocks
//! are kept under what decides their bytes: the SHA-256 of the file and the [`Recipe`].
//!
//! Blocks are kept only after they were unpacked again and gave the file's SHA-256. Those on disk carry a checksum of
//! their own, and are made anew where it is wrong, or where another user could have written them.

mod codec;
mod entry;
mod gzip;
mod making;
mod recipe;
mod store;
mod xz;

use std::path::{Path, PathBuf};

use crate::digest::{Digest, Digests};

pub use codec::{Block, Record};
pub use entry::Compressed;
pub use making::Making;
pub use recipe::{Code, Recipe};
pub use store::Blocks;

/// Files from this size on, in bytes, have blocks of their own. Smaller ones gain more from what stands beside them than
/// sharing them would save.
pub const LARGE: u64 = 1 << 20;

/// A large file whose bytes were verified.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LargeFile {
    /// Where it lies.
    pub path: PathBuf,
    /// The SHA-256 of its bytes.
    pub sha256: Digest,
    /// Their number.
    pub size: u64,
}

impl LargeFile {
    /// Returns the file if it is large.
    pub fn new(path: &Path, digests: &Digests) -> Option<Self> {
        let is_large = digests.size >= LARGE;
        is_large.then(|| Self { path: path.to_owned(), sha256: digests.sha256.clone(), size: digests.size })
    }
}

/// Why there are no blocks of a file.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// Reading the file, or compressing it, failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Blocks cannot be kept.
    #[error(transparent)]
    Store(std::io::Error),
    /// The file is not the one that was verified, or its blocks do not give it back.
    #[error("{} changed after it was verified", .0.display())]
    Changed(PathBuf),
}
