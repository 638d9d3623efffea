//! Generations: everything that a channel shows at one time, for ever.
//!
//! Each names its parent by the SHA-256 of its manifest, so that the manifests of a channel are a chain to which things
//! can be added and from which nothing can be taken.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use super::channel::Channel;
use super::error::RepositoryError;
use super::head::Head;
use super::index::Members;
use super::pack::Pack;
use super::paper::Paper;
use super::state::{self, FORM, StateError};
use super::store::{Content, Key, STATE, Store};
use crate::digest::Digest;
use crate::source_date::SourceDate;

/// Bytes that a manifest may have: some million packages.
pub(super) const LIMIT: u64 = 1 << 30;

/// The manifest of a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generation {
    form: u32,
    /// The channel.
    #[serde(with = "text")]
    pub channel: Channel,
    /// 1, or the parent's number and one.
    pub number: u64,
    /// The SHA-256 of the parent's manifest.
    pub parent: Option<Digest>,
    /// The time, in seconds since 1970. It never runs backwards in a channel.
    pub time: u32,
    /// What was done.
    pub reason: Reason,
    /// The fingerprints of the certificates whose keys signed it, in the order of their signatures.
    pub signers: Vec<String>,
    /// The packages, sorted.
    pub packages: Vec<Entry>,
    /// The packs that hold their fragments.
    pub packs: Vec<Pack>,
    /// The index files that never change, by the names under which clients ask for them.
    pub indices: Vec<File>,
    /// The files that clients ask for by names that never change, in the order in which they are written.
    pub projection: Vec<Projected>,
}

/// What made a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "lowercase", deny_unknown_fields)]
pub enum Reason {
    /// Packages were added.
    Publish,
    /// Packages were taken from another channel, or the channel was made to hold what a list says.
    Promote {
        /// The channel, or the list.
        from: String,
    },
    /// Packages were taken from another repository.
    Mirror {
        /// The repository.
        from: String,
        /// The fingerprint of the key that signed it.
        signed_by: String,
        /// When it was made, in seconds since 1970, as far as it says so.
        dated: Option<u32>,
        /// Which of its signatures counted: `current`, or `legacy`.
        signatures: String,
    },
    /// The channel shows again what it once showed.
    Rollback {
        /// The generation that it shows again.
        to: u64,
    },
    /// Older versions were taken out.
    Prune {
        /// How many of each package and minor release stayed.
        keep: usize,
    },
    /// The same packages were signed again, with a new date.
    Refresh,
    /// The same packages were signed again, by the keys that are the repository's from then on.
    Resign,
}

impl Reason {
    /// Whether there is a new generation even where the packages are the same.
    pub(super) fn signs_anew(&self) -> bool {
        matches!(self, Self::Refresh | Self::Resign)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Publish => f.pad("publish"),
            Self::Promote { from } => f.pad(&format!("promote from {from}")),
            Self::Mirror { from, signatures, .. } if signatures == "current" => f.pad(&format!("mirror of {from}")),
            Self::Mirror { from, signatures, .. } => f.pad(&format!("mirror of {from} ({signatures} signatures)")),
            Self::Rollback { to } => f.pad(&format!("rollback to {to}")),
            Self::Prune { keep } => f.pad(&format!("prune to {keep}")),
            Self::Refresh => f.pad("refresh"),
            Self::Resign => f.pad("resign"),
        }
    }
}

/// A package, as a generation lists it.
///
/// Papers are no part of what it is: an entry equals another one with other papers, or with none.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// `deb` or `rpm`.
    #[serde(with = "text")]
    pub format: crate::format::Format,
    /// The name.
    pub name: String,
    /// The version with its revision or release.
    pub version: String,
    /// The architecture in the format's spelling.
    pub arch: String,
    /// The SHA-256 of the file.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Where it lies, below the root of the repository.
    #[serde(with = "text")]
    pub path: Key,
    /// What is said of it, in files beside it, sorted by kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub papers: Vec<Paper>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        // What differs is told by the first of these.
        self.sha256 == other.sha256
            && self.size == other.size
            && self.path == other.path
            && self.identity() == other.identity()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        let own = (self.identity(), &self.sha256, self.size, &self.path);
        own.cmp(&(other.identity(), &other.sha256, other.size, &other.path))
    }
}

