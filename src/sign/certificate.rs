//! Public keys, and what their self-signatures say of them.

use std::fmt;
use std::io::Read;

use pgp::composed::{ArmorOptions, Deserializable as _, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature as Packet, SignatureType};
use pgp::ser::Serialize as _;
use pgp::types::{KeyDetails, KeyVersion, PublicParams, Tag};

use super::{KeyError, Signature, VerifyError};
use crate::source_date::SourceDate;

/// The shortest RSA that clients still take, in bits.
const MIN_RSA: u16 = 2048;

/// Blocks of armored keys in one file.
const MAX_BLOCKS: usize = 1000;

/// A primary key with its users and subkeys (RFC 9580, 10.1).
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    key: SignedPublicKey,
    fingerprint: String,
}

/// What one key of a certificate is, and why it may not sign at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyState {
    /// The fingerprint in upper-case hexadecimal digits.
    pub fingerprint: String,
    /// Algorithm and size: `RSA-4096`, `Ed25519`.
    pub algorithm: String,
    /// When it was made, in seconds since 1970.
    pub created: u32,
    /// When it ends, in seconds since 1970; nothing where it does not.
    pub expires: Option<u32>,
    /// When the newest of its self-signatures was made: no client takes its signatures of an earlier time for certain.
    pub bound: u32,
    /// Why it may not sign; nothing where it may.
    pub faults: Vec<Fault>,
}

/// Why a key may not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Its owner took it back.
    #[error("revoked")]
    Revoked,
    /// Its time is over.
    #[error("expired")]
    Expired,
    /// It is from the future.
    #[error("not valid yet")]
    NotYet,
    /// It was made for something else (RFC 9580, 5.2.3.29).
    #[error("not made for signing")]
    NotForSigning,
    /// Nothing, or nothing valid, ties it to the certificate.
    #[error("without a valid self-signature")]
    Unbound,
    /// Too short.
    #[error("too short")]
    Short,
    /// Not version 4, or an algorithm that clients do not know.
    #[error("of a kind that clients do not know")]
    Unsupported,
    /// The certificate's primary key has one of the faults above.
    #[error("of a primary key that is not valid")]
    Primary,
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.fingerprint, self.algorithm)?;
        for (nth, fault) in self.faults.iter().enumerate() {
            write!(f, "{} {fault}", if nth == 0 { ":" } else { "," })?;
        }
        Ok(())
    }
}

impl Certificate {
    /// Reads all certificates of a file, armored or binary.
    pub fn parse(bytes: &[u8]) -> Result<Vec<Self>, KeyError> {
        let malformed = |error: pgp::errors::Error| KeyError::Malformed(error.to_string());
        let mut certificates = Vec::new();
        for part in armored(bytes) {
            let (keys, _) = SignedPublicKey::from_reader_many_buf(part).map_err(malformed)?;
            for key in keys {
                certificates.push(Self::new(key.map_err(malformed)?));
            }
        }
        if certificates.is_empty() { Err(KeyError::Malformed("nothing in it".to_owned())) } else { Ok(certificates) }
    }

    pub(super) fn new(key: SignedPublicKey) -> Self {
        let fingerprint = format!("{:X}", key.primary_key.fingerprint());
        Self { key, fingerprint }
    }

    /// Returns the fingerprint of the primary key, in upper-case hexadecimal digits.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Returns whom it belongs to, as it says.
    pub fn users(&self) -> impl Iterator<Item = String> {
        self.key.details.users.iter().map(|user| String::from_utf8_lossy(user.id.id()).into_owned())
    }

    /// Returns it in ASCII armor.
    pub fn to_armor(&self) -> Result<String, KeyError> {
        let options = ArmorOptions { headers: None, include_checksum: true };
        self.key.to_armored_string(options).map_err(|error| KeyError::Malformed(error.to_string()))
    }

