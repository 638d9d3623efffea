//! The digest policy.

use std::collections::HashMap;

use kubepkg::digest::{Algorithm, Digest};
use kubepkg::event::{Event, Warning};
use kubepkg::fetch::{Artifact, Evidence, FetchError};
use kubepkg::plan::{DigestSource, Download, Presence};

use super::{Rig, assert_refused, assert_whole, body, download, published, told};
use crate::fault_server::{FaultServer, serve};

const HOST: &str = "https://dl.k8s.io";
const KUBELET: &str = "/v1/bin/linux/amd64/kubelet";

/// What a mirror holds, by path.
struct Files(HashMap<String, Vec<u8>>);

impl Files {
    fn with(files: &[(&str, &str)]) -> Self {
        let texts = files.iter().map(|(path, text)| (format!("/dl.k8s.io{path}"), text.as_bytes().to_vec()));
        Self(texts.chain([(format!("/dl.k8s.io{KUBELET}"), body())]).collect())
    }

    fn without_kubelet(mut self) -> Self {
        self.0.remove(&format!("/dl.k8s.io{KUBELET}"));
        self
    }

    fn fetch(self, download: &Download) -> (Result<Artifact, FetchError>, Rig, FaultServer) {
        let server = FaultServer::start(move |request| serve(&self.0, request));
        let rig = Rig::new().mirror(&server.url(""));
        (rig.fetch(download), rig, server)
    }
}

fn kubelet(sources: Vec<DigestSource>) -> Download {
    download(&format!("{HOST}{KUBELET}"), sources)
}

fn sidecar(extension: &str, algorithm: Algorithm, presence: Presence) -> DigestSource {
    published(&format!("{HOST}{KUBELET}.{extension}"), algorithm, "kubelet", presence)
}

fn sha256() -> DigestSource {
    sidecar("sha256", Algorithm::Sha256, Presence::Required)
}

fn sha512(presence: Presence) -> DigestSource {
    sidecar("sha512", Algorithm::Sha512, presence)
}

fn sums(presence: Presence) -> DigestSource {
    published(&format!("{HOST}/v1/SHA256SUMS"), Algorithm::Sha256, "bin/linux/amd64/kubelet", presence)
}

fn hex() -> String {
    Digest::sha256(body()).hex().to_owned()
}

fn hex512() -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha512::digest(body()))
}

/// Texts in the cache are no harm; the binary must not be there.
#[track_caller]
fn assert_not_kept(result: Result<Artifact, FetchError>, rig: &Rig, words: &[&str]) {
    let error = told(&result.unwrap_err());
    assert!(words.iter().all(|words| error.contains(words)), "{error}");
    assert_eq!(rig.files("tmp"), Vec::<String>::new());
    assert!(!rig.files("blobs").iter().any(|path| path.ends_with(&hex())));
}

#[test]
fn all_digests_are_gathered_and_recorded() {
    let files = Files::with(&[
        (&format!("{KUBELET}.sha256"), &hex()),
        (&format!("{KUBELET}.sha512"), &format!("{}  kubelet\n", hex512())),
        ("/v1/SHA256SUMS", &format!("{}  bin/linux/arm64/kubelet\n{}  bin/linux/amd64/kubelet", "0".repeat(64), hex())),
    ]);
    let pinned = DigestSource::Pinned(Digest::sha256(body()));
    let (result, rig, server) =
        files.fetch(&kubelet(vec![sha256(), sha512(Presence::Required), sums(Presence::Optional), pinned]));
    // Where it was really read, mirror and all.
    let place = server.url("/dl.k8s.io");
    assert_whole(&result, &rig);
    let evidence: Vec<String> = result.unwrap().evidence().iter().map(ToString::to_string).collect();
    assert_eq!(
        evidence,
        [
            format!("sha256:{} published at {place}{KUBELET}.sha256", hex()),
            format!("sha512:{} published at {place}{KUBELET}.sha512", hex512()),
            format!("sha256:{} published at {place}/v1/SHA256SUMS", hex()),
            format!("sha256:{} pinned in the spec", hex()),
        ]
    );
}

#[test]
fn an_optional_digest_may_be_absent_or_not_list_the_file_and_that_is_told() {
    let list = format!("{0}  a\n{0}  b\n", hex());
    for texts in [vec![], vec![("/v1/SHA256SUMS", list.as_str())]] {
        let sidecar = format!("{KUBELET}.sha256");
        let (hex, mut texts) = (hex(), texts);
        texts.push((&sidecar, &hex));
        let (result, rig, server) = Files::with(&texts).fetch(&kubelet(vec![sha256(), sums(Presence::Optional)]));
        assert_whole(&result, &rig);
        assert!(matches!(result.unwrap().evidence(), [Evidence::Published { .. }]));
        let warning = Warning::NoOptionalDigest { url: server.url("/dl.k8s.io/v1/SHA256SUMS") };
        assert!(rig.events().contains(&Event::Warning(warning)));
    }
}

#[test]
fn an_optional_digest_that_is_there_counts() {
    let files =
        Files::with(&[(&format!("{KUBELET}.sha256"), &hex()), (&format!("{KUBELET}.sha512"), &"a".repeat(128))]);
    let (result, rig, _server) = files.fetch(&kubelet(vec![sha256(), sha512(Presence::Optional)]));
    assert_not_kept(result, &rig, &["expected sha512:aaaa", &format!("actual   sha512:{}", hex512())]);
}

