//! Files of a server as they are there today: nothing is taken from the cache, and nothing is kept.

use std::io::{Read as _, Seek as _};

use tempfile::{NamedTempFile, TempDir};
use url::Url;

use super::cache::Cache;
use super::error::{FetchError, SetupError};
use super::transfer::Transfers;
use super::transport::HttpOptions;
use super::upstream::Upstream;
use crate::event::Silent;

/// Asks one web server after another, with the retries, limits and rules for redirects of every other fetch. What it
/// brings is not verified.
#[derive(Debug)]
pub struct Web {
    transfers: Transfers,
    /// Where files are while they arrive.
    scratch: Cache,
    _folder: TempDir,
}

impl Web {
    /// Sets everything up but asks nothing.
    pub fn new(options: &HttpOptions) -> Result<Self, SetupError> {
        let cannot = |path: std::path::PathBuf, source| SetupError::Cache { path, source };
        let folder = tempfile::tempdir().map_err(|error| cannot(std::env::temp_dir(), error))?;
        let scratch = Cache::new(folder.path()).map_err(|error| cannot(folder.path().to_owned(), error))?;
        Ok(Self { transfers: Transfers::new(Upstream::default(), options)?, scratch, _folder: folder })
    }

    /// Returns a file of at most `limit` bytes, if it is there. It goes away when it is dropped.
    pub async fn file(&self, url: &Url, limit: u64) -> Result<Option<NamedTempFile>, FetchError> {
        match self.transfers.receive(url, limit, &self.scratch, &Silent).await {
            Ok(received) => Ok(Some(received.file)),
            Err(FetchError::NotPublished { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the bytes of a file of at most `limit` bytes, if it is there.
    pub async fn bytes(&self, url: &Url, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
        let Some(mut file) = self.file(url, limit).await? else { return Ok(None) };
        let mut bytes = Vec::new();
        let read = file.rewind().and_then(|()| file.read_to_end(&mut bytes));
        read.map_err(|error| self.scratch.error(error))?;
        Ok(Some(bytes))
    }

    /// Returns the size of a file of at most `limit` bytes, if it is there. A server that does not say it has to send
    /// the file.
    pub async fn size(&self, url: &Url, limit: u64) -> Result<Option<u64>, FetchError> {
        match self.transfers.size(url).await {
            Ok(Some(size)) => Ok(Some(size)),
            Ok(None) => {
                let Some(file) = self.file(url, limit).await? else { return Ok(None) };
                let size = file.as_file().metadata().map_err(|error| self.scratch.error(error))?.len();
                Ok(Some(size))
            }
            Err(FetchError::NotPublished { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
