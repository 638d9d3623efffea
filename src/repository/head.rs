//! Heads: the one small file of a channel that changes, and says which generation it shows.
//!
//! The keys of the repository sign it, so that nobody else can put a generation into the chain, or an older one in the
//! place of the newest: what the generations before show is known by digests from there on.

use serde::{Deserialize, Serialize};

use super::channel::Channel;
use super::error::RepositoryError;
use super::state::{self, FORM};
use super::store::{Key, STATE, Store, Swap, Tag};
use crate::digest::Digest;
use crate::sign::{Certificate, Signatures, Signers, VerifyError};
use crate::source_date::SourceDate;

/// Bytes that a head may have.
const LIMIT: u64 = 64 << 10;

/// What a channel shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The generation's number: its parent's and one, from 1.
    pub number: u64,
    /// The SHA-256 of the generation's manifest.
    pub generation: Digest,
}

/// A head as it is stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    form: u32,
    number: u64,
    generation: Digest,
    /// The number of the charter that whoever signed it knew.
    charter: u64,
    /// Signatures of [`Head::message`], in one ASCII armor.
    signatures: String,
}

/// A head with its signatures and with what tells whether it is still the same.
#[derive(Debug, Clone)]
pub struct Held {
    /// The head.
    pub head: Head,
    /// The number of the charter that whoever signed it knew: an older one is not the repository's any more.
    pub charter: u64,
    signatures: String,
    tag: Tag,
}

impl Head {
    /// Makes the head of a generation.
    pub fn new(number: u64, generation: Digest) -> Self {
        Self { number, generation }
    }

    /// Reads the head of a channel; none of a channel that nobody has published to. Whether it is signed by whom it should
    /// be, [`Held::verify`] says.
    pub fn read(store: &Store, channel: Channel) -> Result<Option<Held>, RepositoryError> {
        let key = key(channel);
        let Some(object) = store.get(&key, LIMIT)? else { return Ok(None) };
        let Stored { number, generation, charter, signatures, .. } = state::parse(key.as_str(), &object.bytes)?;
        Ok(Some(Held { head: Self { number, generation }, charter, signatures, tag: object.tag }))
    }

    /// Signs and writes it if the channel still shows `expected`, and returns it as it stands now; none if the channel
    /// shows something else by now.
    pub(super) fn commit(
        self,
        store: &Store,
        channel: Channel,
        expected: Option<&Held>,
        charter: u64,
        (signers, date): (&Signers<'_>, SourceDate),
    ) -> Result<Option<Held>, RepositoryError> {
        let armor = signers.detached(self.message(channel, charter).as_bytes(), date)?.to_armor();
        let signatures = armor.map_err(crate::sign::SignError::Refused)?;
        let (number, generation) = (self.number, self.generation.clone());
        let bytes = state::write(&Stored { form: FORM, number, generation, charter, signatures: signatures.clone() });
        match store.swap(&key(channel), &bytes, expected.map(|held| &held.tag))? {
            Swap::Done(tag) => Ok(Some(Held { head: self, charter, signatures, tag })),
            Swap::Lost => Ok(None),
        }
    }

    /// What is signed: text with a line for each fact.
    fn message(&self, channel: Channel, charter: u64) -> String {
        let (number, generation) = (self.number, self.generation.hex());
        format!("kubepkg head\nchannel {channel}\nnumber {number}\ngeneration {generation}\ncharter {charter}\n")
    }
}

impl Held {
    /// Checks that one of the certificates signed it for this channel.
    pub fn verify(&self, channel: Channel, certificates: &[Certificate]) -> Result<(), VerifyError> {
        let signatures = Signatures::parse(self.signatures.as_bytes())?;
        signatures.verify(certificates, self.head.message(channel, self.charter).as_bytes()).map(|_| ())
    }
}

/// Returns where the head of a channel is.
#[expect(clippy::expect_used, reason = "channels are made of letters, digits, dots and one slash")]
pub fn key(channel: Channel) -> Key {
    format!("{STATE}/head/{channel}.json").parse().expect("a normal path")
}
