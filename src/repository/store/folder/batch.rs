//! Many files at once: the disk is asked once to keep all of them, and not for each.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;
use rustix::fs::{CWD, RenameFlags, renameat_with, syncfs};

use super::{Cause, Content, Durable, Folder, Key, Lock, is_same, plain};

/// The folders of new names, each made and kept once.
#[derive(Default)]
struct Parents(BTreeSet<PathBuf>);

impl Parents {
    fn make(&mut self, path: &Path) -> io::Result<()> {
        let Some(parent) = path.parent().filter(|parent| !self.0.contains(*parent)) else { return Ok(()) };
        fs::create_dir_all(parent)?;
        self.0.insert(parent.to_owned());
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.0.iter().try_for_each(|parent| fs::File::open(parent)?.sync_all())
    }
}

/// What failed, and of which file.
type Failed<'k> = (&'k Key, Cause);

impl Folder {
    /// Creates files, as [`create`](Folder::create) does, and returns how many are new.
    pub(in super::super) fn create_all<'k>(&self, objects: &'k [(Key, Content<'_>)]) -> Result<usize, Failed<'k>> {
        let (mut unfinished, mut known) = (Vec::new(), HashMap::new());
        for (key, content) in objects {
            let of_it = |cause| (key, cause);
            let path = self.path(key);
            // In a folder that is not there is no file.
            let has_parent = path.parent().is_some_and(|parent| match known.get(parent) {
                Some(is_there) => *is_there,
                None => *known.entry(parent.to_owned()).or_insert(parent.exists()),
            });
            if has_parent && path.exists() {
                is_same(&path, content).map_err(of_it)?;
            } else {
                unfinished.push((key, content, self.write(content, Durable::Later).map_err(of_it)?, path));
            }
        }
        let Some((last, _)) = objects.last().filter(|_| !unfinished.is_empty()) else { return Ok(0) };
        let of_last = |error: io::Error| (last, Cause::from(error));
        plain(&self.root).and_then(|root| Ok(syncfs(root)?)).map_err(of_last)?;
        let (mut parents, mut new) = (Parents::default(), 0);
        // A folder must not be exchanged while something is put into it.
        let lock = self.lock(Lock::Shared).map_err(of_last)?;
        for (key, content, from, path) in &unfinished {
            let of_it = |error: io::Error| (*key, Cause::from(error));
            parents.make(path).map_err(of_it)?;
            match name(from, path) {
                Ok(()) => new += 1,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    is_same(path, content).map_err(|cause| (*key, cause))?;
                }
                Err(error) => return Err(of_it(error)),
            }
        }
        drop(lock);
        parents.sync().map_err(of_last)?;
        Ok(new)
    }

    /// Gives files other names.
    pub(in super::super) fn link_all<'k>(&self, pairs: &'k [(Key, Key)]) -> Result<(), Failed<'k>> {
        let Some((_, last)) = pairs.last() else { return Ok(()) };
        let of_last = |error: io::Error| (last, Cause::from(error));
        let mut parents = Parents::default();
        let lock = self.lock(Lock::Shared).map_err(of_last)?;
        for (from, to) in pairs {
            let of_it = |error: io::Error| (to, Cause::from(error));
            let (from, path) = (self.path(from), self.path(to));
            parents.make(&path).map_err(of_it)?;
            match fs::hard_link(&from, &path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    is_same(&path, &Content::File(&from)).map_err(|cause| (to, cause))?;
                }
                Err(error) => return Err(of_it(error)),
            }
        }
        drop(lock);
        parents.sync().map_err(of_last)
    }
}

/// Gives a finished file a name that nobody has.
fn name(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::EXIST) => Err(io::ErrorKind::AlreadyExists.into()),
        // Not every file system knows it.
        Err(_) => fs::hard_link(from, to).and_then(|()| fs::remove_file(from)),
    }
}
