//! What can go wrong between a URL and verified bytes.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use reqwest::StatusCode;

use super::signature::SignatureError;
use crate::digest::{Algorithm, BadDigestFile, Digest};

/// An error of a foreign crate, shared so that one failed digest list can fail many downloads.
pub type Foreign = Arc<dyn Error + Send + Sync>;

/// Why there is no artifact. URLs in it are where the file was really looked for (behind a mirror, the mirror's
/// address), without user names, passwords and query strings.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The file itself is not there: callers can leave out what needs it.
    #[error("not published: `{url}`")]
    NotPublished {
        /// Where it was looked for.
        url: String,
    },
    /// Only the cache may be used, and it does not have the file.
    #[error("offline, and the cache does not have `{url}`")]
    NotCached {
        /// Where upstream publishes it.
        url: String,
    },
    /// The bytes did not come.
    #[error("cannot fetch `{url}`{}", after(*tries))]
    Transfer {
        /// Where they were asked for.
        url: String,
        /// How many times.
        tries: usize,
        /// The last failure.
        source: TransferError,
    },
    /// A digest that must be there is not, though the file itself is.
    #[error("`{file}` is published without its digest: there is no `{url}`")]
    NoDigest {
        /// The file.
        file: String,
        /// Where the digest was looked for.
        url: String,
    },
    /// What is published as a digest is none of this file.
    #[error("no digest of `{file}` in `{url}`")]
    BadDigest {
        /// The file.
        file: String,
        /// The digest file.
        url: String,
        /// What is wrong with it.
        source: Box<BadDigestFile>,
    },
    /// A signature that must be there is not, though the file itself is.
    #[error("`{file}` is published without its signature: there is no `{url}`")]
    NoSignature {
        /// The file.
        file: String,
        /// Where the signature, or a part of it, was looked for.
        url: String,
    },
    /// The signature does not prove that the right one signed these bytes.
    #[error("the signature `{url}` does not vouch for `{file}`")]
    BadSignature {
        /// The file.
        file: String,
        /// The signature.
        url: String,
        /// What is wrong with it.
        source: Arc<SignatureError>,
    },
    /// What the user provided does not prove that the right one signed these bytes.
    #[error("`{}` does not prove the signature of `{file}`", path.display())]
    BadProof {
        /// The file.
        file: String,
        /// The entry or bundle.
        path: PathBuf,
        /// What is wrong with it.
        source: Arc<SignatureError>,
    },
    /// A text that is not UTF-8.
    #[error("`{url}` is not text")]
    NotText {
        /// Where it came from.
        url: String,
    },
    /// Two sources contradict each other, so that nobody can be believed.
    #[error("two {algorithm} digests of `{file}` contradict each other\n  {first}\n  {second}")]
    Disagreement {
        /// The file.
        file: String,
        /// The algorithm of both.
        algorithm: Algorithm,
        /// One claim.
        first: Box<Claim>,
        /// The other claim.
        second: Box<Claim>,
    },
    /// The bytes are not what was promised. They were thrown away.
    #[error("`{url}` is not the file that was published\n  expected {expected}\n  actual   {actual} ({size} bytes)")]
    Mismatch {
        /// Where the bytes came from.
        url: String,
        /// What they should have been.
        expected: Box<Claim>,
        /// What they are.
        actual: Digest,
        /// How many they are.
        size: u64,
    },
    /// The cache cannot be read or written.
    #[error("cannot use the cache `{path}`")]
    Cache {
        /// The cache's folder.
        path: PathBuf,
        /// The cause, which names the file.
        source: Arc<io::Error>,
    },
    /// A local build cannot be used.
    #[error("cannot take the local build `{path}`")]
    LocalBuild {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: TransferError,
    },
}

/// Why one transfer failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// An answer that is no success.
    #[error("the server answered {0}")]
    Status(StatusCode),
    /// The connection failed, or was cut before the last byte.
    #[error("the connection failed")]
    Connection(#[source] Foreign),
    /// Nothing came for too long.
    #[error("the server was silent for too long")]
    TimedOut(#[source] Foreign),
    /// The server's certificate is not one to trust.
    #[error("the TLS handshake failed")]
    Tls(#[source] Foreign),
    /// The request could not be made.
    #[error("the request cannot be made")]
    Request(#[source] Foreign),
    /// A redirect that is not followed.
    #[error("the redirect is refused")]
    Redirect(#[source] RefusedRedirect),
    /// A body in a coding that was not asked for.
    #[error("the server sent the content coding `{0}`, which was not asked for")]
    ContentCoding(String),
    /// The server continued at another place or with another file than was asked for.
    #[error("the server continued with `{given}`, where `{wanted}` was asked for")]
    WrongPart {
        /// What it sent.
        given: String,
        /// What was asked for.
        wanted: String,
    },
    /// More bytes than the download's size limit.
    #[error("the size limit of this download is {limit} bytes, and {size}")]
    TooLarge {
        /// How many there are.
        size: Oversize,
        /// How many there may be.
        limit: u64,
    },
    /// The planned URL does not name a file inside the mirror.
    #[error("the URL names no file inside the mirror's folder")]
    OutsideMirror,
    /// Something other than a regular file.
    #[error("it is not a regular file")]
    NotAFile,
    /// A file cannot be read.
    #[error("it cannot be read")]
    Read(#[source] Arc<io::Error>),
}

/// By how much a file is too large, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oversize {
    /// The server announces so many bytes.
    Announced(u64),
    /// More bytes came.
    Received,
}

impl fmt::Display for Oversize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Announced(size) => write!(f, "the file is announced with {size} bytes"),
            Self::Received => f.write_str("more bytes came than that"),
        }
    }
}

/// A redirect that is not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefusedRedirect {
    /// It leads back.
    #[error("redirects lead in a circle, back to `{0}`")]
    Circle(String),
    /// There are too many.
    #[error("more than {0} redirects")]
    TooMany(usize),
    /// It leaves TLS.
    #[error("from `https` to `{0}`, which is not protected")]
    Downgrade(String),
}

/// What one source says about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The digest.
    pub digest: Digest,
    /// The URL that says so; `None` for the spec.
    pub url: Option<String>,
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.url {
            Some(url) => write!(f, "{} (published at {url})", self.digest),
            None => write!(f, "{} (pinned in the spec)", self.digest),
        }
    }
}

/// Why no fetcher can be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The mirror's folder is not there.
    #[error("the upstream mirror `{0}` is not a folder")]
    NoMirror(PathBuf),
    /// A certificate authority cannot be used.
    #[error("cannot use the certificate authority `{path}`")]
    CertificateAuthority {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Foreign,
    },
    /// The cache's folder cannot be used.
    #[error("cannot use the cache `{path}`")]
    Cache {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The HTTP client or its threads do not start.
    #[error("cannot start the HTTP client")]
    Client(#[source] Foreign),
}

fn after(tries: usize) -> String {
    if tries > 1 { format!(" after {tries} tries") } else { String::new() }
}
