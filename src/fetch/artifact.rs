//! Verified bytes.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::digest::{Digest, Digests, UpstreamDigests};
use crate::plan::{ProofKind, ProvidedProof};

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

/// One reason to believe bytes, or what was let go of it.
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
    /// A key that lived for minutes signed it, which a certificate ties to an identity (cosign keyless, sigstore).
    CosignKeyless {
        /// Where the signature, or the bundle, is published; it was not asked for where a bundle was provided.
        url: String,
        /// Who signed: the mail address or URI of the certificate.
        identity: String,
        /// Who vouches for the identity: the issuer of login tokens.
        issuer: String,
        /// Whether a certificate log is proven to have the certificate (RFC 6962).
        sct: Proof,
        /// Whether the transparency log is proven to have the signature, and with it that the certificate was valid
        /// when it was made.
        log: Proof,
        /// The SHA-256 of the file of trusted roots.
        trust_root: Digest,
        /// What the user provided to prove it.
        provided: Option<Provided>,
    },
    /// A long-lived key signed it (cosign with a key pair).
    CosignKey {
        /// Where the signature, or the bundle, is published; it was not asked for where a bundle was provided.
        url: String,
        /// The SHA-256 of the public key (DER, `SubjectPublicKeyInfo`).
        key: Digest,
        /// Whether the transparency log is proven to have the signature.
        log: Proof,
        /// What the user provided to prove it.
        provided: Option<Provided>,
    },
    /// An OpenPGP key that the spec pins signed it.
    OpenPgp {
        /// Where the signature is published.
        url: String,
        /// The fingerprint of the certificate's primary key, in upper-case hexadecimal digits.
        fingerprint: String,
    },
    /// The spec names a signature, upstream has none, and `--min-verification digest` lets digests alone vouch.
    NoSignature {
        /// Where the signature was looked for.
        url: String,
    },
    /// The signature is missing or wrong, and the configuration makes an exception of this file.
    Exception {
        /// Where the signature was looked for.
        url: String,
        /// Why, as the configuration says.
        reason: String,
    },
    /// The user built it; the digest only records what was packaged.
    LocalBuild(Digest),
}

/// Whether something beside a signature was proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It was there, and it holds.
    Proven,
    /// It was not there, or nothing to check it against. What is there and wrong is an error.
    Absent,
}

/// What the user provided to prove a signature, without where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provided {
    /// What it is.
    pub kind: ProofKind,
    /// The SHA-256 of its file.
    pub sha256: Digest,
}

impl Evidence {
    /// Says of a signature what proved it beside, or in place of, what is published.
    pub(super) fn proven_by(mut self, proof: &ProvidedProof) -> Self {
        if let Self::CosignKeyless { provided, .. } | Self::CosignKey { provided, .. } = &mut self {
            *provided = Some(Provided { kind: proof.kind, sha256: Digest::sha256(proof.text.as_bytes()) });
        }
        self
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pinned(digest) => write!(f, "{digest} pinned in the spec"),
            Self::Published { asked, digest, .. } => write!(f, "{digest} published at {asked}"),
            Self::CosignKeyless { url, identity, issuer, sct, log, trust_root, provided } => {
                let (sct, log) = (proof("certificate log", *sct), proof("transparency log", *log));
                let place = place(url, provided.as_ref());
                write!(f, "signed by {identity} ({issuer}) {place}; {sct}, {log}; trust root {trust_root}")
            }
            Self::CosignKey { url, key, log, provided } => {
                let place = place(url, provided.as_ref());
                write!(f, "signed by key {key} {place}; {}", proof("transparency log", *log))
            }
            Self::OpenPgp { url, fingerprint } => write!(f, "signed by OpenPGP key {fingerprint} at {url}"),
            Self::NoSignature { url } => write!(f, "no signature at {url}, which the minimum verification allows"),
            Self::Exception { url, reason } => write!(f, "no good signature at {url}, by exception: {reason}"),
            Self::LocalBuild(digest) => write!(f, "{digest} of a local build"),
        }
    }
}

/// Where a signature stands.
fn place(url: &str, provided: Option<&Provided>) -> String {
    match provided {
        None => format!("at {url}"),
        Some(Provided { kind: ProofKind::Entry, sha256 }) => format!("at {url}, with a provided entry ({sha256})"),
        Some(Provided { kind: ProofKind::Bundle, sha256 }) => format!("in a provided bundle ({sha256})"),
    }
}

fn proof(what: &str, proof: Proof) -> String {
    match proof {
        Proof::Proven => format!("{what} proven"),
        Proof::Absent => format!("{what} not proven"),
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
