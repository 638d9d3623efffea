//! Fetching and verifying, against a server that misbehaves.

mod cache;
mod digests;
mod faults;
mod policy;
mod signatures;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kubepkg::digest::{Algorithm, Digest};
use kubepkg::event::{Event, Reporter};
use kubepkg::fetch::{Artifact, FetchError, FetchOptions, Fetcher, HttpOptions, Network, Proxies, TrustRoot, Upstream};
use kubepkg::plan::{DigestSource, DigestSources, Download, Presence, Verification};
use tempfile::TempDir;

use crate::fault_server::{Act, FaultServer, Request};
use crate::mirror::trust_root;

const LIMIT: u64 = 10_000_000;

/// Remembers events.
#[derive(Default)]
struct Recorder(Mutex<Vec<Event>>);

impl Reporter for Recorder {
    fn report(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

/// A fetcher with a cache of its own.
struct Rig {
    dir: TempDir,
    options: FetchOptions,
    events: Arc<Recorder>,
}

impl Rig {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let http = HttpOptions {
            proxies: Proxies::Direct,
            read_timeout: Duration::from_secs(20),
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(5),
            ..HttpOptions::default()
        };
        let options = FetchOptions {
            upstream: Upstream::default(),
            cache_dir: dir.path().join("cache"),
            network: Network::Online,
            http,
            trust_root: TrustRoot::parse(&fs_err::read_to_string(trust_root()).unwrap()).unwrap(),
        };
        Self { dir, options, events: Arc::default() }
    }

    fn impatient(mut self) -> Self {
        self.options.http.read_timeout = Duration::from_millis(400);
        self
    }

    fn mirror(mut self, mirror: &str) -> Self {
        self.options.upstream = Upstream::new(vec![mirror.parse().unwrap()]);
        self
    }

    fn offline(&self) -> Self {
        let options = FetchOptions { network: Network::Offline, upstream: Upstream::default(), ..self.options.clone() };
        Self { dir: tempfile::tempdir().unwrap(), options, events: Arc::default() }
    }

    fn fetcher(&self) -> Fetcher {
        Fetcher::new(&self.options, Arc::clone(&self.events) as Arc<dyn Reporter>).unwrap()
    }

    fn fetch(&self, download: &Download) -> Result<Artifact, FetchError> {
        self.fetcher().fetch_all(std::slice::from_ref(download)).remove(0)
    }

    fn cache(&self) -> &Path {
        &self.options.cache_dir
    }

    fn events(&self) -> Vec<Event> {
        self.events.0.lock().unwrap().clone()
    }

    fn retries(&self) -> usize {
        self.events().iter().filter(|event| matches!(event, Event::Retrying { .. })).count()
    }

    /// Returns the files below the cache's folder `name`, but for the locks.
    fn files(&self, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.cache().join(name)];
        while let Some(folder) = folders.pop() {
            for entry in fs_err::read_dir(&folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.to_str().unwrap().ends_with("lock") {
                    found.push(path.display().to_string());
                }
            }
        }
        found.sort();
        found
    }
}

/// A file that is worth cutting into pieces.
fn body() -> Vec<u8> {
    (0..100_000_u32).flat_map(u32::to_le_bytes).collect()
}

fn pinned(url: &str, bytes: &[u8]) -> Download {
    download(url, vec![DigestSource::Pinned(Digest::sha256(bytes))])
}

fn download(url: &str, sources: Vec<DigestSource>) -> Download {
    let verification = Verification::Digests(DigestSources::new(sources).unwrap());
    Download { url: url.parse().unwrap(), size_limit: LIMIT, verification }
}

fn published(url: &str, algorithm: Algorithm, entry: &str, presence: Presence) -> DigestSource {
    DigestSource::Published { url: url.parse().unwrap(), algorithm, entry: entry.to_owned(), presence }
}

/// Fetches `body()` from a server with this script. Returns the result, the server and the rig.
fn fetch_from(
    script: impl Fn(&Request) -> Vec<Act> + Send + Sync + 'static,
) -> (Result<Artifact, FetchError>, FaultServer, Rig) {
    fetch_with(Rig::new(), script)
}

/// Does so with this rig.
fn fetch_with(
    rig: Rig,
    script: impl Fn(&Request) -> Vec<Act> + Send + Sync + 'static,
) -> (Result<Artifact, FetchError>, FaultServer, Rig) {
    let server = FaultServer::start(script);
    let result = rig.fetch(&pinned(&server.url("/kubelet"), &body()));
    (result, server, rig)
}

/// Returns an error and all its causes as one text.
fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Checks that a fetch brought `body()`, and left nothing unfinished.
#[track_caller]
fn assert_whole(result: &Result<Artifact, FetchError>, rig: &Rig) {
    let artifact = result.as_ref().unwrap_or_else(|error| panic!("{}", told(error)));
    assert_eq!(fs_err::read(artifact.path()).unwrap(), body());
    assert_eq!(artifact.digests().sha256, Digest::sha256(body()));
    assert_eq!(rig.files("tmp"), Vec::<String>::new());
}

/// Checks that a fetch failed with these words, and left nothing at all.
#[track_caller]
fn assert_refused(result: Result<Artifact, FetchError>, rig: &Rig, words: &str) {
    let error = told(&result.unwrap_err());
    assert!(error.contains(words), "{error}");
    assert_eq!((rig.files("tmp"), rig.files("blobs")), (Vec::new(), Vec::new()));
}
