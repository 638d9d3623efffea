//! A part of a repository as a repository of its own: some packages of some channels, signed anew.

use std::path::{Path, PathBuf};

use fs_err as fs;

use super::change::file_name;
use super::channel::Channel;
use super::charter::Repository;
use super::error::RepositoryError;
use super::generation::Entry;
use super::publish::Publisher;
use super::state::StateError;
use super::store::{Key, Location, Store, StoreOptions};
use crate::arch::Arch;
use crate::digest::Digest;

/// Which packages; all where nothing is named.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// The names of packages.
    pub packages: Vec<String>,
    /// The architectures; packages for all architectures are of each.
    pub arches: Vec<Arch>,
}

impl Selection {
    /// Whether it is everything.
    pub fn is_everything(&self) -> bool {
        self.packages.is_empty() && self.arches.is_empty()
    }

    fn has(&self, entry: &Entry) -> bool {
        let is_named = self.packages.is_empty() || self.packages.contains(&entry.name);
        let is_of_all = ["all", "noarch"].contains(&entry.arch.as_str());
        let fits = |arch: &Arch| entry.format.arch(*arch) == entry.arch;
        is_named && (self.arches.is_empty() || is_of_all || self.arches.iter().any(fits))
    }
}

impl Repository {
    /// Makes a repository inside `folder` of the selected packages of these channels, with the same name and keys. The gates
    /// of a publication hold: what is selected can be installed.
    pub fn select(
        &self,
        channels: &[Channel],
        selection: &Selection,
        folder: &Path,
        publisher: &Publisher<'_>,
    ) -> Result<Self, RepositoryError> {
        let store = Store::new(&Location::Folder(folder.join("repository")), &StoreOptions::default())?;
        let mut part = Self::found(store, self.charter().emptied(), self.anchors().clone())?;
        for channel in channels {
            let shown = self.shown(*channel)?.generation;
            let entries: Vec<&Entry> = shown.packages.iter().filter(|entry| selection.has(entry)).collect();
            let packages = folder.join("packages").join(channel.word());
            fs::create_dir_all(&packages)?;
            let files = entries.iter().map(|entry| self.take(entry, &packages)).collect::<Result<Vec<_>, _>>()?;
            part.publish(*channel, &files, publisher)?;
        }
        Ok(part)
    }

    /// Puts a package and its papers into a folder, under their own names. They are signed anew there, so they have to be
    /// what was signed here: whoever can write to the store has no key.
    fn take(&self, entry: &Entry, folder: &Path) -> Result<PathBuf, RepositoryError> {
        let papers = entry.papers.iter().map(|paper| (entry.paper_path(paper.kind), &paper.sha256, paper.size));
        let all: Vec<(Key, &Digest, u64)> =
            [(entry.path.clone(), &entry.sha256, entry.size)].into_iter().chain(papers).collect();
        let asked: Vec<(Key, u64)> = all.iter().map(|(path, _, size)| (path.clone(), *size)).collect();
        let mut result = Ok(());
        self.store().each_file(&asked, |place, stored| {
            let (path, sha256, _) = &all[place];
            let to = folder.join(path.as_str().rsplit('/').next().unwrap_or_default());
            let taken = match stored {
                Some(stored) => copy(stored.path(), &to, (path, sha256), entry),
                None => Err(StateError::Missing { object: path.to_string(), by: entry.to_string() }.into()),
            };
            if taken.is_err() && result.is_ok() {
                result = taken;
            }
            Ok(())
        })?;
        result.map(|()| folder.join(file_name(entry)))
    }
}

/// Copies a file, whose copy must have a digest.
fn copy(from: &Path, to: &Path, (path, sha256): (&Key, &Digest), entry: &Entry) -> Result<(), RepositoryError> {
    fs::copy(from, to)?;
    if Digest::sha256_of(fs::File::open(to)?)?.0 == *sha256 {
        return Ok(());
    }
    Err(StateError::Differs { object: path.to_string(), by: entry.to_string() }.into())
}
