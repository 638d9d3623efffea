//! The cache: hits, damage, concurrency, offline runs, killed runs, full disks, local builds.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use kubepkg::digest::{Algorithm, Digest};
use kubepkg::event::{Event, Warning};
use kubepkg::fetch::{Evidence, FetchError};
use kubepkg::plan::{DigestSource, Presence};
use sha2::Digest as _;

use super::{Rig, assert_refused, assert_whole, body, download, pinned, published, told};
use crate::fault_server::{Act, FaultServer, cut, ok, status};
use crate::small_disk::SmallDisk;

/// A download that only a published SHA-512 vouches for, so that the cache must remember what the URL held.
fn by_sha512(server: &FaultServer) -> kubepkg::plan::Download {
    let source = published(&server.url("/kubelet.sha512"), Algorithm::Sha512, "kubelet", Presence::Required);
    let optional = published(&server.url("/SHA256SUMS"), Algorithm::Sha256, "kubelet", Presence::Optional);
    download(&server.url("/kubelet"), vec![source, optional])
}

fn server() -> FaultServer {
    FaultServer::start(|request| match request.target() {
        "/kubelet" => ok(body()),
        "/kubelet.sha512" => ok(hex::encode(sha2::Sha512::digest(body()))),
        "/stable.txt" => ok("v1.36.2\n"),
        _ => status("404 Not Found", &[]),
    })
}

fn asked(server: &FaultServer, target: &str) -> usize {
    server.requests().iter().filter(|request| request.target() == target).count()
}

#[test]
fn a_hit_is_verified_again_and_not_fetched() {
    let (server, rig) = (server(), Rig::new());
    let first = rig.fetch(&by_sha512(&server)).unwrap();
    let second = rig.fetch(&by_sha512(&server)).unwrap();
    assert_eq!(first, second);
    assert_eq!(asked(&server, "/kubelet"), 1);
    assert!(rig.events().iter().any(|event| matches!(event, Event::Verified { cached: true, .. })));
    let name = Digest::sha256(body());
    assert_eq!(second.path(), rig.cache().join("blobs/sha256").join(&name.hex()[..2]).join(name.hex()));
}

#[test]
fn a_damaged_entry_is_reported_and_replaced() {
    let (server, rig) = (server(), Rig::new());
    let path = rig.fetch(&by_sha512(&server)).unwrap().path().to_owned();
    for damage in [&b""[..], b"other bytes", &body()[..399_999]] {
        fs_err::write(&path, damage).unwrap();
        assert_whole(&rig.fetch(&by_sha512(&server)), &rig);
        assert!(rig.events().contains(&Event::CacheDamaged { path: path.display().to_string() }));
    }
    assert_eq!(asked(&server, "/kubelet"), 4);
    for record in rig.files("urls") {
        fs_err::write(record, "{").unwrap();
    }
    assert_whole(&rig.fetch(&by_sha512(&server)), &rig);
    assert_eq!(asked(&server, "/kubelet"), 5);
}

#[test]
fn the_same_bytes_from_another_url_are_no_hit() {
    let (server, rig) = (server(), Rig::new());
    rig.fetch(&pinned(&server.url("/kubelet"), &body())).unwrap();
    let other = rig.fetch(&pinned(&server.url("/absent"), &body()));
    assert!(matches!(other, Err(FetchError::NotPublished { .. })));
}

#[test]
fn what_upstream_replaced_is_fetched_again() {
    let (server, rig) = (server(), Rig::new());
    let mirror = rig.dir.path().join("mirror");
    fs_err::create_dir_all(&mirror).unwrap();
    fs_err::write(mirror.join("kubelet"), "new").unwrap();
    rig.fetch(&by_sha512(&server)).unwrap();
    let address = server.url("").replace("http://", "");
    let rig = rig.mirror(&format!("{address}={}", mirror.display()));
    let artifact = rig.fetch(&pinned(&server.url("/kubelet"), b"new")).unwrap();
    assert_eq!(fs_err::read(artifact.path()).unwrap(), b"new");
}

