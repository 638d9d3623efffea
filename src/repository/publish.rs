//! Publishing: from package files to a new generation, without ever showing half of it.
//!
//! The order of writes is the whole point. Bytes of packages and index files have names of their own and are written
//! first, then the manifest of the generation, then the head by compare-and-swap, then the names that clients fetch. Until
//! the head is written nothing has happened; from then on everything can be completed by anyone ([`Repository::repair`]).

use std::collections::HashSet;
use std::path::Path;
use std::rc::Rc;

use super::candidate::Candidate;
use super::channel::Channel;
use super::charter::Repository;
use super::error::RepositoryError;
use super::fragment::Fragment;
use super::gate::{self, Components, Refusals};
use super::generation::{Entry, File, Generation, Projected, Reason};
use super::head::{Head, Held};
use super::index::Earlier;
use super::layout::{self, key};
use super::pack::Shelf;
use super::paper;
use super::projection::{self, Bytes, Fresh};
use super::render::{Places, Rendered, Rendering, Seal};
use super::site::{self, Heads};
use super::state::StateError;
use super::store::{Content, Key, STATE};
use crate::digest::Digest;
use crate::package::reader::FileList;
use crate::sign::{Certificate, Signers};
use crate::source_date::SourceDate;

/// How often others may publish to the channel before this run gives up.
const TRIES: usize = 64;
/// apt refuses a Release file that is further in the future, in seconds (`Acquire::Max-FutureTime`).
const MAX_FUTURE: u32 = 10;

/// Who publishes, and when.
#[derive(Debug)]
pub struct Publisher<'a> {
    /// The keys that sign index files: those of the repository, in any order.
    pub signers: Signers<'a>,
    /// The time that is written.
    pub date: SourceDate,
    /// The packages that no distribution is trusted to have.
    pub components: &'a Components,
}

/// How a publication ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What the channel shows.
    pub head: Head,
    /// The packages that it did not show before.
    pub added: Vec<Entry>,
    /// The packages that it showed before.
    pub removed: Vec<Entry>,
}

impl Outcome {
    /// Whether there is a new generation.
    pub fn is_new(&self) -> bool {
        !self.added.is_empty() || !self.removed.is_empty()
    }
}

/// What a channel shall show.
pub(super) struct Change {
    pub(super) packages: Vec<Entry>,
    /// The fragments of packages that the channel does not show yet.
    pub(super) fragments: Rc<Shelf>,
    pub(super) reason: Reason,
    /// The certificates of those who signed packages that are new, and whom nobody has trusted yet.
    pub(super) packagers: Vec<Certificate>,
}

impl Change {
    /// Makes one whose packages are all signed by somebody who is trusted.
    pub(super) fn new(packages: Vec<Entry>, fragments: Rc<Shelf>, reason: Reason) -> Self {
        Self { packages, fragments, reason, packagers: Vec::new() }
    }
}

impl Repository {
    /// Makes the channel show something else, however often others are faster.
    pub(super) fn advance<'c>(
        &mut self,
        channel: Channel,
        publisher: &Publisher<'_>,
        change: impl Fn(&[Entry]) -> Result<(Change, Vec<&'c Candidate>), RepositoryError>,
    ) -> Result<Outcome, RepositoryError> {
        let mut placed = HashSet::new();
        for _ in 0..TRIES {
            let held = self.head(channel)?;
            let shown = match &held {
                Some(held) => Some(Generation::read(self.store(), channel, &held.head)?),
                None => None,
            };
            let before = shown.as_ref().map_or(&[][..], |shown| &shown.packages);
            let (mut change, candidates) = change(before)?;
            self.admit(&publisher.signers, publisher.date, &change.reason)?;
            paper::keep(&mut change.packages, before);
            let (added, removed) = difference(shown.as_ref(), &change.packages);
            if let (Some(held), Some(shown)) = (&held, &shown)
                && added.is_empty()
                && removed.is_empty()
                && !change.reason.signs_anew()
            {
                if !projection::is_written(self.store(), shown)? {
                    projection::write(self.store(), channel, &Fresh::default())?;
                }
                if !site::is_shown(self.store(), channel, &held.head)? {
                    site::show(self, &held.head, shown)?;
                }
                self.seal_behind((&publisher.signers, publisher.date))?;
                return Ok(Outcome { head: held.head.clone(), added, removed });
            }
            if change.packages.is_empty() && shown.is_none() {
                return Err(RepositoryError::Nothing(channel));
            }
            let next = Next { channel, held: held.as_ref(), shown: shown.as_ref(), added: &added, removed: &removed };
            if let Some(head) = self.commit(&next, change, &candidates, &mut placed, publisher)? {
                return Ok(Outcome { head, added, removed });
            }
        }
        Err(RepositoryError::Busy { channel, tries: TRIES })
    }

