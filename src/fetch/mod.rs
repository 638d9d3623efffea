//! From planned downloads to verified bytes.
//!
//! ```text
//! Download ─ upstream ─▶ where ─ transport ─▶ bytes ─ transfer ─▶ file ─ verify ─▶ Artifact
//!            mirrors            HTTP, folder         retry, resume      digests,   in the cache
//!                                                                    signatures
//! ```
//!
//! The network is asynchronous inside; outside everything is plain calls. Only [`Fetcher`] owns a runtime.

mod artifact;
mod cache;
mod claims;
mod depot;
mod error;
mod signature;
mod transfer;
mod transport;
mod upstream;
mod verify;
mod web;

use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use tokio::runtime::{Builder, Runtime};
use url::Url;

pub use artifact::{Artifact, Evidence, Proof, Provided};
pub use error::{Claim, FetchError, Foreign, Oversize, RefusedRedirect, SetupError, TransferError};
pub use signature::{BadTrustRoot, SignatureError, TrustRoot, verify_bytes};
pub use transport::{HttpOptions, Proxies};
pub use upstream::{BadMirror, Mirror, Upstream, redacted};
pub use web::Web;

use crate::digest::UpstreamDigests;
use crate::event::Reporter;
use crate::plan::Download;
use cache::Cache;
use depot::Depot;
use transfer::Transfers;

/// Whether anything but the cache is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Network {
    /// Files come from upstream or its mirrors, unless the cache has them.
    #[default]
    Online,
    /// Files come from the cache alone. It answers as upstream, or the same mirror, did when it was last asked, also
    /// about what was not published; even a mirror that is a folder is not looked at.
    Offline,
}

/// How files are fetched.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// The mirrors.
    pub upstream: Upstream,
    /// The folder of the cache; it is made when first needed.
    pub cache_dir: PathBuf,
    /// Whether anything but the cache is asked.
    pub network: Network,
    /// How servers are spoken to.
    pub http: HttpOptions,
    /// Whom keyless signatures are traced back to.
    pub trust_root: TrustRoot,
}

/// Fetches files and verifies them.
pub struct Fetcher {
    depot: Arc<Depot>,
    runtime: Runtime,
    concurrency: usize,
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").field("cache", &self.depot.cache).finish_non_exhaustive()
    }
}

impl Fetcher {
    /// Sets up everything but touches neither network nor cache.
    pub fn new(options: &FetchOptions, reporter: Arc<dyn Reporter>) -> Result<Self, SetupError> {
        let transfers = match options.network {
            Network::Online => Some(Transfers::new(options.upstream.clone(), &options.http)?),
            Network::Offline => None,
        };
        let cache = Cache::new(&options.cache_dir)
            .map_err(|source| SetupError::Cache { path: options.cache_dir.clone(), source })?;
        let runtime = Builder::new_multi_thread()
            .thread_name("kubepkg-fetch")
            .enable_all()
            .build()
            .map_err(|error| SetupError::Client(Arc::new(error)))?;
        let depot = Arc::new(Depot::new(cache, options, transfers, reporter));
        Ok(Self { depot, runtime, concurrency: options.http.concurrency.max(1) })
    }

    /// Fetches and verifies downloads, several at once; the results stand in the order of the downloads.
    pub fn fetch_all(&self, downloads: &[Download]) -> Vec<Result<Artifact, FetchError>> {
        let mut results: Vec<(usize, Result<Artifact, FetchError>)> = Vec::with_capacity(downloads.len());
        self.fetch_each(downloads, |place, result| {
            results.push((place, result));
            ControlFlow::Continue(())
        });
        results.sort_by_key(|(place, _)| *place);
        results.into_iter().map(|(_, result)| result).collect()
    }

    /// Fetches and verifies downloads, several at once, and hands over each result, with the place of its download, as
    /// soon as it is there. `done` is called on this thread, must not call the fetcher, and may break off.
    pub fn fetch_each(
        &self,
        downloads: &[Download],
        mut done: impl FnMut(usize, Result<Artifact, FetchError>) -> ControlFlow<()>,
    ) {
        let tasks = downloads.iter().cloned().enumerate().map(|(place, download)| async move {
            let depot = Arc::clone(&self.depot);
            // A task of its own lets the runtime hash on another core.
            let task = tokio::spawn(async move { verify::download(&depot, &download).await });
            (place, task.await)
        });
        self.runtime.block_on(async {
            let mut results = stream::iter(tasks).buffer_unordered(self.concurrency);
            while let Some((place, result)) = results.next().await {
                match result {
                    Ok(result) => {
                        if done(place, result).is_break() {
                            break;
                        }
                    }
                    Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                    Err(_) => unreachable!("tasks are not cancelled while the runtime lives"),
                }
            }
        });
    }

    /// Like [`Self::fetch_each`], of the downloads at `places` alone.
    pub fn fetch_some(
        &self,
        downloads: &[Download],
        places: &[usize],
        mut done: impl FnMut(usize, Result<Artifact, FetchError>) -> ControlFlow<()>,
    ) {
        let some: Vec<Download> = places.iter().map(|place| downloads[*place].clone()).collect();
        self.fetch_each(&some, |nth, result| done(places[nth], result));
    }

    /// Returns for each download what vouches for these digests today; nothing where something that should does not.
    /// Only OpenPGP signatures need the bytes themselves, which the cache must have for them.
    pub fn vouched(&self, downloads: Vec<(Download, UpstreamDigests)>) -> Vec<Option<Vec<Evidence>>> {
        let tasks = downloads.into_iter().map(|(download, digests)| async move {
            let depot = Arc::clone(&self.depot);
            let task = tokio::spawn(async move { verify::vouchers(&depot, &download, &digests).await });
            task.await.ok().flatten()
        });
        self.runtime.block_on(stream::iter(tasks).buffered(self.concurrency).collect())
    }

    /// Returns a small text such as a version marker. Nobody vouches for it but TLS.
    pub fn text(&self, url: &Url, limit: u64) -> Result<String, FetchError> {
        let depot = Arc::clone(&self.depot);
        let url = url.clone();
        self.runtime.block_on(async move { depot.text(&url, limit).await.map(|text| text.as_ref().to_owned()) })
    }

    /// Takes a file of a local build. Nobody vouches for it; the artifact's evidence says so.
    pub fn local_build(&self, path: &Path) -> Result<Artifact, FetchError> {
        verify::local_build(&self.depot, path)
    }

    /// Removes the unfinished files of this run, for a program that is about to exit without dropping the fetcher.
    /// Transfers that still run fail.
    pub fn abandon(&self) {
        self.depot.cache.abandon();
    }
}
