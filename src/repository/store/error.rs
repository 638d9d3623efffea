//! Why a store did not do what was asked.

use std::fmt;
use std::io;

use crate::fetch::{FetchError, SetupError, TransferError};

/// A request that failed. The message names the object, the causes say why.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{object}`")]
pub struct StoreError {
    /// What was asked for.
    pub action: Action,
    /// The object: a path, or the URL of a bucket and the key in it.
    pub object: String,
    /// Why.
    #[source]
    pub cause: Cause,
}

impl StoreError {
    /// Whether who asks may not have it, or may not know that it is not there.
    pub fn is_refusal(&self) -> bool {
        match &self.cause {
            Cause::Denied(_) => true,
            Cause::Web { cause: TransferError::Status(status), .. } => matches!(status.as_u16(), 401 | 403),
            _ => false,
        }
    }
}

/// What is asked of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A read.
    Read,
    /// A write.
    Write,
    /// A look at what there is.
    List,
    /// A removal.
    Delete,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::List => "list",
            Self::Delete => "delete",
        })
    }
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// Who asks may not.
    #[error("the store refuses it: {0}")]
    Denied(String),
    /// The bucket is not there.
    #[error("the store does not have it: {0}")]
    Missing(String),
    /// No answer, or one that is none, after as many tries as are made.
    #[error("the store does not answer as it should: {0}")]
    Unavailable(String),
    /// The name is taken.
    #[error("it is there with other bytes, and what is published under a name never changes")]
    OtherBytes,
    /// More bytes than anyone would write there.
    #[error("it has more than {0} bytes")]
    TooLarge(u64),
    /// The file to be stored is not the one that was looked at.
    #[error("`{0}` changed while it was being published")]
    Changed(String),
    /// A web server, which is read alone.
    #[error("a web server takes no writes: name the folder or the bucket that it shows")]
    ReadOnly,
    /// A web server, which serves it already.
    #[error("a web server serves it: name the folder or the bucket that it shows")]
    NotServed,
    /// A web server did not answer with it.
    #[error("no such answer as there should be{}", after(*.tries))]
    Web {
        /// How often it was asked.
        tries: usize,
        /// The last answer, or why there was none.
        #[source]
        cause: TransferError,
    },
    /// No web server can be asked.
    #[error(transparent)]
    Setup(SetupError),
    /// It could not be taken from a web server.
    #[error(transparent)]
    Fetch(FetchError),
    /// The disk.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<FetchError> for Cause {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Transfer { source: TransferError::TooLarge { limit, .. }, .. } => Self::TooLarge(limit),
            FetchError::Transfer { tries, source, .. } => Self::Web { tries, cause: source },
            other => Self::Fetch(other),
        }
    }
}

fn after(tries: usize) -> String {
    if tries > 1 { format!(" after {tries} tries") } else { String::new() }
}