    /// Returns the states of all its keys at `now`, in seconds since 1970: first of the primary key, then of the subkeys
    /// in their order.
    pub fn keys(&self, now: u32) -> Vec<KeyState> {
        let primary = self.primary(now);
        let is_primary_good = primary.faults.iter().all(|fault| *fault == Fault::NotForSigning);
        let subkeys = self.key.public_subkeys.iter().map(|subkey| {
            let mut state = self.subkey(subkey, now);
            state.bound = state.bound.max(primary.bound);
            state.expires = state.expires.into_iter().chain(primary.expires).min();
            if !is_primary_good {
                state.faults.push(Fault::Primary);
            }
            state
        });
        let subkeys: Vec<KeyState> = subkeys.collect();
        std::iter::once(primary).chain(subkeys).collect()
    }

    fn primary(&self, now: u32) -> KeyState {
        let (key, details) = (&self.key.primary_key, &self.key.details);
        let of_users = details.users.iter().flat_map(|user| {
            let is_good = |packet: &&Packet| {
                packet.is_certification() && packet.verify_certification(key, Tag::UserId, &user.id).is_ok()
            };
            user.signatures.iter().filter(is_good)
        });
        let of_key = details.direct_signatures.iter().filter(|packet| packet.verify_key(key).is_ok());
        let revoked = details.revocation_signatures.iter().any(|packet| packet.verify_key(key).is_ok());
        state(key, newest(of_users.chain(of_key)), revoked, now)
    }

    fn subkey(&self, subkey: &SignedPublicSubKey, now: u32) -> KeyState {
        let primary = &self.key.primary_key;
        let of = |kind: SignatureType| {
            subkey.signatures.iter().filter(move |packet| {
                packet.typ() == Some(kind) && packet.verify_subkey_binding(primary, &subkey.key).is_ok()
            })
        };
        let binding = newest(of(SignatureType::SubkeyBinding));
        let is_revoked = of(SignatureType::SubkeyRevocation).next().is_some();
        let mut state = state(&subkey.key, binding, is_revoked, now);
        // A signing subkey agrees to its certificate (RFC 9580, 5.2.1.9), or anybody could claim it.
        let back = binding.filter(|packet| packet.key_flags().sign()).map(Packet::embedded_signature);
        let agrees = |packet: &Packet| packet.verify_primary_key_binding(&subkey.key, primary).is_ok();
        if back.is_some_and(|back| !back.is_some_and(agrees)) {
            state.faults.push(Fault::Unbound);
        }
        state
    }

    /// Checks a signature of `message` by one of the keys, and returns that one's fingerprint. The key must have been
    /// good when it signed, and must not be revoked.
    pub fn verify(&self, signature: &Signature, message: impl Read) -> Result<String, VerifyError> {
        let packet = &signature.0.signature;
        let config = packet.config().ok_or_else(|| VerifyError::Malformed("of an unknown version".to_owned()))?;
        if !matches!(config.hash_alg, HashAlgorithm::Sha256 | HashAlgorithm::Sha384 | HashAlgorithm::Sha512) {
            return Err(VerifyError::WeakDigest(config.hash_alg.to_string()));
        }
        if config.typ != SignatureType::Binary {
            return Err(VerifyError::Malformed("not of binary data".to_owned()));
        }
        let made = packet.created().map(pgp::types::Timestamp::as_secs).unwrap_or_default();
        // All that it says of its issuer must be true, signed or not, as gpg has it.
        let names = |key: &dyn KeyDetails| {
            let (fingerprints, ids) = (packet.issuer_fingerprint(), packet.issuer_key_id());
            let says_something = !fingerprints.is_empty() || !ids.is_empty();
            says_something
                && fingerprints.iter().all(|fingerprint| **fingerprint == key.fingerprint())
                && ids.iter().all(|id| **id == key.legacy_key_id())
        };
        let bad = |_| VerifyError::Bad(signature.issuer());
        let place = if names(&self.key.primary_key) {
            packet.verify(&self.key.primary_key, message).map_err(bad)?;
            0
        } else {
            let place = self.key.public_subkeys.iter().position(|subkey| names(&subkey.key));
            let place = place.ok_or_else(|| VerifyError::UnknownKey(signature.issuer()))?;
            packet.verify(&self.key.public_subkeys[place].key, message).map_err(bad)?;
            place + 1
        };
        let state = self.keys(made).swap_remove(place);
        if state.faults.is_empty() { Ok(state.fingerprint) } else { Err(VerifyError::Unfit(state)) }
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// Splits a file where blocks of armored keys begin; one that is not armored is one part.
fn armored(bytes: &[u8]) -> Vec<&[u8]> {
    const BEGIN: &[u8] = b"-----BEGIN PGP PUBLIC KEY BLOCK-----";
    let mut begins: Vec<usize> = memchr::memmem::find_iter(bytes, BEGIN).collect();
    begins.truncate(MAX_BLOCKS);
    if begins.len() < 2 {
        return vec![bytes];
    }
    let ends = begins.iter().skip(1).copied().chain([bytes.len()]);
    begins.iter().zip(ends).map(|(begin, end)| &bytes[*begin..end]).collect()
}

fn newest<'k>(packets: impl Iterator<Item = &'k Packet>) -> Option<&'k Packet> {
    packets.max_by_key(|packet| packet.created())
}

