//! What clients get from `kubepkg repo serve`, and what they do not.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use fs_err as fs;
use kubepkg::repository::serve::{Limits, Server};
use kubepkg::repository::store::{Location, Store, StoreOptions};
use rustix::process::Signal;

use super::client::Client;
use super::rig::{Made, Rig, refused};
use super::server::Serving;
use crate::program::command;

const DEB: &str = "/core:/stable:/v1.36/deb/";

#[test]
fn apt_and_dnf_install_from_it() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let server = Serving::start(&rig.place, &[]);
    for source in [format!("{} stable-v1.36 main", server.url), format!("{}core:/stable:/v1.36/deb/ /", server.url)] {
        let client = Client::new();
        assert_eq!(client.refresh_apt(&source), "");
        let got = client.apt(&source, "apt-get", &["download", "kubelet"]);
        assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
        let published = Made::get().packages("1.36.1", &["kubelet", "amd64.deb"]).remove(0);
        let file = client.path("downloads").join(published.file_name().unwrap());
        assert_eq!(fs::read(file).unwrap(), fs::read(published).unwrap());
        // A release that comes in the same second is not taken for the one that the client has.
        assert_eq!(client.refresh_apt(&source), "");
    }
    let client = Client::new();
    let base = format!("{}core:/stable:/v1.36/rpm/", server.url);
    let key = format!("{}key.asc", server.url);
    let dnf = |arguments: &[&str]| {
        let output = client.dnf(&base, &key, arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let downloads = client.path("downloads");
    dnf(&["--refresh", "install", "--downloadonly", "--downloaddir", downloads.to_str().unwrap(), "kubernetes-cni"]);
    let published = Made::get().packages("1.36.1", &["kubernetes-cni", "x86_64.rpm"]).remove(0);
    let file = downloads.join(published.file_name().unwrap());
    assert_eq!(fs::read(file).unwrap(), fs::read(published).unwrap());
}

#[test]
fn a_publication_is_seen_by_who_asked_a_moment_ago() {
    let rig = Rig::new();
    let server = Serving::start(&rig.place, &[]);
    let client = Client::new();
    let source = format!("{} stable-v1.36 main", server.url);
    for (release, count) in [("1.36.1", 1), ("1.36.2", 2)] {
        rig.publish_release("stable/v1.36", release);
        assert_eq!(client.refresh_apt(&source), "");
        let listed = client.apt(&source, "apt-cache", &["madison", "kubelet"]).stdout;
        assert_eq!(String::from_utf8(listed).unwrap().lines().count(), count);
    }
}

#[test]
fn answers_say_what_they_are() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let server = Serving::start(&rig.place, &[]);
    let target = format!("{DEB}InRelease");
    let bytes = fs::read(rig.root().join(&target[1..])).unwrap();
    let whole = server.get(&target);
    assert_eq!((whole.status, &whole.body), (200, &bytes));
    assert_eq!(whole.field("content-type"), "text/plain; charset=utf-8");
    assert_eq!(whole.field("cache-control"), "public, max-age=60, must-revalidate");
    assert_eq!(whole.field("content-length"), bytes.len().to_string());
    assert_eq!(whole.field("accept-ranges"), "bytes");
    let head = server.ask("HEAD", &target, &[]);
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.field("content-length"), bytes.len().to_string());
    for (name, expected) in [
        ("/core:/stable:/v1.36/rpm/repodata/repomd.xml", "no-cache"),
        ("/core%3A/stable%3A/v1.36/rpm/repodata/repomd.xml.asc", "no-cache"),
        ("/.kubepkg/repository.json", "public, max-age=60, must-revalidate"),
    ] {
        let answer = server.get(name);
        assert_eq!((answer.status, answer.field("cache-control")), (200, expected), "{name}");
    }
    let package = crate::mirror::files(&rig.root().join("pool")).remove(0);
    let package = format!("/{}", package.strip_prefix(rig.root()).unwrap().display());
    let answer = server.get(&package);
    assert_eq!(answer.field("cache-control"), "public, max-age=31536000, immutable", "{package}");
    let refused = server.ask("PUT", &target, &["Content-Length: 0"]);
    assert_eq!((refused.status, refused.field("allow")), (405, "GET, HEAD"));
    assert_eq!(fs::read(rig.root().join(&target[1..])).unwrap(), bytes);
}

