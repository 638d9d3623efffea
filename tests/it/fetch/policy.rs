//! Answers that are final and answers that are not; redirects, limits, codings, TLS, proxies, mirrors.

use std::collections::HashMap;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use kubepkg::event::{Event, Silent};
use kubepkg::fetch::{FetchError, Fetcher, Mirror, Proxies, RefusedRedirect, SetupError, TransferError, Upstream};

use super::{Rig, assert_refused, assert_whole, body, fetch_from, pinned, told};
use crate::fault_server::{Certificate, FaultServer, cut, head, ok, ok_with, serve, status};

#[test]
fn a_missing_file_is_told_apart() {
    for absent in ["404 Not Found", "410 Gone"] {
        let (result, server, rig) = fetch_from(move |_| status(absent, &[]));
        assert!(matches!(&result, Err(FetchError::NotPublished { url }) if *url == server.url("/kubelet")));
        assert_refused(result, &rig, "not published");
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn final_answers_are_not_asked_again() {
    for answer in [
        "400 Bad Request",
        "401 Unauthorized",
        "403 Forbidden",
        "416 Range Not Satisfiable",
        "501 Not Implemented",
        "204 No Content",
        "206 Partial Content",
    ] {
        let (result, server, rig) = fetch_from(move |_| status(answer, &[]));
        assert_refused(result, &rig, &format!("the server answered {answer}"));
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn answers_that_may_change_are_asked_again() {
    for answer in [
        "408 Request Timeout",
        "429 Too Many Requests",
        "500 Internal Server Error",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
    ] {
        let (result, server, rig) =
            fetch_from(move |request| if request.count < 4 { status(answer, &[]) } else { ok(body()) });
        assert_whole(&result, &rig);
        assert_eq!(server.requests().len(), 5);
    }
    let (result, server, rig) = fetch_from(|_| status("503 Service Unavailable", &[]));
    assert_refused(result, &rig, "after 5 tries: the server answered 503 Service Unavailable");
    assert_eq!(server.requests().len(), 5);
}

#[test]
fn retry_after_is_heard_up_to_the_longest_wait() {
    let dates = ["Retry-After: Sun, 06 Nov 1994 08:49:57 GMT", "Date: Sun, 06 Nov 1994 08:49:37 GMT"];
    let server = FaultServer::start(move |request| match request.count {
        0 => status("429 Too Many Requests", &["Retry-After: 0"]),
        1 => status("429 Too Many Requests", &["Retry-After: 86400"]),
        2 => status("503 Service Unavailable", &dates),
        _ => ok(body()),
    });
    let mut rig = Rig::new();
    rig.options.http.first_wait = Duration::from_millis(20);
    rig.options.http.longest_wait = Duration::from_millis(30);
    assert_whole(&rig.fetch(&pinned(&server.url("/x"), &body())), &rig);
    let wait = |event: &Event| if let Event::Retrying { wait, .. } = event { Some(wait.as_millis()) } else { None };
    assert_eq!(rig.events().iter().filter_map(wait).collect::<Vec<_>>(), [0, 30, 30]);
}

#[test]
fn redirects_are_followed_and_the_planned_url_stays_the_origin() {
    let other = FaultServer::start(|_| ok(body()));
    let target = other.url("/there");
    let (result, server, rig) = fetch_from(move |request| match request.target() {
        "/kubelet" => status("301 Moved Permanently", &["Location: /second"]),
        "/second" => status("302 Found", &["Location: third"]),
        "/third" => status("307 Temporary Redirect", &["Location: /fourth?signature=secret"]),
        _ => status("308 Permanent Redirect", &[&format!("Location: {target}")]),
    });
    assert_whole(&result, &rig);
    assert_eq!(result.unwrap().origin(), server.url("/kubelet"));
    assert_eq!(other.requests()[0].header("referer"), None);
}

#[test]
fn circles_and_endless_redirects_are_refused_at_once() {
    let (result, server, rig) = fetch_from(|request| {
        let next = if request.target() == "/kubelet" { "Location: /b" } else { "Location: /kubelet" };
        status("302 Found", &[next])
    });
    let circle = RefusedRedirect::Circle(server.url("/kubelet"));
    assert!(
        matches!(&result, Err(FetchError::Transfer { source: TransferError::Redirect(refused), .. }) if *refused == circle)
    );
    assert_refused(result, &rig, "circle");
    assert_eq!(server.requests().len(), 2);
    let (result, server, rig) =
        fetch_from(|request| status("302 Found", &[&format!("Location: {}x", request.target())]));
    assert_refused(result, &rig, "more than 10 redirects");
    assert_eq!(server.requests().len(), 11);
}

#[test]
fn a_content_coding_nobody_asked_for_is_refused() {
    let (result, server, rig) = fetch_from(|_| ok_with(&["Content-Encoding: gzip"], body()));
    assert_refused(result, &rig, "the content coding `gzip`");
    assert_eq!(server.requests().len(), 1);
    let (result, _server, rig) = fetch_from(|_| ok_with(&["Content-Encoding: identity"], body()));
    assert_whole(&result, &rig);
}

#[test]
fn a_file_above_the_limit_is_refused_by_announcement_or_by_size() {
    for announced in [true, false] {
        let server =
            FaultServer::start(
                move |_| {
                    if announced { ok(body()) } else { vec![head("200 OK", &[]), ok(body()).remove(1)] }
                },
            );
        let rig = Rig::new();
        let mut download = pinned(&server.url("/x"), &body());
        download.size_limit = 399_999;
        let words = if announced {
            "limit of this download is 399999 bytes, and the file is announced with 400000"
        } else {
            "399999 bytes, and more bytes came"
        };
        assert_refused(rig.fetch(&download), &rig, words);
        assert_eq!(server.requests().len(), 1);
        download.size_limit = 400_000;
        assert_whole(&rig.fetch(&download), &rig);
    }
}

#[test]
fn secrets_in_urls_are_not_told() {
    let server = FaultServer::start(|request| {
        assert_eq!(request.header("authorization"), Some("Basic bWU6aHVudGVyMg=="));
        match request.count {
            0 => cut(&[], &body(), 10),
            1 => status("503 Service Unavailable", &[]),
            _ => status("403 Forbidden", &[]),
        }
    });
    let rig = Rig::new();
    let url = server.url("/x?token=hunter2").replace("http://", "http://me:hunter2@");
    let error = rig.fetch(&pinned(&url, &body())).unwrap_err();
    let all = format!("{} {error:?} {:?}", told(&error), rig.events());
    assert!(all.contains("***@127.0.0.1") && !all.contains("hunter2"), "{all}");
}

#[test]
fn an_own_authority_is_trusted_when_given_and_a_foreign_one_never() {
    let certificate = Certificate::new("127.0.0.1", 2100);
    let server = FaultServer::start_tls(&certificate, |_| ok(body()));
    let mut rig = Rig::new();
    let result = rig.fetch(&pinned(&server.url("/x"), &body()));
    assert!(matches!(&result, Err(FetchError::Transfer { tries: 1, source: TransferError::Tls(_), .. })), "{result:?}");
    assert_refused(result, &rig, "UnknownIssuer");
    assert_eq!(server.connections(), 1);

    let file = rig.dir.path().join("ca.pem");
    fs_err::write(&file, &certificate.authority).unwrap();
    rig.options.http.ca_certificates = vec![file];
    assert_whole(&rig.fetch(&pinned(&server.url("/x"), &body())), &rig);
}

#[test]
fn expired_certificates_and_those_of_other_names_are_final() {
    for (certificate, words) in [
        (Certificate::new("127.0.0.1", 2020), "expired"),
        (Certificate::new("other.example", 2100), "not valid for name"),
    ] {
        let server = FaultServer::start_tls(&certificate, |_| ok(body()));
        let mut rig = Rig::new();
        let file = rig.dir.path().join("ca.pem");
        fs_err::write(&file, &certificate.authority).unwrap();
        rig.options.http.ca_certificates = vec![file];
        assert_refused(rig.fetch(&pinned(&server.url("/x"), &body())), &rig, words);
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn a_redirect_never_leaves_tls() {
    let plain = FaultServer::start(|_| ok(body()));
    let certificate = Certificate::new("127.0.0.1", 2100);
    let target = plain.url("/x");
    let server = FaultServer::start_tls(&certificate, move |_| status("302 Found", &[&format!("Location: {target}")]));
    let mut rig = Rig::new();
    let file = rig.dir.path().join("ca.pem");
    fs_err::write(&file, &certificate.authority).unwrap();
    rig.options.http.ca_certificates = vec![file];
    assert_refused(rig.fetch(&pinned(&server.url("/x"), &body())), &rig, "which is not protected");
    assert_eq!((server.connections(), plain.connections()), (1, 0));
}

#[test]
fn a_file_without_certificates_is_refused() {
    let mut rig = Rig::new();
    for content in [None, Some("no PEM")] {
        let file = rig.dir.path().join("ca.pem");
        if let Some(content) = content {
            fs_err::write(&file, content).unwrap();
        }
        rig.options.http.ca_certificates = vec![file];
        let error = Fetcher::new(&rig.options, Arc::new(Silent)).unwrap_err();
        assert!(told(&error).contains("ca.pem"), "{}", told(&error));
    }
}

#[test]
fn a_mirror_that_is_no_folder_is_refused_instead_of_seeming_empty() {
    let mut rig = Rig::new();
    let mirror = rig.dir.path().join("absent");
    rig.options.upstream = Upstream::new(vec![mirror.to_str().unwrap().parse().unwrap()]);
    let error = Fetcher::new(&rig.options, Arc::new(Silent)).unwrap_err();
    assert!(matches!(error, SetupError::NoMirror(path) if path == mirror));
}

#[test]
fn a_given_proxy_is_used_and_one_that_refuses_is_an_error() {
    let proxy =
        FaultServer::start(
            |request| {
                if request.head.starts_with("CONNECT") { status("403 Forbidden", &[]) } else { ok(body()) }
            },
        );
    let mut rig = Rig::new();
    rig.options.http.proxies = Proxies::Only(proxy.url("").parse().unwrap());
    assert_whole(&rig.fetch(&pinned("http://upstream.invalid/x", &body())), &rig);
    assert_eq!(proxy.requests()[0].target(), "http://upstream.invalid/x");
    let rig = Rig { options: rig.options.clone(), ..Rig::new() };
    let error = rig.fetch(&pinned("https://upstream.invalid/y", &body())).unwrap_err();
    assert!(told(&error).contains("tunnel"), "{}", told(&error));
}

#[test]
fn the_proxy_of_the_environment_is_used() {
    let proxy = FaultServer::start(|_| ok(body()));
    let child = |no_proxy: &str| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "fetch::policy::in_a_child_with_a_proxy", "--ignored"])
            .env("http_proxy", proxy.url(""))
            .env("no_proxy", no_proxy)
            .output()
            .unwrap()
    };
    let output = child("");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(proxy.requests()[0].target(), "http://upstream.invalid/x");
    assert!(!child("upstream.invalid").status.success());
    assert_eq!(proxy.connections(), 1);
}

#[test]
#[ignore = "a part of `the_proxy_of_the_environment_is_used`, which runs it"]
fn in_a_child_with_a_proxy() {
    let mut rig = Rig::new();
    rig.options.http.proxies = Proxies::System;
    assert_whole(&rig.fetch(&pinned("http://upstream.invalid/x", &body())), &rig);
}

#[test]
fn a_web_mirror_stands_in_and_errors_name_it() {
    let files: HashMap<_, _> = [("/k8s/dl.k8s.io/ci/v1%2B8e/kubelet".to_owned(), body())].into();
    let server = FaultServer::start(move |request| serve(&files, request));
    let rig = Rig::new().mirror(&server.url("/k8s/"));
    let artifact = rig.fetch(&pinned("https://dl.k8s.io/ci/v1%2B8e/kubelet", &body()));
    assert_whole(&artifact, &rig);
    assert_eq!(artifact.unwrap().origin(), "https://dl.k8s.io/ci/v1%2B8e/kubelet");
    let error = rig.fetch(&pinned("https://github.com/x", b"x")).unwrap_err();
    assert!(matches!(&error, FetchError::NotPublished { url } if *url == server.url("/k8s/github.com/x")));
}

#[test]
fn a_folder_stands_in_for_some_hosts_and_the_artifact_is_a_copy() {
    let rig = Rig::new();
    let file = rig.dir.path().join("mirror/ci/v1+8e/kubelet");
    fs_err::create_dir_all(file.parent().unwrap()).unwrap();
    fs_err::write(&file, body()).unwrap();
    let mirror = rig.dir.path().join("mirror");
    let server = FaultServer::start(|_| ok(body()));
    let mirrors: Vec<Mirror> =
        vec![server.url("/all").parse().unwrap(), format!("dl.k8s.io={}", mirror.display()).parse().unwrap()];
    let mut rig = rig;
    rig.options.upstream = Upstream::new(mirrors);
    let artifact = rig.fetch(&pinned("https://dl.k8s.io/ci/v1%2B8e/kubelet", &body()));
    fs_err::write(&file, "changed").unwrap();
    assert_whole(&artifact, &rig);
    assert_eq!(server.connections(), 0);
    let missing = rig.fetch(&pinned("https://dl.k8s.io/ci/other", &body())).unwrap_err();
    assert!(matches!(missing, FetchError::NotPublished { url } if url == mirror.join("ci/other").to_str().unwrap()));
    let folder = rig.fetch(&pinned("https://dl.k8s.io/ci/v1%2B8e", &body())).unwrap_err();
    assert!(told(&folder).contains("not a regular file"));
    rig.fetch(&pinned("https://github.com/x", &body())).unwrap();
    assert_eq!(server.requests()[0].target(), "/all/github.com/x");
}