fn state(key: &impl KeyDetails, bound: Option<&Packet>, is_revoked: bool, now: u32) -> KeyState {
    let created = key.created_at().as_secs();
    let lasts = bound.and_then(Packet::key_expiration_time);
    let lasts = lasts.map(|time| u32::try_from(std::time::Duration::from(time).as_secs()).unwrap_or(u32::MAX));
    let expires = lasts.filter(|lasts| *lasts > 0).map(|lasts| created.saturating_add(lasts));
    let (algorithm, kind_fault) = algorithm(key);
    let mut faults: Vec<Fault> = kind_fault.into_iter().collect();
    let mut add = |is_so: bool, fault| {
        if is_so {
            faults.push(fault);
        }
    };
    add(bound.is_none(), Fault::Unbound);
    add(is_revoked, Fault::Revoked);
    add(expires.is_some_and(|end| end <= now), Fault::Expired);
    add(created > now, Fault::NotYet);
    add(bound.is_some_and(|packet| !packet.key_flags().sign()), Fault::NotForSigning);
    let bound = bound.and_then(Packet::created).map_or(created, |time| time.as_secs().max(created));
    KeyState { fingerprint: format!("{:X}", key.fingerprint()), algorithm, created, expires, bound, faults }
}

/// Returns the name of a key's algorithm, and what is wrong with it.
fn algorithm(key: &impl KeyDetails) -> (String, Option<Fault>) {
    if key.version() != KeyVersion::V4 {
        return (format!("version {}", u8::from(key.version())), Some(Fault::Unsupported));
    }
    match key.public_params() {
        PublicParams::RSA(params) => {
            // The modulus is a number with its length in bits before it (RFC 9580, 5.5.5.1 and 3.2).
            let bits = match params.to_bytes().unwrap_or_default()[..] {
                [high, low, ..] => u16::from_be_bytes([high, low]),
                _ => 0,
            };
            (format!("RSA-{bits}"), (bits < MIN_RSA).then_some(Fault::Short))
        }
        PublicParams::EdDSALegacy(_) | PublicParams::Ed25519(_) => ("Ed25519".to_owned(), None),
        PublicParams::ECDSA(_) => ("ECDSA".to_owned(), None),
        _ => (format!("{:?}", key.algorithm()), Some(Fault::Unsupported)),
    }
}

impl KeyState {
    /// Returns the time of a signature that is to say `date`.
    pub(super) fn signing_time(&self, date: SourceDate) -> u32 {
        date.epoch().max(self.created).max(self.bound)
    }
}
