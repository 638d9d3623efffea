use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::dsse::pre_authentication_encoding;
use super::{ProvenanceError, Recorded, of_file, parse};
use crate::digest::Digest;

/// An envelope without signatures.
fn line(payload: &serde_json::Value) -> String {
    let payload = STANDARD.encode(payload.to_string());
    json!({"payloadType": super::PAYLOAD_TYPE, "payload": payload, "signatures": []}).to_string() + "\n"
}

fn statement(sha256: &Digest, predicate_type: &str) -> serde_json::Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "x.deb", "digest": {"sha256": sha256.hex(), "gitCommit": "1"}}],
        "predicateType": predicate_type,
        "predicate": {"verdict": "good"},
    })
}

/// The example of the protocol's description.
#[test]
fn what_is_signed_is_encoded_as_the_protocol_says() {
    let encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world");
    assert_eq!(encoded, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
}

#[test]
fn statements_are_found_by_what_they_are_about() {
    let (one, other, none) = (Digest::sha256("1"), Digest::sha256("2"), Digest::sha256("3"));
    let slsa = "https://slsa.dev/provenance/v1";
    let text = line(&statement(&one, "https://example.org/review"))
        + "\n"
        + &line(&statement(&other, slsa))
        + &line(&statement(&one, slsa));
    let envelopes = parse(text.as_bytes()).unwrap();
    assert_eq!(envelopes.len(), 3);
    assert_eq!(of_file(&envelopes, &one).unwrap().statement().predicate_type, slsa);
    assert_eq!(of_file(&envelopes[..1], &one).unwrap().statement().predicate_type, "https://example.org/review");
    assert!(matches!(of_file(&envelopes, &none), Err(ProvenanceError::OtherSubject(_))));
    let about = envelopes[1].statement().about(&none);
    assert!(about.is_about(&none) && !about.is_about(&other));
    assert_eq!(about.predicate(), envelopes[1].statement().predicate());
}

#[test]
fn provenance_of_others_is_told_apart() {
    let digest = Digest::sha256("1");
    for (predicate_type, words) in
        [("https://example.org/review", "its type is"), ("https://slsa.dev/provenance/v1", "missing field")]
    {
        let envelopes = parse(line(&statement(&digest, predicate_type)).as_bytes()).unwrap();
        let refused = Recorded::read(envelopes[0].statement()).unwrap_err().to_string();
        assert!(refused.contains(words), "{refused}");
    }
    let mut theirs = statement(&digest, "https://slsa.dev/provenance/v1");
    let definition = json!({"buildType": "https://example.org/\u{1b}[2J", "externalParameters": {"x": [1]}});
    theirs["predicate"] = json!({"buildDefinition": definition, "runDetails": {"builder": {"id": "x"}}});
    let envelopes = parse(line(&theirs).as_bytes()).unwrap();
    let refused = Recorded::read(envelopes[0].statement()).unwrap_err().to_string();
    assert!(refused.contains("its build type is") && !refused.contains('\u{1b}'), "{refused}");
    theirs["predicate"]["buildDefinition"]["buildType"] = "urn:kubepkg:build:1".into();
    let envelopes = parse(line(&theirs).as_bytes()).unwrap();
    let refused = Recorded::read(envelopes[0].statement()).unwrap_err().to_string();
    assert!(refused.contains("unknown field `x`"), "{refused}");
}

#[test]
fn bytes_that_are_no_envelopes_are_refused() {
    let good = line(&statement(&Digest::sha256("1"), "x"));
    let payload =
        |text: &str| json!({"payloadType": super::PAYLOAD_TYPE, "payload": text, "signatures": []}).to_string();
    for (bytes, words) in [
        (String::new(), "nothing in it"),
        ("{}".to_owned(), "line 1: no DSSE envelope"),
        (format!("{good}\n[]"), "line 3: no DSSE envelope"),
        (good.replace("in-toto", "other"), "the payload is `application/vnd.other+json`"),
        (payload("%%"), "not base64"),
        (payload("e30="), "no in-toto statement"),
        (good.repeat(65), "more than the limit of 64 envelopes"),
        (" ".repeat((4 << 20) + 1), "longer than the limit"),
        (payload(&STANDARD.encode("[".repeat(100_000))), "no in-toto statement"),
    ] {
        let refused = parse(bytes.as_bytes()).unwrap_err().to_string();
        assert!(refused.contains(words), "{refused}");
    }
    assert!(parse(b"\xff\xfe").is_err());
}
