//! What the user asks of signatures, and what is let go of them.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use url::Url;

use crate::arch::Arch;
use crate::version::Version;

/// The least that must vouch for files whose specs name signatures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Minimum {
    /// What the spec says.
    #[default]
    Signature,
    /// Digests, where upstream or the mirror has no signature.
    Digest,
}

impl Minimum {
    /// Both, the stronger first.
    pub const ALL: [Self; 2] = [Self::Signature, Self::Digest];

    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Digest => "digest",
        }
    }
}

impl FromStr for Minimum {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let minimum = Self::ALL.into_iter().find(|minimum| minimum.as_str() == text);
        minimum
            .ok_or_else(|| format!("unknown verification `{}`; known are `signature`, `digest`", text.escape_default()))
    }
}

/// What a user asks of signatures: what specs say, where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignaturePolicy {
    /// The least that must vouch for what is signed.
    pub minimum: Minimum,
    /// Files whose signatures may be missing or wrong.
    pub exceptions: Vec<Exception>,
    /// Files whose signatures are proven by more than upstream publishes; the first that fits a file counts.
    pub proofs: Vec<SignatureProof>,
}

/// One file whose signature may be missing or wrong, since somebody looked and says why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// The file.
    pub of: SignedFile,
    /// Why.
    pub reason: String,
}

/// One file with a proof of its signature that the user provides. Who must have signed is what the spec says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureProof {
    /// The file.
    pub of: SignedFile,
    /// The proof.
    pub proof: ProvidedProof,
}

/// The file that an exception or a proof is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedFile {
    /// A source of a component.
    Source {
        /// The component.
        component: String,
        /// The component's own version.
        version: Version,
        /// The architecture.
        arch: Arch,
        /// The source; each where `None`.
        source: Option<String>,
    },
    /// A file by its URL, before any mirror is put in place of the host.
    Url(Url),
}

/// What proves a signature and comes from the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvidedProof {
    /// What it is.
    pub kind: ProofKind,
    /// Where it came from, for errors.
    pub path: PathBuf,
    /// The file's text.
    pub text: Arc<str>,
}

/// What a proof is, and what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofKind {
    /// An entry of the transparency log, as Rekor answers with it; beside the published signature.
    Entry,
    /// A sigstore bundle, in place of the published signature.
    Bundle,
}

impl ProofKind {
    /// Returns the name: that of the key in `kubepkg.yaml`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Bundle => "bundle",
        }
    }
}
