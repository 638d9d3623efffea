//! Packs: the fragments of many packages in one file.
//!
//! A generation names a few packs, and each publication adds one. Small ones are joined into larger ones, so that their
//! number stays below the logarithm of the number of packages: whoever publishes one package to ten thousand reads some
//! ten files and writes a small one, mostly.

use std::collections::{HashMap, HashSet};
use std::io::Read as _;

use serde::{Deserialize, Serialize};

use super::error::RepositoryError;
use super::fragment::Fragment;
use super::state::StateError;
use super::store::{Content, Key, STATE, Store};
use crate::digest::Digest;

/// Bytes that a pack may have, as it is stored and as it is read.
const LIMIT: u64 = 1 << 30;
/// zstd's; fragments resemble each other, and higher levels gain little.
const LEVEL: i32 = 3;

/// A pack, as a generation names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// The SHA-256 of the file.
    pub sha256: Digest,
    /// How many fragments it holds.
    pub count: usize,
}

/// The fragments of a channel, in memory.
#[derive(Debug, Default)]
pub struct Shelf {
    packs: Vec<(Pack, Vec<Digest>)>,
    fragments: HashMap<Digest, Fragment>,
}

impl Shelf {
    /// Reads packs, which `by` names.
    pub fn read(store: &Store, packs: &[Pack], by: &str) -> Result<Self, RepositoryError> {
        let keys: Vec<Key> = packs.iter().map(|pack| key(&pack.sha256)).collect();
        let mut shelf = Self::default();
        for ((pack, key), object) in packs.iter().zip(&keys).zip(store.get_all(&keys, LIMIT)?) {
            let (object_name, by) = (key.to_string(), by.to_owned());
            let Some(object) = object else {
                return Err(StateError::Missing { object: object_name, by }.into());
            };
            if Digest::sha256(&object.bytes) != pack.sha256 {
                return Err(StateError::Differs { object: object_name, by }.into());
            }
            let members =
                shelf.unpack(&object.bytes).map_err(|cause| StateError::Malformed { object: object_name, cause })?;
            shelf.packs.push((pack.clone(), members));
        }
        Ok(shelf)
    }

    fn unpack(&mut self, bytes: &[u8]) -> Result<Vec<Digest>, String> {
        let decoder = zstd::stream::Decoder::with_buffer(bytes).map_err(|error| error.to_string())?;
        let mut text = Vec::new();
        decoder.take(LIMIT + 1).read_to_end(&mut text).map_err(|error| error.to_string())?;
        if text.len() as u64 > LIMIT {
            return Err(format!("more than {LIMIT} bytes"));
        }
        let mut members = Vec::new();
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let fragment = Fragment::from_bytes(line).map_err(|error| error.to_string())?;
            members.push(fragment.sha256().clone());
            self.add(fragment);
        }
        Ok(members)
    }

    /// Adds the fragment of a new package.
    pub fn add(&mut self, fragment: Fragment) {
        self.fragments.insert(fragment.sha256().clone(), fragment);
    }

    /// Puts a fragment that says more in the place of another one of the same package.
    pub fn replace(&mut self, fragment: Fragment) {
        for (_, members) in &mut self.packs {
            members.retain(|member| member != fragment.sha256());
        }
        self.add(fragment);
    }

    /// Returns the fragment of the package with this SHA-256.
    pub fn get(&self, sha256: &Digest) -> Option<&Fragment> {
        self.fragments.get(sha256)
    }

    /// Writes one pack, or none if the packs that were read hold all that is `needed`, and returns the packs that hold
    /// it.
    pub fn write(&self, store: &Store, needed: &HashSet<Digest>) -> Result<Vec<Pack>, RepositoryError> {
        let held: HashSet<&Digest> = self.packs.iter().flat_map(|(_, members)| members).collect();
        let mut joined: Vec<&Digest> = needed.iter().filter(|sha256| !held.contains(sha256)).collect();
        let mut kept: Vec<&(Pack, Vec<Digest>)> = self.packs.iter().collect();
        if held.len() > 2 * needed.len() {
            // Most of what they hold is of packages that are gone.
            kept.clear();
            joined = needed.iter().collect();
        } else if joined.is_empty() {
            return Ok(self.packs.iter().map(|(pack, _)| pack.clone()).collect());
        }
        // Like the carries of a binary counter.
        while let Some((pack, members)) = kept.last().filter(|(pack, _)| pack.count <= 2 * joined.len()) {
            debug_assert!(pack.count >= members.len());
            joined.extend(members.iter().filter(|sha256| needed.contains(sha256)));
            kept.pop();
        }
        let mut packs: Vec<Pack> = kept.into_iter().map(|(pack, _)| pack.clone()).collect();
        packs.extend(self.write_one(store, joined)?);
        Ok(packs)
    }

    fn write_one(&self, store: &Store, mut members: Vec<&Digest>) -> Result<Option<Pack>, RepositoryError> {
        members.sort();
        members.dedup();
        let failed = |cause: String| StateError::Malformed { object: "the pack of new fragments".to_owned(), cause };
        let mut text = Vec::new();
        for fragment in members.iter().filter_map(|sha256| self.fragments.get(*sha256)) {
            text.extend(fragment.to_bytes().map_err(|error| failed(error.to_string()))?);
            text.push(b'\n');
        }
        if text.is_empty() {
            return Ok(None);
        }
        let bytes = zstd::bulk::compress(&text, LEVEL).map_err(|error| failed(error.to_string()))?;
        let pack = Pack { sha256: Digest::sha256(&bytes), count: members.len() };
        store.create(&[(key(&pack.sha256), Content::Bytes(&bytes))])?;
        Ok(Some(pack))
    }
}

/// Returns where a pack is.
#[expect(clippy::expect_used, reason = "digests are made of hexadecimal digits")]
pub fn key(sha256: &Digest) -> Key {
    format!("{STATE}/frag/{}.zst", sha256.hex()).parse().expect("a normal path")
}