    /// Writes one generation; none if somebody else was faster.
    fn commit(
        &mut self,
        next: &Next<'_>,
        change: Change,
        candidates: &[&Candidate],
        placed: &mut HashSet<Key>,
        publisher: &Publisher<'_>,
    ) -> Result<Option<Head>, RepositoryError> {
        let Next { channel, held, shown, .. } = *next;
        let date = time(channel, shown, publisher.date)?;
        let packs = shown.map_or(&[][..], |shown| &shown.packs);
        let mut shelf = Shelf::read(self.store(), packs, &format!("channel {channel}"))?;
        shelf.join(&change.fragments);
        self.list_files(&change.packages, &mut shelf)?;
        let mut generation = Generation::new(channel, held.map(|held| &held.head), date, change.reason);
        generation.packages = change.packages;
        let signers = self.charter().keyring.ordered(&publisher.signers);
        generation.signers = signers.certificates().map(|one| one.fingerprint().to_owned()).collect();
        let fragments = sort(&mut generation.packages, &shelf, channel)?;
        gates(next, &generation.packages, &fragments, publisher.components)?;
        self.place(next, candidates, placed)?;
        // Now nothing refuses the packages, and from here on clients are shown the certificates.
        if !change.packagers.is_empty() {
            self.trust(&change.packagers, (&publisher.signers, publisher.date))?;
        }
        let earlier = |name: &str| self.earlier(shown, name);
        let places = Places { channel, entries: &generation.packages, earlier: &earlier };
        let (charter, components) = (self.charter(), publisher.components);
        let seal = Seal { charter, date, signers: &signers, components };
        let mut rendering = Rendering::begin(&places, &seal)?;
        for entry in &generation.packages {
            if let Some(fragment) = shelf.whole(&entry.sha256)? {
                rendering.add(entry, &fragment)?;
            }
        }
        let rendered = rendering.finish()?;
        let bytes = self.write_indices(next, &mut generation, rendered)?;
        generation.packs = shelf.write(self.store(), &generation.packages)?;
        let head = generation.write(self.store())?;
        self.register(channel)?;
        // Somebody may have given the repository other keys meanwhile.
        self.reload()?;
        self.admit(&publisher.signers, date, &generation.reason)?;
        let number = self.charter().number();
        let Some(held) = head.commit(self.store(), channel, held, number, (&signers, date))? else { return Ok(None) };
        let fresh = Fresh { generation: Some((&held.head, &generation)), parent: shown, bytes };
        projection::write(self.store(), channel, &fresh)?;
        if site::show(self, &held.head, &generation)? == Heads::Behind {
            self.seal_behind((&publisher.signers, publisher.date))?;
        }
        Ok(Some(held.head))
    }

