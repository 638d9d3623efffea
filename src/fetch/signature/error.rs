//! Why a signature proves nothing.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::sign::{KeyError, VerifyError};

/// What is wrong with a signature, or with what should prove who made it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// A published text is not what it should be.
    #[error("the {what} is malformed: {cause}")]
    Malformed {
        /// Signature, certificate, bundle or entry.
        what: &'static str,
        /// What is wrong with it.
        cause: String,
    },
    /// The certificate leads to no root that is trusted.
    #[error("the certificate is not one of a trusted root: {0}")]
    Chain(String),
    /// Nobody is trusted at the time at which the certificate was made.
    #[error("no root of the trust root is valid at {0}, when the certificate was made")]
    NoRoot(String),
    /// Somebody else signed.
    #[error("signed by `{found}`, not by `{expected}`")]
    Identity {
        /// Who should have.
        expected: String,
        /// Who did.
        found: String,
    },
    /// Somebody else vouches for the signer.
    #[error("`{found}` vouches for the signer, not `{expected}`")]
    Issuer {
        /// Who should.
        expected: String,
        /// Who does.
        found: String,
    },
    /// No certificate log is known to have the certificate.
    #[error("the certificate is not proven to be in a certificate log: {0}")]
    Sct(String),
    /// The transparency log is not proven to have the signature, or not this one.
    #[error("the transparency log does not bear the signature out: {0}")]
    Log(String),
    /// A key whose signatures cannot be checked.
    #[error("the key cannot be used: {0}")]
    Key(String),
    /// The signature is of other bytes, or of another key.
    #[error("the signature is not one of these bytes")]
    Mismatch,
    /// The bundle signs a statement about the file.
    #[error("the bundle holds an attestation, not a signature of the file")]
    Attestation,
    /// A signature for which the user provides what cannot prove it.
    #[error("the spec names a signature that neither an entry nor a bundle of this kind goes with")]
    Unprovable,
    /// An OpenPGP signature proves nothing.
    #[error(transparent)]
    OpenPgp(#[from] VerifyError),
    /// OpenPGP keys of the spec cannot be read.
    #[error(transparent)]
    OpenPgpKey(#[from] KeyError),
    /// The bytes cannot be read.
    #[error("the file cannot be read")]
    Read(#[source] Arc<io::Error>),
}

impl SignatureError {
    pub(super) fn malformed(what: &'static str, cause: &dyn fmt::Display) -> Self {
        Self::Malformed { what, cause: cause.to_string() }
    }
}
