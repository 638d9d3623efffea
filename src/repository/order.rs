//! Packages come in order, each once.

use std::cmp::Ordering;
use std::io;

use super::fragment::{BadField, PackageKey};
use super::{Fragment, compare_versions};
use crate::format::Format;

/// Why an index file cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// A package of the other format.
    #[error("{0} is no {1}")]
    Format(PackageKey, Format),
    /// One name, version and architecture twice. Clients would take either.
    #[error("{0} stands there twice")]
    Twice(PackageKey),
    /// Packages that are not sorted.
    #[error("{0} comes too late: packages are sorted by name, version and architecture")]
    Order(PackageKey),
    /// More or fewer packages than were promised.
    #[error("{found} packages, and {promised} were promised")]
    Count {
        /// Those that came.
        found: u64,
        /// Those that the beginning of the file speaks of.
        promised: u64,
    },
    /// A text that the file cannot hold.
    #[error(transparent)]
    Field(#[from] BadField),
    /// Compression failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The last package.
#[derive(Debug, Default)]
pub(super) struct InOrder(Option<PackageKey>);

impl InOrder {
    /// Takes the next package, which must come behind the last.
    pub(super) fn next(&mut self, fragment: &Fragment) -> Result<(), IndexError> {
        let key = fragment.key();
        if let Some(last) = &self.0 {
            let versions = || compare_versions(fragment.format(), &last.version, &key.version);
            match last.name.cmp(&key.name).then_with(versions).then_with(|| last.arch.cmp(&key.arch)) {
                Ordering::Less => {}
                Ordering::Equal => return Err(IndexError::Twice(key)),
                Ordering::Greater => return Err(IndexError::Order(key)),
            }
        }
        self.0 = Some(key);
        Ok(())
    }
}
