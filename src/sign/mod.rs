//! Signatures: the seam behind which secret keys are kept, and the certificates that signatures are checked against.
//!
//! ```text
//! key file ── LockedKey::parse ─▶ LockedKey ── unlock ─▶ KeyFile: Signer ── detached ─▶ Signature
//!                                     └─ certificate ─▶ Certificate ── verify ─▶ fingerprint
//! ```
//!
//! Everything is OpenPGP of version 4 (RFC 9580), which every apt, dnf and zypper reads. A key is judged at a time that
//! the caller names, so that nothing here looks at the clock, and a signature's time is that of what is signed, so that
//! signing twice gives the same bytes.

mod certificate;
mod key_file;
mod signature;

use std::fmt;
use std::io::{self, Read};

pub use certificate::{Certificate, Fault, KeyState};
pub use key_file::{KeyFile, LockedKey};
pub use signature::Signature;

use crate::source_date::SourceDate;

/// The largest file of keys or signatures that is read, in bytes.
pub const MAX_KEY_FILE: u64 = 1 << 20;

/// Signs with one key, wherever it is kept: in a file, an agent, a smart card or a key service.
pub trait Signer: Send + Sync + fmt::Debug {
    /// Returns the certificate of the key.
    fn certificate(&self) -> &Certificate;

    /// Returns the fingerprint of the key that signs, in upper-case hexadecimal digits (RFC 9580, 5.5.4).
    fn fingerprint(&self) -> &str;

    /// Returns a detached signature of `message` (RFC 9580, 10.4) that is made at `date`, or as soon after it as the key
    /// existed.
    fn detached(&self, message: &mut dyn Read, date: SourceDate) -> Result<Signature, SignError>;
}

/// Why bytes are no key that can be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No OpenPGP data, or other data.
    #[error("no OpenPGP key: {0}")]
    Malformed(String),
    /// Several where one is meant.
    #[error("more than one key")]
    Several,
    /// A public key where a secret one is needed.
    #[error("the public half of a key alone, which cannot sign")]
    Public,
    /// None of its keys can sign.
    #[error("no key that can sign:{}", list(.0))]
    Unfit(Vec<KeyState>),
    /// The passphrase is not that of the key.
    #[error("the passphrase does not open key {0}")]
    Passphrase(String),
    /// It opens, and does not work.
    #[error("key {fingerprint} does not sign: {cause}")]
    Broken {
        /// The key.
        fingerprint: String,
        /// What the library says.
        cause: String,
    },
}

fn list(states: &[KeyState]) -> String {
    states.iter().map(|state| format!("\n  {state}")).collect()
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The message cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The key refused.
    #[error("the key does not sign: {0}")]
    Refused(String),
}

/// Why a signature proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// No signature.
    #[error("no OpenPGP signature: {0}")]
    Malformed(String),
    /// It is of a key that is not at hand.
    #[error("signed by {0}, which is none of the given keys")]
    UnknownKey(String),
    /// It is of something else, or not of this key.
    #[error("the signature of {0} is bad")]
    Bad(String),
    /// Its digest can be forged.
    #[error("the signature uses {0}, which can be forged")]
    WeakDigest(String),
    /// The key may not sign, or might not when it did.
    #[error("signed by a key that may not sign: {0}")]
    Unfit(KeyState),
    /// The message cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}
