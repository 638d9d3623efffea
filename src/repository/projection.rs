//! The projection: the names that clients fetch and that never change, as the head of a channel wants them.
//!
//! It is written after the head, in an order in which a client that reads meanwhile sees the old state or the new one,
//! and it can be written again at any time from what the generation holds: no key is needed. Of publishers that write at
//! the same time the newest generation wins, however slow the others are.
//!
//! Where the generation before was written to its end, only what differs from it is written.

use std::collections::{HashMap, HashSet};

use super::channel::Channel;
use super::error::RepositoryError;
use super::generation::{Generation, Projected};
use super::head::Head;
use super::rpmmd::LIST;
use super::state::StateError;
use super::store::{Key, Object, Store, Swap, Tag};
use crate::digest::Digest;

/// Bytes that one file may have.
const LIMIT: u64 = 4 << 30;
/// How often others may publish while this run writes.
const TRIES: usize = 100;

/// The bytes of files that were just made, so that nobody reads them back.
pub(super) type Bytes = HashMap<Digest, Vec<u8>>;

/// A generation that was just written, and what was made for it, so that nobody reads it back.
#[derive(Default)]
pub(super) struct Fresh<'a> {
    pub(super) generation: Option<(&'a Head, &'a Generation)>,
    /// The generation before it.
    pub(super) parent: Option<&'a Generation>,
    pub(super) bytes: Bytes,
}

/// Writes what the newest generation of a channel wants, and returns its head; none if nothing was published to it.
pub(super) fn write(store: &Store, channel: Channel, fresh: &Fresh<'_>) -> Result<Option<Head>, RepositoryError> {
    let bytes = &fresh.bytes;
    let _guard = store.guard()?;
    for _ in 0..TRIES {
        // Before the head is read: whoever publishes after that changes a tag or is newer.
        let Some(first) = Head::read(store, channel)? else { return Ok(None) };
        let read;
        let (generation, parent) = match fresh.generation {
            Some((head, generation)) if *head == first.head => (generation, fresh.parent),
            _ => {
                read = Generation::read(store, channel, &first.head)?;
                (&read, None)
            }
        };
        let files = outdated(store, generation, parent)?;
        if Head::read(store, channel)?.is_none_or(|now| now.head != first.head) {
            continue;
        }
        if write_all(store, generation, &files, bytes)? {
            return Ok(Some(first.head));
        }
    }
    Err(RepositoryError::Busy { channel, tries: TRIES })
}

/// A file that is to be written, and what is there now.
type Outdated<'a> = (&'a Projected, Option<Tag>);

/// Returns the files that are not known to be what a generation wants.
fn outdated<'a>(
    store: &Store,
    generation: &'a Generation,
    parent: Option<&Generation>,
) -> Result<Vec<Outdated<'a>>, RepositoryError> {
    let mut tags = HashMap::new();
    let mut kept = HashSet::new();
    if let Some(parent) = parent {
        let last: Vec<&Projected> = parent.projection.iter().filter(|file| is_last(&file.path)).collect();
        let there = fetch(store, &last)?;
        if last.iter().zip(&there).all(|(file, object)| is_of(object.as_ref(), file)) {
            kept.extend(parent.projection.iter().map(|file| (&file.path, &file.sha256)));
        }
        tags.extend(last.iter().zip(there).map(|(file, object)| (&file.path, object.map(|object| object.tag))));
    }
    let files: Vec<&Projected> =
        generation.projection.iter().filter(|file| !kept.contains(&(&file.path, &file.sha256))).collect();
    if !store.is_guarded() {
        let unknown: Vec<&Key> = files.iter().map(|file| &file.path).filter(|path| !tags.contains_key(path)).collect();
        let keys: Vec<Key> = unknown.iter().copied().cloned().collect();
        tags.extend(unknown.into_iter().zip(store.tags(&keys)?));
    }
    Ok(files.into_iter().map(|file| (file, tags.remove(&file.path).flatten())).collect())
}

/// Whether what is written last is what the generation wants, and then all of it is.
pub(super) fn is_written(store: &Store, generation: &Generation) -> Result<bool, RepositoryError> {
    let last: Vec<&Projected> = generation.projection.iter().filter(|file| is_last(&file.path)).collect();
    Ok(last.iter().zip(fetch(store, &last)?).all(|(file, object)| is_of(object.as_ref(), file)))
}

/// Whether everything is what the generation wants, whoever else may have been at it.
pub(super) fn is_complete(store: &Store, generation: &Generation) -> Result<bool, RepositoryError> {
    for file in &generation.projection {
        // One by one: some are large.
        if !is_of(store.get(&file.path, LIMIT)?.as_ref(), file) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn fetch(store: &Store, files: &[&Projected]) -> Result<Vec<Option<Object>>, RepositoryError> {
    let keys: Vec<Key> = files.iter().map(|file| file.path.clone()).collect();
    Ok(store.get_all(&keys, LIMIT)?)
}

fn is_of(object: Option<&Object>, file: &Projected) -> bool {
    object.is_some_and(|object| object.is(&file.sha256))
}

/// The files that hold or name signatures are the last ones of each shape, and say by digests what all others are; all
/// but the certificates.
fn is_last(path: &Key) -> bool {
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    matches!(name, "InRelease" | "repomd.xml" | "repomd.xml.asc" | "repomd.xml.key" | LIST)
}

/// Returns whether nobody else wrote meanwhile.
fn write_all(
    store: &Store,
    generation: &Generation,
    files: &[Outdated<'_>],
    bytes: &Bytes,
) -> Result<bool, RepositoryError> {
    for group in files.chunk_by(|(one, _), (other, _)| together(one, other)) {
        let contents = group.iter().map(|(file, _)| content(store, generation, file, bytes));
        let contents = contents.collect::<Result<Vec<_>, _>>()?;
        if store.is_guarded() {
            let objects: Vec<(&Key, &[u8])> =
                group.iter().zip(&contents).map(|((file, _), content)| (&file.path, content.as_slice())).collect();
            match objects.as_slice() {
                [(key, bytes)] => store.replace(key, bytes)?,
                several => store.replace_together(several)?,
            }
            continue;
        }
        for ((file, tag), content) in group.iter().zip(&contents) {
            if store.swap(&file.path, content, tag.as_ref())? == Swap::Lost {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Whether two files only make sense together: a signature of `repomd.xml` is of nothing else.
fn together(one: &Projected, other: &Projected) -> bool {
    let folder = |file: &Projected| file.path.as_str().rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    folder(one) == folder(other) && folder(one).ends_with("/repodata")
}

fn content(
    store: &Store,
    generation: &Generation,
    file: &Projected,
    bytes: &Bytes,
) -> Result<Vec<u8>, RepositoryError> {
    if let Some(bytes) = bytes.get(&file.sha256) {
        return Ok(bytes.clone());
    }
    let (object, by) = (file.source.to_string(), format!("generation {} of {}", generation.number, generation.channel));
    match store.get(&file.source, LIMIT)? {
        Some(found) if found.is(&file.sha256) => Ok(found.bytes),
        Some(_) => Err(StateError::Differs { object, by }.into()),
        None => Err(StateError::Missing { object, by }.into()),
    }
}
