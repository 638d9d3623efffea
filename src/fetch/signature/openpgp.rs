//! Detached OpenPGP signatures.

use std::io::Read;

use super::error::SignatureError;
use crate::sign::{Certificate, Signature, VerifyError};

/// Checks a signature by one of the pinned keys, and returns the fingerprint of that one's certificate.
pub(super) fn verify(
    text: &str,
    keys: &str,
    pinned: &[String],
    mut open: impl FnMut() -> Result<Box<dyn Read>, SignatureError>,
) -> Result<String, SignatureError> {
    let signature = Signature::parse(text.as_bytes())?;
    let mut error = VerifyError::UnknownKey(signature.issuer());
    for certificate in Certificate::parse(keys.as_bytes())? {
        if !pinned.iter().any(|fingerprint| fingerprint == certificate.fingerprint()) {
            continue;
        }
        match certificate.verify(&signature, open()?) {
            Ok(_) => return Ok(certificate.fingerprint().to_owned()),
            Err(VerifyError::UnknownKey(_)) => {}
            Err(other) => error = other,
        }
    }
    Err(error.into())
}
