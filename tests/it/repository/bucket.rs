//! What buckets are told, and what is made of what they answer.

use std::time::{Duration, Instant};

use kubepkg::repository::store::{Cause, Content, Key, Location, Store, StoreError, StoreOptions};

use super::s3::Server;
use crate::fault_server::{Act, FaultServer, Request, head, ok_with, status};

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

/// A store of a server that misbehaves.
fn store(server: &FaultServer) -> Store {
    let pairs = [
        ("AWS_ENDPOINT_URL", server.url("")),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "very-secret".to_owned()),
    ];
    let options = StoreOptions {
        environment: pairs.map(|(name, value)| (name.to_owned(), value)).into(),
        timeout: Duration::from_secs(2),
        retries: 1,
        ..StoreOptions::default()
    };
    let location: Location = "s3://packages/repository".parse().unwrap();
    Store::new(&location, &options).unwrap()
}

fn refused(error: &StoreError) -> String {
    let text = format!("{error}: {}", error.cause);
    assert!(text.contains("s3://packages/repository/"), "{text}");
    assert!(!text.contains("very-secret") && !text.contains("AKIDEXAMPLE"), "{text}");
    text
}

#[test]
fn objects_say_what_they_are_and_how_long_they_stay() {
    let server = Server::start();
    let store = server.store("repository");
    store.create(&[(key("pool/k/kubelet_1_amd64.deb"), Content::Bytes(b"x"))]).unwrap();
    store.replace(&key("dists/stable-v1.36/InRelease"), b"x").unwrap();
    let swapped = store.swap(&key(".kubepkg/head/rolling.json"), b"{}", None).unwrap();
    drop(swapped);
    for (path, expected) in [
        (
            "pool/k/kubelet_1_amd64.deb",
            ["application/vnd.debian.binary-package", "public, max-age=31536000, immutable"],
        ),
        ("dists/stable-v1.36/InRelease", ["text/plain; charset=utf-8", "public, max-age=60, must-revalidate"]),
        (".kubepkg/head/rolling.json", ["application/json", "public, max-age=60, must-revalidate"]),
    ] {
        let answer = server.ask("HEAD", &format!("/packages/repository/{path}")).to_lowercase();
        for value in expected {
            assert!(answer.contains(&format!(": {value}\r\n")), "{path}: {answer}");
        }
        assert!(!answer.contains("content-encoding"), "{path}: {answer}");
    }
}

#[test]
fn a_bucket_that_is_not_there_is_no_empty_repository() {
    let server = Server::start();
    let options = StoreOptions { environment: server.environment(), retries: 0, ..StoreOptions::default() };
    let store = Store::new(&"s3://elsewhere/x".parse().unwrap(), &options).unwrap();
    let error = store.get(&key("file"), 10).unwrap_err();
    assert!(matches!(error.cause, Cause::Missing(_)), "{error:?}");
    assert!(store.replace(&key("file"), b"x").is_err());
}

#[test]
fn a_refusal_is_told_without_what_was_asked() {
    let server = FaultServer::start(|_| {
        let body = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message>\
                    <AWSAccessKeyId>AKIDEXAMPLE</AWSAccessKeyId></Error>";
        let length = format!("Content-Length: {}", body.len());
        vec![head("403 Forbidden", &[&length]), Act::Send(body.as_bytes().to_vec())]
    });
    let error = store(&server).get(&key("file"), 10).unwrap_err();
    assert!(matches!(error.cause, Cause::Denied(_)), "{error:?}");
    assert!(refused(&error).contains("AccessDenied: Access Denied"), "{}", error.cause);
    let error = store(&server).replace(&key("file"), b"x").unwrap_err();
    assert!(matches!(error.cause, Cause::Denied(_)), "{error:?}");
    refused(&error);
}

#[test]
fn a_store_that_fails_is_asked_again_and_then_given_up() {
    let server = FaultServer::start(|_| status("503 Slow Down", &[]));
    let error = store(&server).get(&key("file"), 10).unwrap_err();
    assert!(matches!(error.cause, Cause::Unavailable(_)), "{error:?}");
    assert!(refused(&error).contains("503"), "{}", error.cause);
    assert_eq!(server.requests().len(), 2);
    let server = FaultServer::start(|request: &Request| match request.count {
        0 => status("503 Slow Down", &[]),
        _ => ok_with(&["ETag: \"1\"", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"], "well"),
    });
    assert_eq!(store(&server).get(&key("file"), 10).unwrap().unwrap().bytes, b"well");
}

#[test]
fn silence_ends() {
    let server = FaultServer::start(|_| vec![Act::Stall]);
    let begin = Instant::now();
    let error = store(&server).get(&key("file"), 10).unwrap_err();
    assert!(matches!(error.cause, Cause::Unavailable(_)), "{error:?}");
    refused(&error);
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
}

#[test]
fn an_answer_that_is_cut_is_no_object() {
    let server = FaultServer::start(|_| {
        let headers = ["ETag: \"1\"", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT", "Content-Length: 8"];
        vec![head("200 OK", &headers), Act::Send(b"half".to_vec()), Act::Reset]
    });
    let error = store(&server).get(&key("file"), 10).unwrap_err();
    assert!(matches!(error.cause, Cause::Unavailable(_)), "{error:?}");
}

#[test]
fn a_lost_answer_is_no_lost_write() {
    // The first put is done and its answer never comes; the second try finds its own object.
    let server = FaultServer::start(|request: &Request| match (request.head.starts_with("PUT"), request.count) {
        (true, 0) => vec![Act::Reset],
        (true, _) => status("412 Precondition Failed", &[]),
        (false, _) => ok_with(&["ETag: \"1\"", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"], "mine"),
    });
    let store = store(&server);
    assert_eq!(store.create(&[(key("file"), Content::Bytes(b"mine"))]).unwrap(), 0);
    let error = store.create(&[(key("other"), Content::Bytes(b"else"))]).unwrap_err();
    assert!(matches!(error.cause, Cause::OtherBytes), "{error:?}");
}
