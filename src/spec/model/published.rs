//! What upstream publishes, and who vouches for it.

use std::sync::Arc;

use super::Row;
use crate::arch::Arch;
use crate::digest::{Algorithm, Digest};
use crate::path::RelativePath;
use crate::version::Version;

/// A file that upstream publishes.
#[derive(Debug, Clone)]
pub struct Source {
    /// What files call it.
    pub name: String,
    /// The URL with its placeholders.
    pub url: String,
    /// The name in a local Kubernetes build.
    pub local: Option<RelativePath>,
    /// The most bytes that are taken.
    pub size_limit: u64,
    /// Digests of it.
    pub digests: Vec<DigestFact>,
    /// Signatures of it; at most one holds in each case.
    pub signatures: Vec<Row<Signature<String>>>,
    /// Why its version cannot be found inside.
    pub unversioned: Option<String>,
}

/// Where a digest comes from.
#[derive(Debug, Clone)]
pub enum DigestFact {
    /// A published file.
    Published {
        /// The URL with its placeholders.
        url: String,
        /// What it holds.
        algorithm: Algorithm,
        /// One digest, or many with paths.
        shape: DigestShape,
        /// Whether it may be absent.
        optional: bool,
    },
    /// The spec.
    Pinned(Vec<(Version, Arch, Digest)>),
}

/// What a published digest file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestShape {
    /// The digest of one file.
    One,
    /// A list with paths below the list's folder.
    List,
}

/// A signature of a source, and who must have made it. `F` stands for each of its files: first for a URL with its
/// placeholders, then for the URL, at last for the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature<F> {
    /// Of `cosign sign-blob` without a key: a signature, and a certificate that ties its key to an identity.
    Keyless {
        /// The signature in base64.
        signature: F,
        /// The certificate in PEM, or that in base64.
        certificate: F,
        /// The entry of the transparency log.
        entry: Option<F>,
        /// Who must have signed.
        identity: Identity,
    },
    /// Of `cosign sign-blob` with a key.
    Key {
        /// The signature in base64.
        signature: F,
        /// The entry of the transparency log.
        entry: Option<F>,
        /// The public key in PEM.
        key: Arc<str>,
    },
    /// A sigstore bundle.
    Bundle {
        /// The bundle.
        bundle: F,
        /// Who must have signed.
        signed_by: SignedBy,
    },
    /// Of OpenPGP.
    OpenPgp {
        /// The signature in ASCII armor.
        signature: F,
        /// Certificates in ASCII armor.
        keys: Arc<str>,
        /// The fingerprints of those that may have signed, in upper-case hexadecimal digits.
        fingerprints: Vec<String>,
    },
}

/// Who must have signed a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedBy {
    /// An identity.
    Identity(Identity),
    /// The public key in PEM.
    Key(Arc<str>),
}

/// Who a keyless certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The mail address or URI.
    pub name: String,
    /// Who vouches for it: the issuer of login tokens.
    pub issuer: String,
}

impl<F> Signature<F> {
    /// Returns the file with the signature itself.
    pub fn main(&self) -> &F {
        match self {
            Self::Keyless { signature, .. } | Self::Key { signature, .. } | Self::OpenPgp { signature, .. } => {
                signature
            }
            Self::Bundle { bundle, .. } => bundle,
        }
    }

    /// Returns all files, the one with the signature first.
    pub fn files(&self) -> Vec<&F> {
        match self {
            Self::Keyless { signature, certificate, entry, .. } => {
                [signature, certificate].into_iter().chain(entry).collect()
            }
            Self::Key { signature, entry, .. } => std::iter::once(signature).chain(entry).collect(),
            Self::Bundle { bundle: file, .. } | Self::OpenPgp { signature: file, .. } => vec![file],
        }
    }

    /// Returns the text of the keys by which it is checked; nothing of an identity, which has none for long.
    pub fn keys(&self) -> Option<&Arc<str>> {
        match self {
            Self::Key { key, .. } | Self::Bundle { signed_by: SignedBy::Key(key), .. } => Some(key),
            Self::OpenPgp { keys, .. } => Some(keys),
            Self::Keyless { .. } | Self::Bundle { signed_by: SignedBy::Identity(_), .. } => None,
        }
    }

    /// Returns what a bundle must prove in place of this signature; nothing where no bundle can.
    pub fn in_bundle<G>(&self, bundle: G) -> Option<Signature<G>> {
        let signed_by = match self {
            Self::Keyless { identity, .. } => SignedBy::Identity(identity.clone()),
            Self::Key { key, .. } => SignedBy::Key(Arc::clone(key)),
            Self::Bundle { signed_by, .. } => signed_by.clone(),
            Self::OpenPgp { .. } => return None,
        };
        Some(Signature::Bundle { bundle, signed_by })
    }

    /// Returns the signature with this entry of the transparency log; nothing where none can be beside it.
    pub fn with_entry(mut self, given: F) -> Option<Self> {
        match &mut self {
            Self::Keyless { entry, .. } | Self::Key { entry, .. } => *entry = Some(given),
            Self::Bundle { .. } | Self::OpenPgp { .. } => return None,
        }
        Some(self)
    }

    /// Puts something else in the place of each file, in the order of [`Self::files`].
    pub fn try_map<G, E>(&self, mut map: impl FnMut(&F) -> Result<G, E>) -> Result<Signature<G>, E> {
        Ok(match self {
            Self::Keyless { signature, certificate, entry, identity } => Signature::Keyless {
                signature: map(signature)?,
                certificate: map(certificate)?,
                entry: entry.as_ref().map(map).transpose()?,
                identity: identity.clone(),
            },
            Self::Key { signature, entry, key } => Signature::Key {
                signature: map(signature)?,
                entry: entry.as_ref().map(map).transpose()?,
                key: Arc::clone(key),
            },
            Self::Bundle { bundle, signed_by } => {
                Signature::Bundle { bundle: map(bundle)?, signed_by: signed_by.clone() }
            }
            Self::OpenPgp { signature, keys, fingerprints } => Signature::OpenPgp {
                signature: map(signature)?,
                keys: Arc::clone(keys),
                fingerprints: fingerprints.clone(),
            },
        })
    }
}
