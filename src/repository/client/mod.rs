//! Repositories as their clients read them, ours or anybody's.
//!
//! ```text
//! Root ─ InRelease ──────▶ signed text ─ digests ─▶ Packages ─┐
//!      ─ repomd.xml, .asc ▶ signed text ─ digests ─▶ primary ─┴▶ Reading: what is listed, and what is wrong
//! ```
//!
//! Nothing is believed but what a given key signed, and what that names by digest and size. What is wrong is a
//! [`Finding`]; errors are for places that cannot be reached.

mod apt;
mod audit;
mod index;
mod kind;
mod listed;
mod release;
mod rpmmd;
mod stanza;
mod xml;

pub use apt::Suite;
pub use audit::{Audit, Depth, Want};
pub use kind::Kind;
pub use listed::Listed;
pub use release::{Release, ReleaseFile};
pub use stanza::packages as parse_packages;

pub use self::rpmmd::{DataFile, Repomd, packages as parse_primary};

use super::layout;
use super::store::{Key, Store, StoreError};
use crate::sign::{Certificate, Packets};
use crate::source_date::SourceDate;

/// Bytes that a signed index may have, and its signature.
const MAX_SIGNED: u64 = 32 << 20;

/// What a client is given: whom it believes, and when it is.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    /// Keys that may sign indices.
    pub certificates: &'a [Certificate],
    /// Which signatures count.
    pub packets: Packets,
    /// The time.
    pub now: SourceDate,
}

/// How many of the compressions of an index are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variants {
    /// One, as a client does.
    One,
    /// All that are listed, each as a client that prefers it.
    All,
}

/// Something that is not as a client needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub cause: String,
}

/// What was read of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Everything that is listed, sorted.
    pub packages: Vec<Listed>,
    /// Everything that is wrong. A client takes nothing from a repository of which there is anything.
    pub findings: Vec<Finding>,
    /// The fingerprints of the keys that signed it.
    pub signed_by: Vec<String>,
    /// When it was made, as far as it says so: `Date` of a Release file, the newest time in `repomd.xml`.
    pub date: Option<SourceDate>,
}

impl Reading {
    fn wrong(&mut self, file: impl Into<String>, cause: impl Into<String>) {
        self.findings.push(Finding { file: file.into(), cause: cause.into() });
    }
}

/// A repository in a store: its root, from which a client finds everything.
#[derive(Debug, Clone, Copy)]
pub struct Root<'a> {
    store: &'a Store,
    folder: &'a str,
}

impl<'a> Root<'a> {
    /// Takes a folder of a store, or all of it: then it is empty.
    pub fn new(store: &'a Store, folder: &'a str) -> Self {
        Self { store, folder }
    }

    /// Returns the store.
    pub fn store(&self) -> &'a Store {
        self.store
    }

    /// Returns where a path lies that somebody else wrote; none if it leads elsewhere or means several things.
    fn foreign(&self, path: &str) -> Option<Key> {
        // `dpkg-scanpackages .` writes it so.
        let path = path.strip_prefix("./").unwrap_or(path);
        if path.len() > 1024 || path.contains(['#', '%', '\\']) {
            return None;
        }
        self.join(path).parse().ok()
    }

    /// Returns where a path of ours lies.
    fn key(&self, path: &str) -> Key {
        layout::key(&self.join(path))
    }

    fn join(&self, path: &str) -> String {
        if self.folder.is_empty() { path.to_owned() } else { format!("{}/{path}", self.folder) }
    }

    fn get(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.store.get(&self.key(path), limit)?.map(|object| object.bytes))
    }
}
