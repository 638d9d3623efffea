//! Who signed a file: cosign with and without keys, sigstore bundles, OpenPGP.
//!
//! ```text
//! Signature<Url> ── files ─▶ Signature<text> ── verify ─▶ Evidence
//!                                cosign · chain · sct     certificates, and who they are for
//!                                log                      bundles and entries of the transparency log
//!                                openpgp                  keys that the spec pins
//! ```
//!
//! Nothing here asks the network, and nothing is read twice: a signature is of the SHA-256 that was taken while the file
//! came. OpenPGP alone, which puts words of its own behind the bytes, reads the file again.

mod chain;
mod cosign;
mod error;
mod found;
mod log;
mod openpgp;
mod root;
mod sct;

use std::io::Read;
use std::sync::Arc;

pub use error::SignatureError;
pub(super) use found::Found;
pub use root::{BadTrustRoot, TrustRoot};

use super::artifact::{Evidence, Proof};
use crate::digest::Digest;
use crate::spec::{Signature, SignedBy};

/// The bytes that should be signed.
pub(super) struct Subject<'a> {
    pub(super) sha256: &'a Digest,
    /// Opens the file, for OpenPGP.
    pub(super) open: &'a dyn Fn() -> std::io::Result<Box<dyn Read>>,
}

/// Checks a signature of bytes that are in memory, whose files are here as texts.
pub fn verify_bytes(
    signature: &Signature<Arc<str>>,
    bytes: &[u8],
    root: &TrustRoot,
) -> Result<Evidence, SignatureError> {
    let open = || Ok(Box::new(std::io::Cursor::new(bytes.to_vec())) as Box<dyn Read>);
    verify(signature, "", &Subject { sha256: &Digest::sha256(bytes), open: &open }, root)
}

/// Checks a signature whose files are here as texts; `url` is where the one with the signature came from.
pub(super) fn verify(
    signature: &Signature<Arc<str>>,
    url: &str,
    subject: &Subject<'_>,
    root: &TrustRoot,
) -> Result<Evidence, SignatureError> {
    let (url, sha256) = (url.to_owned(), subject.sha256);
    match signature {
        Signature::Keyless { signature, certificate, entry, identity } => {
            let (signature, leaf) = (cosign::signature(signature)?, cosign::certificate(certificate)?);
            let signer = chain::signer(&leaf, identity, root)?;
            cosign::verify(&signature, &signer.key, sha256)?;
            let log = match entry {
                None => Proof::Absent,
                Some(entry) => {
                    let bundle = log::assemble(&signature, Some(&leaf), log::entry(entry)?, sha256)?;
                    log::of_identity(&bundle, identity, sha256, root)?;
                    Proof::Proven
                }
            };
            let (identity, issuer) = (identity.name.clone(), identity.issuer.clone());
            Ok(Evidence::CosignKeyless {
                url,
                identity,
                issuer,
                sct: signer.sct,
                log,
                trust_root: root.digest().clone(),
                provided: None,
            })
        }
        Signature::Key { signature, entry, key } => {
            let (signature, key) = (cosign::signature(signature)?, cosign::key(key)?);
            cosign::verify(&signature, &key, sha256)?;
            let log = match entry {
                None => Proof::Absent,
                Some(entry) => {
                    log::of_key(&log::assemble(&signature, None, log::entry(entry)?, sha256)?, &key, sha256, root)?
                }
            };
            Ok(Evidence::CosignKey { url, key: Digest::sha256(key.as_bytes()), log, provided: None })
        }
        Signature::Bundle { bundle, signed_by } => {
            let bundle = log::bundle(bundle)?;
            match signed_by {
                SignedBy::Identity(by) => {
                    let sct = log::of_identity(&bundle, by, sha256, root)?;
                    let (identity, issuer, trust_root) = (by.name.clone(), by.issuer.clone(), root.digest().clone());
                    let log = Proof::Proven;
                    Ok(Evidence::CosignKeyless { url, identity, issuer, sct, log, trust_root, provided: None })
                }
                SignedBy::Key(key) => {
                    let key = cosign::key(key)?;
                    let log = log::of_key(&bundle, &key, sha256, root)?;
                    Ok(Evidence::CosignKey { url, key: Digest::sha256(key.as_bytes()), log, provided: None })
                }
            }
        }
        Signature::OpenPgp { signature, keys, fingerprints } => {
            let open = || (subject.open)().map_err(|error| SignatureError::Read(Arc::new(error)));
            let fingerprint = openpgp::verify(signature, keys, fingerprints, open)?;
            Ok(Evidence::OpenPgp { url, fingerprint })
        }
    }
}
