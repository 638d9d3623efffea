//! The blocks of one file while they are made: each part by whoever has a core, then all of them proved and kept.

use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use fs_err::File;
use sha2::{Digest as _, Sha256};

use super::codec::Record;
use super::entry::Compressed;
use super::recipe::Recipe;
use super::{BlockError, Blocks, LargeFile};

/// Blocks of a file that is not compressed yet.
#[derive(Debug)]
pub struct Making {
    file: LargeFile,
    recipe: Recipe,
    /// What was compressed, in the order of the file; on disk, so that memory does not grow with the number of files.
    parts: Mutex<Vec<Option<(Record, File)>>>,
}

impl Making {
    pub(super) fn new(file: LargeFile, recipe: Recipe) -> Self {
        let count = file.size.div_ceil(recipe.part());
        Self { file, recipe, parts: Mutex::new((0..count).map(|_| None).collect()) }
    }

    /// Returns the sizes of the parts in bytes, in the order of the file.
    pub fn parts(&self) -> Vec<u64> {
        let (size, part) = (self.file.size, self.recipe.part());
        (0..size.div_ceil(part)).map(|nth| part.min(size - nth * part)).collect()
    }

    /// Compresses one part.
    pub fn compress(&self, nth: usize, blocks: &Blocks) -> Result<(), BlockError> {
        let changed = || BlockError::Changed(self.file.path.clone());
        let size = self.parts().get(nth).copied().unwrap_or_default();
        let mut input = File::open(&self.file.path)?;
        input.seek(SeekFrom::Start(nth as u64 * self.recipe.part()))?;
        let mut raw = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        input.take(size).read_to_end(&mut raw)?;
        if raw.len() as u64 != size {
            return Err(changed());
        }
        let block = self.recipe.compress(&raw)?;
        let mut out = blocks.temporary().map_err(BlockError::Store)?;
        out.write_all(&block.bytes).map_err(BlockError::Store)?;
        if let Some(part) = self.parts.lock().unwrap_or_else(PoisonError::into_inner).get_mut(nth) {
            *part = Some((block.record, out));
        }
        Ok(())
    }

    /// Unpacks all blocks, which must give the file again, and keeps them.
    pub fn finish(&self, blocks: &Blocks) -> Result<Arc<Compressed>, BlockError> {
        let parts = std::mem::take(&mut *self.parts.lock().unwrap_or_else(PoisonError::into_inner));
        let parts: Option<Vec<(Record, File)>> = parts.into_iter().collect();
        let (records, files) = parts.ok_or_else(|| io::Error::other("a part was not compressed"))?.into_iter().unzip();
        let out = blocks.named_temporary().map_err(BlockError::Store)?;
        let compressed = out.file().and_then(|mut file| Compressed::write(out.path(), &mut file, records, files));
        let compressed = compressed.map_err(BlockError::Store)?;
        self.prove(&compressed)?;
        blocks.keep(out, compressed, &self.file, self.recipe).map_err(BlockError::Store)
    }

    fn prove(&self, compressed: &Compressed) -> Result<(), BlockError> {
        let (head, tail) = (self.recipe.head(), self.recipe.tail(compressed.records()));
        let stream = head.chain(compressed.open()?).chain(&tail[..]);
        let mut hasher = Sha256::new();
        io::copy(&mut self.recipe.unpack(BufReader::new(stream)), &mut hasher)?;
        if hex::encode(hasher.finalize()) == self.file.sha256.hex() {
            Ok(())
        } else {
            Err(BlockError::Changed(self.file.path.clone()))
        }
    }
}
