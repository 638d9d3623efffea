//! One file from a URL into a temporary file, whatever the network does: retries, resuming, limits.

use std::io::{self, Seek as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use futures_util::StreamExt as _;
use tempfile::NamedTempFile;
use url::Url;

use super::cache::Cache;
use super::error::{FetchError, Oversize, SetupError, TransferError};
use super::transport::{Failure, Folder, Http, HttpOptions, Reply, Rest, Transport, Validator};
use super::upstream::{Upstream, redacted};
use crate::digest::{UpstreamDigests, UpstreamHasher};
use crate::event::{Event, Reporter, chain};

/// Fetches files from upstream or its mirrors.
#[derive(Debug)]
pub(super) struct Transfers {
    upstream: Upstream,
    http: Http,
    waits: ExponentialBuilder,
    longest_wait: Duration,
}

/// A file that came whole, and is not checked yet.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) file: NamedTempFile,
    pub(super) digests: UpstreamDigests,
    /// Whether it was put together from several answers.
    pub(super) was_resumed: bool,
    /// Where it came from, as it may be shown.
    pub(super) address: String,
}

impl Transfers {
    pub(super) fn new(upstream: Upstream, options: &HttpOptions) -> Result<Self, SetupError> {
        upstream.check()?;
        let waits = ExponentialBuilder::default()
            .with_min_delay(options.first_wait)
            .with_max_delay(options.longest_wait)
            .with_max_times(options.retries)
            .with_jitter();
        Ok(Self { upstream, http: Http::new(options)?, waits, longest_wait: options.longest_wait })
    }

    /// Fetches `planned`, which may have up to `limit` bytes.
    pub(super) async fn receive(
        &self,
        planned: &Url,
        limit: u64,
        cache: &Cache,
        reporter: &dyn Reporter,
    ) -> Result<Received, FetchError> {
        let attempts = Attempts { transfers: self, planned, limit, url: redacted(planned), reporter };
        let file = cache.temporary().map_err(|error| cache.error(error))?;
        let partial = Partial { file, hasher: UpstreamHasher::default(), size: 0, validator: None, was_resumed: false };
        let result = attempts.run(partial, cache).await;
        reporter.report(Event::Fetched { url: attempts.url });
        result
    }

    /// Asks whether `planned` is there, without taking its bytes.
    pub(super) async fn is_published(&self, planned: &Url) -> bool {
        let Ok(location) = self.upstream.locate(planned) else { return true };
        !matches!(self.transport(&location).get(&location, None).await, Err(Failure::Absent))
    }

    /// Asks for the size of `planned`; none where the server does not say it.
    pub(super) async fn size(&self, planned: &Url) -> Result<Option<u64>, FetchError> {
        let mut waits = self.waits.build();
        let mut tries = 0;
        loop {
            tries += 1;
            let (url, asked) = (redacted(planned), self.transport(planned).size(planned).await);
            let (cause, wait) = match asked {
                Ok(size) => return Ok(size),
                Err(Failure::Absent) => return Err(FetchError::NotPublished { url }),
                Err(Failure::Final(source)) => return Err(FetchError::Transfer { url, tries, source }),
                Err(Failure::Restart(cause)) => (cause, None),
                Err(Failure::Again { cause, wait }) => (cause, wait),
            };
            let Some(own) = waits.next() else { return Err(FetchError::Transfer { url, tries, source: cause }) };
            tokio::time::sleep(wait.unwrap_or(own).min(self.longest_wait)).await;
        }
    }

    fn transport(&self, location: &Url) -> &dyn Transport {
        if location.scheme() == "file" { &Folder } else { &self.http }
    }
}

/// The tries of one transfer.
struct Attempts<'a> {
    transfers: &'a Transfers,
    planned: &'a Url,
    limit: u64,
    url: String,
    reporter: &'a dyn Reporter,
}

