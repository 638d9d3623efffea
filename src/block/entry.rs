//! The blocks of one file on disk.
//!
//! ```text
//! kubepkg-blocks 2 SHA256-OF-THE-NEXT-LINE ⏎
//! {"sha256":"of the blocks","parts":[[stored, unpadded, raw], …]} ⏎
//! the blocks
//! ```

use std::io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fs_err::File;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::codec::Record;
use crate::digest::{Algorithm, Digest};

const MAGIC: &str = "kubepkg-blocks 2 ";
/// The most that the second line may have, in bytes: room for the parts of a file of a TiB.
const MAX_LINE: u64 = 4 << 20;
const BUFFER: usize = 1 << 17;

/// The blocks of one file, compressed and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compressed {
    path: PathBuf,
    /// Where the blocks begin in the file.
    at: u64,
    records: Vec<Record>,
    sha256: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    sha256: String,
    parts: Vec<[u64; 3]>,
}

impl Compressed {
    /// Returns the sizes of the blocks in their order.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Returns the number of bytes of all blocks.
    pub fn stored(&self) -> u64 {
        self.records.iter().map(|record| record.stored).sum()
    }

    /// Returns the SHA-256 of the blocks.
    pub fn sha256(&self) -> &Digest {
        &self.sha256
    }

    /// Opens the blocks for reading.
    pub fn open(&self) -> io::Result<impl Read + use<>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.at))?;
        Ok(file.take(self.stored()))
    }

    /// The same blocks under the name that the file got.
    pub(super) fn at_path(self, path: PathBuf) -> Self {
        Self { path, ..self }
    }

    /// Reads an entry; `None` where it is damaged or not of a file of `size` bytes.
    pub(super) fn read(path: &Path, size: u64) -> io::Result<Option<Self>> {
        let mut file = BufReader::with_capacity(BUFFER, File::open(path)?);
        let Some(sum) = line(&mut file)?.and_then(|line| line.strip_prefix(MAGIC).map(str::to_owned)) else {
            return Ok(None);
        };
        let Some(text) = line(&mut file)? else { return Ok(None) };
        let Ok(Parts { sha256, parts }) = serde_json::from_str(&text) else { return Ok(None) };
        let records: Vec<Record> =
            parts.into_iter().map(|[stored, unpadded, raw]| Record { stored, unpadded, raw }).collect();
        let at = (MAGIC.len() + sum.len() + text.len() + 2) as u64;
        let (found, stored) = Digest::sha256_of(file)?;
        let sums = |of: fn(&Record) -> u64| records.iter().try_fold(0_u64, |sum, record| sum.checked_add(of(record)));
        let is_whole = Digest::sha256(&text).hex() == sum
            && found.hex() == sha256
            && sums(|record| record.stored) == Some(stored)
            && sums(|record| record.raw) == Some(size);
        Ok(is_whole.then(|| Self { path: path.to_owned(), at, records, sha256: found }))
    }

    /// Writes an entry of blocks that lie one behind the other in `blocks`, and leaves it at `path`.
    pub(super) fn write(path: &Path, out: &mut File, records: Vec<Record>, parts: Vec<File>) -> io::Result<Self> {
        // Digests of zeros hold the place of the true ones, which are as long.
        let mut lines = Parts {
            sha256: "0".repeat(Algorithm::Sha256.hex_len()),
            parts: records.iter().map(|r| [r.stored, r.unpadded, r.raw]).collect(),
        };
        let begin = |lines: &Parts| {
            let text = serde_json::to_string(lines)?;
            Ok::<_, io::Error>(format!("{MAGIC}{}\n{text}\n", Digest::sha256(&text).hex()))
        };
        out.write_all(begin(&lines)?.as_bytes())?;
        let at = out.stream_position()?;
        let mut hasher = Sha256::new();
        for mut part in parts {
            part.seek(SeekFrom::Start(0))?;
            copy(&mut part, &mut [&mut hasher, &mut *out])?;
        }
        lines.sha256 = hex::encode(hasher.finalize());
        out.seek(SeekFrom::Start(0))?;
        out.write_all(begin(&lines)?.as_bytes())?;
        let sha256 = Digest::from_hex(Algorithm::Sha256, &lines.sha256).map_err(io::Error::other)?;
        Ok(Self { path: path.to_owned(), at, records, sha256 })
    }
}

/// Reads a line without its end; `None` where there is none of reasonable length.
fn line(file: &mut BufReader<File>) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    file.take(MAX_LINE).read_until(b'\n', &mut bytes)?;
    Ok(bytes.pop().filter(|last| *last == b'\n').and_then(|_| String::from_utf8(bytes).ok()))
}

/// Copies all bytes to several places, and returns their number.
fn copy(from: &mut impl Read, to: &mut [&mut dyn Write]) -> io::Result<u64> {
    let (mut buffer, mut size) = (vec![0; BUFFER], 0);
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok(size);
        }
        for out in to.iter_mut() {
            out.write_all(&buffer[..read])?;
        }
        size += read as u64;
    }
}
