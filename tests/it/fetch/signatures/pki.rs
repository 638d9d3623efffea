//! An authority of one's own: a root, an intermediate, a log of certificates and a transparency log.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kubepkg::digest::Digest;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData as _, SanType, SerialNumber,
    SigningKey as _, date_time_ymd,
};
use serde_json::{Value, json};
use x509_cert::der::{Decode as _, Encode as _};

pub(super) const IDENTITY: &str = "release@example.org";
pub(super) const ISSUER: &str = "https://accounts.example.org";

/// The year in which everything is valid and leaves are made.
const YEAR: i32 = 2025;

/// Seconds since 1970 when leaves are made: the first of June.
pub(super) const NOW: u64 = 1_748_736_000;

pub(super) fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// Whose certificates and keys are trusted.
pub(super) struct Pki {
    root: (Certificate, u16),
    intermediate: Certificate,
    issuer: Issuer<'static, KeyPair>,
    pub(super) ct: KeyPair,
    pub(super) rekor: KeyPair,
}

/// Until when the certificates of an authority are valid, as years.
#[derive(Clone, Copy)]
pub(super) struct Until {
    pub(super) root: i32,
    pub(super) intermediate: i32,
}

fn authority(name: &str, until: i32) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    if name == "intermediate" {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    }
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    params
}

impl Pki {
    pub(super) fn new() -> Self {
        Self::until(Until { root: YEAR + 5, intermediate: YEAR + 5 })
    }

    pub(super) fn until(until: Until) -> Self {
        let root_params = authority("root", until.root);
        let root_key = KeyPair::generate().unwrap();
        let root = root_params.self_signed(&root_key).unwrap();
        let root_issuer = Issuer::new(root_params, root_key);
        let params = authority("intermediate", until.intermediate);
        let key = KeyPair::generate().unwrap();
        let intermediate = params.signed_by(&key, &root_issuer).unwrap();
        let issuer = Issuer::new(params, key);
        let (ct, rekor) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        Self { root: (root, 0), intermediate, issuer, ct, rekor }
    }

    /// Returns the certificates in PEM.
    pub(super) fn pem(&self) -> String {
        self.intermediate.pem() + &self.root.0.pem()
    }

    /// Returns a `trusted_root.json`.
    pub(super) fn trusted_root(&self) -> Value {
        let window = json!({"start": "2020-01-01T00:00:00Z"});
        let log = |key: &KeyPair| {
            let spki = key.subject_public_key_info();
            json!({
                "baseUrl": "https://log.example.org",
                "hashAlgorithm": "SHA2_256",
                "logId": {"keyId": base64(Digest::sha256(&spki).to_bytes())},
                "publicKey": {"rawBytes": base64(&spki), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": window},
            })
        };
        let chain = [self.intermediate.der(), self.root.0.der()].map(|der| json!({"rawBytes": base64(der)}));
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(&self.rekor)],
            "ctlogs": [log(&self.ct)],
            "certificateAuthorities": [
                {"uri": "https://fulcio.example.org", "certChain": {"certificates": chain}, "validFor": window},
            ],
        })
    }

    /// Returns a certificate that lives for ten minutes, and its key.
    pub(super) fn leaf(&self) -> Leaf {
        self.leaf_with(&Wish::default())
    }

    pub(super) fn leaf_with(&self, wish: &Wish) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.serial_number = Some(SerialNumber::from(7));
        params.not_before = date_time_ymd(YEAR, 6, 1);
        params.not_after = params.not_before + Duration::from_secs(600);
        let name = wish.identity.try_into().unwrap();
        params.subject_alt_names =
            vec![if wish.identity.contains("://") { SanType::URI(name) } else { SanType::Rfc822Name(name) }];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![wish.usage.clone()];
        params.custom_extensions = wish.issuer.extensions();
        let logged = params.signed_by(&key, &self.issuer).unwrap();
        if let Some(list) = self.timestamps(&logged, wish.sct) {
            params.custom_extensions.push(extension(&[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2], der(4, &list)));
        }
        Leaf { certificate: params.signed_by(&key, &self.issuer).unwrap().pem(), key }
    }

    /// A list of one signed certificate timestamp (RFC 6962, 3.2 and 3.3).
    fn timestamps(&self, logged: &Certificate, sct: Sct) -> Option<Vec<u8>> {
        let certificate = x509_cert::Certificate::from_der(logged.der()).unwrap();
        let mut body = certificate.tbs_certificate.to_der().unwrap();
        let stranger = KeyPair::generate().unwrap();
        let key = match sct {
            Sct::None => return None,
            Sct::OfAStranger => &stranger,
            Sct::Good | Sct::OfAnother => &self.ct,
        };
        if sct == Sct::OfAnother {
            *body.last_mut().unwrap() ^= 1;
        }
        let issuer = Digest::sha256(self.issuer.key().subject_public_key_info()).to_bytes();
        let time = (NOW * 1000).to_be_bytes();
        let size = u32::try_from(body.len()).unwrap().to_be_bytes();
        let signed = [&[0, 0], &time[..], &[0, 1], &issuer, &size[1..], &body, &[0, 0]].concat();
        let log = Digest::sha256(key.subject_public_key_info()).to_bytes();
        let signature = key.sign(&signed).unwrap();
        let one = [&[0], &log[..], &time, &[0, 0, 4, 3], &sized(&signature)].concat();
        Some(sized(&sized(&one)))
    }
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

