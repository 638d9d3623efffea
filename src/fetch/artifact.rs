//! Verified bytes.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::digest::{Digest, Digests, UpstreamDigests};

/// Upstream bytes that were checked. Nothing outside `fetch::verify` can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    path: PathBuf,
    origin: String,
    digests: UpstreamDigests,
    evidence: Vec<Evidence>,
}

impl Artifact {
    /// For `fetch::verify` alone.
    pub(super) fn new(path: PathBuf, origin: String, digests: UpstreamDigests, evidence: Vec<Evidence>) -> Self {
        Self { path, origin, digests, evidence }
    }

    /// Returns the file that holds the bytes.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns where the bytes were published: a URL, or the path of a local build.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns what packages say of the bytes.
    pub fn digests(&self) -> &Digests {
        &self.digests.packaged
    }

    /// Returns what upstream may have published of the bytes.
    pub fn upstream_digests(&self) -> &UpstreamDigests {
        &self.digests
    }

    /// Returns what vouches for the bytes.
    pub fn evidence(&self) -> &[Evidence] {
        &self.evidence
    }
}

/// One reason to believe bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// The spec pins this digest.
    Pinned(Digest),
    /// Upstream publishes this digest.
    Published {
        /// Where it publishes it.
        url: String,
        /// Who was asked: upstream, or a mirror in its place.
        asked: String,
        /// The digest.
        digest: Digest,
    },
    /// The user built it; the digest only records what was packaged.
    LocalBuild(Digest),
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pinned(digest) => write!(f, "{digest} pinned in the spec"),
            Self::Published { asked, digest, .. } => write!(f, "{digest} published at {asked}"),
            Self::LocalBuild(digest) => write!(f, "{digest} of a local build"),
        }
    }
}

#[cfg(test)]
impl Artifact {
    /// Takes the bytes of a file for granted, for unit tests of what uses artifacts.
    pub(crate) fn for_test(path: &Path) -> Self {
        let mut hasher = crate::digest::UpstreamHasher::default();
        hasher.update(&fs_err::read(path).unwrap());
        Self::new(path.to_owned(), path.display().to_string(), hasher.finish(), Vec::new())
    }
}
