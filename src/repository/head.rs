//! Heads: the one small file of a channel that changes, and says which generation it shows.

use serde::{Deserialize, Serialize};

use super::channel::Channel;
use super::error::RepositoryError;
use super::state::{self, FORM};
use super::store::{Key, STATE, Store, Swap, Tag};
use crate::digest::Digest;

/// Bytes that a head may have.
const LIMIT: u64 = 64 << 10;

/// What a channel shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    form: u32,
    /// The generation's number: its parent's and one, from 1.
    pub number: u64,
    /// The SHA-256 of the generation's manifest.
    pub generation: Digest,
}

/// A head with what tells whether it is still the same.
#[derive(Debug, Clone)]
pub struct Held {
    /// The head.
    pub head: Head,
    tag: Tag,
}

impl Head {
    /// Makes the head of a generation.
    pub fn new(number: u64, generation: Digest) -> Self {
        Self { form: FORM, number, generation }
    }

    /// Reads the head of a channel; none of a channel that nobody has published to.
    pub fn read(store: &Store, channel: Channel) -> Result<Option<Held>, RepositoryError> {
        let key = key(channel);
        let Some(object) = store.get(&key, LIMIT)? else { return Ok(None) };
        Ok(Some(Held { head: state::parse(key.as_str(), &object.bytes)?, tag: object.tag }))
    }

    /// Writes it if the channel still shows `expected`, and returns it as it stands now; none if the channel shows
    /// something else by now.
    pub fn commit(
        self,
        store: &Store,
        channel: Channel,
        expected: Option<&Held>,
    ) -> Result<Option<Held>, RepositoryError> {
        let bytes = state::write(&self);
        match store.swap(&key(channel), &bytes, expected.map(|held| &held.tag))? {
            Swap::Done(tag) => Ok(Some(Held { head: self, tag })),
            Swap::Lost => Ok(None),
        }
    }
}

/// Returns where the head of a channel is.
#[expect(clippy::expect_used, reason = "channels are made of letters, digits, dots and one slash")]
pub fn key(channel: Channel) -> Key {
    format!("{STATE}/head/{channel}.json").parse().expect("a normal path")
}
