//! Envelopes that are signed: gpg reads what we write.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::*;
use crate::papers::{assert_papers, envelopes, provenance, sbom};

const LINE: &str = "build kubectl --version 1.36.2 --arch amd64";

/// What DSSE signs.
fn encoding(envelope: &Value) -> Vec<u8> {
    let kind = envelope["payloadType"].as_str().unwrap();
    let payload = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
    [format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).as_bytes(), &payload].concat()
}

/// Whether gpg takes the first signature of an envelope for one of `message`.
fn gpg_accepts(keys: &Keys, envelope: &Value, message: &[u8]) -> bool {
    let signature = STANDARD.decode(envelope["signatures"][0]["sig"].as_str().unwrap()).unwrap();
    let (file, of) = (keys.path("envelope.sig"), keys.path("envelope"));
    fs_err::write(&file, signature).unwrap();
    fs_err::write(&of, message).unwrap();
    keys.try_gpg(&["--verify", file.to_str().unwrap(), of.to_str().unwrap()]).status.success()
}

#[test]
fn gpg_accepts_the_signature_of_an_envelope_and_of_no_other() {
    for algorithm in ["rsa3072", "ed25519"] {
        let (keys, rig) = (Keys::new(), Rig::new());
        keys.generate(algorithm, "");
        rig.good(&format!("{LINE} --sign-key {}", keys.secret().display()));
        for end in [".deb", ".rpm"] {
            let package = package(&rig, end);
            assert_papers(&package);
            let (envelope, _) = envelopes(&package).remove(0);
            let message = encoding(&envelope);
            assert!(gpg_accepts(&keys, &envelope, &message), "{algorithm}");
            assert_eq!(envelope["signatures"][0]["keyid"], keys.fingerprints()[1]);
            let mut other = message.clone();
            *other.last_mut().unwrap() ^= 1;
            assert!(!gpg_accepts(&keys, &envelope, &other), "{algorithm}");
        }
    }
}

#[test]
fn unsigned_packages_have_unsigned_envelopes() {
    let rig = Rig::new();
    rig.good(LINE);
    for end in [".deb", ".rpm"] {
        let (envelope, _) = envelopes(&package(&rig, end)).remove(0);
        assert_eq!(envelope["signatures"], serde_json::json!([]));
    }
}

#[test]
fn provenance_that_is_not_of_the_package_is_not_signed() {
    let (keys, rig) = (Keys::new(), Rig::new());
    keys.generate("ed25519", "");
    rig.good(LINE);
    let (deb, rpm) = (package(&rig, ".deb"), package(&rig, ".rpm"));
    let good = fs_err::read(provenance(&deb)).unwrap();
    let of_another = fs_err::read(provenance(&rpm)).unwrap();
    let before = fs_err::read(&deb).unwrap();
    let line = format!("sign --sign-key {} {}", keys.secret().display(), deb.display());
    for (text, words) in [
        (of_another.as_slice(), "no statement about a file with sha256:"),
        (b"{}".as_slice(), "line 1: no DSSE envelope"),
        (b"".as_slice(), "nothing in it"),
    ] {
        fs_err::write(provenance(&deb), text).unwrap();
        rig.fails(&line, 6, words);
        assert!(fs_err::read(&deb).unwrap() == before);
        assert!(fs_err::read(provenance(&deb)).unwrap() == text);
    }
    fs_err::write(provenance(&deb), good).unwrap();
    rig.good(&line);
    rig.assert_tidy();
    // A package without papers is signed without any.
    for paper in [provenance(&rpm), sbom(&rpm)] {
        fs_err::remove_file(paper).unwrap();
    }
    rig.good(&format!("sign --sign-key {} {}", keys.secret().display(), rpm.display()));
    assert!(!provenance(&rpm).exists());
}