#[test]
fn offline_the_cache_answers_as_upstream_did() {
    let (server, rig) = (server(), Rig::new());
    let absent = pinned(&server.url("/absent"), b"x");
    let online = rig.fetch(&by_sha512(&server)).unwrap();
    assert_eq!(rig.fetcher().text(&server.url("/stable.txt").parse().unwrap(), 100).unwrap(), "v1.36.2\n");
    rig.fetch(&absent).unwrap_err();
    let before = server.connections();

    let offline = rig.offline();
    assert_eq!(offline.fetch(&by_sha512(&server)).unwrap(), online);
    let warning = Warning::NoOptionalDigest { url: server.url("/SHA256SUMS") };
    assert!(offline.events().contains(&Event::Warning(warning)));
    assert_eq!(offline.fetcher().text(&server.url("/stable.txt").parse().unwrap(), 100).unwrap(), "v1.36.2\n");
    assert!(matches!(offline.fetch(&absent), Err(FetchError::NotPublished { .. })));
    let missing = offline.fetch(&pinned(&server.url("/never"), b"x")).unwrap_err();
    assert!(matches!(&missing, FetchError::NotCached { url } if *url == server.url("/never")));
    assert!(told(&missing).contains("offline"));
    assert_eq!(server.connections(), before);

    fs_err::write(online.path(), "damaged").unwrap();
    let damaged = offline.fetch(&by_sha512(&server)).unwrap_err();
    assert!(matches!(damaged, FetchError::NotCached { .. }));
    assert!(matches!(offline.events().last(), Some(Event::CacheDamaged { .. })));
}

#[test]
fn a_text_is_asked_for_anew_by_each_run_and_once_in_one() {
    let (server, rig) = (server(), Rig::new());
    let url = server.url("/stable.txt").parse().unwrap();
    let fetcher = rig.fetcher();
    for _ in 0..3 {
        fetcher.text(&url, 100).unwrap();
    }
    rig.fetcher().text(&url, 100).unwrap();
    assert_eq!(asked(&server, "/stable.txt"), 2);
    let error = rig.fetcher().text(&url, 5).unwrap_err();
    assert!(told(&error).contains("limit of this download is 5 bytes"));
    let binary = rig.fetcher().text(&server.url("/kubelet").parse().unwrap(), 1 << 20).unwrap_err();
    assert!(matches!(binary, FetchError::NotText { .. }));
}

#[test]
fn two_runs_at_once_fetch_a_file_once() {
    let (server, rig) = (server(), Arc::new(Rig::new()));
    let (start, download) = (Arc::new(Barrier::new(4)), pinned(&server.url("/kubelet"), &body()));
    let runs: Vec<_> = (0..4)
        .map(|_| {
            let (rig, start, download) = (Arc::clone(&rig), Arc::clone(&start), download.clone());
            std::thread::spawn(move || {
                let fetcher = rig.fetcher();
                start.wait();
                // The same file twice in one run is no different.
                fetcher.fetch_all(&[download.clone(), download])
            })
        })
        .collect();
    for run in runs {
        for result in run.join().unwrap() {
            assert_eq!(fs_err::read(result.unwrap().path()).unwrap(), body());
        }
    }
    assert_eq!(asked(&server, "/kubelet"), 1);
    assert_eq!(rig.files("tmp"), Vec::<String>::new());
}

