//! What is done with foreign bytes: by the fuzzers, which make them up, and by a test, which has those of `corpus/`.
//!
//! A target must neither panic nor run away, whatever the bytes are.

use std::io::Write as _;
use std::sync::Arc;

use kubepkg::fetch::{TrustRoot, verify_bytes};
use kubepkg::provenance::{self, Recorded};
use kubepkg::repository::client::{Release, Repomd, Root, parse_packages, parse_primary};
use kubepkg::repository::store::{Location, Store, StoreOptions};
use kubepkg::sbom;
use kubepkg::sign::{Certificate, Cleartext, Packets, Signature};
use kubepkg::source_date::SourceDate;
use kubepkg::spec;
use kubepkg::verify::{Question, Signatures, verify};

/// Takes bytes of any origin.
pub(crate) type Target = fn(&[u8]);

/// The targets by name, each with a folder of the same name in `corpus/`.
pub(crate) const TARGETS: [(&str, Target); 7] = [
    ("package", package),
    ("certificate", certificate),
    ("signature", signature),
    ("provenance", provenance),
    ("sbom", sbom),
    ("repository", repository),
    ("upstream", upstream),
];

/// A certificate of whom nothing is signed in the corpus but what says so.
const CERTIFICATE: &[u8] = include_bytes!("corpus/certificate/ed25519.asc");

/// A file of the fixtures, the root that its signature leads to, and who signed it.
const SIGNED: &[u8] = include_bytes!("../fixtures/upstream/dl.k8s.io/release/v1.36.1/bin/linux/amd64/kubectl");
const ROOT: &str = include_str!("../fixtures/trusted_root.json");
const IDENTITY: (&str, &str) = ("krel-staging@k8s-releng-prod.iam.gserviceaccount.com", "https://accounts.google.com");

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

/// Envelopes of DSSE with statements of in-toto in them, their signatures, and what they say that a build was.
pub(crate) fn provenance(bytes: &[u8]) {
    let certificates = Certificate::parse(CERTIFICATE).expect("the certificate is good");
    for envelope in provenance::parse(bytes).unwrap_or_default() {
        let _ = envelope.verify(&certificates);
        let _ = (envelope.key_ids().count(), envelope.to_line());
        let Ok(recorded) = Recorded::read(envelope.statement()) else { continue };
        let _ = (recorded.request(None), recorded.format(), recorded.compression(), recorded.date());
    }
}

/// Bills of materials.
pub(crate) fn sbom(bytes: &[u8]) {
    let _ = sbom::parse(bytes);
}

/// What clients read of a repository, each file taken for all of them. What is listed never leads out of the repository.
pub(crate) fn repository(bytes: &[u8]) {
    let certificates = Certificate::parse(CERTIFICATE).expect("the certificate is good");
    if let Ok(signed) = Cleartext::parse(bytes) {
        let now = SourceDate::from_epoch(0);
        assert!(signed.verify(&certificates, Packets::Legacy, now).is_err(), "nothing is signed by this key");
        let _ = Release::parse(&signed.text());
    }
    let text = String::from_utf8_lossy(bytes);
    let _ = (Release::parse(&text), Repomd::parse(bytes));
    let store = Store::new(&Location::Folder("/".into()), &StoreOptions::default()).expect("a folder needs nothing");
    let root = Root::new(&store, "repository");
    let listed = [parse_packages(root, &text), parse_primary(root, bytes)];
    for package in listed.into_iter().flatten().flatten() {
        let place = package.location.as_str();
        let is_inside = package.base.is_some() || place.starts_with("repository/");
        assert!(is_inside && !place.contains(['%', '#', '?', '\\']) && !place.contains("/../"));
    }
}

/// What upstream publishes beside a file, apart by NUL: signature, certificate or key, entry of the log, bundle; at last a
/// trust root.
pub(crate) fn upstream(bytes: &[u8]) {
    let mut texts = bytes.split(|byte| *byte == 0).map(|text| Arc::<str>::from(String::from_utf8_lossy(text)));
    let mut next = || texts.next().unwrap_or_default();
    let (signature, certificate, entry, bundle, root) = (next(), next(), next(), next(), next());
    let _ = TrustRoot::parse(&root);
    let identity = spec::Identity { name: IDENTITY.0.to_owned(), issuer: IDENTITY.1.to_owned() };
    let by_identity = spec::SignedBy::Identity(identity.clone());
    let by_key = spec::SignedBy::Key(Arc::clone(&certificate));
    let keyless = |entry| spec::Signature::Keyless {
        signature: Arc::clone(&signature),
        certificate: Arc::clone(&certificate),
        entry,
        identity: identity.clone(),
    };
    let key = |entry| spec::Signature::Key { signature: Arc::clone(&signature), entry, key: Arc::clone(&certificate) };
    let open_pgp = spec::Signature::OpenPgp {
        signature: Arc::clone(&signature),
        keys: Arc::clone(&certificate),
        fingerprints: Vec::new(),
    };
    let bundled = |signed_by| spec::Signature::Bundle { bundle: Arc::clone(&bundle), signed_by };
    let trusted = TrustRoot::parse(ROOT).expect("the root is good");
    let with_entry = [keyless(Some(Arc::clone(&entry))), key(Some(entry))];
    for signature in
        with_entry.into_iter().chain([keyless(None), key(None), open_pgp, bundled(by_identity), bundled(by_key)])
    {
        let _ = verify_bytes(&signature, SIGNED, &trusted);
    }
}
