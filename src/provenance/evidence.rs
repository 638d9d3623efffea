//! How a file was verified, as annotations of a resolved dependency.

use serde::Serialize;

use crate::digest::Digest;
use crate::fetch::{Evidence, Proof, Provided};
use crate::plan::ProofKind;

/// One reason why a file was believed, or what was let go of it.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verified {
    /// Its kind: `pinned`, `published`, `cosign-keyless`, `cosign-key`, `openpgp`, `no-signature`, `exception`,
    /// `local-build`.
    by: &'static str,
    /// What was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    /// Where upstream publishes what says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Whether not upstream but a mirror was asked. Which one is the builder's business.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    mirror: bool,
    /// Who signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
    /// Who vouches for the identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    /// The key that signed: the SHA-256 of it, or an OpenPGP fingerprint.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Whether a certificate log is proven to have the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_log: Option<&'static str>,
    /// Whether the transparency log is proven to have the signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    transparency_log: Option<&'static str>,
    /// The SHA-256 of the file of trusted roots.
    #[serde(skip_serializing_if = "Option::is_none")]
    trust_root: Option<String>,
    /// The SHA-256 of an entry of the transparency log that did not come from upstream but from whoever built.
    #[serde(skip_serializing_if = "Option::is_none")]
    provided_entry: Option<String>,
    /// The SHA-256 of a bundle that came from whoever built, in place of what upstream publishes.
    #[serde(skip_serializing_if = "Option::is_none")]
    provided_bundle: Option<String>,
    /// Why the configuration makes an exception.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<&Evidence> for Verified {
    fn from(evidence: &Evidence) -> Self {
        let by = |by, digest: &Digest| Self { by, digest: Some(digest.to_string()), ..Self::default() };
        let at = |by, url: &str| Self { by, url: Some(url.to_owned()), ..Self::default() };
        match evidence {
            Evidence::Pinned(digest) => by("pinned", digest),
            Evidence::LocalBuild(digest) => by("local-build", digest),
            Evidence::Published { url, asked, digest } => {
                Self { url: Some(url.clone()), mirror: asked != url, ..by("published", digest) }
            }
            Evidence::CosignKeyless { url, identity, issuer, sct, log, trust_root, provided } => Self {
                identity: Some(identity.clone()),
                issuer: Some(issuer.clone()),
                certificate_log: Some(proof(*sct)),
                transparency_log: Some(proof(*log)),
                trust_root: Some(trust_root.to_string()),
                ..at("cosign-keyless", url).with(provided.as_ref())
            },
            Evidence::CosignKey { url, key, log, provided } => Self {
                key: Some(key.to_string()),
                transparency_log: Some(proof(*log)),
                ..at("cosign-key", url).with(provided.as_ref())
            },
            Evidence::OpenPgp { url, fingerprint } => Self { key: Some(fingerprint.clone()), ..at("openpgp", url) },
            Evidence::NoSignature { url } => at("no-signature", url),
            Evidence::Exception { url, reason } => Self { reason: Some(reason.clone()), ..at("exception", url) },
        }
    }
}

impl Verified {
    /// Adds what was provided. Where that was a bundle, nothing was looked for at the URL.
    fn with(self, provided: Option<&Provided>) -> Self {
        let Some(Provided { kind, sha256 }) = provided else { return self };
        match kind {
            ProofKind::Entry => Self { provided_entry: Some(sha256.to_string()), ..self },
            ProofKind::Bundle => Self { provided_bundle: Some(sha256.to_string()), url: None, ..self },
        }
    }
}

fn proof(proof: Proof) -> &'static str {
    match proof {
        Proof::Proven => "proven",
        Proof::Absent => "not proven",
    }
}
