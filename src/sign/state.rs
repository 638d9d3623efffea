//! What a key of a certificate is worth at some time.

use std::fmt;

use pgp::packet::Signature as Packet;
use pgp::ser::Serialize as _;
use pgp::types::{EddsaLegacyPublicParams, KeyDetails, KeyVersion, PublicParams, RsaPublicParams};

use crate::source_date::SourceDate;

/// The shortest RSA that clients still take, in bits.
const MIN_RSA: u16 = 2048;

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

pub(super) fn newest<'k>(packets: impl Iterator<Item = &'k Packet>) -> Option<&'k Packet> {
    packets.max_by_key(|packet| packet.created())
}

/// Judges a key by the newest of its self-signatures.
pub(super) fn state(key: &impl KeyDetails, bound: Option<&Packet>, is_revoked: bool, now: u32) -> KeyState {
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
            let bits = rsa_bits(params);
            (format!("RSA-{bits}"), (bits < MIN_RSA).then_some(Fault::Short))
        }
        PublicParams::EdDSALegacy(EddsaLegacyPublicParams::Ed25519 { .. }) => ("Ed25519".to_owned(), None),
        // The same curve under the number that RFC 9580 gave it: gpg 2.2 and rpm 4.18 know only the older one.
        PublicParams::Ed25519(_) => ("Ed25519 (algorithm 27)".to_owned(), Some(Fault::Unsupported)),
        PublicParams::ECDSA(_) => ("ECDSA".to_owned(), None),
        _ => (format!("{:?}", key.algorithm()), Some(Fault::Unsupported)),
    }
}

/// The length of a modulus in bits, which stands before it (RFC 9580, 5.5.5.1 and 3.2).
pub(super) fn rsa_bits(params: &RsaPublicParams) -> u16 {
    match params.to_bytes().unwrap_or_default()[..] {
        [high, low, ..] => u16::from_be_bytes([high, low]),
        _ => 0,
    }
}

impl KeyState {
    /// Whether it may sign.
    pub fn is_fit(&self) -> bool {
        self.faults.is_empty()
    }

    /// Whether something is wrong with it but for what it was made for.
    pub(super) fn is_bad(&self) -> bool {
        self.faults.iter().any(|fault| *fault != Fault::NotForSigning)
    }

    /// Returns the time of a signature that is to say `date`.
    pub(super) fn signing_time(&self, date: SourceDate) -> u32 {
        date.epoch().max(self.created).max(self.bound)
    }
}
