//! What is asked of packages before anybody sees them.

mod closure;
mod components;
mod release;
mod set;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::channel::Channel;
use super::fragment::Fragment;
use super::generation::Entry;
use crate::digest::Digest;
use crate::format::Format;
use crate::package::signing::{self, SigningError};
use crate::sign::{Certificate, VerifyError};

pub use closure::{completing, unmet};
pub use components::Components;
pub use release::strays;
pub use set::incomplete;

/// Something for which nothing is published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A file is not called what it holds.
    #[error("`{file}` holds {package}, and should be called `{name}`")]
    Misnamed {
        /// The file.
        file: String,
        /// What it holds.
        package: String,
        /// The conventional name.
        name: String,
    },
    /// An RPM without a signature: dnf and zypper refuse it, as they should.
    #[error("`{file}` is not signed")]
    Unsigned {
        /// The file.
        file: String,
    },
    /// A package of a key that clients do not have.
    #[error("`{file}` is signed by {issuer}, whose certificate the repository does not have")]
    Foreign {
        /// The file.
        file: String,
        /// Who signed it, as the signature says.
        issuer: String,
    },
    /// A package that its signature does not cover.
    #[error("the signature of `{file}` is bad: {cause}")]
    Forged {
        /// The file.
        file: String,
        /// What is wrong.
        cause: String,
    },
    /// The same package with other bytes.
    #[error("{package} is there with other bytes: {there} is published, {given} is given")]
    OtherBytes {
        /// The package.
        package: String,
        /// The SHA-256 of what is published.
        there: Digest,
        /// The SHA-256 of the other one.
        given: Digest,
    },
    /// A paper that says something of something else.
    #[error("`{file}` is no paper of its package: {cause}")]
    ForeignPaper {
        /// The file.
        file: String,
        /// Why not.
        cause: String,
    },
    /// A paper without its package.
    #[error("`{file}` is a paper of no package that is given")]
    StrayPaper {
        /// The file.
        file: String,
    },
    /// A package whose version of Kubernetes is of another minor release than the channel.
    #[error("{package} is not of {minor}, and `{channel}` has nothing else")]
    OtherMinor {
        /// The package.
        package: String,
        /// The channel.
        channel: Channel,
        /// The minor release of the channel, `v1.36`.
        minor: String,
    },
    /// A candidate, or an earlier one, in a channel of releases.
    #[error("{package} is no release, and `{channel}` has nothing else")]
    NoRelease {
        /// The package.
        package: String,
        /// The channel.
        channel: Channel,
    },
    /// Something that has to be installed with it would not be there.
    #[error("{package} requires {requirement}, which the channel would not have")]
    Unmet {
        /// The package.
        package: String,
        /// What it requires, in the format's spelling.
        requirement: String,
    },
    /// Something that a node cannot do without would not be there.
    #[error("{package} is of no use without {companion}, which the channel would not have")]
    Incomplete {
        /// The package.
        package: String,
        /// What it needs, with its version.
        companion: String,
    },
}

/// Everything for which nothing is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusals(pub Vec<Refusal>);

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => one.fmt(f),
            several => {
                write!(f, "{} reasons not to publish:", several.len())?;
                several.iter().try_for_each(|one| write!(f, "\n  {one}"))
            }
        }
    }
}

impl std::error::Error for Refusals {}

/// Looks at one package file: whether it is called what it holds.
pub fn file(file: &str, fragment: &Fragment) -> Vec<Refusal> {
    let mut found = Vec::new();
    let name = file.rsplit('/').next().unwrap_or(file);
    if name != fragment.file_name() {
        found.push(Refusal::Misnamed {
            file: file.to_owned(),
            package: fragment.key().to_string(),
            name: fragment.file_name(),
        });
    }
    found
}

/// Checks the signature of a package file by the certificates that clients have: of every RPM, and of the debs that have
/// one, since no client of apt asks for it.
pub fn signature(path: &Path, format: Format, trusted: &[Certificate]) -> Option<Refusal> {
    let file = path.display().to_string();
    match signing::verify(path, trusted) {
        Ok(_) => None,
        Err(SigningError::Unsigned) => (format == Format::Rpm).then_some(Refusal::Unsigned { file }),
        Err(SigningError::Verify(VerifyError::UnknownKey(issuer))) => Some(Refusal::Foreign { file, issuer }),
        Err(error) => Some(Refusal::Forged { file, cause: error.to_string() }),
    }
}

/// Looks for packages that are the same to a package manager and are not the same bytes.
pub fn same_name(entries: &[Entry]) -> Vec<Refusal> {
    let mut first: BTreeMap<_, &Entry> = BTreeMap::new();
    let mut found = Vec::new();
    for entry in entries {
        let known = first.entry(entry.identity()).or_insert(entry);
        if known.sha256 != entry.sha256 {
            found.push(Refusal::OtherBytes {
                package: entry.to_string(),
                there: known.sha256.clone(),
                given: entry.sha256.clone(),
            });
        }
    }
    found
}
