//! `cosign sign-blob` without a key: a signature and a certificate.

use kubepkg::digest::Digest;
use kubepkg::fetch::{BadTrustRoot, Proof};
use rcgen::ExtendedKeyUsagePurpose;

use super::pki::{Pki, Sct, Until, Vouching, Wish, base64};
use super::*;

fn good(root: &str, sct: Proof) -> Evidence {
    Evidence::CosignKeyless {
        url: String::new(),
        identity: IDENTITY.to_owned(),
        issuer: ISSUER.to_owned(),
        sct,
        log: Proof::Absent,
        trust_root: Digest::sha256(root),
        provided: None,
    }
}

#[test]
fn a_good_signature_says_who_made_it_and_what_is_not_proven() {
    let pki = Pki::new();
    let root = pki.trusted_root().to_string();
    let evidence = accepted(&root, &keyless(), &files(pki.leaf().files(&body())));
    assert_eq!(evidence, good(&root, Proof::Proven));
    let words = evidence.to_string();
    assert!(words.contains("certificate log proven, transparency log not proven"), "{words}");
}

#[test]
fn certificates_in_pem_are_a_trust_root_without_logs() {
    let pki = Pki::new();
    for sct in [Sct::Good, Sct::None, Sct::OfAStranger] {
        let leaf = pki.leaf_with(&Wish { sct, ..Wish::default() });
        let evidence = accepted(&pki.pem(), &keyless(), &files(leaf.files(&body())));
        assert_eq!(evidence, good(&pki.pem(), Proof::Absent));
    }
}

#[test]
fn who_vouches_for_the_signer_may_stand_in_either_extension() {
    let pki = Pki::new();
    let root = pki.trusted_root().to_string();
    for issuer in [Vouching::Old(ISSUER), Vouching::New(ISSUER)] {
        let leaf = pki.leaf_with(&Wish { issuer, ..Wish::default() });
        accepted(&root, &keyless(), &files(leaf.files(&body())));
    }
    for (issuer, words) in [
        (Vouching::Old("https://accounts.example.com"), "`https://accounts.example.com` vouches for the signer, not"),
        (Vouching::New("https://accounts.example.org/"), "`https://accounts.example.org/` vouches for the signer, not"),
        (Vouching::No, "`nobody` vouches for the signer, not"),
    ] {
        let leaf = pki.leaf_with(&Wish { issuer, ..Wish::default() });
        refused(&root, &keyless(), &files(leaf.files(&body())), words);
    }
}

#[test]
fn another_signer_is_refused() {
    let pki = Pki::new();
    let root = pki.trusted_root().to_string();
    for identity in ["release@example.org.evil.example", "https://example.org/release", "RELEASE@example.org"] {
        let leaf = pki.leaf_with(&Wish { identity, ..Wish::default() });
        refused(
            &root,
            &keyless(),
            &files(leaf.files(&body())),
            &format!("signed by `{identity}`, not by `{IDENTITY}`"),
        );
    }
}

#[test]
fn a_uri_is_an_identity() {
    let pki = Pki::new();
    let name = "https://github.com/example/agent/.github/workflows/release.yaml@refs/tags/v1";
    let leaf = pki.leaf_with(&Wish { identity: name, ..Wish::default() });
    let identity = Identity { name: name.to_owned(), issuer: ISSUER.to_owned() };
    let signature = Signature::Keyless { signature: "agent.sig", certificate: "agent.cert", entry: None, identity };
    accepted(&pki.trusted_root().to_string(), &signature, &files(leaf.files(&body())));
}

#[test]
fn the_root_must_be_trusted_and_valid_when_the_certificate_was_made() {
    let (pki, other) = (Pki::new(), Pki::new());
    let signed = files(pki.leaf().files(&body()));
    refused(&other.trusted_root().to_string(), &keyless(), &signed, "not one of a trusted root");
    refused(&other.pem(), &keyless(), &signed, "not one of a trusted root");
    for until in [Until { root: 2024, intermediate: 2030 }, Until { root: 2030, intermediate: 2024 }] {
        let expired = Pki::until(until);
        let signed = files(expired.leaf().files(&body()));
        let words = if until.root == 2024 { "no root of the trust root is valid at 2025-06-01" } else { "CertExpired" };
        refused(&expired.trusted_root().to_string(), &keyless(), &signed, words);
    }
    // The trust root says until when an authority was used.
    let mut root = pki.trusted_root();
    root["certificateAuthorities"][0]["validFor"]["end"] = "2025-05-31T00:00:00Z".into();
    refused(&root.to_string(), &keyless(), &signed, "no root of the trust root is valid at 2025-06-01");
}

#[test]
fn a_certificate_for_something_else_is_refused() {
    let pki = Pki::new();
    let leaf = pki.leaf_with(&Wish { usage: ExtendedKeyUsagePurpose::ServerAuth, ..Wish::default() });
    refused(&pki.trusted_root().to_string(), &keyless(), &files(leaf.files(&body())), "RequiredEkuNotFound");
}

#[test]
fn a_certificate_must_be_in_a_log_of_the_trust_root() {
    let pki = Pki::new();
    for (sct, words) in [
        (Sct::None, "it has no timestamp"),
        (Sct::OfAStranger, "not proven to be in a certificate log"),
        (Sct::OfAnother, "not proven to be in a certificate log"),
    ] {
        let leaf = pki.leaf_with(&Wish { sct, ..Wish::default() });
        refused(&pki.trusted_root().to_string(), &keyless(), &files(leaf.files(&body())), words);
    }
}

