//! What a transparency log proves: that it has a signature, and that the certificate was valid when it came.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use sigstore_verify::rekor::LogEntry;
use sigstore_verify::types::bundle::{
    CertificateContent, KindVersion, MessageDigest, MessageSignature, PublicKeyIdentifier, TransparencyLogEntry,
    VerificationMaterial, VerificationMaterialContent,
};
use sigstore_verify::types::{
    Bundle, DerCertificate, DerPublicKey, HashAlgorithm, MediaType, Sha256Hash, SignatureBytes, SignatureContent,
};
use sigstore_verify::{PublicKeyVerificationPolicy, VerificationPolicy};

use super::chain;
use super::cosign;
use super::error::SignatureError;
use super::root::TrustRoot;
use crate::digest::Digest;
use crate::fetch::Proof;
use crate::spec::Identity;

/// Reads an entry as Rekor answers with it: one entry under its name.
pub(super) fn entry(text: &str) -> Result<TransparencyLogEntry, SignatureError> {
    let malformed = |cause: &dyn fmt::Display| SignatureError::malformed("log entry", cause);
    let entries: serde_json::Map<String, Value> = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let [(_, entry)] = &entries.iter().collect::<Vec<_>>()[..] else { return Err(malformed(&"not one entry")) };
    let entry = LogEntry::deserialize(*entry).map_err(|error| malformed(&error))?;
    let body: Value = serde_json::from_slice(entry.body.as_bytes()).map_err(|error| malformed(&error))?;
    let kind = serde_json::json!({"kind": body["kind"], "version": body["apiVersion"]});
    let kind = KindVersion::deserialize(&kind).map_err(|error| malformed(&error))?;
    entry.to_bundle_entry(kind).map_err(|error| malformed(&error))
}

/// Reads a bundle.
pub(super) fn bundle(text: &str) -> Result<Bundle, SignatureError> {
    let bundle = Bundle::from_json(text).map_err(|error| SignatureError::malformed("bundle", &error))?;
    match bundle.content {
        SignatureContent::MessageSignature(_) => Ok(bundle),
        _ => Err(SignatureError::Attestation),
    }
}

/// Makes a bundle of a signature, its certificate or key, and its entry.
pub(super) fn assemble(
    signature: &SignatureBytes,
    certificate: Option<&DerCertificate>,
    entry: TransparencyLogEntry,
    sha256: &Digest,
) -> Result<Bundle, SignatureError> {
    // Of the old form where the log only promised: it asks for a promise, the new one for a proof.
    let form = if entry.inclusion_proof.is_some() { MediaType::Bundle0_3 } else { MediaType::Bundle0_1 };
    let signer = match certificate {
        Some(certificate) => VerificationMaterialContent::Certificate(CertificateContent::new(certificate.clone())),
        None => VerificationMaterialContent::PublicKey(PublicKeyIdentifier::new(String::new())),
    };
    let digest = MessageDigest::new(HashAlgorithm::Sha2256, hash(sha256)?.into());
    let content = MessageSignature::new(signature.clone()).with_message_digest(digest);
    let material = VerificationMaterial::new(signer).with_tlog_entries(vec![entry]);
    Ok(Bundle::new(form, material, SignatureContent::MessageSignature(content)))
}

/// Checks a bundle of an identity: everything that [`chain::signer`] checks, the signature, and what the log says.
pub(super) fn of_identity(
    bundle: &Bundle,
    expected: &Identity,
    sha256: &Digest,
    root: &TrustRoot,
) -> Result<Proof, SignatureError> {
    let leaf = bundle.signing_certificate();
    let leaf = leaf.ok_or_else(|| SignatureError::malformed("bundle", &"it has no certificate"))?;
    let signer = chain::signer(leaf, expected, root)?;
    cosign::verify(signature(bundle)?, &signer.key, sha256)?;
    let mut policy = VerificationPolicy::new(expected.name.as_str(), expected.issuer.as_str());
    if !root.has_logs() {
        policy = policy.skip_sct();
    }
    let verified = root.verifier().verify(hash(sha256)?, bundle, &policy).map_err(refused)?;
    if verified.tlog_verified() {
        Ok(signer.sct)
    } else {
        Err(SignatureError::Log("nothing of it is proven".to_owned()))
    }
}

/// Checks a bundle of a key. Whether a log has it is not asked where the bundle does not say so.
pub(super) fn of_key(
    bundle: &Bundle,
    key: &DerPublicKey,
    sha256: &Digest,
    root: &TrustRoot,
) -> Result<Proof, SignatureError> {
    cosign::verify(signature(bundle)?, key, sha256)?;
    let VerificationMaterialContent::PublicKey(_) = bundle.verification_material.content else {
        return Err(SignatureError::malformed("bundle", &"it is of a certificate, not of a key"));
    };
    let material = &bundle.verification_material;
    if material.tlog_entries.is_empty() && material.timestamp_verification_data.rfc3161_timestamps.is_empty() {
        return Ok(Proof::Absent);
    }
    let mut policy = PublicKeyVerificationPolicy::new(key.clone());
    if material.tlog_entries.is_empty() {
        policy = policy.skip_tlog_unsafe();
    }
    let verified = root.verifier().verify(hash(sha256)?, bundle, &policy).map_err(refused)?;
    Ok(if verified.tlog_verified() { Proof::Proven } else { Proof::Absent })
}

fn signature(bundle: &Bundle) -> Result<&SignatureBytes, SignatureError> {
    match &bundle.content {
        SignatureContent::MessageSignature(content) => Ok(&content.signature),
        _ => Err(SignatureError::Attestation),
    }
}

fn hash(sha256: &Digest) -> Result<Sha256Hash, SignatureError> {
    Sha256Hash::try_from(sha256.to_bytes().as_slice()).map_err(|error| SignatureError::malformed("digest", &error))
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
fn refused(error: sigstore_verify::Error) -> SignatureError {
    SignatureError::Log(error.to_string())
}
