//! Keys that a program keeps: a key service, a hardware module.
//!
//! The program is started once a signature, with no arguments. It gets on stdin the digest, 64 bytes of SHA-512, and
//! writes to stdout the raw signature and nothing else:
//!
//! | `KUBEPKG_SIGN_ALGORITHM` | signature |
//! |---|---|
//! | `rsa-pkcs1-sha512` | RSASSA-PKCS1-v1_5 of the digest (RFC 8017, 8.2; the digest is not hashed again), as long as the modulus |
//! | `ed25519` | 64 bytes: Ed25519 with the digest as its message (RFC 8032, 5.1.6) |
//!
//! `KUBEPKG_SIGN_FINGERPRINT` is the key, `KUBEPKG_SIGN_PROTOCOL` is `1`. Any exit code but 0 is a refusal, which is told
//! with the last lines of stderr.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::Read;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use pgp::composed::{SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::types::{
    Fingerprint, KeyDetails, KeyId, KeyVersion, Mpi, Password, PublicParams, SignatureBytes, SigningKey, Timestamp,
};

use super::packet::{self, DIGEST};
use super::process::{self, Environment, Failure, ProcessError};
use super::state::rsa_bits;
use super::{Certificate, Form, KeyError, KeyState, SignError, Signature, Signer, probe};
use crate::source_date::SourceDate;

/// The version of what is said between kubepkg and the program.
const PROTOCOL: &str = "1";

/// A key whose secret half a program keeps.
pub struct CommandKey {
    program: OsString,
    environment: Environment,
    state: KeyState,
    certificate: Certificate,
    /// Programs may ask a person, and hardware serves one at a time.
    turn: Mutex<()>,
}

impl CommandKey {
    /// Takes the program that signs, and the certificate of its key; of several keys the newest subkey that may sign at
    /// `now`, in seconds since 1970, is meant. `environment` is what
    /// the program gets.
    pub fn open(program: &OsStr, certificate: &[u8], environment: Environment, now: u32) -> Result<Self, KeyError> {
        let certificate = Certificate::parse_one(certificate)?;
        let state = certificate.signing_key(now, |_| true)?;
        let key = Self { program: program.to_owned(), environment, state, certificate, turn: Mutex::default() };
        probe(&key, &key.state)?;
        Ok(key)
    }

    fn public(&self) -> Public<'_> {
        self.certificate.public(&self.state.fingerprint)
    }
}

/// The public half of a key that signs elsewhere.
#[derive(Debug, Clone, Copy)]
pub(super) enum Public<'a> {
    Primary(&'a SignedPublicKey),
    Subkey(&'a SignedPublicSubKey),
}

impl Public<'_> {
    pub(super) fn details(&self) -> &dyn KeyDetails {
        match self {
            Self::Primary(key) => &key.primary_key,
            Self::Subkey(key) => &key.key,
        }
    }
}

/// A key as the library wants one to sign with.
#[derive(Debug)]
struct Remote<'a> {
    key: &'a CommandKey,
    public: Public<'a>,
    /// What the program failed with, which the library would only repeat in words.
    failure: Mutex<Option<ProcessError>>,
}

impl Remote<'_> {
    fn ask(&self, digest: &[u8]) -> Result<SignatureBytes, ProcessError> {
        let name = match self.algorithm() {
            PublicKeyAlgorithm::RSA | PublicKeyAlgorithm::RSASign => "rsa-pkcs1-sha512",
            PublicKeyAlgorithm::EdDSALegacy => "ed25519",
            other => return Err(self.bad(format!("keys of the algorithm {other:?} are not asked for"))),
        };
        let mut command = Command::new(&self.key.program);
        self.key.environment.set(&mut command);
        command.env("KUBEPKG_SIGN_PROTOCOL", PROTOCOL).env("KUBEPKG_SIGN_ALGORITHM", name);
        command.env("KUBEPKG_SIGN_FINGERPRINT", &self.key.state.fingerprint);
        let turn = self.key.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = process::run(command, &mut &*digest);
        drop(turn);
        let raw = answer.map_err(|failure| match failure {
            Failure::Process(error) => error,
            Failure::Message(error) => self.bad(error.to_string()),
        })?;
        let (length, halves) = match self.public_params() {
            PublicParams::RSA(params) => (usize::from(rsa_bits(params)).div_ceil(8), 1),
            _ => (64, 2),
        };
        if raw.len() != length {
            return Err(self.bad(format!("a signature has {length} bytes, and it wrote {}", raw.len())));
        }
        Ok(raw.chunks(length / halves).map(Mpi::from_slice).collect::<Vec<_>>().into())
    }

    fn bad(&self, cause: String) -> ProcessError {
        ProcessError::Answer { program: self.key.program.to_string_lossy().into_owned(), cause }
    }
}

impl SigningKey for Remote<'_> {
    fn sign(&self, _: &Password, hash: HashAlgorithm, digest: &[u8]) -> pgp::errors::Result<SignatureBytes> {
        debug_assert_eq!(hash, DIGEST, "the only digest that is made");
        self.ask(digest).map_err(|error| {
            let words = error.to_string();
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            std::io::Error::other(words).into()
        })
    }

    fn hash_alg(&self) -> HashAlgorithm {
        DIGEST
    }
}

impl KeyDetails for Remote<'_> {
    fn version(&self) -> KeyVersion {
        self.public.details().version()
    }

    fn legacy_key_id(&self) -> KeyId {
        self.public.details().legacy_key_id()
    }

    fn fingerprint(&self) -> Fingerprint {
        self.public.details().fingerprint()
    }

    fn algorithm(&self) -> PublicKeyAlgorithm {
        self.public.details().algorithm()
    }

    fn created_at(&self) -> Timestamp {
        self.public.details().created_at()
    }

    fn legacy_v3_expiration_days(&self) -> Option<u16> {
        self.public.details().legacy_v3_expiration_days()
    }

    fn public_params(&self) -> &PublicParams {
        self.public.details().public_params()
    }
}

impl Signer for CommandKey {
    fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    fn fingerprint(&self) -> &str {
        &self.state.fingerprint
    }

    fn sign(&self, message: &mut dyn Read, form: Form, date: SourceDate) -> Result<Signature, SignError> {
        let remote = Remote { key: self, public: self.public(), failure: Mutex::default() };
        let time = Timestamp::from_secs(self.state.signing_time(date));
        let signature = packet::sign(&remote, message, form, time);
        match remote.failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error.into()),
            None => signature,
        }
    }
}

impl fmt::Debug for CommandKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandKey").field("program", &self.program).field("state", &self.state).finish_non_exhaustive()
    }
}
