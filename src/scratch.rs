//! A folder for files that are not complete, beside the place where they will be.
//!
//! It lies in the folder of the final names, so that a rename is all that is left to do, and it is named and locked, so
//! that a later run can tell the leavings of a killed one from the work of a running one.

use std::fs::File;
use std::io;
use std::path::Path;

use fs_err as fs;
use tempfile::TempDir;

/// How the folders are called; a dot keeps them out of `dist/*`.
const PREFIX: &str = ".kubepkg-";
const LOCK: &str = "lock";

/// A folder for unfinished files. Gone when dropped.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    /// Held as long as the folder is used.
    _lock: File,
}

impl Scratch {
    /// Makes a scratch folder inside `parent`, which is made too, and removes those that killed runs left there.
    pub fn new(parent: &Path) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        // Held while folders come and go: one without a lock is then one whose run was killed before it had any.
        let guard = fs::File::open(parent)?.into_parts().0;
        let locking = if guard.lock().is_ok() { Locking::Works } else { Locking::Unsupported };
        sweep(parent, locking)?;
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
        let lock = fs::File::create(folder.path().join(LOCK))?.into_parts().0;
        if locking == Locking::Works {
            lock.lock()?;
        }
        Ok(Self { folder, _lock: lock })
    }

    /// Returns the folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Gives a finished file its name: it is on the disk before the name is.
    pub fn publish(file: &File, from: &Path, to: &Path) -> io::Result<()> {
        file.sync_all()?;
        fs::rename(from, to)?;
        match to.parent() {
            // A bare name lies in the current folder.
            Some(parent) if parent.as_os_str().is_empty() => fs::File::open(".")?.sync_all(),
            Some(parent) => fs::File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    }
}

/// Whether the file system has locks. Without them nobody knows what is abandoned, and nothing is swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Locking {
    Works,
    Unsupported,
}

/// Removes scratch folders whose lock nobody holds.
fn sweep(parent: &Path, locking: Locking) -> io::Result<()> {
    if locking == Locking::Unsupported {
        return Ok(());
    }
    for entry in fs::read_dir(parent)? {
        let path = entry?.path();
        let is_scratch = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        if is_scratch && is_abandoned(&path) {
            // Its own run may remove it at the same time; what matters is that it goes.
            let _ = fs::remove_dir_all(&path);
        }
    }
    Ok(())
}

fn is_abandoned(folder: &Path) -> bool {
    match fs::File::open(folder.join(LOCK)) {
        Ok(lock) => lock.into_parts().0.try_lock().is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leavings_are_swept_and_running_work_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let running = Scratch::new(parent.path()).unwrap();
        let killed = parent.path().join(".kubepkg-killed");
        fs::create_dir(&killed).unwrap();
        fs::write(killed.join(LOCK), "").unwrap();
        fs::write(killed.join("half.deb"), "x").unwrap();
        let killed_before_it_locked = parent.path().join(".kubepkg-early");
        fs::create_dir(&killed_before_it_locked).unwrap();
        let other = Scratch::new(parent.path()).unwrap();
        assert!(running.path().exists() && other.path().exists());
        assert!(!killed.exists() && !killed_before_it_locked.exists());
        let path = running.path().to_owned();
        drop(running);
        assert!(!path.exists());
    }
}