    /// Looks into the debs of which nobody has asked yet what files they have, where `Contents` files need it.
    fn list_files(&self, packages: &[Entry], shelf: &mut Shelf) -> Result<(), RepositoryError> {
        let list = self.charter().settings.file_list();
        if list == FileList::Unwanted {
            return Ok(());
        }
        for entry in packages {
            if shelf.get(&entry.sha256).is_none_or(Fragment::lists_files) {
                continue;
            }
            let by = || format!("the list of {entry}");
            let Some(object) = self.store().get(&entry.path, entry.size)? else {
                return Err(StateError::Missing { object: entry.path.to_string(), by: by() }.into());
            };
            let fragment = Fragment::read_bytes(Path::new(entry.path.as_str()), &object.bytes, list)?;
            if *fragment.sha256() != entry.sha256 {
                return Err(StateError::Differs { object: entry.path.to_string(), by: by() }.into());
            }
            shelf.add(fragment)?;
        }
        Ok(())
    }

    /// Puts packages where clients will look for them, unless an earlier try did.
    fn place(
        &self,
        next: &Next<'_>,
        candidates: &[&Candidate],
        placed: &mut HashSet<Key>,
    ) -> Result<(), RepositoryError> {
        let objects = candidates.iter().flat_map(|one| one.objects());
        let objects: Vec<(Key, Content<'_>)> = objects.filter(|(path, _)| !placed.contains(path)).collect();
        self.store().create(&objects)?;
        let links = next.added.iter().map(|entry| (entry.path.clone(), flat_path(next.channel, entry)));
        let links: Vec<(Key, Key)> = links.filter(|(_, path)| !placed.contains(path)).collect();
        self.store().link(&links)?;
        placed.extend(objects.into_iter().map(|(path, _)| path).chain(links.into_iter().map(|(_, path)| path)));
        Ok(())
    }

    /// Returns an index file of the generation before.
    fn earlier(&self, shown: Option<&Generation>, name: &str) -> Result<Earlier, RepositoryError> {
        let Some(file) = shown.and_then(|shown| shown.indices.iter().find(|file| file.name == name)) else {
            return Ok(Earlier::default());
        };
        if file.members.is_empty() {
            return Ok(Earlier::default());
        }
        match self.store().get(&file.path, file.size)? {
            Some(found) if found.is(&file.sha256) => Ok(Earlier::new(found.bytes, &file.members)),
            // What cannot be used again is made again.
            _ => Ok(Earlier::default()),
        }
    }

    /// Writes index files under the names that never change, and says in the manifest what they are.
    fn write_indices(
        &self,
        next: &Next<'_>,
        generation: &mut Generation,
        rendered: Rendered,
    ) -> Result<Bytes, RepositoryError> {
        let Rendered { indices, aliases, projection } = rendered;
        // Their names are their digests: what the channel showed before is there.
        let indexed = next.shown.iter().flat_map(|shown| &shown.indices).map(|file| &file.path);
        let signed = next.shown.iter().flat_map(|shown| &shown.projection).map(|file| &file.source);
        let known: HashSet<&Key> = indexed.chain(signed).collect();
        let new = indices.iter().filter(|index| !known.contains(&index.path));
        let mut new: Vec<(Key, Content<'_>)> =
            new.map(|index| (index.path.clone(), Content::Bytes(&index.bytes))).collect();
        let files = indices.iter().map(|index| File {
            path: index.path.clone(),
            name: index.name.clone(),
            members: index.members.clone(),
            sha256: Digest::sha256(&index.bytes),
            size: index.bytes.len() as u64,
        });
        generation.indices = files.collect();
        let by_digest = |sha256: &Digest| generation.indices.iter().find(|file| file.sha256 == *sha256);
        let mut projected = Vec::new();
        for (path, bytes) in &projection {
            let (sha256, size) = (Digest::sha256(bytes), bytes.len() as u64);
            let source = if let Some(file) = by_digest(&sha256) {
                file.path.clone()
            } else {
                let copy = key(&format!("{STATE}/signed/{}", sha256.hex()));
                if !known.contains(&copy) {
                    new.push((copy.clone(), Content::Bytes(bytes)));
                }
                copy
            };
            projected.push(Projected { path: path.clone(), source, sha256, size });
        }
        self.store().create(&new)?;
        self.store().link(&aliases)?;
        generation.alias(&aliases);
        generation.projection = projected;
        let all = projection.into_iter().map(|(_, bytes)| (Digest::sha256(&bytes), bytes));
        Ok(all.collect())
    }
}

/// What a generation follows, and how it differs.
pub(super) struct Next<'a> {
    pub(super) channel: Channel,
    pub(super) held: Option<&'a Held>,
    pub(super) shown: Option<&'a Generation>,
    pub(super) added: &'a [Entry],
    pub(super) removed: &'a [Entry],
}

/// The gates that need to know all packages.
pub(super) fn gates(
    next: &Next<'_>,
    packages: &[Entry],
    fragments: &[&Fragment],
    components: &Components,
) -> Result<(), RepositoryError> {
    let mut refused = gate::same_name(packages);
    let added: HashSet<&Digest> = next.added.iter().map(|entry| &entry.sha256).collect();
    // What was closed stays closed when something is added.
    let is_subject = |fragment: &&&Fragment| !next.removed.is_empty() || added.contains(fragment.sha256());
    let subjects: Vec<&Fragment> = fragments.iter().filter(is_subject).copied().collect();
    refused.extend(gate::strays(&subjects, next.channel, components));
    refused.extend(gate::unmet(&subjects, fragments, components));
    refused.extend(gate::incomplete(&subjects, fragments, components));
    if refused.is_empty() { Ok(()) } else { Err(Refusals(refused).into()) }
}

/// Returns where a package lies beside the index files of its channel.
pub(super) fn flat_path(channel: Channel, entry: &Entry) -> Key {
    let file_name = entry.path.as_str().rsplit('/').next().unwrap_or_default();
    key(&layout::flat_package(channel, entry.format, &entry.arch, file_name))
}

/// Returns what one generation has and another has not, both ways.
pub(super) fn difference(shown: Option<&Generation>, packages: &[Entry]) -> (Vec<Entry>, Vec<Entry>) {
    let before: HashSet<&Entry> = shown.iter().flat_map(|shown| &shown.packages).collect();
    let after: HashSet<&Entry> = packages.iter().collect();
    let mut added: Vec<Entry> = after.difference(&before).map(|entry| (*entry).clone()).collect();
    let mut removed: Vec<Entry> = before.difference(&after).map(|entry| (*entry).clone()).collect();
    added.sort();
    removed.sort();
    (added, removed)
}

/// Returns the time of the next generation: clients take an older one for an old state.
fn time(channel: Channel, shown: Option<&Generation>, now: SourceDate) -> Result<SourceDate, RepositoryError> {
    let Some(newest) = shown.map(Generation::date) else { return Ok(now) };
    if newest.epoch() > now.epoch().saturating_add(MAX_FUTURE) {
        return Err(RepositoryError::Clock { channel, now: now.to_string(), newest: newest.to_string() });
    }
    Ok(now.max(newest))
}

/// Sorts the packages of a channel as index files list them, and returns their fragments in the same order.
pub(super) fn sort<'a>(
    packages: &mut Vec<Entry>,
    shelf: &'a Shelf,
    channel: Channel,
) -> Result<Vec<&'a Fragment>, RepositoryError> {
    let mut listed = Vec::with_capacity(packages.len());
    for entry in packages.drain(..) {
        let Some(fragment) = shelf.get(&entry.sha256) else {
            let object = format!("the fragment of {entry}");
            return Err(StateError::Missing { object, by: format!("channel {channel}") }.into());
        };
        listed.push((entry, fragment));
    }
    listed.sort_by(|(one, fragment), (other, other_fragment)| {
        fragment.compare_places(other_fragment).then_with(|| one.cmp(other))
    });
    listed.dedup_by(|(one, _), (other, _)| one == other);
    let fragments;
    (*packages, fragments) = listed.into_iter().unzip();
    Ok(fragments)
}
