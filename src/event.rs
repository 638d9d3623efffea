//! What happens, as values. The library prints nothing: it reports to whoever listens.

use std::error::Error;

use crate::digest::Digest;

/// Something that a user may want to see.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A transfer begins, or begins again after a failure.
    Fetching {
        /// The URL.
        url: String,
        /// The bytes to come, where the server says so.
        size: Option<u64>,
        /// The bytes that an earlier try already brought.
        resumed_at: u64,
    },
    /// So many more bytes have come.
    Received {
        /// The URL.
        url: String,
        /// The bytes since the last report.
        bytes: u64,
    },
    /// A transfer failed and is tried again.
    Retrying {
        /// The URL.
        url: String,
        /// What went wrong.
        cause: String,
        /// How long until the next try.
        wait: std::time::Duration,
    },
    /// A transfer ended, well or not.
    Fetched {
        /// The URL.
        url: String,
    },
    /// Bytes were checked.
    Verified {
        /// The URL or path that they came from.
        origin: String,
        /// Their SHA-256.
        digest: Digest,
        /// What vouches for them, in a few words.
        evidence: String,
        /// Whether the cache had them.
        cached: bool,
    },
    /// A damaged entry of the cache was thrown away.
    CacheDamaged {
        /// Its path.
        path: String,
    },
    /// A package is being written.
    Writing {
        /// Its file name.
        file: String,
    },
    /// A package is complete under its final name.
    Wrote {
        /// Its path.
        path: std::path::PathBuf,
    },
    /// A package of an earlier run is what it would be today.
    Unchanged {
        /// Its path.
        path: std::path::PathBuf,
    },
    /// Something that deserves the user's eye but stops nothing.
    Warning(Warning),
}

/// The warnings, so that each text stands in one place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// An optional digest source is not there.
    #[error("no digest at {url}; the other digests of the file are used")]
    NoOptionalDigest {
        /// Where it was looked for.
        url: String,
    },
    /// There is no signature, and the minimum verification does not ask for one.
    #[error("{file} has no signature at {url}; its digests alone vouch for it, which the minimum verification allows")]
    NoSignature {
        /// The file.
        file: String,
        /// Where the signature was looked for.
        url: String,
    },
    /// A missing or wrong signature is let pass for one file.
    #[error("{cause}; by exception the digests of {file} alone vouch for it: {reason}")]
    SignatureException {
        /// The file.
        file: String,
        /// What is wrong with the signature.
        cause: String,
        /// Why that is let pass, as the configuration says.
        reason: String,
    },
    /// A good signature, for which there is an exception.
    #[error("the signature of {file} is good, so it needs no exception: {reason}")]
    UnneededException {
        /// The file.
        file: String,
        /// What the exception says.
        reason: String,
    },
    /// An upstream file that was planned is not published.
    #[error("not published: {url}; {}", omitted(packages))]
    NotPublished {
        /// The file's URL.
        url: String,
        /// The packages that are not built for it.
        packages: Vec<String>,
    },
    /// Programs name no version of their own, so their digests alone vouch for it.
    #[error("{programs} of {origin} name no version, so its digests alone vouch for it: {reason}")]
    Unversioned {
        /// How many programs.
        programs: String,
        /// Where they were published.
        origin: String,
        /// Why the spec allows it.
        reason: String,
    },
    /// A local build is packaged.
    #[error("{path} is a local build: nobody vouches for it but the one who built it")]
    LocalBuild {
        /// The file.
        path: String,
    },
}

/// Counts in words: `1 program`, `18 programs`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// An error and its causes in one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn omitted(packages: &[String]) -> String {
    format!("not built: {}", packages.join(", "))
}

/// Hears of events. Called from many threads.
pub trait Reporter: Send + Sync {
    /// Takes one event.
    fn report(&self, event: Event);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn report(&self, _: Event) {}
}
