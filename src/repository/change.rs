//! Changes of channels that bring no new packages: promotions, rollbacks, new dates. No bytes of packages are moved.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use super::channel::Channel;
use super::charter::Repository;
use super::error::RepositoryError;
use super::generation::{Entry, Generation, Reason};
use super::pack::Shelf;
use super::projection::{self, Fresh};
use super::publish::{Change, Outcome, Publisher};
use crate::digest::Digest;

/// What a channel is to show, by the file names of its packages.
pub type Wanted = BTreeMap<String, Digest>;

impl Repository {
    /// Adds everything that `from` shows to `to`.
    pub fn promote(
        &mut self,
        from: Channel,
        to: Channel,
        publisher: &Publisher<'_>,
    ) -> Result<Outcome, RepositoryError> {
        let source = self.shown(from)?.generation;
        let fragments = self.fragments(&source)?;
        let reason = Reason::Promote { from: from.to_string() };
        self.advance(to, publisher, |shown| {
            let known: HashSet<&Entry> = shown.iter().collect();
            let new = source.packages.iter().filter(|entry| !known.contains(entry)).cloned();
            let packages = shown.iter().cloned().chain(new).collect();
            let change = Change { packages, fragments: Rc::clone(&fragments), reason: reason.clone(), always: false };
            Ok((change, Vec::new()))
        })
    }

    /// Makes a channel show what a list says and nothing else. Every package of the list is in some channel already;
    /// `list` names the list in the history.
    pub fn apply(
        &mut self,
        channel: Channel,
        wanted: &Wanted,
        list: &str,
        publisher: &Publisher<'_>,
    ) -> Result<Outcome, RepositoryError> {
        let (mut packages, mut shelf, mut left) = (Vec::new(), Shelf::default(), wanted.clone());
        for other in self.published()? {
            let generation = self.shown(other)?.generation;
            let (found, _): (Vec<Entry>, Vec<Entry>) = generation
                .packages
                .iter()
                .cloned()
                .partition(|entry| left.get(file_name(entry)) == Some(&entry.sha256));
            for entry in &found {
                left.remove(file_name(entry));
            }
            if !found.is_empty() {
                shelf.join(&*self.fragments(&generation)?);
            }
            packages.extend(found);
        }
        if let Some((file, sha256)) = left.pop_first() {
            return Err(RepositoryError::NoPackage { file, sha256 });
        }
        let (reason, fragments) = (Reason::Promote { from: list.to_owned() }, Rc::new(shelf));
        self.advance(channel, publisher, |_| {
            let (packages, fragments) = (packages.clone(), Rc::clone(&fragments));
            Ok((Change { packages, fragments, reason: reason.clone(), always: false }, Vec::new()))
        })
    }

    /// Makes a channel show again what generation `to` showed: a new generation, since clients never go back.
    pub fn rollback(
        &mut self,
        channel: Channel,
        to: u64,
        publisher: &Publisher<'_>,
    ) -> Result<Outcome, RepositoryError> {
        let old = self.generation(channel, to)?.generation;
        let fragments = self.fragments(&old)?;
        self.advance(channel, publisher, |_| {
            let (packages, fragments) = (old.packages.clone(), Rc::clone(&fragments));
            Ok((Change { packages, fragments, reason: Reason::Rollback { to }, always: false }, Vec::new()))
        })
    }

    /// Signs what a channel shows again, with a new date and perhaps another key.
    pub fn refresh(&mut self, channel: Channel, publisher: &Publisher<'_>) -> Result<Outcome, RepositoryError> {
        self.shown(channel)?;
        self.advance(channel, publisher, |shown| {
            let change =
                Change { packages: shown.to_vec(), fragments: Rc::default(), reason: Reason::Refresh, always: true };
            Ok((change, Vec::new()))
        })
    }

    /// Writes what clients fetch again, as the channel's head wants it. A run that was killed may have left some of it
    /// as it was before. Returns whether anything was wrong.
    pub fn repair(&self, channel: Channel) -> Result<bool, RepositoryError> {
        let shown = self.shown(channel)?.generation;
        let is_complete = projection::is_complete(self.store(), &shown)?;
        if !is_complete {
            projection::write(self.store(), channel, &Fresh::default())?;
        }
        Ok(!is_complete)
    }

    /// Returns what is known of the packages of a generation.
    pub(super) fn fragments(&self, generation: &Generation) -> Result<Rc<Shelf>, RepositoryError> {
        let by = format!("generation {} of {}", generation.number, generation.channel);
        Ok(Rc::new(Shelf::read(self.store(), &generation.packs, &by)?))
    }
}

/// Returns the name of a package's file.
pub fn file_name(entry: &Entry) -> &str {
    entry.path.as_str().rsplit('/').next().unwrap_or_default()
}
