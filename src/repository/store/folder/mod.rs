//! A store in a folder.
//!
//! A file has its name only when it is complete and on the disk. What must be compared before it is written is
//! compared under a lock of the folder itself (flock(2)), which dies with the process: nothing is left to be removed.

mod batch;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::error::Cause;
use super::{Content, Key, Listed, Object, STATE, Swap, Tag};
use crate::digest::Digest;
use crate::scratch::Scratch;

/// Mode of files before the umask.
const MODE: u32 = 0o666;

#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    /// Unfinished files, on the same file system. Made when first needed.
    scratch: std::sync::OnceLock<Scratch>,
    count: std::sync::atomic::AtomicU64,
}

impl Folder {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_path_buf(), scratch: std::sync::OnceLock::new(), count: 0.into() }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.as_str())
    }

    pub(super) fn get(&self, key: &Key, limit: u64) -> Result<Option<Object>, Cause> {
        let file = match fs::File::open(self.path(key)) {
            Ok(file) => file,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(Cause::TooLarge(limit));
        }
        let tag = Tag::content(&bytes);
        Ok(Some(Object { bytes, tag }))
    }

    pub(super) fn size(&self, key: &Key) -> Result<Option<u64>, Cause> {
        match fs::metadata(self.path(key)) {
            Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns whether the file is new.
    pub(super) fn create(&self, key: &Key, content: &Content<'_>) -> Result<bool, Cause> {
        let path = self.path(key);
        if path.exists() {
            return is_same(&path, content).map(|()| false);
        }
        let unfinished = self.write(content, Durable::Now)?;
        // A folder must not be exchanged while something is put into it.
        let lock = self.lock(Lock::Shared)?;
        make_parent(&path)?;
        let linked = fs::hard_link(&unfinished, &path);
        drop(lock);
        fs::remove_file(&unfinished)?;
        match linked {
            Ok(()) => sync_parent(&path).map(|()| true).map_err(Cause::from),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => is_same(&path, content).map(|()| false),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn replace(&self, key: &Key, bytes: &[u8]) -> Result<(), Cause> {
        let _lock = self.lock(Lock::Exclusive)?;
        self.put(key, bytes)
    }

    pub(super) fn swap(&self, key: &Key, bytes: &[u8], expected: Option<&Tag>) -> Result<Swap, Cause> {
        let _lock = self.lock(Lock::Exclusive)?;
        let now = match fs::read(self.path(key)) {
            Ok(bytes) => Some(Tag::content(&bytes)),
            Err(error) if is_absent(&error) => None,
            Err(error) => return Err(error.into()),
        };
        let new = Tag::content(bytes);
        if now.as_ref() == Some(&new) {
            return Ok(Swap::Done(new));
        }
        if now.as_ref() != expected {
            return Ok(Swap::Lost);
        }
        self.put(key, bytes)?;
        Ok(Swap::Done(new))
    }

    /// Replaces files of one folder so that nobody sees some of them new and others old: a copy of the folder, whose
    /// files are the same by hard links, changes places with it (renameat2(2), `RENAME_EXCHANGE`).
    pub(super) fn replace_together(&self, files: &[(&Key, &[u8])]) -> Result<(), Cause> {
        let Some((first, _)) = files.first() else { return Ok(()) };
        let first = self.path(first);
        let folder = first.parent().unwrap_or(&self.root);
        let _lock = self.lock(Lock::Exclusive)?;
        let new = self.unfinished()?;
        fs::create_dir(&new)?;
        for (key, bytes) in files {
            let path = self.path(key);
            write_new(&new.join(path.file_name().unwrap_or_default()), bytes)?;
        }
        if !folder.exists() {
            make_parent(folder)?;
            fs::rename(&new, folder)?;
            return Ok(sync_parent(folder)?);
        }
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let linked = fs::hard_link(entry.path(), new.join(entry.file_name()));
            if linked.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::AlreadyExists) {
                linked?;
            }
        }
        fs::File::open(&new)?.sync_all()?;
        renameat_with(CWD, &new, CWD, folder, RenameFlags::EXCHANGE).map_err(io::Error::from)?;
        sync_parent(folder)?;
        fs::remove_dir_all(&new)?;
        Ok(())
    }

    pub(super) fn list(&self, prefix: &str) -> Result<Vec<Listed>, Cause> {
        let mut found = Vec::new();
        let mut folders = vec![self.root.join(prefix)];
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if is_absent(&error) => continue,
                Err(error) => return Err(error.into()),
            };
            for entry in entries {
                let path = entry?.path();
                let metadata = match fs::symlink_metadata(&path) {
                    Ok(metadata) => metadata,
                    Err(error) if is_absent(&error) => continue,
                    Err(error) => return Err(error.into()),
                };
                if metadata.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.strip_prefix(&self.root).unwrap_or(&path).to_string_lossy().into_owned();
                let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
                // What is not ours to write is not ours to judge.
                if let Ok(key) = name.parse() {
                    found.push(Listed { key, size: metadata.len(), modified });
                }
            }
        }
        found.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(found)
    }

    pub(super) fn delete(&self, key: &Key) -> Result<(), Cause> {
        match fs::remove_file(self.path(key)) {
            Ok(()) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Locks a folder that nothing else locks.
    pub(super) fn guard(&self) -> Result<File, Cause> {
        let folder = self.root.join(STATE).join("head");
        fs::create_dir_all(&folder)?;
        let folder = fs::File::open(&folder)?.into_parts().0;
        folder.lock()?;
        Ok(folder)
    }

    /// Gives new bytes a name that may be taken. The lock is held.
    fn put(&self, key: &Key, bytes: &[u8]) -> Result<(), Cause> {
        let unfinished = self.write(&Content::Bytes(bytes), Durable::Now)?;
        let path = self.path(key);
        make_parent(&path)?;
        fs::rename(&unfinished, &path)?;
        Ok(sync_parent(&path)?)
    }

    fn write(&self, content: &Content<'_>, durable: Durable) -> Result<PathBuf, Cause> {
        let path = self.unfinished()?;
        let mut file = create_new(&path)?.into_parts().0;
        match content {
            Content::Bytes(bytes) => file.write_all(bytes)?,
            Content::File(from) => drop(io::copy(&mut plain(from)?, &mut file)?),
            Content::Package(package) => {
                if let Err(cause) = package.copy(&mut file) {
                    fs::remove_file(&path)?;
                    return Err(cause);
                }
            }
        }
        match durable {
            Durable::Now => file.sync_all()?,
            Durable::Later => {}
        }
        Ok(path)
    }

    /// Returns a name for an unfinished file.
    fn unfinished(&self) -> io::Result<PathBuf> {
        let scratch = if let Some(scratch) = self.scratch.get() {
            scratch
        } else {
            let new = Scratch::new(&self.root.join(STATE))?;
            self.scratch.get_or_init(|| new)
        };
        let number = self.count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(scratch.path().join(number.to_string()))
    }

    fn lock(&self, kind: Lock) -> io::Result<File> {
        fs::create_dir_all(&self.root)?;
        let folder = fs::File::open(&self.root)?.into_parts().0;
        match kind {
            Lock::Shared => folder.lock_shared()?,
            Lock::Exclusive => folder.lock()?,
        }
        Ok(folder)
    }
}

/// When a file is on the disk.
#[derive(Debug, Clone, Copy)]
enum Durable {
    /// When it is written.
    Now,
    /// When somebody has asked for all of a batch.
    Later,
}

#[derive(Debug, Clone, Copy)]
enum Lock {
    Shared,
    Exclusive,
}

/// A path that is not there, or whose parent is a file.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn create_new(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)
}

fn plain(path: &Path) -> io::Result<File> {
    Ok(fs::File::open(path)?.into_parts().0)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |parent| fs::File::open(parent)?.sync_all())
}

/// Whether a file has the bytes that somebody wanted to put there.
fn is_same(path: &Path, content: &Content<'_>) -> Result<(), Cause> {
    let (there, _) = Digest::sha256_of(fs::File::open(path)?)?;
    if there == content.digest()? { Ok(()) } else { Err(Cause::OtherBytes) }
}
