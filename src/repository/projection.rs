//! The projection: the names that clients fetch and that never change, as the head of a channel wants them.
//!
//! It is written after the head, in an order in which a client that reads meanwhile sees the old state or the new one,
//! and it can be written again at any time from what the generation holds: no key is needed. Of publishers that write at
//! the same time the newest generation wins, however slow the others are.

use std::collections::HashMap;

use super::channel::Channel;
use super::error::RepositoryError;
use super::generation::{Generation, Projected};
use super::head::Head;
use super::rpmmd::LIST;
use super::state::StateError;
use super::store::{Key, Store, Swap, Tag};
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
        let generation = match fresh.generation {
            Some((head, generation)) if *head == first.head => generation,
            _ => {
                read = Generation::read(store, channel, &first.head)?;
                &read
            }
        };
        let keys: Vec<Key> = generation.projection.iter().map(|file| file.path.clone()).collect();
        let tags = if store.is_guarded() { vec![None; keys.len()] } else { store.tags(&keys)? };
        if Head::read(store, channel)?.is_none_or(|now| now.head != first.head) {
            continue;
        }
        if write_all(store, generation, &tags, bytes)? {
            return Ok(Some(first.head));
        }
    }
    Err(RepositoryError::Busy { channel, tries: TRIES })
}

/// Whether what is written last is what the generation wants, and then all of it is.
pub(super) fn is_written(store: &Store, generation: &Generation) -> Result<bool, RepositoryError> {
    are_written(store, generation.projection.iter().filter(|file| is_last(&file.path)))
}

/// Whether everything is what the generation wants, whoever else may have been at it.
pub(super) fn is_complete(store: &Store, generation: &Generation) -> Result<bool, RepositoryError> {
    are_written(store, generation.projection.iter())
}

fn are_written<'a>(store: &Store, files: impl Iterator<Item = &'a Projected>) -> Result<bool, RepositoryError> {
    for file in files {
        let there = store.get(&file.path, LIMIT)?;
        if there.is_none_or(|object| !object.is(&file.sha256)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The files that hold or name signatures are the last ones of each shape.
fn is_last(path: &Key) -> bool {
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    matches!(name, "InRelease" | "repomd.xml" | "repomd.xml.asc" | LIST)
}

/// Returns whether nobody else wrote meanwhile.
fn write_all(
    store: &Store,
    generation: &Generation,
    tags: &[Option<Tag>],
    bytes: &Bytes,
) -> Result<bool, RepositoryError> {
    let files: Vec<(&Projected, &Option<Tag>)> = generation.projection.iter().zip(tags).collect();
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
