//! What is done with foreign bytes: by the fuzzers, which make them up, and by a test, which has those of `corpus/`.
//!
//! A target must neither panic nor run away, whatever the bytes are.

use std::io::Write as _;

use kubepkg::sign::{Certificate, Signature};
use kubepkg::verify::{Question, Signatures, verify};

/// What is done with bytes.
pub(crate) type Target = fn(&[u8]);

/// The targets by name, each with a folder of the same name in `corpus/`.
pub(crate) const TARGETS: [(&str, Target); 3] =
    [("package", package), ("certificate", certificate), ("signature", signature)];

/// A certificate of whom nothing is signed in the corpus but what says so.
const CERTIFICATE: &[u8] = include_bytes!("corpus/certificate/ed25519.asc");

/// The whole of `kubepkg verify` on a deb or RPM: structure, digests, signature.
pub(crate) fn package(bytes: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for it");
    let signatures = Signatures { certificates: Certificate::parse(CERTIFICATE).expect("the certificate is good") };
    let report = verify(file.path(), &[&signatures as &dyn Question]);
    assert!(!report.findings.is_empty());
    let _ = report.json().to_string();
}

/// Certificates, armored or binary, with all that their packets say.
pub(crate) fn certificate(bytes: &[u8]) {
    for certificate in Certificate::parse(bytes).unwrap_or_default() {
        let _ = certificate.keys(1_800_000_000);
        let _ = certificate.users().count();
        let _ = certificate.to_armor();
    }
}

/// Detached signatures, armored or binary.
pub(crate) fn signature(bytes: &[u8]) {
    let Ok(signature) = Signature::parse(bytes) else { return };
    let _ = (signature.issuer(), signature.is_rsa(), signature.to_bytes(), signature.to_armor());
    for certificate in Certificate::parse(CERTIFICATE).expect("the certificate is good") {
        let _ = certificate.verify(&signature, &b"message"[..]);
    }
}
