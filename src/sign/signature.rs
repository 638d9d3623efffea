//! Detached signatures.

use std::fmt;

use pgp::composed::{ArmorOptions, Deserializable as _, DetachedSignature};
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::ser::Serialize as _;

use super::VerifyError;

/// A detached signature of version 4 (RFC 9580, 5.2.3).
#[derive(Clone, PartialEq, Eq)]
pub struct Signature(pub(super) DetachedSignature);

impl Signature {
    /// Reads one signature, armored or binary.
    pub fn parse(bytes: &[u8]) -> Result<Self, VerifyError> {
        let malformed = |cause: &dyn fmt::Display| VerifyError::Malformed(cause.to_string());
        let (signatures, _) = DetachedSignature::from_reader_many_buf(bytes).map_err(|error| malformed(&error))?;
        let mut signatures = signatures.take(2);
        match (signatures.next(), signatures.next()) {
            (Some(Ok(signature)), None) => Ok(Self(signature)),
            (Some(Err(error)), _) => Err(malformed(&error)),
            (None, _) => Err(malformed(&"nothing in it")),
            (Some(_), Some(_)) => Err(malformed(&"more than one")),
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
