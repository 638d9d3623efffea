//! Detached signatures.

use std::fmt;

use pgp::armor::{self, BlockType};
use pgp::composed::{ArmorOptions, Deserializable as _, DetachedSignature};
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::ser::Serialize as _;

use super::{Certificate, Form, VerifyError};
use crate::source_date::SourceDate;

/// How many signatures may stand together: two where one key takes the place of another.
const MAX_SIGNATURES: usize = 16;

/// A detached signature of version 4 (RFC 9580, 5.2.3).
#[derive(Clone, PartialEq, Eq)]
pub struct Signature(pub(super) DetachedSignature);

impl Signature {
    /// Reads one signature, armored or binary.
    pub fn parse(bytes: &[u8]) -> Result<Self, VerifyError> {
        let mut signatures = packets(bytes, 2)?;
        match (signatures.pop(), signatures.is_empty()) {
            (Some(signature), true) => Ok(signature),
            (Some(_), false) => Err(malformed("more than one")),
            (None, _) => Err(malformed("nothing in it")),
        }
    }

    /// Returns the packet, as RPM holds it.
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        self.0.to_bytes().map_err(|error| error.to_string())
    }

    /// Returns the packet in ASCII armor, without headers and with the checksum that old readers want (RFC 9580, 6.2).
    pub fn to_armor(&self) -> Result<String, String> {
        let options = ArmorOptions { headers: None, include_checksum: true };
        self.0.to_armored_string(options).map_err(|error| error.to_string())
    }

    /// Whether RSA made it; RPM has one tag for RSA and one for everything else.
    pub fn is_rsa(&self) -> bool {
        let algorithm = self.0.signature.config().map(|config| config.pub_alg);
        matches!(algorithm, Some(PublicKeyAlgorithm::RSA | PublicKeyAlgorithm::RSASign))
    }

    /// Returns who made it, as it says: a fingerprint or at least a key id, in upper-case hexadecimal digits.
    pub fn issuer(&self) -> String {
        let packet = &self.0.signature;
        let fingerprint = packet.issuer_fingerprint().first().map(|fingerprint| format!("{fingerprint:X}"));
        let id = || packet.issuer_key_id().first().map(hex::encode_upper);
        fingerprint.or_else(id).unwrap_or_else(|| "nobody".to_owned())
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signature").field("issuer", &self.issuer()).finish_non_exhaustive()
    }
}

/// When a signature has to be good, which may have an end of its own (RFC 9580, 5.2.3.18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Now, in seconds since 1970.
    At(u32),
    /// Whenever somebody looks at it.
    Ever,
}

impl Moment {
    /// Checks a signature that was made at a time.
    pub(super) fn check(self, signature: &Signature, made: u32) -> Result<(), VerifyError> {
        let lasts = signature.0.signature.signature_expiration_time().map(pgp::types::Duration::as_secs);
        match lasts.filter(|lasts| *lasts > 0).map(|lasts| made.saturating_add(lasts)) {
            Some(end) if self == Self::Ever || self.is_after(end) => {
                Err(VerifyError::Ended { issuer: signature.issuer(), end: SourceDate::from_epoch(end) })
            }
            _ => Ok(()),
        }
    }

    fn is_after(self, end: u32) -> bool {
        matches!(self, Self::At(now) if now >= end)
    }
}

/// Detached signatures of one thing by several keys: packets one behind the other, in one armor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signatures(Vec<Signature>);

impl Signatures {
    /// Reads all signatures of a file, armored or binary: in one block, or in several.
    pub fn parse(bytes: &[u8]) -> Result<Self, VerifyError> {
        let mut signatures = Vec::new();
        for block in blocks(bytes) {
            signatures.extend(packets(block, MAX_SIGNATURES + 1)?);
            if signatures.len() > MAX_SIGNATURES {
                return Err(malformed(format!("more than {MAX_SIGNATURES}")));
            }
        }
        if signatures.is_empty() { Err(malformed("nothing in it")) } else { Ok(Self(signatures)) }
    }

    /// Returns them in one ASCII armor, without headers and with the checksum that old readers want (RFC 9580, 6.2).
    pub fn to_armor(&self) -> Result<String, String> {
        let packets: Vec<&DetachedSignature> = self.0.iter().map(|signature| &signature.0).collect();
        let mut armored = Vec::new();
        armor::write(&packets, BlockType::Signature, &mut armored, None, true).map_err(|error| error.to_string())?;
        String::from_utf8(armored).map_err(|error| error.to_string())
    }

    /// Returns each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Signature> {
        self.0.iter()
    }

    /// Checks that one of them is a good signature of `message` by one of the certificates, and returns the fingerprint of
    /// its key. Those by other keys say nothing, as gpgv has it.
    pub fn verify(&self, certificates: &[Certificate], message: &[u8]) -> Result<String, VerifyError> {
        self.verify_form(certificates, Form::Binary, message)
    }

    pub(super) fn verify_form(
        &self,
        certificates: &[Certificate],
        form: Form,
        message: &[u8],
    ) -> Result<String, VerifyError> {
        let (mut good, mut unknown) = (None, None);
        for signature in &self.0 {
            let mut verdicts =
                certificates.iter().map(|certificate| certificate.verify_form(signature, form, Moment::Ever, message));
            match verdicts.find(|verdict| !matches!(verdict, Err(VerifyError::UnknownKey(_)))) {
                Some(Ok(fingerprint)) => good = good.or(Some(fingerprint)),
                // A known key that is said to have signed and has not: somebody changed something.
                Some(Err(error)) => return Err(error),
                None => unknown = unknown.or_else(|| Some(signature.issuer())),
            }
        }
        good.ok_or_else(|| VerifyError::UnknownKey(unknown.unwrap_or_default()))
    }
}

impl FromIterator<Signature> for Signatures {
    fn from_iter<I: IntoIterator<Item = Signature>>(signatures: I) -> Self {
        Self(signatures.into_iter().collect())
    }
}

fn malformed(cause: impl fmt::Display) -> VerifyError {
    VerifyError::Malformed(cause.to_string())
}

/// Reads the signatures of one block, `limit` at most.
fn packets(bytes: &[u8], limit: usize) -> Result<Vec<Signature>, VerifyError> {
    let (signatures, _) = DetachedSignature::from_reader_many_buf(bytes).map_err(malformed)?;
    signatures.take(limit).map(|signature| signature.map(Signature).map_err(malformed)).collect()
}

/// Splits a file where blocks of armored signatures begin; one that is not armored is one block.
fn blocks(bytes: &[u8]) -> Vec<&[u8]> {
    const BEGIN: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
    let begins: Vec<usize> = memchr::memmem::find_iter(bytes, BEGIN).take(MAX_SIGNATURES + 1).collect();
    if begins.len() < 2 {
        return vec![bytes];
    }
    let ends = begins.iter().skip(1).copied().chain([bytes.len()]);
    begins.iter().zip(ends).map(|(begin, end)| &bytes[*begin..end]).collect()
}
