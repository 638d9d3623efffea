//! What a transparency log proves: entries beside a signature, and bundles.

use kubepkg::fetch::Proof;
use kubepkg::spec::SignedBy;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::pki::{Leaf, NOW, Pki, base64};
use super::rekor::{Entry, bundle};
use super::*;

fn with_entry() -> Signature<&'static str> {
    let entry = Some("agent.rekor.json");
    Signature::Keyless { signature: "agent.sig", certificate: "agent.cert", entry, identity: identity() }
}

fn bundled() -> Signature<&'static str> {
    Signature::Bundle { bundle: "agent.sigstore.json", signed_by: SignedBy::Identity(identity()) }
}

fn der(leaf: &Leaf) -> Vec<u8> {
    CertificateDer::from_pem_slice(leaf.certificate.as_bytes()).unwrap().to_vec()
}

#[track_caller]
fn assert_proven(evidence: &Evidence) {
    let good = matches!(evidence, Evidence::CosignKeyless { sct: Proof::Proven, log: Proof::Proven, .. });
    assert!(good, "{evidence:?}");
}

/// A signature, its leaf and its entry.
struct Logged {
    pki: Pki,
    leaf: Leaf,
    signature: Vec<u8>,
    entry: Entry,
}

impl Logged {
    fn new() -> Self {
        Self::at(NOW + 60)
    }

    fn at(time: u64) -> Self {
        let pki = Pki::new();
        let leaf = pki.leaf();
        let signature = leaf.sign(&body());
        let entry = Entry::at(&pki, &body(), &signature, &leaf.certificate, time);
        Self { pki, leaf, signature, entry }
    }

    fn root(&self) -> String {
        self.pki.trusted_root().to_string()
    }

    /// The three files beside the agent.
    fn files(&self, entry: String) -> Files {
        files([
            ("agent.sig", base64(&self.signature)),
            ("agent.cert", base64(&self.leaf.certificate)),
            ("agent.rekor.json", entry),
        ])
    }

    /// A bundle of these entries.
    fn bundle(&self, entries: &[Entry]) -> Value {
        bundle(&body(), &self.signature, Some(&der(&self.leaf)), entries)
    }
}

fn of(bundle: &Value) -> Files {
    files([("agent.sigstore.json", bundle.to_string())])
}

#[test]
fn an_entry_proves_that_the_certificate_was_valid() {
    let logged = Logged::new();
    assert_proven(&accepted(&logged.root(), &with_entry(), &logged.files(logged.entry.answer())));
    assert_proven(&accepted(&logged.root(), &bundled(), &of(&logged.bundle(std::slice::from_ref(&logged.entry)))));
}

#[test]
fn a_log_that_only_promised_proves_the_same() {
    let logged = Logged::new();
    let mut answer: Value = serde_json::from_str(&logged.entry.answer()).unwrap();
    let verification = &mut answer["24296fb24b8ad77a"]["verification"];
    verification.as_object_mut().unwrap().remove("inclusionProof");
    assert_proven(&accepted(&logged.root(), &with_entry(), &logged.files(answer.to_string())));
    let verification = &mut answer["24296fb24b8ad77a"]["verification"];
    verification.as_object_mut().unwrap().remove("signedEntryTimestamp");
    refused(&logged.root(), &with_entry(), &logged.files(answer.to_string()), "does not bear the signature out");
}

/// What is forged, and how: each is refused, as an entry and in a bundle.
type Forgery = fn(&mut Entry);

const FORGERIES: [(&str, Forgery); 6] = [
    ("the time", |entry| entry.time += 1),
    ("the promise", |entry| entry.set = vec![0x30; 70]),
    ("the proof", |entry| entry.sibling = vec![8; 32]),
    ("the root of the proof", |entry| entry.root = vec![8; 32]),
    ("the checkpoint's signature", |entry| {
        let place = entry.checkpoint.len() - 8;
        let other = if entry.checkpoint.as_bytes()[place] == b'A' { "B" } else { "A" };
        entry.checkpoint.replace_range(place..=place, other);
    }),
    ("the checkpoint's root", |entry| {
        let (root, other) = (base64(&entry.root), base64([8; 32]));
        entry.checkpoint = entry.checkpoint.replace(&root, &other);
        entry.root = vec![8; 32];
    }),
];

#[test]
fn forged_logs_are_refused() {
    for (what, forge) in FORGERIES {
        let mut logged = Logged::new();
        forge(&mut logged.entry);
        for (signature, files) in [
            (with_entry(), logged.files(logged.entry.answer())),
            (bundled(), of(&logged.bundle(std::slice::from_ref(&logged.entry)))),
        ] {
            let (result, _) = fetch(&logged.root(), &signature, &Demand::Required, &files);
            assert!(result.is_err(), "{what}: {result:?}");
        }
    }
}