#[test]
fn parts_and_what_is_known_already() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let server = Serving::start(&rig.place, &[]);
    let target = format!("{DEB}Release");
    let bytes = fs::read(rig.root().join(&target[1..])).unwrap();
    let size = bytes.len();
    // Until then the time that it is told is one second before that of the file.
    std::thread::sleep(Duration::from_millis(1100));
    let whole = server.get(&target);
    let (tag, time) = (whole.field("etag").to_owned(), whole.field("last-modified").to_owned());
    for (range, status, content_range, expected) in [
        ("bytes=10-19", 206, format!("bytes 10-19/{size}"), &bytes[10..20]),
        ("bytes=-5", 206, format!("bytes {}-{}/{size}", size - 5, size - 1), &bytes[size - 5..]),
        ("bytes=100-", 206, format!("bytes 100-{}/{size}", size - 1), &bytes[100..]),
        ("bytes=0-1,5-6", 200, String::new(), &bytes[..]),
        ("lines=1", 200, String::new(), &bytes[..]),
        ("bytes=99999999-", 416, format!("bytes */{size}"), &[]),
    ] {
        let answer = server.ask("GET", &target, &[&format!("Range: {range}")]);
        let found = (answer.status, answer.field("content-range"), answer.body.as_slice());
        assert_eq!(found, (status, content_range.as_str(), expected), "{range}");
    }
    for (fields, status) in [
        (vec![format!("If-None-Match: {tag}")], 304),
        (vec![format!("If-None-Match: \"x\", {tag}")], 304),
        (vec!["If-None-Match: *".to_owned()], 304),
        (vec!["If-None-Match: \"x\"".to_owned(), format!("If-Modified-Since: {time}")], 200),
        (vec![format!("If-Modified-Since: {time}")], 304),
        (vec!["If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT".to_owned()], 200),
        (vec!["Range: bytes=0-3".to_owned(), format!("If-Range: {tag}")], 206),
        (vec!["Range: bytes=0-3".to_owned(), format!("If-Range: {time}")], 206),
        (vec!["Range: bytes=0-3".to_owned(), "If-Range: \"x\"".to_owned()], 200),
    ] {
        let answer = server.ask("GET", &target, &fields.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(answer.status, status, "{fields:?}");
        assert_eq!(answer.body.is_empty(), status == 304, "{fields:?}");
    }
}

#[test]
fn nothing_outside_of_the_repository_is_served() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let secret = rig.folder.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    for (link, to) in [("link", secret.as_path()), ("pool/up", rig.folder.path())] {
        fs::os::unix::fs::symlink(to, rig.root().join(link)).unwrap();
    }
    for hidden in [".git/config", ".kubepkg/.kubepkg-x/0", "pool/.secret"] {
        let path = rig.root().join(hidden);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "hidden").unwrap();
    }
    let pipe = rig.root().join("pipe");
    crate::program::tool("mkfifo", [&pipe]);
    let server = Serving::start(&rig.place, &[]);
    for target in [
        "/link",
        "/pool/up/secret",
        "/../secret",
        "/%2e%2e/secret",
        "/pool/..%2f..%2fsecret",
        "//etc/passwd",
        "/.git/config",
        "/.kubepkg/.kubepkg-x/0",
        "/pool/.secret",
        "/pipe",
        "/pool/",
        "/nowhere",
        "/key.asc/x",
    ] {
        let answer = server.get(target);
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (404, b"there is nothing of this name\n".as_slice()),
            "{target}"
        );
    }
    let folder = server.get("/core:/stable:");
    assert_eq!((folder.status, folder.field("location")), (301, "/core:/stable:/"));
}

#[test]
fn many_clients_at_once_and_slow_ones_are_no_trouble() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let server = Serving::start(&rig.place, &[]);
    let target = format!("{DEB}InRelease");
    let bytes = fs::read(rig.root().join(&target[1..])).unwrap();
    // Those that never end their request hold their places and nobody else's.
    let slow: Vec<_> = (0..200)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
            stream
        })
        .collect();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| (0..20).for_each(|_| assert_eq!(server.get(&target).body, bytes)));
        }
    });
    drop(slow);
    let mut long = server.connect();
    let request = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(20_000));
    let _ = long.write_all(request.as_bytes());
    let mut answer = [0; 12];
    long.read_exact(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
}