#[test]
fn a_signature_of_another_file_or_by_another_key_is_refused() {
    let pki = Pki::new();
    let (leaf, other) = (pki.leaf(), pki.leaf());
    let root = pki.trusted_root().to_string();
    refused(&root, &keyless(), &files(leaf.files(b"another file")), "not one of these bytes");
    let [signature, _] = leaf.files(&body());
    let [_, certificate] = other.files(&body());
    refused(&root, &keyless(), &files([signature, certificate]), "not one of these bytes");
}

#[test]
fn what_is_cut_off_or_no_base64_is_refused() {
    let pki = Pki::new();
    let root = pki.trusted_root().to_string();
    let [(_, signature), (_, certificate)] = pki.leaf().files(&body());
    let malformed = "the signature is malformed";
    for (text, words) in [
        ("", malformed),
        ("\n", malformed),
        ("!!!!", malformed),
        ("<html>Sign in</html>", malformed),
        (&signature[..17], malformed),
        (&signature[..20], "not one of these bytes"),
    ] {
        let signed = files([("agent.sig", text.to_owned()), ("agent.cert", certificate.clone())]);
        refused(&root, &keyless(), &signed, words);
    }
    let junk = base64("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    for text in ["", "!!!!", "AAAA", &junk, &certificate[..certificate.len() / 2], &certificate[..40]] {
        let signed = files([("agent.sig", signature.clone()), ("agent.cert", text.to_owned())]);
        refused(&root, &keyless(), &signed, "the certificate is malformed");
    }
    // Bytes in the middle of the certificate that are not what was signed.
    let pem = pki.leaf().certificate;
    let damaged = pem.replace(&pem[60..64], "AAAA");
    let signed = files([("agent.sig", signature), ("agent.cert", damaged)]);
    refused(&root, &keyless(), &signed, "certificate");
}

/// PEM alone is a certificate, too: not everyone packs it into base64.
#[test]
fn a_certificate_may_be_plain_pem_and_a_signature_may_end_in_a_newline() {
    let pki = Pki::new();
    let leaf = pki.leaf();
    let signature = base64(leaf.sign(&body())) + "\n";
    let signed = files([("agent.sig", signature), ("agent.cert", leaf.certificate.clone())]);
    accepted(&pki.trusted_root().to_string(), &keyless(), &signed);
}

#[test]
fn a_signature_that_is_missing_is_an_error_unless_the_minimum_or_an_exception_allows_it() {
    let pki = Pki::new();
    let root = pki.trusted_root().to_string();
    let [signature, certificate] = pki.leaf().files(&body());
    let missing = files([certificate]);
    let words = "is published without its signature: there is no";
    let (result, warnings) = fetch(&root, &keyless(), &Demand::Required, &missing);
    assert!(result.unwrap_err().contains(words));
    assert_eq!(warnings, Vec::new());
    let (result, warnings) = fetch(&root, &keyless(), &Demand::WherePublished, &missing);
    assert_eq!(result, Ok(Evidence::NoSignature { url: String::new() }));
    assert!(matches!(&warnings[..], [Warning::NoSignature { .. }]), "{warnings:?}");
    // Half of a signature is not a missing one.
    refused(&root, &keyless(), &files([signature]), words);
}

#[test]
fn an_exception_that_is_not_needed_is_told_and_the_signature_counts() {
    let pki = Pki::new();
    let root = pki.trusted_root().to_string();
    let demand = Demand::Exception { reason: "none".to_owned() };
    let (result, warnings) = fetch(&root, &keyless(), &demand, &files(pki.leaf().files(&body())));
    assert_eq!(result, Ok(good(&root, Proof::Proven)));
    assert!(matches!(&warnings[..], [Warning::UnneededException { .. }]), "{warnings:?}");
}

#[test]
fn an_exception_does_not_excuse_other_bytes() {
    let pki = Pki::new();
    let mut signed = files(pki.leaf().files(&body()));
    signed.insert("agent", b"other bytes".to_vec());
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in &signed {
        fs_err::write(folder.path().join(name), bytes).unwrap();
    }
    let rig = Rig::new().mirror(folder.path().to_str().unwrap());
    let demand = Demand::Exception { reason: "none".to_owned() };
    let error = rig.fetch(&super::download(&keyless(), demand)).unwrap_err();
    assert!(matches!(error, FetchError::Mismatch { .. }), "{error}");
}

#[test]
fn what_is_no_trust_root_is_refused() {
    let pki = Pki::new();
    for text in ["", "{}", "[]", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(TrustRoot::parse(text).is_err(), "{text}");
    }
    let mut root = pki.trusted_root();
    root["certificateAuthorities"] = serde_json::json!([]);
    assert_eq!(TrustRoot::parse(&root.to_string()).unwrap_err(), BadTrustRoot::Empty);
    let mut root = pki.trusted_root();
    root["ctlogs"][0]["publicKey"]["rawBytes"] = "AAAA".into();
    assert!(matches!(TrustRoot::parse(&root.to_string()), Err(BadTrustRoot::Content(_))));
    TrustRoot::production().unwrap();
}