fn der(tag: u8, body: &[u8]) -> Vec<u8> {
    let size = match u8::try_from(body.len()).unwrap() {
        short @ ..128 => vec![short],
        long => vec![0x81, long],
    };
    [&[tag][..], &size, body].concat()
}

fn extension(oid: &[u64], content: Vec<u8>) -> CustomExtension {
    CustomExtension::from_oid_content(oid, content)
}

/// What a leaf is to be like.
pub(super) struct Wish {
    pub(super) identity: &'static str,
    pub(super) issuer: Vouching,
    pub(super) usage: ExtendedKeyUsagePurpose,
    pub(super) sct: Sct,
}

impl Default for Wish {
    fn default() -> Self {
        let usage = ExtendedKeyUsagePurpose::CodeSigning;
        Self { identity: IDENTITY, issuer: Vouching::Both(ISSUER), usage, sct: Sct::Good }
    }
}

/// How a certificate says who vouches for the identity (Fulcio's OIDs).
pub(super) enum Vouching {
    /// `1.3.6.1.4.1.57264.1.1`, as plain text.
    Old(&'static str),
    /// `1.3.6.1.4.1.57264.1.8`, as DER.
    New(&'static str),
    Both(&'static str),
    No,
}

impl Vouching {
    fn extensions(&self) -> Vec<CustomExtension> {
        let old = |issuer: &str| extension(&[1, 3, 6, 1, 4, 1, 57264, 1, 1], issuer.as_bytes().to_vec());
        let new = |issuer: &str| extension(&[1, 3, 6, 1, 4, 1, 57264, 1, 8], der(0x0c, issuer.as_bytes()));
        match self {
            Self::Old(issuer) => vec![old(issuer)],
            Self::New(issuer) => vec![new(issuer)],
            Self::Both(issuer) => vec![old(issuer), new(issuer)],
            Self::No => Vec::new(),
        }
    }
}

/// What a certificate says of the log that has it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sct {
    Good,
    None,
    /// Of a log that is not in the trust root.
    OfAStranger,
    /// Of another certificate.
    OfAnother,
}

/// A certificate and its key.
pub(super) struct Leaf {
    /// In PEM.
    pub(super) certificate: String,
    pub(super) key: KeyPair,
}

impl Leaf {
    pub(super) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.key.sign(bytes).unwrap()
    }

    /// Returns the files that `cosign sign-blob` writes.
    pub(super) fn files(&self, bytes: &[u8]) -> [(&'static str, String); 2] {
        [("agent.sig", base64(self.sign(bytes))), ("agent.cert", base64(&self.certificate))]
    }
}
