//! Garbage: what no generation that is still of use names.
//!
//! A generation is of use while it is shown, and for a time of grace after another one took its place: clients and caches
//! still know it. What a killed run left has no generation; it goes when it is older than the grace.

use std::collections::HashSet;

use super::channel::Channel;
use super::charter::Repository;
use super::error::RepositoryError;
use super::generation::{self, Generation};
use super::head;
use super::history::Shown;
use super::layout::{CERTIFICATE, KEYRING};
use super::pack;
use super::publish::flat_path;
use super::store::{Key, Listed};
use crate::source_date::SourceDate;

/// The folders in which anything is ever deleted. What others keep beside them is theirs.
const FOLDERS: [&str; 6] = ["pool", "dists", "core:", ".kubepkg/gen", ".kubepkg/frag", ".kubepkg/signed"];

/// What is of no use any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Garbage {
    /// The objects, sorted by name.
    pub objects: Vec<Listed>,
}

impl Garbage {
    /// Returns how many bytes it takes.
    pub fn size(&self) -> u64 {
        self.objects.iter().map(|object| object.size).sum()
    }
}

impl Repository {
    /// Returns what is of no use any more at `now`, where everything has `grace` seconds. Nothing is deleted.
    pub fn garbage(&self, now: SourceDate, grace: u32) -> Result<Garbage, RepositoryError> {
        let before = u64::from(now.epoch().saturating_sub(grace));
        // Listed first: what is published meanwhile is younger than the grace, or is named by a head that is read later.
        let mut listed = Vec::new();
        for folder in FOLDERS {
            listed.extend(self.store().list(folder)?);
        }
        let live = self.live(before)?;
        let objects = listed.into_iter().filter(|object| object.modified < before && !live.contains(&object.key));
        Ok(Garbage { objects: objects.collect() })
    }

    /// Deletes what [`Repository::garbage`] found, except what somebody has published since.
    pub fn collect(&self, garbage: &Garbage, now: SourceDate, grace: u32) -> Result<Garbage, RepositoryError> {
        let live = self.live(u64::from(now.epoch().saturating_sub(grace)))?;
        let objects: Vec<Listed> =
            garbage.objects.iter().filter(|object| !live.contains(&object.key)).cloned().collect();
        let keys: Vec<Key> = objects.iter().map(|object| object.key.clone()).collect();
        self.store().delete(&keys)?;
        Ok(Garbage { objects })
    }

    /// Everything that generations name which were shown at `since` or later.
    fn live(&self, since: u64) -> Result<HashSet<Key>, RepositoryError> {
        let mut live = HashSet::from([CERTIFICATE, KEYRING].map(super::layout::key));
        for channel in self.published()? {
            live.insert(head::key(channel));
            // The time at which the next one took its place.
            let mut replaced = u64::MAX;
            self.walk(channel, |shown| {
                let is_live = replaced >= since;
                if is_live {
                    name(channel, &shown, &mut live);
                }
                replaced = u64::from(shown.generation.time);
                is_live
            })?;
        }
        Ok(live)
    }
}

fn name(channel: Channel, shown: &Shown, live: &mut HashSet<Key>) {
    let generation: &Generation = &shown.generation;
    live.insert(generation::key(channel, &shown.head));
    live.extend(generation.packs.iter().map(|pack| pack::key(&pack.sha256)));
    live.extend(generation.indices.iter().map(|file| file.path.clone()));
    live.extend(generation.projection.iter().flat_map(|file| [file.path.clone(), file.source.clone()]));
    for entry in &generation.packages {
        live.extend([entry.path.clone(), flat_path(channel, entry)]);
        live.extend(entry.papers.iter().map(|paper| entry.paper_path(paper.kind)));
    }
}