impl Hash for Entry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Those with the same bytes are hardly ever two.
        self.sha256.hash(state);
    }
}

impl Entry {
    /// Whether both are the same package in the eyes of a package manager.
    pub fn is_same_package(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }

    /// Returns what package managers tell packages apart by.
    pub fn identity(&self) -> (crate::format::Format, &str, &str, &str) {
        (self.format, &self.name, &self.version, &self.arch)
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ({})", self.name, self.version, self.arch, self.format)
    }
}

/// A file that never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Where it lies, below the root of the repository.
    #[serde(with = "text")]
    pub path: Key,
    /// The same without a digest: by this the next generation finds it.
    pub name: String,
    /// The parts of a gzip file, which the next generation uses again.
    pub members: Members,
    /// Its SHA-256.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// A file under a name that never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Projected {
    /// Where it lies, below the root of the repository.
    #[serde(with = "text")]
    pub path: Key,
    /// The file that never changes and has the same bytes.
    #[serde(with = "text")]
    pub source: Key,
    /// Its SHA-256.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
}

impl Generation {
    /// Makes the first generation of a channel, or the next one after `parent`.
    pub fn new(channel: Channel, parent: Option<&Head>, time: SourceDate, reason: Reason) -> Self {
        Self {
            form: FORM,
            channel,
            number: parent.map_or(1, |head| head.number + 1),
            parent: parent.map(|head| head.generation.clone()),
            time: time.epoch(),
            reason,
            signers: Vec::new(),
            packages: Vec::new(),
            packs: Vec::new(),
            indices: Vec::new(),
            projection: Vec::new(),
        }
    }

    /// Reads the generation that a head, or a child, names.
    pub fn read(store: &Store, channel: Channel, head: &Head) -> Result<Self, RepositoryError> {
        let key = key(channel, head);
        let by = || format!("channel {channel}");
        let Some(object) = store.get(&key, LIMIT)? else {
            return Err(StateError::Missing { object: key.to_string(), by: by() }.into());
        };
        if !object.is(&head.generation) {
            return Err(StateError::Differs { object: key.to_string(), by: by() }.into());
        }
        let generation: Self = state::parse(key.as_str(), &object.bytes)?;
        if (generation.channel, generation.number) != (channel, head.number) {
            let cause = format!("it is generation {} of {}", generation.number, generation.channel);
            return Err(StateError::Malformed { object: key.to_string(), cause }.into());
        }
        Ok(generation)
    }

    /// Adds index files that have the bytes of others under another name.
    pub(super) fn alias(&mut self, aliases: &[(Key, Key)]) {
        for (from, to) in aliases {
            let Some(file) = self.indices.iter().find(|file| file.path == *from) else { continue };
            let (path, name, members) = (to.clone(), to.to_string(), Members::default());
            let alias = File { path, name, members, sha256: file.sha256.clone(), size: file.size };
            self.indices.push(alias);
        }
    }

    /// Writes the manifest, and returns the head that shows it.
    pub fn write(&self, store: &Store) -> Result<Head, RepositoryError> {
        let bytes = state::write(self);
        let head = Head::new(self.number, Digest::sha256(&bytes));
        store.create(&[(key(self.channel, &head), Content::Bytes(&bytes))])?;
        Ok(head)
    }

    /// Returns what names the parent.
    pub fn parent(&self) -> Option<Head> {
        self.parent.clone().map(|parent| Head::new(self.number.saturating_sub(1), parent))
    }

    /// Returns the time.
    pub fn date(&self) -> SourceDate {
        SourceDate::from_epoch(self.time)
    }
}

/// Returns where the manifest of a generation is.
#[expect(clippy::expect_used, reason = "channels and digests are made of harmless characters")]
pub fn key(channel: Channel, head: &Head) -> Key {
    format!("{STATE}/gen/{channel}/{}-{}.json", head.number, head.generation.hex()).parse().expect("a normal path")
}

/// Values that stand in a manifest as they display.
mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
