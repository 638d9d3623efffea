//! What will be fetched, and how it will be believed.

use std::path::PathBuf;

use url::Url;

use super::{ProofKind, ProvidedProof};
use crate::digest::{Algorithm, Digest};
use crate::spec::Signature;

/// One upstream file to fetch. It cannot be expressed without a way to verify it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// Where upstream publishes it, before any mirror is put in place of the host.
    pub url: Url,
    /// The most bytes that are taken.
    pub size_limit: u64,
    /// Who vouches for the bytes.
    pub verification: Verification,
}

impl Download {
    /// Returns the file name: the last segment of the URL's path.
    pub fn file_name(&self) -> &str {
        self.url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default()
    }
}

/// How bytes are verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    /// By digests: every required one must be there, and all that are there must agree with the bytes.
    Digests(DigestSources),
    /// By a signature, and by digests as well.
    Signature {
        /// Where it is published, and who must have made it.
        signature: Box<Signature<Url>>,
        /// Whether it must be there.
        demand: Demand,
        /// The digests.
        digests: DigestSources,
    },
}

impl Verification {
    /// Returns the digests.
    pub fn digests(&self) -> &DigestSources {
        match self {
            Self::Digests(digests) | Self::Signature { digests, .. } => digests,
        }
    }

    /// Returns what vouches for the bytes, in a few words.
    pub fn in_words(&self) -> &'static str {
        match self {
            Self::Digests(digests) if digests.0.iter().all(|source| matches!(source, DigestSource::Pinned(_))) => {
                "pinned digest"
            }
            Self::Digests(_) => "digest",
            Self::Signature { demand: Demand::Required, .. } => "signature",
            Self::Signature { demand: Demand::Proven(proof), .. } => match proof.kind {
                ProofKind::Entry => "signature, with an entry of one's own",
                ProofKind::Bundle => "signature, in a bundle of one's own",
            },
            Self::Signature { demand: Demand::WherePublished, .. } => "signature or digest",
            Self::Signature { demand: Demand::Exception { .. }, .. } => "digest by exception",
        }
    }
}

/// Whether a signature must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Demand {
    /// It must be there, and be good.
    Required,
    /// It must be there, be good, and be borne out by what the user provides ([`super::SignatureProof`]).
    Proven(ProvidedProof),
    /// It may be missing, which is reported; one that is there must be good ([`super::Minimum::Digest`]).
    WherePublished,
    /// It may be missing or wrong, which is reported ([`super::Exception`]).
    Exception {
        /// Why.
        reason: String,
    },
}

/// One or more sources of digests, of which at least one is required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestSources(Vec<DigestSource>);

impl DigestSources {
    /// Takes sources; `None` where none of them is required.
    pub fn new(sources: Vec<DigestSource>) -> Option<Self> {
        sources.iter().any(DigestSource::is_required).then_some(Self(sources))
    }

    /// Returns the sources.
    pub fn iter(&self) -> impl Iterator<Item = &DigestSource> {
        self.0.iter()
    }
}

/// Where one digest comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DigestSource {
    /// The spec.
    Pinned(Digest),
    /// A file that upstream publishes: the digest of one file, or a list of many.
    Published {
        /// Where the digest file is.
        url: Url,
        /// What it holds.
        algorithm: Algorithm,
        /// How the file calls the download: its name, or a path suffix in a list.
        entry: String,
        /// Whether its absence is an error.
        presence: Presence,
    },
}

/// Whether a published digest must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Its absence is an error.
    Required,
    /// It is used where it exists; its absence is reported.
    Optional,
}

impl DigestSource {
    fn is_required(&self) -> bool {
        match self {
            Self::Pinned(_) => true,
            Self::Published { presence, .. } => *presence == Presence::Required,
        }
    }
}

/// Where the bytes of a build come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A download, by its place in [`super::Plan::downloads`].
    Download(usize),
    /// A file of a local Kubernetes build (`--from-dir`).
    LocalBuild(PathBuf),
}