#[test]
fn files_are_fetched_at_once_up_to_the_concurrency() {
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let (server, gate) = {
        let gate = Arc::new(Barrier::new(3));
        let inside = Arc::clone(&gate);
        let server = FaultServer::start(move |request| {
            MOST.fetch_max(NOW.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Nobody is answered before three ask.
            inside.wait();
            NOW.fetch_sub(1, Ordering::SeqCst);
            ok(request.target().to_owned())
        });
        (server, gate)
    };
    let mut rig = Rig::new();
    rig.options.http.concurrency = 3;
    let paths: Vec<String> = (0..9).map(|number| format!("/{number}")).collect();
    let downloads: Vec<_> = paths.iter().map(|path| pinned(&server.url(path), path.as_bytes())).collect();
    let mut seen = Vec::new();
    rig.fetcher().fetch_each(&downloads, |place, result| {
        assert_eq!(fs_err::read_to_string(result.unwrap().path()).unwrap(), paths[place]);
        seen.push(place);
        std::ops::ControlFlow::Continue(())
    });
    seen.sort_unstable();
    assert_eq!(seen, (0..9).collect::<Vec<_>>());
    assert_eq!(MOST.load(Ordering::SeqCst), 3);
    drop(gate);
}

#[test]
fn a_killed_run_leaves_no_entry_and_its_remains_are_removed() {
    let server = FaultServer::start(|request| match request.count {
        0 => [cut(&[], &body(), 200_000), vec![Act::Stall]].concat(),
        _ => ok(body()),
    });
    let rig = Rig::new();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "fetch::cache::in_a_child_that_is_killed", "--ignored"])
        .env("KUBEPKG_TEST_CACHE", rig.cache())
        .env("KUBEPKG_TEST_URL", server.url("/kubelet"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while rig.files("tmp").iter().all(|file| fs_err::metadata(file).map_or(0, |data| data.len()) < 200_000) {
        assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((rig.files("tmp").len(), rig.files("blobs").len(), rig.files("urls").len()), (1, 0, 0));
    assert_whole(&rig.fetch(&pinned(&server.url("/kubelet"), &body())), &rig);
}

#[test]
#[ignore = "a part of `a_killed_run_leaves_no_entry_and_its_remains_are_removed`, which runs it"]
#[expect(clippy::disallowed_methods, reason = "how the parent speaks to it")]
fn in_a_child_that_is_killed() {
    let mut rig = Rig::new();
    rig.options.cache_dir = std::env::var_os("KUBEPKG_TEST_CACHE").unwrap().into();
    rig.options.http.read_timeout = Duration::from_secs(600);
    let _ = rig.fetch(&pinned(&std::env::var("KUBEPKG_TEST_URL").unwrap(), &body()));
}

#[test]
fn a_full_disk_is_a_clean_error_that_leaves_nothing() {
    let (server, rig) = (server(), Rig::new());
    let _disk = SmallDisk::mount(rig.cache(), "256k");
    let result = rig.fetch(&pinned(&server.url("/kubelet"), &body()));
    assert!(matches!(&result, Err(FetchError::Cache { path, .. }) if path == rig.cache()));
    assert_refused(result, &rig, "No space left on device");
    assert_eq!(asked(&server, "/kubelet"), 1);
    let local = rig.dir.path().join("kubelet");
    fs_err::write(&local, body()).unwrap();
    assert_refused(rig.fetcher().local_build(&local), &rig, "No space left on device");
}

#[test]
fn a_local_build_is_copied_and_says_that_nobody_vouches_for_it() {
    let rig = Rig::new();
    let path = rig.dir.path().join("kubelet");
    fs_err::write(&path, body()).unwrap();
    let artifact = rig.fetcher().local_build(&path);
    fs_err::write(&path, "changed").unwrap();
    assert_whole(&artifact, &rig);
    let artifact = artifact.unwrap();
    assert_eq!(artifact.origin(), path.to_str().unwrap());
    assert_eq!(artifact.evidence(), [Evidence::LocalBuild(Digest::sha256(body()))]);
    assert!(rig.events().contains(&Event::Warning(Warning::LocalBuild { path: path.display().to_string() })));
    for (path, words) in [(rig.dir.path().join("absent"), "absent"), (rig.dir.path().to_owned(), "not a regular file")]
    {
        let error = told(&rig.fetcher().local_build(&path).unwrap_err());
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn an_abandoned_run_leaves_no_unfinished_file() {
    let server = FaultServer::start(|_| [cut(&[], &body(), 200_000), vec![Act::Stall]].concat());
    let rig = Rig::new().impatient();
    let fetcher = Arc::new(rig.fetcher());
    let (other, download) = (Arc::clone(&fetcher), pinned(&server.url("/kubelet"), &body()));
    let run = std::thread::spawn(move || other.fetch_all(&[download]).remove(0));
    while rig.files("tmp").is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    fetcher.abandon();
    assert_eq!(rig.files("tmp"), Vec::<String>::new());
    assert!(run.join().unwrap().is_err());
    assert!(matches!(fetcher.fetch_all(&[download_of_nothing(&server)])[0], Err(FetchError::Cache { .. })));
}

fn download_of_nothing(server: &FaultServer) -> kubepkg::plan::Download {
    download(&server.url("/other"), vec![DigestSource::Pinned(Digest::sha256(""))])
}
