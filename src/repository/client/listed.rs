//! A package, as an index lists it.

use std::collections::BTreeMap;

use url::Url;

use super::Reading;
use crate::digest::Digest;
use crate::format::Format;
use crate::repository::store::Key;

/// Packages that one repository may list.
pub(super) const MAX_PACKAGES: usize = 1_000_000;

/// A package, as an index lists it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// `deb` or `rpm`.
    pub format: Format,
    /// The name.
    pub name: String,
    /// The version with its revision or release, and an epoch that is not 0.
    pub version: String,
    /// The architecture in the format's spelling.
    pub arch: String,
    /// The strongest digest of the file: SHA-256, or SHA-512 where there is one.
    pub digest: Digest,
    /// The SHA-256 of the file, where it is listed.
    pub sha256: Option<Digest>,
    /// Its size in bytes.
    pub size: u64,
    /// The URL below which it lies, if that is not in the store (`xml:base` of rpm-md).
    pub base: Option<Url>,
    /// Where it lies in the store, or below that URL.
    pub location: Key,
}

impl Listed {
    /// Returns the name of the file.
    pub fn file_name(&self) -> &str {
        self.location.as_str().rsplit('/').next().unwrap_or_default()
    }
}

impl std::fmt::Display for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {} ({})", self.name, self.version, self.arch, self.format)
    }
}

impl Reading {
    /// Sorts what is listed, keeps of what stands in the indices of several architectures one, and finds what is listed
    /// twice and is not the same: clients would take either.
    pub(super) fn settle(&mut self, by: &str) {
        self.packages.sort();
        self.packages.dedup();
        let (mut places, mut identities, mut twice) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for package in &self.packages {
            let bytes = (&package.digest, package.size);
            let identity = (package.format, &package.name, &package.version, &package.arch);
            if *places.entry((&package.base, &package.location)).or_insert(bytes) != bytes {
                twice.push(format!("`{}` is listed with two digests or sizes", package.location));
            }
            if *identities.entry(identity).or_insert(bytes) != bytes {
                twice.push(format!("{package} is listed twice, with other bytes"));
            }
        }
        twice.dedup();
        for cause in twice {
            self.wrong(by, cause);
        }
    }
}
