//! Packs: the fragments of many packages in one file.
//!
//! A generation names a few packs, and each publication adds one. Small ones are joined into larger ones, so that their
//! number stays below the logarithm of the number of packages: whoever publishes one package to ten thousand reads some
//! ten files and writes a small one, mostly.
//!
//! A pack has what gates ask in front, one line of JSON for each fragment, and the texts of index files behind that, in
//! frames that stay compressed until somebody needs them.

mod frames;
mod sheaf;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::error::RepositoryError;
use super::fragment::Fragment;
use super::generation::Entry;
use super::state::StateError;
use super::store::{Content, Key, STATE, Store};
use crate::digest::Digest;
use sheaf::Sheaf;

/// Bytes that a pack may have.
const LIMIT: u64 = 1 << 30;

/// A pack, as a generation names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// The SHA-256 of the file.
    pub sha256: Digest,
    /// How many fragments it holds.
    pub count: usize,
}

/// The fragments of a channel: in memory what gates ask, and packed what index files hold.
#[derive(Debug, Default)]
pub struct Shelf {
    sheaves: Vec<(Option<Pack>, Rc<Sheaf>)>,
    /// The sheaf of each fragment and its place in it.
    places: HashMap<Digest, (usize, usize)>,
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
            if !object.is(&pack.sha256) {
                return Err(StateError::Differs { object: object_name, by }.into());
            }
            let sheaf =
                Sheaf::parse(object.bytes).map_err(|cause| StateError::Malformed { object: object_name, cause })?;
            shelf.put(Some(pack.clone()), Rc::new(sheaf));
        }
        Ok(shelf)
    }

    /// Later ones say more of the same package.
    fn put(&mut self, pack: Option<Pack>, sheaf: Rc<Sheaf>) {
        let number = self.sheaves.len();
        let found = sheaf.fragments().enumerate().map(|(place, one)| (one.sha256().clone(), (number, place)));
        self.places.extend(found);
        self.sheaves.push((pack, sheaf));
    }

    /// Adds the fragment of a package, in the place of another one of the same package that says less, and returns it as
    /// [`get`](Self::get) does.
    pub fn add(&mut self, fragment: Fragment) -> Result<Rc<Fragment>, RepositoryError> {
        let is_open =
            self.sheaves.last_mut().is_some_and(|(pack, sheaf)| pack.is_none() && Rc::get_mut(sheaf).is_some());
        if !is_open {
            self.sheaves.push((None, Rc::default()));
        }
        let number = self.sheaves.len() - 1;
        let Some(sheaf) = self.sheaves.last_mut().and_then(|(_, sheaf)| Rc::get_mut(sheaf)) else {
            unreachable!("it is open");
        };
        let fragment = sheaf.push(fragment).map_err(unpackable)?;
        self.places.insert(fragment.sha256().clone(), (number, sheaf.len() - 1));
        Ok(fragment)
    }

    /// Adds what another shelf has and this one has not.
    pub(super) fn join(&mut self, other: &Self) {
        let number = self.sheaves.len();
        self.sheaves.extend(other.sheaves.iter().map(|(_, sheaf)| (None, Rc::clone(sheaf))));
        for (sha256, (sheaf, place)) in &other.places {
            self.places.entry(sha256.clone()).or_insert((number + sheaf, *place));
        }
    }

    /// Returns the fragment of the package with this SHA-256, without the texts of index files.
    pub fn get(&self, sha256: &Digest) -> Option<&Fragment> {
        let (sheaf, place) = self.places.get(sha256)?;
        Some(self.sheaves.get(*sheaf)?.1.get(*place))
    }

    /// Returns every fragment, in no order, without the texts of index files.
    pub fn fragments(&self) -> impl Iterator<Item = &Fragment> {
        self.places.values().map(|(sheaf, place)| self.sheaves[*sheaf].1.get(*place))
    }

    /// Returns the whole fragment of the package with this SHA-256, if it is there.
    pub fn whole(&self, sha256: &Digest) -> Result<Option<Fragment>, RepositoryError> {
        let Some((sheaf, place)) = self.places.get(sha256) else { return Ok(None) };
        let (pack, sheaf) = &self.sheaves[*sheaf];
        let object =
            || pack.as_ref().map_or("the pack of new fragments".to_owned(), |pack| key(&pack.sha256).to_string());
        let failed = |cause| StateError::Malformed { object: object(), cause }.into();
        sheaf.whole(*place).map(Some).map_err(failed)
    }

    /// Writes one pack, or none if the packs that were read hold all that is `needed`, and returns the packs that hold
    /// it.
    pub fn write(&self, store: &Store, needed: &[Entry]) -> Result<Vec<Pack>, RepositoryError> {
        let needed: HashSet<&Digest> = needed.iter().map(|entry| &entry.sha256).collect();
        let mut held: Vec<(&Pack, Vec<&Digest>)> = self.packs().collect();
        let known: HashSet<&Digest> = held.iter().flat_map(|(_, members)| members).copied().collect();
        let mut joined: Vec<&Digest> = needed.iter().filter(|sha256| !known.contains(*sha256)).copied().collect();
        if known.len() > 2 * needed.len() {
            // Most of what they hold is of packages that are gone.
            held.clear();
            joined = needed.iter().copied().collect();
        } else if joined.is_empty() {
            return Ok(held.into_iter().map(|(pack, _)| pack.clone()).collect());
        }
        // Like the carries of a binary counter.
        while let Some((_, members)) = held.pop_if(|(pack, _)| pack.count <= 2 * joined.len()) {
            joined.extend(members.into_iter().filter(|sha256| needed.contains(sha256)));
        }
        let mut packs: Vec<Pack> = held.into_iter().map(|(pack, _)| pack.clone()).collect();
        packs.extend(self.write_one(store, joined)?);
        Ok(packs)
    }

    /// The packs that were read, with what is still asked of them.
    fn packs(&self) -> impl Iterator<Item = (&Pack, Vec<&Digest>)> {
        self.sheaves.iter().enumerate().filter_map(|(number, (pack, sheaf))| {
            let is_here = |(place, one): (usize, &Fragment)| self.places.get(one.sha256()) == Some(&(number, place));
            let members = sheaf.fragments().enumerate().filter(|one| is_here(*one)).map(|(_, one)| one.sha256());
            pack.as_ref().map(|pack| (pack, members.collect()))
        })
    }

    fn write_one(&self, store: &Store, members: Vec<&Digest>) -> Result<Option<Pack>, RepositoryError> {
        let mut members: Vec<(&Digest, &Fragment)> =
            members.into_iter().filter_map(|sha256| Some((sha256, self.get(sha256)?))).collect();
        if members.is_empty() {
            return Ok(None);
        }
        members.sort_by(|(_, one), (_, other)| one.compare_places(other));
        let sheaf = match self.only_sheaf(&members) {
            Some(sheaf) => Rc::clone(sheaf),
            None => Rc::new(self.sheaf_of(&members)?),
        };
        let bytes = sheaf.to_bytes().map_err(unpackable)?;
        let pack = Pack { sha256: Digest::sha256(&bytes), count: members.len() };
        store.create(&[(key(&pack.sha256), Content::Bytes(&bytes))])?;
        Ok(Some(pack))
    }

    /// Returns the new sheaf that has these members and no others, so that nothing of it is packed twice.
    fn only_sheaf(&self, members: &[(&Digest, &Fragment)]) -> Option<&Rc<Sheaf>> {
        let (number, _) = self.places.get(members.first()?.0)?;
        let (pack, sheaf) = self.sheaves.get(*number)?;
        let is_in = |(sha256, _): &(&Digest, &Fragment)| self.places.get(*sha256).is_some_and(|(its, _)| its == number);
        (pack.is_none() && sheaf.len() == members.len() && members.iter().all(is_in)).then_some(sheaf)
    }

    fn sheaf_of(&self, members: &[(&Digest, &Fragment)]) -> Result<Sheaf, RepositoryError> {
        let mut sheaf = Sheaf::default();
        for (sha256, _) in members {
            if let Some(fragment) = self.whole(sha256)? {
                sheaf.push(fragment).map_err(unpackable)?;
            }
        }
        Ok(sheaf)
    }
}

fn unpackable(cause: String) -> RepositoryError {
    StateError::Malformed { object: "the pack of new fragments".to_owned(), cause }.into()
}

/// Returns where a pack is.
#[expect(clippy::expect_used, reason = "digests are made of hexadecimal digits")]
pub fn key(sha256: &Digest) -> Key {
    format!("{STATE}/frag/{}.pack", sha256.hex()).parse().expect("a normal path")
}
