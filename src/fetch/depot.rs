//! Unverified files: from the network into the cache, or from the cache alone.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;
use url::Url;

use super::FetchOptions;
use super::cache::{Cache, Record, UrlLock};
use super::error::FetchError;
use super::signature::TrustRoot;
use super::transfer::{Received, Transfers};
use super::upstream::{Upstream, redacted};
use crate::digest::{Digest, UpstreamDigests};
use crate::event::{Event, Reporter, Warning};

type TextCell = Arc<OnceCell<Result<Arc<str>, FetchError>>>;

/// Gets files, and knows nothing of whether they are right.
pub(super) struct Depot {
    pub(super) cache: Cache,
    /// Where files are looked for. The cache remembers by that place, lest a mirror's file be taken for upstream's.
    upstream: Upstream,
    pub(super) trust_root: TrustRoot,
    /// `None` offline.
    transfers: Option<Transfers>,
    /// The texts of this run, each fetched once: a digest list serves many files.
    texts: Mutex<HashMap<Url, TextCell>>,
    /// What was warned of.
    warned: Mutex<HashSet<String>>,
    pub(super) reporter: Arc<dyn Reporter>,
}

impl Depot {
    pub(super) fn new(
        cache: Cache,
        options: &FetchOptions,
        transfers: Option<Transfers>,
        reporter: Arc<dyn Reporter>,
    ) -> Self {
        let (upstream, trust_root) = (options.upstream.clone(), options.trust_root.clone());
        Self { cache, upstream, trust_root, transfers, texts: Mutex::default(), warned: Mutex::default(), reporter }
    }

    /// The place behind `planned`; a URL that names no file inside a mirror never gets a record.
    fn place(&self, planned: &Url) -> Url {
        self.upstream.locate(planned).unwrap_or_else(|_| planned.clone())
    }

    /// Returns where `planned` is looked for, as it may be shown.
    pub(super) fn address(&self, planned: &Url) -> String {
        redacted(&self.place(planned))
    }

    /// Warns, once a run: a file that is asked about twice is fetched once.
    pub(super) fn warn(&self, warning: Warning) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.insert(warning.to_string()) {
            self.reporter.report(Event::Warning(warning));
        }
    }

    /// Returns a small text. Online it is always asked for anew, since what version markers say changes.
    pub(super) async fn text(&self, planned: &Url, limit: u64) -> Result<Arc<str>, FetchError> {
        let cell = {
            let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(texts.entry(planned.clone()).or_default())
        };
        cell.get_or_init(|| self.new_text(planned, limit)).await.clone()
    }

    async fn new_text(&self, planned: &Url, limit: u64) -> Result<Arc<str>, FetchError> {
        let path = if self.transfers.is_some() {
            let received = self.receive(planned, limit).await?;
            self.keep(planned, received)?
        } else {
            self.cached(planned)?.0
        };
        let bytes = fs_err::read(path).map_err(|error| self.cache.error(error))?;
        String::from_utf8(bytes).map(Arc::from).map_err(|_| FetchError::NotText { url: self.address(planned) })
    }

    /// Fetches a file. Where there is none, that is recorded for offline runs.
    pub(super) async fn receive(&self, planned: &Url, limit: u64) -> Result<Received, FetchError> {
        let Some(transfers) = &self.transfers else {
            return Err(self.missing(planned)?);
        };
        let result = transfers.receive(planned, limit, &self.cache, &*self.reporter).await;
        if let Err(FetchError::NotPublished { .. }) = &result {
            self.record_absence(planned)?;
        }
        result
    }

    /// Keeps a file in the cache, and that it is what `planned` holds.
    pub(super) fn keep(&self, planned: &Url, received: Received) -> Result<PathBuf, FetchError> {
        let Received { file, digests, .. } = received;
        let path = self.cache.keep(file, &digests.packaged.sha256).map_err(|error| self.cache.error(error))?;
        self.cache.record_published(&self.place(planned), &digests).map_err(|error| self.cache.error(error))?;
        Ok(path)
    }

    /// Returns the file with this SHA-256, if the cache has it undamaged.
    pub(super) fn blob(&self, sha256: &Digest) -> Result<Option<(PathBuf, UpstreamDigests)>, FetchError> {
        let blob = tokio::task::block_in_place(|| self.cache.blob(sha256, &*self.reporter));
        blob.map_err(|error| self.cache.error(error))
    }

    /// Returns what the cache remembers of `planned`.
    pub(super) fn record(&self, planned: &Url) -> Result<Option<Record>, FetchError> {
        self.cache.record(&self.place(planned), &*self.reporter).map_err(|error| self.cache.error(error))
    }

    /// Returns what `planned` held when it was last fetched.
    fn cached(&self, planned: &Url) -> Result<(PathBuf, UpstreamDigests), FetchError> {
        let blob = match self.record(planned)? {
            Some(Record::Published(sha256)) => self.blob(&sha256)?,
            _ => None,
        };
        match blob {
            Some(blob) => Ok(blob),
            None => Err(self.missing(planned)?),
        }
    }

    /// Says why an offline run does not have `planned`.
    fn missing(&self, planned: &Url) -> Result<FetchError, FetchError> {
        let url = self.address(planned);
        Ok(match self.record(planned)? {
            Some(Record::NotPublished) => FetchError::NotPublished { url },
            _ => FetchError::NotCached { url },
        })
    }

    /// Asks whether `planned` is certainly not there.
    pub(super) async fn is_absent(&self, planned: &Url) -> Result<bool, FetchError> {
        let Some(transfers) = &self.transfers else {
            return Ok(self.record(planned)? == Some(Record::NotPublished));
        };
        if transfers.is_published(planned).await {
            return Ok(false);
        }
        self.record_absence(planned)?;
        Ok(true)
    }

    fn record_absence(&self, planned: &Url) -> Result<(), FetchError> {
        self.cache.record_absence(&self.place(planned), &*self.reporter).map_err(|error| self.cache.error(error))
    }

    /// Waits until no other run fetches `planned`; offline nobody does.
    pub(super) async fn lock(&self, planned: &Url) -> Result<Option<UrlLock>, FetchError> {
        if self.transfers.is_none() {
            return Ok(None);
        }
        self.cache.lock(&self.place(planned)).await.map(Some).map_err(|error| self.cache.error(error))
    }
}