#[test]
fn a_required_digest_must_be_there() {
    let (result, rig, server) = Files::with(&[]).fetch(&kubelet(vec![sha256()]));
    assert!(matches!(result, Err(FetchError::NoDigest { .. })));
    assert_not_kept(result, &rig, &[&server.url(&format!("/dl.k8s.io{KUBELET}.sha256"))]);
}

#[test]
fn what_is_not_published_at_all_is_told_apart_from_what_lacks_a_digest() {
    let url = format!("/dl.k8s.io{KUBELET}");
    let list = format!("{0}  a\n{0}  b\n", hex());
    for (files, source) in [
        (Files::with(&[]), sha256()),
        (Files::with(&[("/v1/SHA256SUMS", &list)]), sums(Presence::Required)),
        (Files::with(&[(&format!("{KUBELET}.sha256"), &hex())]), sha256()),
    ] {
        let (result, _rig, server) = files.without_kubelet().fetch(&kubelet(vec![source]));
        assert!(matches!(&result, Err(FetchError::NotPublished { url: at }) if *at == server.url(&url)), "{result:?}");
    }
}

#[test]
fn what_is_no_digest_of_the_file_is_refused_with_its_url() {
    for (text, words) in [
        (String::new(), "empty"),
        ("<!DOCTYPE html><title>Sign in</title>".to_owned(), "web page"),
        (format!("{}  kubeadm\n", hex()), "is about `kubeadm`, not about `kubelet`"),
        ("not a digest".to_owned(), "is no sha256 digest"),
    ] {
        let path = format!("{KUBELET}.sha256");
        let (result, rig, server) = Files::with(&[(&path, &text)]).fetch(&kubelet(vec![sha256()]));
        assert_not_kept(result, &rig, &[words, &server.url(&format!("/dl.k8s.io{path}"))]);
        assert!(!server.requests().iter().any(|request| request.target().ends_with("kubelet")));
    }
}

#[test]
fn odd_but_right_digest_files_are_read() {
    for text in [
        format!("\u{feff}{}\r\n", hex().to_uppercase()),
        format!("{} *_output/kubelet\n", hex()),
        format!("{}  kubeadm\n{}  kubelet", "0".repeat(64), hex()),
    ] {
        let (result, rig, _server) =
            Files::with(&[(&format!("{KUBELET}.sha256"), &text)]).fetch(&kubelet(vec![sha256()]));
        assert_whole(&result, &rig);
    }
}

#[test]
fn two_sources_that_contradict_each_other_are_both_shown() {
    let (sidecar, list) = (format!("{KUBELET}.sha256"), format!("{}  bin/linux/amd64/kubelet\n", "0".repeat(64)));
    let files = Files::with(&[(&sidecar, &hex()), ("/v1/SHA256SUMS", &list)]);
    let (result, rig, server) = files.fetch(&kubelet(vec![sha256(), sums(Presence::Optional)]));
    let first = format!("\n  sha256:{} (published at {})", hex(), server.url(&format!("/dl.k8s.io{sidecar}")));
    let second = format!("\n  sha256:{} (published at {})", "0".repeat(64), server.url("/dl.k8s.io/v1/SHA256SUMS"));
    assert_not_kept(result, &rig, &["contradict", &first, &second]);
}

#[test]
fn wrong_bytes_are_refused_with_both_values_and_asked_for_once() {
    let pinned = DigestSource::Pinned(Digest::sha256("other"));
    let (result, rig, server) = Files::with(&[]).fetch(&kubelet(vec![pinned]));
    let error = told(result.as_ref().unwrap_err());
    let expected = format!(
        "`{}` is not the file that was published\n  expected {} (pinned in the spec)\n  actual   {} (400000 bytes)",
        server.url(&format!("/dl.k8s.io{KUBELET}")),
        Digest::sha256("other"),
        Digest::sha256(body()),
    );
    assert_eq!(error, expected);
    assert_refused(result, &rig, "");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_list_is_fetched_once_for_many_files() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let list =
        names.iter().fold(String::new(), |list, name| list + Digest::sha256(name).hex() + "  bin/" + name + "\n");
    let mut files = Files::with(&[("/v1/SHA256SUMS", &list)]);
    files.0.extend(names.map(|name| (format!("/dl.k8s.io/v1/bin/{name}"), name.into())));
    let server = FaultServer::start(move |request| serve(&files.0, request));
    let rig = Rig::new().mirror(&server.url(""));
    let downloads = names.map(|name| {
        let source =
            published(&format!("{HOST}/v1/SHA256SUMS"), Algorithm::Sha256, &format!("bin/{name}"), Presence::Required);
        download(&format!("{HOST}/v1/bin/{name}"), vec![source])
    });
    let results = rig.fetcher().fetch_all(&downloads);
    let texts: Vec<String> =
        results.into_iter().map(|result| fs_err::read_to_string(result.unwrap().path()).unwrap()).collect();
    assert_eq!(texts, names);
    assert_eq!(server.requests().iter().filter(|request| request.target().ends_with("SUMS")).count(), 1);
}

#[test]
fn a_digest_file_has_a_limit() {
    let text = "0".repeat((4 << 20) + 1);
    let (result, rig, _server) = Files::with(&[(&format!("{KUBELET}.sha256"), &text)]).fetch(&kubelet(vec![sha256()]));
    assert_not_kept(result, &rig, &["the size limit of this download is 4194304 bytes"]);
}
