//! What kind of repository lies somewhere.

use super::{MAX_SIGNED, Reading, Root, Suite, Trust, Variants, apt, rpmmd};
use crate::repository::rpmmd::REPOMD;
use crate::repository::store::{Cause, Location, StoreError};

/// A kind of repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Of apt.
    Apt(Suite),
    /// Of dnf and zypper.
    RpmMd,
}

impl Kind {
    /// Finds out what lies in a root: an apt repository in one folder, or an rpm-md one. Of a tree with `dists` nobody can
    /// tell which suite is meant.
    pub fn detect(root: Root<'_>) -> Result<Option<Self>, StoreError> {
        let mut refused = None;
        for (path, kind) in
            [("InRelease", Self::Apt(Suite::Flat)), (REPOMD, Self::RpmMd), ("Release", Self::Apt(Suite::Flat))]
        {
            match root.get(path, MAX_SIGNED) {
                // What is too large is there: whoever reads it will say so.
                Ok(Some(_)) | Err(StoreError { cause: Cause::TooLarge(_), .. }) => return Ok(Some(kind)),
                Ok(None) => {}
                // Some buckets refuse to say that something is not there.
                Err(error) if error.is_refusal() => refused = Some(error),
                Err(error) => return Err(error),
            }
        }
        refused.map_or(Ok(None), Err)
    }

    /// Returns what is read, for a history: the place, and where there are several suites that one. Each has a time of its own.
    pub fn origin(&self, place: &Location) -> String {
        match self {
            Self::Apt(Suite::Dists { suite, .. }) => format!("{place} (suite {suite})"),
            Self::Apt(Suite::Flat) | Self::RpmMd => place.to_string(),
        }
    }

    /// Reads everything from its signed index on.
    pub fn read(&self, root: Root<'_>, trust: &Trust<'_>, variants: Variants) -> Result<Reading, StoreError> {
        let read = match self {
            Self::Apt(suite) => apt::read(root, suite, trust, variants),
            Self::RpmMd => rpmmd::read(root, trust, variants),
        };
        match read {
            // What is too large is there, and wrong.
            Err(StoreError { cause: Cause::TooLarge(limit), object, .. }) => {
                let mut reading = Reading::default();
                reading.wrong(object, format!("has more than {limit} bytes"));
                Ok(reading)
            }
            other => other,
        }
    }
}
