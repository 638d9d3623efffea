//! Stores that are asked over a network.

use tempfile::NamedTempFile;

use super::bucket::Bucket;
use super::error::Cause;
use super::web::WebFolder;
use super::{Content, Key, Listed, Object, Swap, Tag};

/// A bucket, or a web server, which answers reads alone.
pub(super) enum Host {
    Bucket(Bucket),
    Web(Box<WebFolder>),
}

impl Host {
    pub(super) async fn get(&self, key: &Key, limit: u64) -> Result<Option<Object>, Cause> {
        match self {
            Self::Bucket(bucket) => bucket.get(key, limit).await,
            Self::Web(web) => web.get(key, limit).await,
        }
    }

    /// Returns an object as a file.
    pub(super) async fn file(&self, key: &Key, limit: u64) -> Result<Option<NamedTempFile>, Cause> {
        match self {
            Self::Bucket(bucket) => bucket.file(key, limit).await,
            Self::Web(web) => web.file(key, limit).await,
        }
    }

    pub(super) async fn size(&self, key: &Key) -> Result<Option<u64>, Cause> {
        match self {
            Self::Bucket(bucket) => bucket.size(key).await,
            Self::Web(web) => web.size(key).await,
        }
    }

    pub(super) async fn tag(&self, key: &Key) -> Result<Option<Tag>, Cause> {
        self.bucket()?.tag(key).await
    }

    pub(super) async fn create(&self, key: &Key, content: &Content<'_>) -> Result<bool, Cause> {
        self.bucket()?.create(key, content).await
    }

    pub(super) async fn link(&self, from: &Key, to: &Key) -> Result<(), Cause> {
        self.bucket()?.link(from, to).await
    }

    pub(super) async fn replace(&self, key: &Key, bytes: &[u8]) -> Result<(), Cause> {
        self.bucket()?.replace(key, bytes).await
    }

    pub(super) async fn swap(&self, key: &Key, bytes: &[u8], expected: Option<&Tag>) -> Result<Swap, Cause> {
        self.bucket()?.swap(key, bytes, expected).await
    }

    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<Listed>, Cause> {
        self.bucket()?.list(prefix).await
    }

    pub(super) async fn delete(&self, key: &Key) -> Result<(), Cause> {
        self.bucket()?.delete(key).await
    }

    fn bucket(&self) -> Result<&Bucket, Cause> {
        match self {
            Self::Bucket(bucket) => Ok(bucket),
            Self::Web(_) => Err(Cause::ReadOnly),
        }
    }
}
