//! What a change of a channel would come to. Everything is asked that a publication asks, but for the keys, and nothing is
//! written: so a list is judged where it is reviewed, by those who have no key.

use std::path::PathBuf;
use std::rc::Rc;

use super::candidate::Candidate;
use super::change::Found;
use super::channel::Channel;
use super::charter::Repository;
use super::error::RepositoryError;
use super::gate::{self, Components, Refusal, Refusals};
use super::generation::{Entry, Generation, Reason};
use super::history::Difference;
use super::pack::Shelf;
use super::paper;
use super::publish::{Next, difference, gates, sort};

impl Repository {
    /// Returns how a channel would change if packages were added to it.
    pub fn rehearse_publish(
        &self,
        channel: Channel,
        files: &[PathBuf],
        components: &Components,
    ) -> Result<Difference, RepositoryError> {
        let offered = self.offered(files, &[])?;
        let given: Vec<Entry> = offered.candidates.iter().map(Candidate::entry).collect();
        let refused = self.other_bytes(&given)?;
        if !refused.is_empty() {
            return Err(Refusals(refused).into());
        }
        self.rehearse(channel, components, |shown| {
            let change = offered.change(shown, &Reason::Publish).0;
            (change.packages, change.fragments)
        })
    }

    /// Returns how a channel would change if what was found were promoted to it.
    pub fn rehearse_promote(
        &self,
        found: &Found,
        to: Channel,
        components: &Components,
    ) -> Result<Difference, RepositoryError> {
        self.rehearse(to, components, |shown| (found.beside(shown), Rc::clone(&found.fragments)))
    }

    /// Returns how a channel would change if it were to show what was found and nothing else.
    pub fn rehearse_apply(
        &self,
        found: &Found,
        channel: Channel,
        components: &Components,
    ) -> Result<Difference, RepositoryError> {
        self.rehearse(channel, components, |_| (found.packages.clone(), Rc::clone(&found.fragments)))
    }

    fn rehearse(
        &self,
        channel: Channel,
        components: &Components,
        change: impl Fn(&[Entry]) -> (Vec<Entry>, Rc<Shelf>),
    ) -> Result<Difference, RepositoryError> {
        let held = self.head(channel)?;
        let shown = match &held {
            Some(held) => Some(Generation::read(self.store(), channel, &held.head)?),
            None => None,
        };
        let before = shown.as_ref().map_or(&[][..], |shown| &shown.packages);
        let (mut packages, fragments) = change(before);
        paper::keep(&mut packages, before);
        let (added, removed) = difference(shown.as_ref(), &packages);
        if packages.is_empty() && shown.is_none() {
            return Err(RepositoryError::Nothing(channel));
        }
        let packs = shown.as_ref().map_or(&[][..], |shown| &shown.packs);
        let mut shelf = Shelf::read(self.store(), packs, &format!("channel {channel}"))?;
        shelf.join(&fragments);
        let fragments = sort(&mut packages, &shelf, channel)?;
        let next = Next { channel, held: held.as_ref(), shown: shown.as_ref(), added: &added, removed: &removed };
        gates(&next, &packages, &fragments, components)?;
        Ok(Difference { added, removed })
    }

    /// Looks for packages that some channel shows with other bytes: their names in the pool are taken.
    fn other_bytes(&self, given: &[Entry]) -> Result<Vec<Refusal>, RepositoryError> {
        let mut all = given.to_vec();
        for channel in self.published()? {
            let there = self.shown(channel)?.generation.packages;
            all.extend(there.into_iter().filter(|entry| given.iter().any(|one| one.path == entry.path)));
        }
        // What is published comes first, as the gate names it.
        all.reverse();
        Ok(gate::same_name(&all))
    }
}
