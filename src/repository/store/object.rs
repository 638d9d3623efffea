//! Objects of a store, and what tells one state of them from another.

use md5::{Digest as _, Md5};

use super::Key;
use crate::digest::Digest;

/// An object that is there.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What tells whether it is still the same.
    pub tag: Tag,
}

/// What identifies one state of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag(TagKind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum TagKind {
    /// The content: in a folder nothing else tells.
    Content(Digest),
    /// What the store says.
    Version { e_tag: Option<String>, version: Option<String> },
}

impl Object {
    /// Whether its bytes have this SHA-256.
    pub fn is(&self, sha256: &Digest) -> bool {
        match &self.tag.0 {
            // Whoever read it has looked already.
            TagKind::Content(found) => found == sha256,
            TagKind::Version { .. } => Digest::sha256(&self.bytes) == *sha256,
        }
    }
}

impl Tag {
    pub(super) fn content(bytes: &[u8]) -> Self {
        Self(TagKind::Content(Digest::sha256(bytes)))
    }

    pub(super) fn version(e_tag: Option<String>, version: Option<String>) -> Self {
        Self(TagKind::Version { e_tag, version })
    }

    /// Whether the object is known to have these bytes. Many stores tag objects with their MD5, and no other tag looks so.
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        match &self.0 {
            TagKind::Content(digest) => *digest == Digest::sha256(bytes),
            TagKind::Version { e_tag, .. } => {
                let md5 = || hex::encode(Md5::digest(bytes));
                e_tag.as_ref().is_some_and(|tag| tag.trim_matches('"') == md5())
            }
        }
    }

    pub(super) fn as_version(&self) -> Option<(Option<String>, Option<String>)> {
        match &self.0 {
            TagKind::Content(_) => None,
            TagKind::Version { e_tag, version } => Some((e_tag.clone(), version.clone())),
        }
    }
}

/// How a compare-and-swap ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swap {
    /// The object is as it should be now.
    Done(Tag),
    /// Somebody else changed it before, and it is left as it was.
    Lost,
}

/// An object, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name.
    pub key: Key,
    /// The number of bytes.
    pub size: u64,
    /// The time of its last change in seconds since 1970, by the store's clock.
    pub modified: u64,
}