#[test]
fn an_entry_from_before_or_after_the_certificate_is_refused() {
    for time in [NOW - 1, NOW + 601] {
        let logged = Logged::at(time);
        refused(&logged.root(), &with_entry(), &logged.files(logged.entry.answer()), "certificate");
        refused(&logged.root(), &bundled(), &of(&logged.bundle(std::slice::from_ref(&logged.entry))), "certificate");
    }
}

#[test]
fn an_entry_of_another_signature_is_refused() {
    let logged = Logged::new();
    let other = logged.pki.leaf();
    let foreign = [
        Entry::new(&logged.pki, b"another file", &logged.signature, &logged.leaf.certificate),
        Entry::new(&logged.pki, &body(), &logged.leaf.sign(b"another file"), &logged.leaf.certificate),
        Entry::new(&logged.pki, &body(), &logged.signature, &other.certificate),
    ];
    for entry in foreign {
        refused(&logged.root(), &with_entry(), &logged.files(entry.answer()), "does not bear the signature out");
        refused(
            &logged.root(),
            &bundled(),
            &of(&logged.bundle(std::slice::from_ref(&entry))),
            "does not bear the signature out",
        );
        let both = logged.bundle(&[logged.entry.clone(), entry]);
        refused(&logged.root(), &bundled(), &of(&both), "does not bear the signature out");
    }
}

#[test]
fn a_log_that_is_not_in_the_trust_root_proves_nothing() {
    let logged = Logged::new();
    let stranger = Pki::new();
    let entry = Entry::new(&stranger, &body(), &logged.signature, &logged.leaf.certificate);
    refused(&logged.root(), &with_entry(), &logged.files(entry.answer()), "does not bear the signature out");
    refused(&logged.root(), &bundled(), &of(&logged.bundle(&[entry])), "does not bear the signature out");
    refused(&logged.root(), &bundled(), &of(&logged.bundle(&[])), "does not bear the signature out");
    // Certificates in PEM bring no keys of logs.
    refused(&logged.pki.pem(), &bundled(), &of(&logged.bundle(std::slice::from_ref(&logged.entry))), "");
}

#[test]
fn a_bundle_of_another_signer_root_or_file_is_refused() {
    let logged = Logged::new();
    let whole = logged.bundle(std::slice::from_ref(&logged.entry));
    let other = Identity { name: "somebody@example.org".to_owned(), issuer: ISSUER.to_owned() };
    let signature = Signature::Bundle { bundle: "agent.sigstore.json", signed_by: SignedBy::Identity(other) };
    refused(&logged.root(), &signature, &of(&whole), "not by `somebody@example.org`");
    refused(&Pki::new().trusted_root().to_string(), &bundled(), &of(&whole), "not one of a trusted root");
    let elsewhere =
        bundle(b"other", &logged.leaf.sign(b"other"), Some(&der(&logged.leaf)), std::slice::from_ref(&logged.entry));
    refused(&logged.root(), &bundled(), &of(&elsewhere), "not one of these bytes");
    let mut digest = whole.clone();
    digest["messageSignature"]["messageDigest"]["digest"] = base64([7; 32]).into();
    refused(&logged.root(), &bundled(), &of(&digest), "does not bear the signature out");
}

#[test]
fn what_is_no_bundle_and_no_entry_is_refused() {
    let logged = Logged::new();
    let whole = logged.bundle(std::slice::from_ref(&logged.entry));
    let text = whole.to_string();
    let mut without = whole.clone();
    without.as_object_mut().unwrap().remove("messageSignature");
    let mut attestation = without.clone();
    attestation["dsseEnvelope"] =
        json!({"payload": "e30=", "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": "AAAA"}]});
    for (text, words) in [
        ("", "the bundle is malformed"),
        ("{}", "the bundle is malformed"),
        ("<html>", "the bundle is malformed"),
        (&text[..text.len() / 2], "the bundle is malformed"),
        (&without.to_string(), "the bundle is malformed"),
        (&attestation.to_string(), "an attestation, not a signature"),
    ] {
        refused(&logged.root(), &bundled(), &files([("agent.sigstore.json", text.to_owned())]), words);
    }
    let answer = logged.entry.answer();
    let mut two: Value = serde_json::from_str(&answer).unwrap();
    two["other"] = two["24296fb24b8ad77a"].clone();
    for text in ["", "{}", "[]", r#"{"a":1}"#, &answer[..answer.len() / 2], &two.to_string()] {
        refused(&logged.root(), &with_entry(), &logged.files(text.to_owned()), "the log entry is malformed");
    }
}
