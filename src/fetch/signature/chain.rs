//! From a certificate to a root that is trusted, and who it says it is for.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use sigstore_verify::crypto::{CertificateInfo, WEBPKI_VERIFICATION_ALGS, parse_certificate_info};
use sigstore_verify::types::{DerCertificate, DerPublicKey};
use webpki::{EndEntityCert, KeyUsage};

use super::error::SignatureError;
use super::root::{Authority, Root, TrustRoot};
use super::sct;
use crate::fetch::Proof;
use crate::spec::Identity;

/// `id-kp-codeSigning`, 1.3.6.1.5.5.7.3.3 (RFC 5280, 4.2.1.12), as DER without tag and length.
const CODE_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 3];

/// A certificate that is one of a trusted root, and of the right signer.
#[derive(Debug)]
pub(super) struct Signer {
    pub(super) key: DerPublicKey,
    pub(super) sct: Proof,
}

/// Checks a certificate: its path to a root at the time when it was made, that it may sign code, who it is for and who
/// vouches for that, and that a certificate log has it.
///
/// The certificate lives for minutes, so its own time is the only one at which it can be judged without the clock. That
/// the signature was made while it lived is for the transparency log to prove.
pub(super) fn signer(leaf: &DerCertificate, expected: &Identity, root: &TrustRoot) -> Result<Signer, SignatureError> {
    let info = parse_certificate_info(leaf).map_err(|error| SignatureError::malformed("certificate", &error))?;
    let issuer_key = issuer_key(leaf, info.not_before, root)?;
    is_for(&info, expected)?;
    let sct = if root.has_logs() {
        sct::verify(leaf, &issuer_key, root)?;
        Proof::Proven
    } else {
        Proof::Absent
    };
    Ok(Signer { key: info.public_key, sct })
}

/// Returns the public key (`SubjectPublicKeyInfo`) of whoever signed the certificate.
fn issuer_key(leaf: &DerCertificate, time: jiff::Timestamp, root: &TrustRoot) -> Result<Vec<u8>, SignatureError> {
    let mut error = SignatureError::NoRoot(time.to_string());
    for authority in root.authorities(time) {
        match path(leaf, time, authority) {
            Ok(Some(key)) => return Ok(key),
            Ok(None) => {}
            Err(cause) => error = cause,
        }
    }
    Err(error)
}

/// Returns the key of the issuer if a path leads to a root of one authority; nothing where that has no root at the time.
fn path(
    leaf: &DerCertificate,
    time: jiff::Timestamp,
    authority: &Authority,
) -> Result<Option<Vec<u8>>, SignatureError> {
    let roots = authority.roots_at(time);
    if roots.is_empty() {
        return Ok(None);
    }
    let chain = |error: webpki::Error| SignatureError::Chain(error.to_string());
    let der = CertificateDer::from(leaf.as_bytes());
    let certificate = EndEntityCert::try_from(&der).map_err(chain)?;
    let anchors: Vec<TrustAnchor<'_>> = roots.iter().map(|root| root.anchor.clone()).collect();
    let seconds = u64::try_from(time.as_second()).unwrap_or_default();
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let usage = KeyUsage::required(CODE_SIGNING);
    let path = certificate
        .verify_for_usage(WEBPKI_VERIFICATION_ALGS, &anchors, &authority.intermediates, time, usage, None, None)
        .map_err(chain)?;
    if let Some(issuer) = path.intermediate_certificates().next() {
        return Ok(Some(issuer.subject_public_key_info().as_ref().to_vec()));
    }
    let anchor = path.anchor();
    let is_it = |root: &&&Root| {
        root.anchor.subject == anchor.subject && root.anchor.subject_public_key_info == anchor.subject_public_key_info
    };
    Ok(roots.iter().find(is_it).map(|root| root.key.clone()))
}

fn is_for(info: &CertificateInfo, expected: &Identity) -> Result<(), SignatureError> {
    let found = info.identity.as_ref().map_or("nobody", |identity| identity.as_str());
    if found != expected.name {
        return Err(SignatureError::Identity { expected: expected.name.clone(), found: found.to_owned() });
    }
    let found = info.issuer.as_deref().unwrap_or("nobody");
    if found != expected.issuer {
        return Err(SignatureError::Issuer { expected: expected.issuer.clone(), found: found.to_owned() });
    }
    Ok(())
}