/// What has come so far.
struct Partial {
    file: NamedTempFile,
    hasher: UpstreamHasher,
    size: u64,
    validator: Option<Validator>,
    was_resumed: bool,
}

/// Why a try ended.
enum Stop {
    Failure(Failure),
    /// The cache cannot be written.
    Local(io::Error),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl Attempts<'_> {
    async fn run(&self, mut partial: Partial, cache: &Cache) -> Result<Received, FetchError> {
        let location = self.transfers.upstream.locate(self.planned).map_err(|source| FetchError::Transfer {
            url: self.url.clone(),
            tries: 1,
            source,
        })?;
        let address = redacted(&location);
        let mut waits = self.transfers.waits.build();
        let mut tries = 0;
        loop {
            tries += 1;
            let failed = |source| FetchError::Transfer { url: address.clone(), tries, source };
            let (cause, asked) = match self.attempt(&location, &mut partial).await {
                Ok(()) => {
                    let Partial { file, hasher, was_resumed, .. } = partial;
                    return Ok(Received { file, digests: hasher.finish(), was_resumed, address });
                }
                Err(Stop::Local(error)) => return Err(cache.error(error)),
                Err(Stop::Failure(Failure::Absent)) => return Err(FetchError::NotPublished { url: address }),
                Err(Stop::Failure(Failure::Final(cause))) => return Err(failed(cause)),
                Err(Stop::Failure(Failure::Restart(cause))) => {
                    partial.reset().map_err(|error| cache.error(error))?;
                    (cause, None)
                }
                Err(Stop::Failure(Failure::Again { cause, wait })) => (cause, wait),
            };
            let Some(own) = waits.next() else { return Err(failed(cause)) };
            let wait = asked.unwrap_or(own).min(self.transfers.longest_wait);
            self.reporter.report(Event::Retrying { url: self.url.clone(), cause: chain(&cause), wait });
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(&self, location: &Url, partial: &mut Partial) -> Result<(), Stop> {
        let rest = partial.rest();
        if rest.is_none() {
            partial.reset().map_err(Stop::Local)?;
        }
        let reply = self.transfers.transport(location).get(location, rest.as_ref()).await?;
        if reply.start != partial.size {
            partial.reset().map_err(Stop::Local)?;
        }
        let Reply { start, total, validator, mut body } = reply;
        partial.was_resumed |= start > 0;
        partial.validator = validator;
        if let Some(size) = total.filter(|total| *total > self.limit) {
            return Err(self.too_large(Oversize::Announced(size)));
        }
        self.reporter.report(Event::Fetching { url: self.url.clone(), size: total, resumed_at: start });
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            let bytes = chunk.len() as u64;
            if partial.size + bytes > self.limit {
                return Err(self.too_large(Oversize::Received));
            }
            partial.take(&chunk).map_err(Stop::Local)?;
            self.reporter.report(Event::Received { url: self.url.clone(), bytes });
        }
        match total {
            Some(total) if total != partial.size => Err(Failure::Restart(wrong_size(total, partial.size)).into()),
            _ => Ok(()),
        }
    }

    fn too_large(&self, size: Oversize) -> Stop {
        Failure::Final(TransferError::TooLarge { size, limit: self.limit }).into()
    }
}

fn wrong_size(announced: u64, came: u64) -> TransferError {
    let text = format!("{came} bytes came where {announced} were announced");
    TransferError::Connection(Arc::new(io::Error::new(io::ErrorKind::UnexpectedEof, text)))
}

impl Partial {
    fn rest(&self) -> Option<Rest> {
        let validator = self.validator.clone()?;
        (self.size > 0).then_some(Rest { start: self.size, validator })
    }

    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn reset(&mut self) -> io::Result<()> {
        self.file.as_file().set_len(0)?;
        self.file.rewind()?;
        self.hasher = UpstreamHasher::default();
        self.size = 0;
        self.validator = None;
        self.was_resumed = false;
        Ok(())
    }
}
