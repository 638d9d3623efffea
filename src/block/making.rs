//! The blocks of one file while they are made: each part by whoever has a core, then all of them checked and kept.

use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use fs_err::File;
use sha2::{Digest as _, Sha256};

use super::codec::{Block, Record};
use super::entry::Compressed;
use super::recipe::Recipe;
use super::{BlockError, Blocks, LargeFile};

/// Blocks of a file that is not compressed yet.
#[derive(Debug)]
pub struct Making {
    file: LargeFile,
    recipe: Recipe,
    /// What was compressed, in the order of the file.
    parts: Mutex<Vec<Option<Part>>>,
}

/// A part that was compressed, and unpacked again.
#[derive(Debug)]
struct Part {
    record: Record,
    /// The block, on disk, so that memory does not grow with the number of files.
    block: File,
    /// The SHA-256 of what it unpacks to.
    raw: [u8; 32],
}

impl Making {
    pub(super) fn new(file: LargeFile, recipe: Recipe) -> Self {
        let count = file.size.div_ceil(recipe.part(file.size));
        Self { file, recipe, parts: Mutex::new((0..count).map(|_| None).collect()) }
    }

    /// Returns the sizes of the parts in bytes, in the order of the file.
    pub fn parts(&self) -> Vec<u64> {
        let (size, part) = (self.file.size, self.recipe.part(self.file.size));
        (0..size.div_ceil(part)).map(|nth| part.min(size - nth * part)).collect()
    }

    /// Compresses one part, and unpacks it again, which must give the same bytes.
    pub fn compress(&self, nth: usize, blocks: &Blocks) -> Result<(), BlockError> {
        let sizes = self.parts();
        let size = sizes.get(nth).copied().unwrap_or_default();
        let mut input = File::open(&self.file.path)?;
        input.seek(SeekFrom::Start(sizes.iter().take(nth).sum()))?;
        let mut raw = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        input.take(size).read_to_end(&mut raw)?;
        if raw.len() as u64 != size {
            return Err(self.changed());
        }
        let block = self.recipe.compress(&raw)?;
        if !self.gives(&block, &raw)? {
            return Err(self.changed());
        }
        let mut out = blocks.temporary().map_err(BlockError::Store)?;
        out.write_all(&block.bytes).map_err(BlockError::Store)?;
        if let Some(part) = self.parts.lock().unwrap_or_else(PoisonError::into_inner).get_mut(nth) {
            *part = Some(Part { record: block.record, block: out, raw: Sha256::digest(&raw).into() });
        }
        Ok(())
    }

    /// Whether a block unpacks to `raw`.
    fn gives(&self, block: &Block, raw: &[u8]) -> io::Result<bool> {
        let tail = self.recipe.tail(&[block.record]);
        let stream = self.recipe.head().chain(&block.bytes[..]).chain(&tail[..]);
        let mut unpacked = BufReader::with_capacity(1 << 16, self.recipe.unpack(BufReader::new(stream)));
        let mut left = raw;
        loop {
            let read = unpacked.fill_buf()?;
            if read.is_empty() {
                return Ok(left.is_empty());
            }
            let Some(rest) = left.strip_prefix(read) else { return Ok(false) };
            left = rest;
            let size = read.len();
            unpacked.consume(size);
        }
    }

    /// Checks that the parts together are the file that was verified, and keeps their blocks.
    pub fn finish(&self, blocks: &Blocks) -> Result<Arc<Compressed>, BlockError> {
        let parts = std::mem::take(&mut *self.parts.lock().unwrap_or_else(PoisonError::into_inner));
        let parts: Option<Vec<Part>> = parts.into_iter().collect();
        let parts = parts.ok_or_else(|| io::Error::other("a part was not compressed"))?;
        if !self.are_the_file(&parts)? {
            return Err(self.changed());
        }
        let (records, files) = parts.into_iter().map(|part| (part.record, part.block)).unzip();
        let out = blocks.named_temporary().map_err(BlockError::Store)?;
        let compressed = out.file().and_then(|mut file| Compressed::write(out.path(), &mut file, records, files));
        let compressed = compressed.map_err(BlockError::Store)?;
        blocks.keep(out, compressed, &self.file, self.recipe).map_err(BlockError::Store)
    }

    /// Reads the file once more: it is what was verified, and every part is what was compressed of it.
    fn are_the_file(&self, parts: &[Part]) -> io::Result<bool> {
        let (mut file, mut whole) = (File::open(&self.file.path)?, Sha256::new());
        let mut buffer = vec![0; 1 << 17];
        for part in parts {
            let (mut hasher, mut raw) = (Sha256::new(), (&mut file).take(part.record.raw));
            loop {
                let read = raw.read(&mut buffer)?;
                if read == 0 {
                    break;
                }
                hasher.update(&buffer[..read]);
                whole.update(&buffer[..read]);
            }
            if *hasher.finalize() != part.raw {
                return Ok(false);
            }
        }
        Ok(hex::encode(whole.finalize()) == self.file.sha256.hex())
    }

    fn changed(&self) -> BlockError {
        BlockError::Changed(self.file.path.clone())
    }
}
