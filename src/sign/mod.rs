//! Signatures: the seam behind which secret keys are kept, and the certificates that signatures are checked against.
//!
//! ```text
//! key file ── LockedKey::parse ─▶ LockedKey ── unlock ─▶ KeyFile ─┐
//! gpg ── GpgKey::open ──────────────────────────────────▶ GpgKey ─┤
//! a program ── CommandKey::open ────────────────────▶ CommandKey ─┴ Signer ── detached ─▶ Signature
//!                                                                    │        cleartext ─▶ text
//!                                                                    └ certificate ─▶ Certificate ── verify
//! Signer, … ──────────────────────────────────────── Signers ── detached ─▶ Signatures, cleartext ─▶ Cleartext
//! ```
//!
//! Everything is OpenPGP of version 4 (RFC 9580), which every apt, dnf and zypper reads. A key is judged at a time that
//! the caller names, so that nothing here looks at the clock, and a signature's time is that of what is signed, so that
//! signing twice gives the same bytes.

mod certificate;
mod check;
mod cleartext;
mod command;
mod generate;
mod gpg;
mod key_file;
mod packet;
mod packets;
mod process;
mod rsa;
mod signature;
mod signers;
mod state;

use std::fmt;
use std::io::{self, Read};

pub use certificate::Certificate;
pub use check::{Finding, When};
pub use cleartext::Cleartext;
pub use command::CommandKey;
pub use generate::{KeyAlgorithm, NewKey};
pub use gpg::GpgKey;
pub use key_file::{KeyFile, LockedKey};
pub use packet::Form;
pub use packets::Packets;
pub use process::{Environment, ProcessError};
pub use signature::{Signature, Signatures};
pub use signers::Signers;
pub use state::{Fault, KeyState};

use crate::source_date::SourceDate;

/// The largest file of keys or signatures that is read, in bytes.
pub const MAX_KEY_FILE: u64 = 1 << 20;

/// Signs with one key, wherever it is kept: in a file, an agent, a smart card or a key service.
pub trait Signer: Send + Sync + fmt::Debug {
    /// Returns the certificate of the key.
    fn certificate(&self) -> &Certificate;

    /// Returns the fingerprint of the key that signs, in upper-case hexadecimal digits (RFC 9580, 5.5.4).
    fn fingerprint(&self) -> &str;

    /// Returns a signature of `message` that is made at `date`, or as soon after it as the key existed.
    fn sign(&self, message: &mut dyn Read, form: Form, date: SourceDate) -> Result<Signature, SignError>;

    /// Returns a detached signature of bytes (RFC 9580, 10.4).
    fn detached(&self, message: &mut dyn Read, date: SourceDate) -> Result<Signature, SignError> {
        self.sign(message, Form::Binary, date)
    }

    /// Returns `text` inside a cleartext signature (RFC 9580, 7), as apt reads it in `InRelease`. The signature is checked
    /// first. No line may end in a blank: such blanks are not signed, and clients differ on them.
    fn cleartext(&self, text: &str, date: SourceDate) -> Result<String, SignError> {
        cleartext::sign([self], text, date)
    }
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
    /// gpg has none of that name.
    #[error("gpg has no key of that name")]
    NotFound,
    /// None of its keys can sign.
    #[error("no key that can sign:{}", list(.0))]
    Unfit(Vec<KeyState>),
    /// The keys that could sign are elsewhere.
    #[error("the secret half of no key that can sign is here:{}", list(.0))]
    NoSecret(Vec<KeyState>),
    /// The passphrase is not that of the key.
    #[error("the passphrase does not open key {0}")]
    Passphrase(String),
    /// It opens, and does not work.
    #[error("key {fingerprint} does not sign: {cause}")]
    Broken {
        /// The key.
        fingerprint: String,
        /// What the keeper or the library says.
        cause: String,
    },
    /// gpg does not answer.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

impl KeyError {
    fn malformed(error: impl fmt::Display) -> Self {
        Self::Malformed(error.to_string())
    }
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
    /// The keeper of the key failed.
    #[error("the key does not sign")]
    Process(#[from] ProcessError),
    /// A line of a text ends in what a cleartext signature does not cover.
    #[error("line {0} ends in a blank, which a cleartext signature does not cover")]
    TrailingBlank(usize),
}

impl SignError {
    fn refused(error: impl fmt::Display) -> Self {
        Self::Refused(error.to_string())
    }
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
    /// Its form is one that clients refuse.
    #[error(
        "the signature of {0} is of version 3, which apt of Debian 13 and later refuses since 2026-02-01; whoever signs \
         there has to use a newer program"
    )]
    Legacy(String),
    /// It has an end.
    #[error("the signature of {issuer} is good until {end} and no longer")]
    Ended {
        /// Who made it.
        issuer: String,
        /// When it ends.
        end: SourceDate,
    },
    /// The key may not sign, or might not when it did.
    #[error("signed by a key that may not sign: {0}")]
    Unfit(KeyState),
    /// The message cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Signs something with a key that was just opened: what is wrong with it is said before anything else is done.
fn probe(signer: &dyn Signer, state: &KeyState) -> Result<(), KeyError> {
    const PROBE: &[u8] = b"kubepkg";
    let broken = |cause: String| KeyError::Broken { fingerprint: state.fingerprint.clone(), cause };
    let date = SourceDate::from_epoch(state.bound);
    let told = |error: SignError| match error {
        SignError::Process(error) => KeyError::Process(error),
        error => broken(error.to_string()),
    };
    let signature = signer.detached(&mut &*PROBE, date).map_err(told)?;
    let by = signer.certificate().verify(&signature, PROBE).map_err(|error| broken(error.to_string()))?;
    if by == state.fingerprint { Ok(()) } else { Err(broken(format!("it was {by} that signed"))) }
}
