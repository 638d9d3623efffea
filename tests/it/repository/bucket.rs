//! What buckets are told, and what is made of what they answer.

use std::time::{Duration, Instant};

use kubepkg::repository::store::{Cause, Content, Key, Location, Store, StoreError, StoreOptions, Swap};

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

/// No server that plays Google's knows these requests, so what it would answer stands here.
#[test]
fn google_is_asked_on_conditions() {
    let server = FaultServer::start(|request: &Request| {
        let modified = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT";
        match (request.head.starts_with("GET "), request.header("x-goog-if-generation-match")) {
            (true, _) => ok_with(&["ETag: \"a\"", "x-goog-generation: 7", modified], "old"),
            (false, Some("7")) => ok_with(&["ETag: \"b\"", "x-goog-generation: 8"], ""),
            (false, _) => status("412 Precondition Failed", &[]),
        }
    });
    let account = "{\"disable_oauth\":true,\"private_key\":\"\",\"private_key_id\":\"\",\"client_email\":\"\"}";
    let pairs = [("GOOGLE_BASE_URL", server.url("")), ("GOOGLE_SERVICE_ACCOUNT_KEY", account.to_owned())];
    let environment = pairs.map(|(name, value)| (name.to_owned(), value)).into();
    let options = StoreOptions { environment, retries: 0, ..StoreOptions::default() };
    let store = Store::new(&"gs://packages/repository".parse().unwrap(), &options).unwrap();
    let head = key(".kubepkg/head/rolling.json");
    let there = store.get(&head, 10).unwrap().unwrap();
    assert!(matches!(store.swap(&head, b"new", Some(&there.tag)).unwrap(), Swap::Done(_)));
    assert_eq!(store.swap(&head, b"new", None).unwrap(), Swap::Lost);
    assert_eq!(store.create(&[(key("pool/x.deb"), Content::Bytes(b"old"))]).unwrap(), 0);
    let error = store.create(&[(key("pool/x.deb"), Content::Bytes(b"new"))]).unwrap_err();
    assert!(matches!(error.cause, Cause::OtherBytes), "{error:?}");
    let puts: Vec<Request> = server.requests().into_iter().filter(|one| one.head.starts_with("PUT ")).collect();
    let asked: Vec<_> = puts
        .iter()
        .map(|put| {
            ["x-goog-if-generation-match", "content-type", "cache-control"].map(|name| put.header(name).unwrap())
        })
        .collect();
    let head = |generation| [generation, "application/json", "public, max-age=60, must-revalidate"];
    let deb = ["0", "application/vnd.debian.binary-package", "public, max-age=31536000, immutable"];
    assert_eq!(asked, [head("7"), head("0"), deb, deb]);
}
