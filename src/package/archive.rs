//! An archive before it is compressed: tar or cpio, with its large files by reference.

use std::io::{self, Read, Write};
use std::path::Path;

use fs_err::File;
use sha2::{Digest as _, Sha256};

use super::WriteError;
use crate::block::{BlockError, LargeFile};
use crate::digest::Digests;

/// How much of a file is held at once.
const BUFFER: usize = 1 << 17;

/// The bytes of an archive. Headers and small files are written to it; large files stay where they are.
#[derive(Debug, Default)]
pub(super) struct Archive {
    pieces: Vec<Piece>,
    size: u64,
}

/// Consecutive bytes of an archive.
#[derive(Debug)]
pub(super) enum Piece {
    /// Headers, padding and small files.
    Bytes(Vec<u8>),
    /// A large file.
    File(LargeFile),
}

impl Archive {
    /// Returns the pieces in their order; no two of bytes stand side by side.
    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Returns the number of bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Appends a file as it was when it was verified, or fails.
    pub(super) fn file(&mut self, path: &Path, digests: &Digests) -> Result<(), WriteError> {
        match LargeFile::new(path, digests) {
            Some(file) => {
                self.size += file.size;
                self.pieces.push(Piece::File(file));
                Ok(())
            }
            None => copy_verified(path, digests.sha256.hex(), digests.size, self),
        }
    }

    /// Writes all bytes.
    pub(super) fn copy_to(&self, out: &mut dyn Write) -> Result<(), WriteError> {
        for piece in &self.pieces {
            match piece {
                Piece::Bytes(bytes) => out.write_all(bytes)?,
                Piece::File(file) => copy_verified(&file.path, file.sha256.hex(), file.size, out)?,
            }
        }
        Ok(())
    }
}

impl Write for Archive {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.pieces.last_mut() {
            Some(Piece::Bytes(last)) => last.extend(bytes),
            _ => self.pieces.push(Piece::Bytes(bytes.to_vec())),
        }
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Copies a file as it was when it was verified, or fails.
fn copy_verified(path: &Path, sha256: &str, size: u64, out: &mut (impl Write + ?Sized)) -> Result<(), WriteError> {
    let mut file = Verified::open(path, sha256, size)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => out.write_all(&buffer[..read])?,
            Err(_) if file.changed => return Err(WriteError::InputChanged(path.to_owned())),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Reads a file, and fails at its end, or behind it, where it is not the one that was verified.
struct Verified {
    file: File,
    sha256: String,
    left: u64,
    hasher: Sha256,
    changed: bool,
}

impl Verified {
    /// Opens a file that should have this SHA-256, in hexadecimal digits, and size.
    fn open(path: &Path, sha256: &str, size: u64) -> io::Result<Self> {
        let file = File::open(path)?;
        Ok(Self { file, sha256: sha256.to_owned(), left: size, hasher: Sha256::new(), changed: false })
    }
}

impl Read for Verified {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        let is_end = read == 0 && !buffer.is_empty();
        let left = self.left.checked_sub(read as u64);
        if left.is_none() || (is_end && (self.left > 0 || hex::encode(self.hasher.finalize_reset()) != self.sha256)) {
            self.changed = true;
            return Err(io::Error::other(format!("{} changed after it was verified", self.file.path().display())));
        }
        self.left = left.unwrap_or_default();
        Ok(read)
    }
}

impl From<BlockError> for WriteError {
    fn from(error: BlockError) -> Self {
        match error {
            BlockError::Io(error) | BlockError::Store(error) => Self::Io(error),
            BlockError::Changed(path) => Self::InputChanged(path),
        }
    }
}
