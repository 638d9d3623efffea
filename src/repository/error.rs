//! Why a repository was not read or changed.

use std::io;

use super::channel::Channel;
use super::fragment::FragmentError;
use super::gate::Refusals;
use super::state::StateError;
use super::store::StoreError;
use crate::sign::SignError;

/// Why a repository was not read or changed. Whatever it is, clients see what they saw before, or all of what is new.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The store did not do what was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A state file cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// There is no repository.
    #[error("there is no repository at `{0}`")]
    NoRepository(String),
    /// There is one already.
    #[error("there is a repository at `{0}`")]
    Exists(String),
    /// Nobody has published to the channel.
    #[error("`{location}` has no channel `{channel}`; it has {}", known(.channels))]
    NoChannel {
        /// The repository.
        location: String,
        /// The channel.
        channel: Channel,
        /// The channels that it has.
        channels: Vec<Channel>,
    },
    /// The channel never had this generation.
    #[error("channel `{channel}` has no generation {number}; {}", spanned(*.newest))]
    NoGeneration {
        /// The channel.
        channel: Channel,
        /// What was asked for.
        number: u64,
        /// The newest one.
        newest: u64,
    },
    /// No channel shows the package, or showed it as long as it was kept.
    #[error("no channel has `{file}` with {sha256}")]
    NoPackage {
        /// Its file name.
        file: String,
        /// The SHA-256 that is wanted.
        sha256: crate::digest::Digest,
    },
    /// The channel does not show what was picked of it.
    #[error("channel `{channel}` has no `{pick}`")]
    NotShown {
        /// The channel.
        channel: Channel,
        /// What was asked for.
        pick: String,
    },
    /// Another repository shows what it showed before.
    #[error("`{from}` is of {date}, and what was taken from it last is of {newest}: somebody put an older state back")]
    OlderState {
        /// The other repository.
        from: String,
        /// Its time.
        date: String,
        /// The time of what was taken from it last.
        newest: String,
    },
    /// A channel would show nothing.
    #[error("channel `{0}` would have no packages")]
    Nothing(Channel),
    /// A package cannot be read.
    #[error(transparent)]
    Package(#[from] FragmentError),
    /// A package file cannot be looked at.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The gates.
    #[error(transparent)]
    Refused(#[from] Refusals),
    /// The keys are not those that sign the repository.
    #[error("the repository is signed by {}, and not by {}", listed(.known), listed(.given))]
    OtherKeys {
        /// The fingerprints of those that sign it.
        known: Vec<String>,
        /// The fingerprints of those that were given.
        given: Vec<String>,
    },
    /// What the repository says of itself is not signed by its keys.
    #[error("`{object}` is not signed by the repository's keys: {cause}")]
    Unsigned {
        /// The file.
        object: String,
        /// What is wrong with its signature.
        cause: crate::sign::VerifyError,
    },
    /// The repository has other keys than those that are known.
    #[error("the repository is signed by {}, and not by {}", listed(.known), listed(.named))]
    ForeignCharter {
        /// The fingerprints of those that sign it.
        known: Vec<String>,
        /// The fingerprints that were named.
        named: Vec<String>,
    },
    /// Nobody who knows the keys of the repository is there to tell whether it is that repository.
    #[error("the repository is signed by {}, and nothing here says that it should be", listed(.0))]
    Unknown(Vec<String>),
    /// An older charter was put back.
    #[error("`{object}` is older than what `{head}` was signed for: its number is {number}, and was {newest}")]
    OldCharter {
        /// The file.
        object: String,
        /// The head that knows a newer one.
        head: String,
        /// The number that it has.
        number: u64,
        /// The number that it had.
        newest: u64,
    },
    /// What changes is signed.
    #[error("this is signed, and takes the repository's keys")]
    NeedsKey,
    /// Somebody else signed what the channel shows.
    #[error("`{object}` is not signed as the repository is: {cause}")]
    ForeignHead {
        /// The file.
        object: String,
        /// What is wrong with its signature.
        cause: crate::sign::VerifyError,
    },
    /// None of the keys is one that clients know.
    #[error("clients know {}, and nothing of what is to be published would be signed by it", listed(.0))]
    NoOverlap(Vec<String>),
    /// The certificate of the key that clients have does not say that it may sign.
    #[error("the certificate that clients have does not let key {0} sign any more")]
    OldCertificate(String),
    /// The repository does not have the certificate.
    #[error("the repository has no certificate {0}")]
    NoKey(String),
    /// The key signs what clients read.
    #[error("key {0} signs the repository")]
    KeySigns(String),
    /// An index file cannot be made.
    #[error("cannot make `{file}`: {cause}")]
    Index {
        /// The file.
        file: String,
        /// Why.
        cause: String,
    },
    /// The key does not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// Clients would take the publication for an older one, or for one of the future.
    #[error("the time is {now}, and channel `{channel}` was published at {newest}: one of the two clocks is wrong")]
    Clock {
        /// The channel.
        channel: Channel,
        /// The time that is to be written.
        now: String,
        /// The time of the newest generation.
        newest: String,
    },
    /// Others changed the charter faster than this run could follow.
    #[error("the repository's charter changed {tries} times while this was being written to it")]
    Contended {
        /// How often it was tried.
        tries: usize,
    },
    /// Others published faster than this run could follow.
    #[error("channel `{channel}` changed {tries} times while this was being published to it")]
    Busy {
        /// The channel.
        channel: Channel,
        /// How often it was tried.
        tries: usize,
    },
}

fn known(channels: &[Channel]) -> String {
    match channels {
        [] => "none".to_owned(),
        some => some.iter().map(|channel| format!("`{channel}`")).collect::<Vec<_>>().join(", "),
    }
}

fn listed(fingerprints: &[String]) -> String {
    fingerprints.join(" and ")
}

fn spanned(newest: u64) -> String {
    format!("the newest is {newest}")
}