/// Whoever does not ask, or does not take what was asked for, loses its place to those that wait.
#[test]
fn patience_ends() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("large"), vec![7; 64 << 20]).unwrap();
    let store = Store::new(&Location::Folder(folder.path().to_owned()), &StoreOptions::default()).unwrap();
    let short = Duration::from_millis(300);
    let limits = Limits { connections: 2, head: short, stall: short, farewell: short };
    let server = Server::bind(store, "127.0.0.1:0".parse().unwrap(), limits).unwrap();
    let (address, stopper) = (server.address().unwrap(), server.stopper());
    let running = std::thread::spawn(move || server.run(|| std::time::UNIX_EPOCH, |_| {}).unwrap());
    let send = |text: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream
    };
    let mut mute = send("GET / HTTP/1.1\r\n");
    let mut full = send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut third = send("HEAD /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    third.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    std::thread::sleep(4 * short);
    let (mut heard, mut taken) = (Vec::new(), Vec::new());
    let _ = mute.read_to_end(&mut heard);
    let _ = full.read_to_end(&mut taken);
    assert!(heard.is_empty() || heard.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&heard));
    assert!(taken.len() < 64 << 20, "all of it came");
    stopper.stop();
    running.join().unwrap();
}

#[test]
fn it_ends_when_it_is_told_to() {
    let rig = Rig::new();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut server = Serving::start(&rig.place, &[]);
        assert_eq!(server.get("/key.asc").status, 200);
        let _idle = server.connect();
        assert_eq!(server.end(signal), code);
    }
    // What is under way is ended first.
    let mut server = Serving::start(&rig.place, &[]);
    fs::write(rig.root().join("large"), vec![7; 32 << 20]).unwrap();
    let mut stream = server.connect();
    stream.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut first = [0; 1];
    stream.read_exact(&mut first).unwrap();
    let reader = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        rest.len()
    });
    assert_eq!(server.end(Signal::TERM), 143);
    assert!(reader.join().unwrap() > 32 << 20);
}

#[test]
fn it_says_where_it_is_and_what_it_cannot_do() {
    let rig = Rig::new();
    let server = Serving::start(&rig.place, &[]);
    assert!(server.url.starts_with("http://127.0.0.1:") && !server.url.ends_with(":0/"), "{}", server.url);
    let taken = server.url.strip_prefix("http://").unwrap().trim_end_matches('/');
    refused(2, command().args(["repo", "serve", &rig.place, "--listen", taken]), "cannot listen on");
    refused(2, command().args(["repo", "serve", &rig.place, "--listen", "8080"]), "is no address");
    refused(2, command().args(["repo", "serve", server.url.trim_end_matches('/')]), "a web server serves it already");
    let elsewhere = rig.folder.path().to_str().unwrap();
    refused(4, command().args(["repo", "serve", elsewhere, "--listen", "127.0.0.1:0"]), "there is no repository");
    let mut json = command();
    let json = Serving::of(json.args(["repo", "serve", &rig.place, "--listen", "127.0.0.1:0", "--json"]));
    assert_eq!(json.url, "{");
}

#[test]
fn a_bucket_is_served_like_a_folder() {
    let bucket = super::s3::Server::start();
    let rig = Rig::in_bucket(&bucket, "served");
    rig.publish_release("stable/v1.36", "1.36.1");
    let server = Serving::start(&rig.place, &bucket.environment());
    let client = Client::new();
    let source = format!("{}core:/stable:/v1.36/deb/ /", server.url);
    assert_eq!(client.refresh_apt(&source), "");
    let got = client.apt(&source, "apt-get", &["download", "kubectl"]);
    assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
    let release = server.get(&format!("{DEB}Release"));
    let part = server.ask("GET", &format!("{DEB}Release"), &["Range: bytes=10-19"]);
    assert_eq!((part.status, part.body.as_slice()), (206, &release.body[10..20]));
    let known = server.ask("GET", &format!("{DEB}Release"), &[&format!("If-None-Match: {}", release.field("etag"))]);
    assert_eq!((known.status, server.get("/nowhere").status), (304, 404));
}
