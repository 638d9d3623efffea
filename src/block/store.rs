//! Where blocks are kept between runs.
//!
//! ```text
//! FOLDER/9b/9bdb….xz6-x86-1-0.1.0    the blocks of the file with that SHA-256, by that recipe
//! FOLDER/.kubepkg-RANDOM/            the unfinished files of one run, which holds a lock in it
//! ```
//!
//! An entry gets its name by a rename when it is complete, so that runs may share a folder; of two that make the same
//! entry the later one wins, with the same bytes. At its end a run removes the entries that were not used for the
//! longest time until the rest is within the limit.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use fs_err as fs;
use tempfile::NamedTempFile;

use super::making::Making;
use super::recipe::Recipe;
use super::{BlockError, Compressed, LargeFile};
use crate::event::{Event, Reporter};

/// Blocks by file and recipe.
pub struct Blocks {
    folder: PathBuf,
    /// Where unfinished files lie, on the same file system.
    work: PathBuf,
    /// The most that entries may have at the end of a run, in bytes.
    limit: u64,
    /// The time of the file system when the run began, and who it is for the file system.
    began: SystemTime,
    user: u32,
    /// What was looked up in this run.
    known: Mutex<HashMap<PathBuf, Arc<Compressed>>>,
    reporter: Arc<dyn Reporter>,
}

impl std::fmt::Debug for Blocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blocks").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Blocks {
    /// Opens the blocks in `folder`. Unfinished files go to `work`, which the caller removes afterwards and which lies on
    /// the same file system.
    pub fn open(folder: &Path, work: &Path, limit: u64, reporter: Arc<dyn Reporter>) -> io::Result<Self> {
        let probe = tempfile::tempfile_in(work)?.metadata()?;
        Ok(Self {
            folder: folder.to_owned(),
            work: work.to_owned(),
            limit,
            began: probe.modified()?,
            user: probe.uid(),
            known: Mutex::default(),
            reporter,
        })
    }

    /// Returns the blocks of a file where they were made before, in this run or another.
    pub fn find(&self, file: &LargeFile, recipe: Recipe) -> io::Result<Option<Arc<Compressed>>> {
        let path = self.path(file, recipe);
        if let Some(found) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&path) {
            return Ok(Some(Arc::clone(found)));
        }
        let metadata = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        // Whoever else may write it could put other bytes into packages than were verified.
        let is_ours = metadata.is_file() && metadata.uid() == self.user && metadata.mode() & 0o022 == 0;
        let found = if is_ours { Compressed::read(&path, file.size)? } else { None };
        let Some(found) = found.map(Arc::new) else {
            self.reporter.report(Event::CacheDamaged { path: path.display().to_string() });
            return Ok(None);
        };
        // Only the order of removal depends on it.
        let _ = fs::OpenOptions::new().write(true).open(&path).and_then(|file| file.file().set_modified(self.began));
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(path, Arc::clone(&found));
        Ok(Some(found))
    }

    /// Begins to make the blocks of a file.
    pub fn make(&self, file: &LargeFile, recipe: Recipe) -> Making {
        Making::new(file.clone(), recipe)
    }

    /// Returns the blocks of a file, and makes them on this thread where they were not made before.
    pub fn get(&self, file: &LargeFile, recipe: Recipe) -> Result<Arc<Compressed>, BlockError> {
        if let Some(found) = self.find(file, recipe)? {
            return Ok(found);
        }
        let making = self.make(file, recipe);
        for nth in 0..making.parts().len() {
            making.compress(nth, self)?;
        }
        making.finish(self)
    }

    /// Makes an unfinished file without a name.
    pub(super) fn temporary(&self) -> io::Result<fs::File> {
        Ok(fs::File::from_parts(tempfile::tempfile_in(&self.work)?, self.work.join("part")))
    }

    /// Makes an unfinished file that can be kept.
    pub(super) fn named_temporary(&self) -> io::Result<Unfinished> {
        let mut builder = tempfile::Builder::new();
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
        Ok(Unfinished(builder.tempfile_in(&self.work)?))
    }

    /// Gives a finished entry its name.
    pub(super) fn keep(
        &self,
        unfinished: Unfinished,
        compressed: Compressed,
        file: &LargeFile,
        recipe: Recipe,
    ) -> io::Result<Arc<Compressed>> {
        let path = self.path(file, recipe);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        unfinished.0.persist(&path)?;
        let kept = Arc::new(compressed.at_path(path.clone()));
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(path, Arc::clone(&kept));
        Ok(kept)
    }

    fn path(&self, file: &LargeFile, recipe: Recipe) -> PathBuf {
        let hex = file.sha256.hex();
        self.folder.join(&hex[..2]).join(format!("{hex}.{}", recipe.name()))
    }

    /// Removes what was not used for the longest time, until the rest is within the limit.
    fn evict(&self) -> io::Result<()> {
        let mut entries = Vec::new();
        for folder in fs::read_dir(&self.folder)? {
            let folder = folder?;
            let is_ours = folder.file_name().len() == 2 && folder.file_type()?.is_dir();
            for entry in is_ours.then(|| fs::read_dir(folder.path())).transpose()?.into_iter().flatten() {
                let entry = entry?;
                let metadata = entry.metadata()?;
                entries.push((metadata.modified()?, entry.path(), metadata.len()));
            }
        }
        let mut total: u64 = entries.iter().map(|(_, _, size)| size).sum();
        entries.sort();
        for (_, path, size) in entries {
            if total <= self.limit {
                break;
            }
            fs::remove_file(path)?;
            total -= size;
        }
        Ok(())
    }
}

impl Drop for Blocks {
    /// Another run may remove the same entries at the same time, and a folder that cannot be listed holds nothing to
    /// remove.
    fn drop(&mut self) {
        let _ = self.evict();
    }
}

/// A file that goes away unless it is kept.
#[derive(Debug)]
pub(super) struct Unfinished(NamedTempFile);

impl Unfinished {
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn file(&self) -> io::Result<fs::File> {
        Ok(fs::File::from_parts(self.0.reopen()?, self.0.path().to_owned()))
    }
}
