//! What a channel showed, and when.

use super::channel::Channel;
use super::charter::{Charter, Repository, charter_key};
use super::error::RepositoryError;
use super::generation::{Entry, Generation};
use super::head::{self, Head, Held};
use super::publish::difference;

/// A generation with what names it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its number and the SHA-256 of its manifest.
    pub head: Head,
    /// The generation.
    pub generation: Generation,
}

/// What is different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Packages that only the second one has.
    pub added: Vec<Entry>,
    /// Packages that only the first one has.
    pub removed: Vec<Entry>,
}

impl Difference {
    /// Compares what two generations show.
    pub fn between(one: &Generation, other: &Generation) -> Self {
        let (added, removed) = difference(Some(one), &other.packages);
        Self { added, removed }
    }
}

impl Repository {
    /// Returns the channels that show something. A run that was killed may have registered one and no more.
    pub fn published(&self) -> Result<Vec<Channel>, RepositoryError> {
        let mut published = Vec::new();
        for channel in self.channels() {
            if Head::read(self.store(), channel)?.is_some() {
                published.push(channel);
            }
        }
        Ok(published)
    }

    /// Returns the head of a channel, which one of the keys that sign the repository has signed.
    pub(super) fn head(&self, channel: Channel) -> Result<Option<Held>, RepositoryError> {
        let Some(held) = Head::read(self.store(), channel)? else { return Ok(None) };
        if Self::judge(&held, channel, self.charter()).is_err() {
            // The keys may have changed since the charter was read.
            Self::judge(&held, channel, &self.charter_now()?)?;
        }
        Ok(Some(held))
    }

    /// Whether a head is one that goes with a charter.
    fn judge(held: &Held, channel: Channel, charter: &Charter) -> Result<(), RepositoryError> {
        let object = head::key(channel).to_string();
        if held.charter > charter.number() {
            let (number, newest) = (charter.number(), held.charter);
            return Err(RepositoryError::OldCharter {
                object: charter_key().to_string(),
                head: object,
                number,
                newest,
            });
        }
        held.verify(channel, &charter.keyring.of_index())
            .map_err(|cause| RepositoryError::ForeignHead { object, cause })
    }

    /// Returns what a channel shows, as its keys have signed it.
    pub fn shown(&self, channel: Channel) -> Result<Shown, RepositoryError> {
        let Some(held) = self.head(channel)? else { return Err(self.no_channel(channel)) };
        let generation = Generation::read(self.store(), channel, &held.head)?;
        Ok(Shown { head: held.head, generation })
    }

    pub(super) fn no_channel(&self, channel: Channel) -> RepositoryError {
        let (location, channels) = (self.store().location().to_string(), self.channels());
        RepositoryError::NoChannel { location, channel, channels }
    }

    /// Hands over what a channel shows and showed, newest first, until there is no more or `each` returns `false`. Every
    /// generation is checked against what its child says of it.
    pub fn walk(&self, channel: Channel, mut each: impl FnMut(Shown) -> bool) -> Result<(), RepositoryError> {
        let mut shown = self.shown(channel)?;
        loop {
            let parent = shown.generation.parent();
            if !each(shown) {
                return Ok(());
            }
            let Some(head) = parent else { return Ok(()) };
            // What was collected is gone, and everything before it.
            if self.store().sizes(&[super::generation::key(channel, &head)])? == [None] {
                return Ok(());
            }
            shown = Shown { generation: Generation::read(self.store(), channel, &head)?, head };
        }
    }

    /// Returns generation `number` of a channel.
    pub fn generation(&self, channel: Channel, number: u64) -> Result<Shown, RepositoryError> {
        let (mut found, mut newest) = (None, 0);
        self.walk(channel, |shown| {
            newest = newest.max(shown.head.number);
            if shown.head.number == number {
                found = Some(shown);
                return false;
            }
            shown.head.number > number
        })?;
        found.ok_or(RepositoryError::NoGeneration { channel, number, newest })
    }
}
