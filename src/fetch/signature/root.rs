//! Whom keyless signatures are traced back to.

use std::fmt;
use std::sync::Arc;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, TrustAnchor};
use serde_json::json;
use sigstore_verify::Verifier;
use sigstore_verify::crypto::{Keyring, SigningScheme};
use sigstore_verify::trust_root::{CertificateAuthority, SIGSTORE_PRODUCTION_TRUSTED_ROOT, TrustedRoot};
use sigstore_verify::types::TimeRange;
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use crate::digest::Digest;

/// The most certificates of a trust root.
const MAX_CERTIFICATES: usize = 1000;

/// The algorithms of certificate logs.
const LOG_SCHEMES: [SigningScheme; 2] = [SigningScheme::EcdsaP256Sha256, SigningScheme::RsaPkcs1Sha256];

/// Roots of certificates and keys of logs: a `trusted_root.json` of sigstore, or certificates in PEM, which bring no keys
/// of logs.
#[derive(Clone)]
pub struct TrustRoot(Arc<Roots>);

/// Text that is no trust root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTrustRoot {
    /// Neither of the two forms.
    #[error("it is neither a `trusted_root.json` nor certificates in PEM: {0}")]
    Form(String),
    /// A certificate or key in it cannot be used.
    #[error("it holds something that cannot be used: {0}")]
    Content(String),
    /// It has no certificate that could be a root.
    #[error("it holds no root certificate")]
    Empty,
}

struct Roots {
    digest: Digest,
    authorities: Vec<Authority>,
    logs: Vec<(SigningScheme, Keyring)>,
    verifier: Verifier,
}

/// Certificates that belong together, and when they were used.
pub(super) struct Authority {
    pub(super) roots: Vec<Root>,
    pub(super) intermediates: Vec<CertificateDer<'static>>,
    window: Option<TimeRange>,
}

/// A certificate that is trusted as it stands.
pub(super) struct Root {
    pub(super) anchor: TrustAnchor<'static>,
    /// Its public key as DER (`SubjectPublicKeyInfo`).
    pub(super) key: Vec<u8>,
    valid: TimeRange,
}

impl TrustRoot {
    /// Returns that of sigstore's public instance, as it was when this program was made.
    pub fn production() -> Result<Self, BadTrustRoot> {
        Self::parse(SIGSTORE_PRODUCTION_TRUSTED_ROOT)
    }

    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Self, BadTrustRoot> {
        let json = if text.contains("-----BEGIN CERTIFICATE-----") { from_pem(text)? } else { text.to_owned() };
        let trusted = TrustedRoot::from_json(&json).map_err(|error| BadTrustRoot::Form(error.to_string()))?;
        let count: usize = trusted.certificate_authorities.iter().map(|ca| ca.cert_chain.certificates.len()).sum();
        if count > MAX_CERTIFICATES {
            return Err(BadTrustRoot::Form(format!("more than {MAX_CERTIFICATES} certificates")));
        }
        let content = |error: &dyn fmt::Display| BadTrustRoot::Content(error.to_string());
        let authorities: Vec<Authority> =
            trusted.certificate_authorities.iter().map(Authority::new).collect::<Result<_, _>>()?;
        if authorities.iter().all(|authority| authority.roots.is_empty()) {
            return Err(BadTrustRoot::Empty);
        }
        let keys = |scheme| Ok((scheme, trusted.ctfe_keys(scheme).map_err(|error| content(&error))?));
        let logs = LOG_SCHEMES.into_iter().map(keys).collect::<Result<_, _>>()?;
        let verifier = Verifier::new(&trusted).map_err(|error| content(&error))?;
        Ok(Self(Arc::new(Roots { digest: Digest::sha256(text), authorities, logs, verifier })))
    }

    /// Returns the SHA-256 of its text.
    pub fn digest(&self) -> &Digest {
        &self.0.digest
    }

    /// Returns the authorities that were used at a time.
    pub(super) fn authorities(&self, time: jiff::Timestamp) -> impl Iterator<Item = &Authority> {
        let is_used = move |authority: &&Authority| authority.window.is_none_or(|window| window.contains(time));
        self.0.authorities.iter().filter(is_used)
    }

    /// Whether it names certificate logs: then a certificate must be in one of them.
    pub(super) fn has_logs(&self) -> bool {
        self.0.logs.iter().any(|(_, keys)| !keys.is_empty())
    }

    /// Returns the keys of certificate logs that sign so.
    pub(super) fn log_keys(&self, scheme: SigningScheme) -> Option<&Keyring> {
        self.0.logs.iter().find(|(known, _)| *known == scheme).map(|(_, keys)| keys)
    }

    pub(super) fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }
}

impl fmt::Debug for TrustRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TrustRoot").field(&self.0.digest).finish()
    }
}

impl Authority {
    fn new(given: &CertificateAuthority) -> Result<Self, BadTrustRoot> {
        let content = |error: &dyn fmt::Display| BadTrustRoot::Content(error.to_string());
        let (mut roots, mut intermediates) = (Vec::new(), Vec::new());
        for entry in &given.cert_chain.certificates {
            let der = CertificateDer::from(entry.raw_bytes.as_bytes().to_vec());
            let parsed = Certificate::from_der(&der).map_err(|error| content(&error))?.tbs_certificate;
            if parsed.issuer != parsed.subject {
                intermediates.push(der);
                continue;
            }
            let anchor = webpki::anchor_from_trusted_cert(&der).map_err(|error| content(&error))?.to_owned();
            let key = parsed.subject_public_key_info.to_der().map_err(|error| content(&error))?;
            let time = |time: x509_cert::time::Time| {
                let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
                jiff::Timestamp::from_second(seconds).map_err(|error| content(&error))
            };
            let (start, end) = (time(parsed.validity.not_before)?, time(parsed.validity.not_after)?);
            roots.push(Root { anchor, key, valid: TimeRange { start, end: Some(end) } });
        }
        Ok(Self { roots, intermediates, window: given.valid_for })
    }

    /// Returns the roots that are valid at a time.
    pub(super) fn roots_at(&self, time: jiff::Timestamp) -> Vec<&Root> {
        self.roots.iter().filter(|root| root.valid.contains(time)).collect()
    }
}

/// Puts certificates in PEM into the form of a trust root.
fn from_pem(text: &str) -> Result<String, BadTrustRoot> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(text.as_bytes())
        .take(MAX_CERTIFICATES + 1)
        .map(|certificate| certificate.map_err(|error| BadTrustRoot::Form(error.to_string())))
        .collect::<Result<_, _>>()?;
    let bytes = |certificate: &CertificateDer<'_>| json!({"rawBytes": sigstore_verify::types::DerCertificate::from_bytes(certificate).to_base64()});
    let chain: Vec<_> = certificates.iter().map(bytes).collect();
    let authority = json!({"uri": "", "certChain": {"certificates": chain}});
    Ok(json!({"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1", "certificateAuthorities": [authority]}).to_string())
}
