//! A network that misbehaves, seen through the whole program: nothing wrong is packaged, nothing good is lost.

use super::*;
use crate::fault_server::{Act, Request, cut, head, ok, status};

const FILE: &str = "/dl.k8s.io/release/v1.36.2/bin/linux/amd64/kubectl";
const LINE: &str = "build kubectl --version 1.36.2 --arch amd64 --compression gzip:1";

type Fault = fn(&Request, &[u8]) -> Option<Vec<Act>>;

/// Answers as the mirror does but where `fault` knows better; it is given the honest bytes.
fn server(fault: Fault) -> FaultServer {
    let folder = mirror::fixtures();
    FaultServer::start(move |request| {
        let bytes = fs_err::read(folder.join(request.target().trim_start_matches('/'))).unwrap_or_default();
        fault(request, &bytes).unwrap_or_else(|| Mirror::answer(&folder, request))
    })
}

/// Answers a request of this file, and no other.
fn at(request: &Request, suffix: &str, acts: Vec<Act>) -> Option<Vec<Act>> {
    (request.target() == format!("{FILE}{suffix}")).then_some(acts)
}

fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    bytes
}

/// What is done to upstream, how the program ends, and what it says.
const FAULTS: [(&str, Fault, i32, &str); 16] = [
    ("wrong bytes", |request, bytes| at(request, "", ok(flipped(bytes))), 6, "is not the file that was published"),
    ("no bytes", |request, _| at(request, "", ok("")), 6, "is not the file that was published"),
    ("another file", |request, _| at(request, "", ok("<!DOCTYPE html>")), 6, "is not the file that was published"),
    ("a wrong digest", |request, _| at(request, ".sha512", ok("0".repeat(128))), 6, "expected"),
    ("a web page as digest", |request, _| at(request, ".sha256", ok("<html>Sign in</html>")), 6, "no digest of"),
    ("an empty digest", |request, _| at(request, ".sha512", ok("")), 6, "no digest of"),
    ("no digest", |request, _| at(request, ".sha512", status("404 Not Found", &[])), 6, "without its digest"),
    ("digests at odds", |request, _| at(request, ".sha256", ok("0".repeat(64))), 6, "contradict each other"),
    ("a cut body", |request, bytes| at(request, "", cut(&[], bytes, bytes.len() / 2)), 5, "after 2 tries"),
    (
        "a reset",
        |request, bytes| at(request, "", [cut(&[], bytes, 100), vec![Act::Reset]].concat()),
        5,
        "after 2 tries",
    ),
    ("silence", |request, bytes| at(request, "", [cut(&[], bytes, 100), vec![Act::Stall]].concat()), 5, "silent"),
    ("no file", |request, _| at(request, "", status("404 Not Found", &[])), 5, "not published"),
    ("a broken server", |request, _| at(request, "", status("500 Internal Server Error", &[])), 5, "answered 500"),
    ("a circle", |request, _| at(request, "", status("302 Found", &[&format!("Location: {FILE}")])), 5, "in a circle"),
    ("a lie about the length", |request, bytes| at(request, "", too_long(bytes)), 5, "after 2 tries"),
    ("no permission", |request, _| at(request, "", status("403 Forbidden", &[])), 5, "answered 403"),
];

fn too_long(bytes: &[u8]) -> Vec<Act> {
    vec![head("200 OK", &[&format!("Content-Length: {}", bytes.len() + 7)]), Act::Send(bytes.to_vec())]
}

#[test]
fn nothing_wrong_is_packaged_and_nothing_good_is_lost() {
    let good = Rig::new();
    // Another revision has the same names where the revision is given, and other bytes.
    let mut command = good.command(LINE);
    assert!(command.env("SOURCE_DATE_EPOCH", "1000000000").status().unwrap().success());
    for (what, fault, code, words) in FAULTS {
        let server = server(fault);
        let rig = Rig::with_upstream(server.url(""));
        fs_err::create_dir(rig.dist()).unwrap();
        for (name, bytes) in good.written() {
            fs_err::write(rig.dist().join(name), bytes).unwrap();
        }
        let ran = rig.run(&format!("{LINE} --retries 1 --timeout 1"));
        assert_eq!(ran.code, code, "{what}: {}", ran.stderr);
        assert!(ran.stderr.contains(words) && ran.stderr.contains("hint: "), "{what}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{what}");
        assert!(rig.written() == good.written(), "{what}");
        rig.assert_tidy();
    }
}

#[test]
fn what_may_pass_is_tried_again() {
    fn once(request: &Request, acts: Vec<Act>) -> Option<Vec<Act>> {
        if request.count == 0 { at(request, "", acts) } else { None }
    }
    let expected = Rig::new();
    expected.good(LINE);
    let faults: [Fault; 5] = [
        |request, _| once(request, status("429 Too Many Requests", &["Retry-After: 0"])),
        |request, _| once(request, status("500 Internal Server Error", &[])),
        |request, _| once(request, status("503 Service Unavailable", &[])),
        |request, bytes| once(request, cut(&["ETag: \"1\"", "Accept-Ranges: bytes"], bytes, 100)),
        |request, _| once(request, vec![Act::Reset]),
    ];
    for fault in faults {
        let server = server(fault);
        let rig = Rig::with_upstream(server.url(""));
        let ran = rig.good(&format!("{LINE} --retries 1"));
        assert!(ran.stderr.contains("trying again in"), "{}", ran.stderr);
        assert_eq!(rig.packages(), expected.packages());
        rig.assert_tidy();
    }
}

#[test]
fn one_file_that_is_gone_costs_its_own_packages_only() {
    let server = server(|request, _| at(request, "", status("404 Not Found", &[])));
    let rig = Rig::with_upstream(server.url(""));
    let ran = rig.run("build kubectl kubelet --version 1.36.2 --arch all --compression gzip:1");
    assert_eq!(ran.code, 10, "{}", ran.stderr);
    assert!(ran.stderr.contains(FILE) && ran.stderr.contains("kubectl_1.36.2-1.1_amd64.deb"), "{}", ran.stderr);
    let names: Vec<String> = rig.packages().into_keys().collect();
    assert_eq!(names.len(), 10, "kubectl of three architectures, kubelet of two, in two formats each: {names:?}");
    assert!(!names.iter().any(|name| name == "kubectl_1.36.2-1.1_amd64.deb"));
    rig.assert_tidy();
    let ran = rig.run("build kubectl kubelet --version 1.36.2 --arch amd64,arm64 --compression gzip:1");
    assert_eq!(ran.code, 5, "{}", ran.stderr);
}

#[test]
fn a_damaged_cache_is_mended() {
    let server = serve(&mirror::fixtures());
    let rig = Rig::with_upstream(server.url(""));
    rig.good(LINE);
    let packages = rig.packages();
    for blob in files(&rig.cache().join("blobs")) {
        let mut bytes = fs_err::read(&blob).unwrap();
        bytes[0] ^= 1;
        fs_err::write(blob, bytes).unwrap();
    }
    fs_err::remove_dir_all(rig.dist()).unwrap();
    let ran = rig.good(LINE);
    assert!(ran.stderr.contains("was damaged and is replaced"), "{}", ran.stderr);
    assert_eq!(rig.packages(), packages);
}
