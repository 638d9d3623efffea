//! The seam to the world: one request, one reply, and what a failure means for the next try.

mod folder;
mod http;

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use url::Url;

use super::error::TransferError;

pub(super) use folder::Folder;
pub(super) use http::Http;
pub use http::{HttpOptions, Proxies};

/// Asks for files.
pub(super) trait Transport: Send + Sync {
    /// Asks for the file at `location`, or for the rest of it.
    fn get<'a>(&'a self, location: &'a Url, rest: Option<&'a Rest>) -> BoxFuture<'a, Result<Reply, Failure>>;

    /// Asks for the size of the file at `location`; none where it is not told.
    fn size<'a>(&'a self, location: &'a Url) -> BoxFuture<'a, Result<Option<u64>, Failure>>;
}

/// The part of a file that an earlier try did not bring.
#[derive(Debug, Clone)]
pub(super) struct Rest {
    /// Where it begins.
    pub(super) start: u64,
    /// What tells whether it is still the same file.
    pub(super) validator: Validator,
}

/// What identifies one state of a file on its server (RFC 9110, 8.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Validator {
    /// A strong entity tag.
    Etag(String),
    /// The date of the last change, where there is no strong entity tag.
    LastModified(String),
}

impl Validator {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Etag(value) | Self::LastModified(value) => value,
        }
    }
}

/// A file, or the rest of one, that begins to arrive.
pub(super) struct Reply {
    /// Where it begins: 0, or where the rest that was asked for begins.
    pub(super) start: u64,
    /// The size of the whole file, where the server says so.
    pub(super) total: Option<u64>,
    /// What allows to ask for the rest after a failure; `None` where that is impossible.
    pub(super) validator: Option<Validator>,
    /// The bytes.
    pub(super) body: BoxStream<'static, Result<Vec<u8>, Failure>>,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("start", &self.start).field("total", &self.total).finish_non_exhaustive()
    }
}

/// A failed request, by what can be done about it.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no such file.
    Absent,
    /// Another try may bring the rest.
    Again {
        /// What went wrong.
        cause: TransferError,
        /// How long the server asks to wait.
        wait: Option<Duration>,
    },
    /// Another try may bring the whole file, but what came so far is of no use.
    Restart(TransferError),
    /// No other try will do better.
    Final(TransferError),
}
