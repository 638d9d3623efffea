//! Why a package cannot be read.

use std::io;
use std::path::{Path, PathBuf};

/// Why a package cannot be read. Every message names the file and, inside it, the place.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be opened or read. The cause names it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The first bytes belong to neither format.
    #[error("`{}` is neither a deb nor an RPM", .0.display())]
    NotAPackage(PathBuf),
    /// The bytes break the format.
    #[error("`{}`: {place}: {cause}", file.display())]
    Malformed {
        /// The package.
        file: PathBuf,
        /// The part of it.
        place: String,
        /// What is wrong.
        cause: String,
    },
    /// The bytes end in the middle of something.
    #[error("`{}`: {place}: ends early", file.display())]
    Truncated {
        /// The package.
        file: PathBuf,
        /// The part of it.
        place: String,
    },
    /// A size is beyond what is read.
    #[error("`{}`: {place}: more than {limit} {what}", file.display())]
    Limit {
        /// The package.
        file: PathBuf,
        /// The part of it.
        place: String,
        /// The limit.
        limit: u64,
        /// What there is too much of: `bytes`, `files`.
        what: &'static str,
    },
    /// A compressed stream or an archive inside the package is damaged.
    #[error("`{}`: {place}: cannot be unpacked", file.display())]
    Unpack {
        /// The package.
        file: PathBuf,
        /// The part of it.
        place: String,
        /// What the decoder says.
        #[source]
        source: io::Error,
    },
}

/// A [`ReadError`] that does not know the file yet.
#[derive(Debug)]
pub(in crate::package) struct Fault {
    place: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Malformed(String),
    Truncated,
    Limit { limit: u64, what: &'static str },
    Unpack(io::Error),
    Io(io::Error),
}

impl Fault {
    pub(in crate::package) fn malformed(place: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { place: place.into(), kind: Kind::Malformed(cause.into()) }
    }

    pub(in crate::package) fn truncated(place: impl Into<String>) -> Self {
        Self { place: place.into(), kind: Kind::Truncated }
    }

    pub(in crate::package) fn limit(place: impl Into<String>, limit: u64, what: &'static str) -> Self {
        Self { place: place.into(), kind: Kind::Limit { limit, what } }
    }

    pub(in crate::package) fn unpack(place: impl Into<String>, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::UnexpectedEof {
            return Self::truncated(place);
        }
        Self { place: place.into(), kind: Kind::Unpack(source) }
    }

    /// Something beside the package cannot be read or written.
    pub(in crate::package) fn io(source: io::Error) -> Self {
        Self { place: String::new(), kind: Kind::Io(source) }
    }

    /// Returns the place and what is wrong there, or the error of something beside the package.
    pub(in crate::package) fn place_and_cause(self) -> Result<String, io::Error> {
        let place = self.place;
        Ok(match self.kind {
            Kind::Malformed(cause) => format!("{place}: {cause}"),
            Kind::Truncated => format!("{place}: ends early"),
            Kind::Limit { limit, what } => format!("{place}: more than {limit} {what}"),
            Kind::Unpack(source) => format!("{place}: cannot be unpacked: {source}"),
            Kind::Io(source) => return Err(source),
        })
    }

    /// Names the file.
    pub(in crate::package) fn of(self, file: &Path) -> ReadError {
        let (file, place) = (file.to_path_buf(), self.place);
        match self.kind {
            Kind::Malformed(cause) => ReadError::Malformed { file, place, cause },
            Kind::Truncated => ReadError::Truncated { file, place },
            Kind::Limit { limit, what } => ReadError::Limit { file, place, limit, what },
            Kind::Unpack(source) => ReadError::Unpack { file, place, source },
            Kind::Io(source) => ReadError::Io(source),
        }
    }
}

/// Returns the beginning of text from a package, fit for a message: control characters and all that is not ASCII escaped.
pub fn excerpt(text: &str) -> String {
    const SHOWN: usize = 60;
    let shown: String = text.chars().take(SHOWN).flat_map(char::escape_default).collect();
    if text.chars().count() > SHOWN { shown + "…" } else { shown }
}
