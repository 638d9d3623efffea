//! Garbage: what no generation that is still of use names.
//!
//! A generation is of use while it is shown, and for a time of grace after another one took its place: clients and caches
//! still know it. What a killed run left has no generation; it goes when it is older than the grace.
//!
//! Nothing is deleted by the run that finds it: a run records what it found, and only what an earlier run has found, too,
//! and what is still of no use, is deleted.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::channel::Channel;
use super::charter::Repository;
use super::error::RepositoryError;
use super::generation::{self, Generation};
use super::head;
use super::history::Shown;
use super::layout::{CERTIFICATE, KEYRING};
use super::pack;
use super::paper::Kind;
use super::publish::flat_path;
use super::state::{self, FORM};
use super::store::{Key, Listed};
use crate::digest::Digest;
use crate::source_date::SourceDate;

/// What earlier runs found.
const RECORD: &str = ".kubepkg/garbage.json";
/// The folders in which anything is ever deleted. What others keep beside them is theirs.
const FOLDERS: [&str; 6] = ["pool", "dists", "core:", ".kubepkg/gen", ".kubepkg/frag", ".kubepkg/signed"];

/// The largest package that is read for its digest.
const PACKAGE: u64 = 4 << 30;
/// Bytes that the record of earlier runs may have.
const RECORD_LIMIT: u64 = 1 << 30;

/// What is kept whatever names it or does not.
#[derive(Debug, Clone)]
pub struct Keep {
    /// Seconds for which clients and caches may still know what was shown.
    pub grace: u32,
    /// Seconds that must have passed since an earlier run found the same.
    pub wait: u32,
    /// The SHA-256 of packages that a lock names.
    pub locked: HashSet<Digest>,
}

/// What is of no use any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Garbage {
    /// What an earlier run found, too, so that it may be deleted; sorted by name.
    pub due: Vec<Listed>,
    /// What no earlier run has found, or not long enough ago.
    pub waiting: Vec<Listed>,
}

impl Garbage {
    /// Returns all of it: the objects, sorted by name.
    pub fn objects(&self) -> Vec<&Listed> {
        let mut all: Vec<&Listed> = self.due.iter().chain(&self.waiting).collect();
        all.sort_by(|one, other| one.key.cmp(&other.key));
        all
    }
}

/// Returns how many bytes objects take.
pub fn size<'a>(objects: impl IntoIterator<Item = &'a Listed>) -> u64 {
    objects.into_iter().map(|object| object.size).sum()
}

/// What earlier runs found, and when each object was first found.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    form: u32,
    found: Vec<Found>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    path: String,
    /// Seconds since 1970.
    since: u32,
}

impl Repository {
    /// Returns what is of no use any more at `now`. Nothing is deleted, and nothing recorded.
    pub fn garbage(&self, now: SourceDate, keep: &Keep) -> Result<Garbage, RepositoryError> {
        let before = u64::from(now.epoch().saturating_sub(keep.grace));
        // Listed first: what is published meanwhile is younger than the grace, or is named by a head that is read later.
        let mut listed = Vec::new();
        for folder in FOLDERS {
            listed.extend(self.store().list(folder)?);
        }
        listed.sort_by(|one, other| one.key.cmp(&other.key));
        let live = self.live(before)?;
        listed.retain(|object| object.modified < before && !live.contains(&object.key));
        let locked = self.locked(&listed, &keep.locked)?;
        listed.retain(|object| !locked.contains(object.key.as_str()));
        let known = self.record()?;
        let until = now.epoch().saturating_sub(keep.wait);
        let is_due = |object: &Listed| known.get(object.key.as_str()).is_some_and(|since| *since <= until);
        let (due, waiting) = listed.into_iter().partition(is_due);
        Ok(Garbage { due, waiting })
    }

    /// Deletes what is due of what [`Repository::garbage`] found, except what somebody has published since, and records the
    /// rest for later runs. Returns what was deleted.
    pub fn collect(&self, garbage: &Garbage, now: SourceDate, keep: &Keep) -> Result<Vec<Listed>, RepositoryError> {
        let live = self.live(u64::from(now.epoch().saturating_sub(keep.grace)))?;
        let due: Vec<Listed> = garbage.due.iter().filter(|object| !live.contains(&object.key)).cloned().collect();
        let keys: Vec<Key> = due.iter().map(|object| object.key.clone()).collect();
        self.store().delete(&keys)?;
        let known = self.record()?;
        let found = garbage.waiting.iter().map(|object| {
            let path = object.key.to_string();
            let since = known.get(&path).copied().unwrap_or(now.epoch());
            Found { path, since }
        });
        let record = Record { form: FORM, found: found.collect() };
        self.store().replace(&super::layout::key(RECORD), &state::write(&record))?;
        Ok(due)
    }

    /// Returns what earlier runs found.
    fn record(&self) -> Result<HashMap<String, u32>, RepositoryError> {
        let Some(object) = self.store().get(&super::layout::key(RECORD), RECORD_LIMIT)? else {
            return Ok(HashMap::new());
        };
        let record: Record = state::parse(RECORD, &object.bytes)?;
        Ok(record.found.into_iter().map(|found| (found.path, found.since)).collect())
    }

    /// Returns the packages among some objects that a lock names, with their papers. They are read, for nobody else knows
    /// what they are.
    fn locked(&self, objects: &[Listed], locked: &HashSet<Digest>) -> Result<HashSet<String>, RepositoryError> {
        let mut kept = HashSet::new();
        if locked.is_empty() {
            return Ok(kept);
        }
        let is_package = |object: &&Listed| {
            let name = object.key.as_str();
            name.starts_with("pool/") && (name.ends_with(".deb") || name.ends_with(".rpm"))
        };
        for object in objects.iter().filter(is_package) {
            let there = self.store().get(&object.key, PACKAGE)?;
            if there.is_some_and(|there| locked.contains(&Digest::sha256(&there.bytes))) {
                kept.insert(object.key.to_string());
                kept.extend(Kind::ALL.map(|kind| format!("{}{}", object.key, kind.suffix())));
            }
        }
        Ok(kept)
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
