//! A vendor's own key: `cosign.pub`, with and without a log.

use std::slice;
use std::sync::Arc;

use kubepkg::digest::Digest;
use kubepkg::fetch::Proof;
use kubepkg::spec::SignedBy;
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PublicKeyData as _, SigningKey as _,
};

use super::pki::{Pki, base64};
use super::rekor::{Entry, bundle};
use super::*;

fn of(key: &KeyPair) -> Signature<&'static str> {
    Signature::Key { signature: "agent.sig", entry: None, key: Arc::from(key.public_key_pem()) }
}

fn signed(key: &KeyPair, bytes: &[u8]) -> Files {
    files([("agent.sig", base64(key.sign(bytes).unwrap()))])
}

fn good(key: &KeyPair, log: Proof) -> Evidence {
    Evidence::CosignKey { url: String::new(), key: Digest::sha256(key.subject_public_key_info()), log, provided: None }
}

#[test]
fn the_vendors_key_vouches_and_no_other() {
    let root = Pki::new().pem();
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    assert_eq!(accepted(&root, &of(&key), &signed(&key, &body())), good(&key, Proof::Absent));
    refused(&root, &of(&key), &signed(&other, &body()), "not one of these bytes");
    refused(&root, &of(&key), &signed(&key, b"another file"), "not one of these bytes");
    refused(&root, &of(&key), &files([("agent.sig", "no base64!".to_owned())]), "the signature is malformed");
}

/// `cosign` hashes with SHA-256 whatever the key; what signs otherwise is told apart from a wrong signature.
#[test]
fn a_key_that_does_not_sign_a_sha_256_cannot_be_used() {
    let root = Pki::new().pem();
    let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    refused(&root, &of(&p384), &signed(&p384, &body()), "not one of these bytes");
    let ed25519 = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    refused(&root, &of(&ed25519), &signed(&ed25519, &body()), "it does not sign a SHA-256");
    assert_eq!(KeyPair::generate().unwrap().algorithm(), &PKCS_ECDSA_P256_SHA256);
}

#[test]
fn the_log_of_a_key_is_checked_where_it_is_there() {
    let pki = Pki::new();
    let (root, key) = (pki.trusted_root().to_string(), KeyPair::generate().unwrap());
    let signature = key.sign(&body()).unwrap();
    let pem = key.public_key_pem();
    let entry = Entry::new(&pki, &body(), &signature, &pem);
    let with_entry =
        Signature::Key { signature: "agent.sig", entry: Some("agent.rekor.json"), key: Arc::from(pem.as_str()) };
    let with = |answer: String| files([("agent.sig", base64(&signature)), ("agent.rekor.json", answer)]);
    assert_eq!(accepted(&root, &with_entry, &with(entry.answer())), good(&key, Proof::Proven));
    let other = KeyPair::generate().unwrap();
    let foreign = Entry::new(&pki, &body(), &signature, &other.public_key_pem());
    refused(&root, &with_entry, &with(foreign.answer()), "does not bear the signature out");
    let mut forged = entry.clone();
    forged.time += 1;
    refused(&root, &with_entry, &with(forged.answer()), "does not bear the signature out");

    let bundled = |key: &KeyPair| {
        let signed_by = SignedBy::Key(Arc::from(key.public_key_pem()));
        Signature::Bundle { bundle: "agent.sigstore.json", signed_by }
    };
    let holds =
        |entries: &[Entry]| files([("agent.sigstore.json", bundle(&body(), &signature, None, entries).to_string())]);
    assert_eq!(accepted(&root, &bundled(&key), &holds(slice::from_ref(&entry))), good(&key, Proof::Proven));
    assert_eq!(accepted(&root, &bundled(&key), &holds(&[])), good(&key, Proof::Absent));
    refused(&root, &bundled(&key), &holds(&[foreign]), "does not bear the signature out");
    refused(&root, &bundled(&other), &holds(&[entry]), "not one of these bytes");
}
