//! Signatures of `cosign sign-blob`: ECDSA or RSA over the SHA-256 of a file.

use std::fmt;

use sigstore_verify::crypto::{KeyAlgorithm, VerificationKey};
use sigstore_verify::types::{DerCertificate, DerPublicKey, HashAlgorithm, SignatureBytes};

use super::error::SignatureError;
use crate::digest::Digest;

/// Reads a signature in base64.
pub(super) fn signature(text: &str) -> Result<SignatureBytes, SignatureError> {
    let malformed = |cause: &dyn fmt::Display| SignatureError::malformed("signature", cause);
    let bytes = SignatureBytes::from_base64(text.trim()).map_err(|error| malformed(&error))?;
    if bytes.is_empty() { Err(malformed(&"nothing in it")) } else { Ok(bytes) }
}

/// Reads a certificate in PEM, or in base64 of PEM, which is how `cosign` writes it.
pub(super) fn certificate(text: &str) -> Result<DerCertificate, SignatureError> {
    let malformed = |cause: &dyn fmt::Display| SignatureError::malformed("certificate", cause);
    let text = text.trim();
    if text.starts_with("-----BEGIN ") {
        return DerCertificate::from_pem(text).map_err(|error| malformed(&error));
    }
    let bytes = SignatureBytes::from_base64(text).map_err(|error| malformed(&error))?.into_bytes();
    let pem = String::from_utf8(bytes).map_err(|_| malformed(&"no PEM inside base64"))?;
    DerCertificate::from_pem(&pem).map_err(|error| malformed(&error))
}

/// Reads a public key in PEM.
pub(super) fn key(text: &str) -> Result<DerPublicKey, SignatureError> {
    DerPublicKey::from_pem(text).map_err(|error| SignatureError::Key(error.to_string()))
}

/// Checks a signature against a file's SHA-256, whoever's the key is.
pub(super) fn verify(signature: &SignatureBytes, key: &DerPublicKey, sha256: &Digest) -> Result<(), SignatureError> {
    let unfit = |error: sigstore_verify::crypto::Error| SignatureError::Key(error.to_string());
    let scheme = KeyAlgorithm::from_spki(key).map_err(unfit)?.resolve_signing_scheme(HashAlgorithm::Sha2256);
    let key = VerificationKey::from_spki_with_scheme(key, scheme.map_err(unfit)?).map_err(unfit)?;
    if key.scheme().hash_algorithm() != Some(HashAlgorithm::Sha2256) {
        return Err(SignatureError::Key("it does not sign a SHA-256".to_owned()));
    }
    key.verify_prehashed(&sha256.to_bytes(), signature).map_err(|_| SignatureError::Mismatch)
}
