//! Signature packets of version 4 (RFC 9580, 5.2.3), made with whatever holds the secret.

use std::io::Read;

use pgp::composed::DetachedSignature;
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{KeyDetails, Password, SigningKey, Timestamp};

use super::{SignError, Signature};

/// The digest of all signatures: clients of ten years read it, and those of the next ten will.
pub(super) const DIGEST: HashAlgorithm = HashAlgorithm::Sha512;

/// What is signed (RFC 9580, 5.2.1.1 and 5.2.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Bytes.
    Binary,
    /// Text, whose line ends are signed as CR LF however they are written.
    Text,
}

impl Form {
    /// Returns the type of a signature of it.
    pub(super) const fn signature_type(self) -> SignatureType {
        match self {
            Self::Binary => SignatureType::Binary,
            Self::Text => SignatureType::Text,
        }
    }
}

/// Signs `message` with `key`, which needs no password any more. Nothing in the packet is random, and nothing in it
/// comes from a clock.
pub(super) fn sign(
    key: &impl SigningKey,
    message: &mut dyn Read,
    form: Form,
    time: Timestamp,
) -> Result<Signature, SignError> {
    let mut config = config(key, form.signature_type(), time).map_err(SignError::refused)?;
    config.unhashed_subpackets =
        vec![Subpacket::regular(SubpacketData::IssuerKeyId(key.legacy_key_id())).map_err(SignError::refused)?];
    let mut failed = None;
    let read = Checked { message, failed: &mut failed };
    let packet = config.sign(key, &Password::empty(), read);
    match (failed, packet) {
        (Some(error), _) => Err(SignError::Io(error)),
        (None, Err(error)) => Err(SignError::refused(error)),
        (None, Ok(packet)) => Ok(Signature(DetachedSignature::new(packet))),
    }
}

/// Returns the beginning of a signature by `key`: who makes it, and when.
pub(super) fn config(
    key: &impl KeyDetails,
    kind: SignatureType,
    time: Timestamp,
) -> pgp::errors::Result<SignatureConfig> {
    let mut config = SignatureConfig::v4(kind, key.algorithm(), DIGEST);
    config.hashed_subpackets = vec![
        Subpacket::regular(SubpacketData::IssuerFingerprint(key.fingerprint()))?,
        Subpacket::regular(SubpacketData::SignatureCreationTime(time))?,
    ];
    Ok(config)
}

/// Keeps the error of a message that cannot be read, which the library only repeats in words.
struct Checked<'a> {
    message: &'a mut dyn Read,
    failed: &'a mut Option<std::io::Error>,
}

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.message.read(buffer).map_err(|error| {
            let kind = error.kind();
            if kind != std::io::ErrorKind::Interrupted {
                *self.failed = Some(error);
            }
            kind.into()
        })
    }
}
