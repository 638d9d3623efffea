//! Where a repository lies.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use url::Url;

use crate::fetch::redacted;

/// A folder, a prefix in a bucket, or what a web server shows of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder.
    Folder(PathBuf),
    /// `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or `az://CONTAINER/PREFIX`.
    Bucket(Url),
    /// `http://` or `https://`: to be read alone.
    Web(Url),
}

/// Text that is no place for a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLocation {
    /// A URL of something else.
    #[error(
        "`{0}:` is no store; a repository lies in a folder, at `s3://`, `gs://` or `az://`, and is read at `https://`, too"
    )]
    Scheme(String),
    /// A web address with a query or a fragment.
    #[error("the address of a repository has a path at its end, and neither `?` nor `#`")]
    Query,
    /// No bucket.
    #[error("the URL names no bucket; write `{0}://BUCKET/PREFIX`")]
    NoBucket(String),
    /// Something that does not belong there, such as a password. It is not repeated.
    #[error("the URL of a bucket has a bucket and a path and nothing else; credentials come from the environment")]
    Extras,
    /// No URL.
    #[error("no URL: {0}")]
    Malformed(url::ParseError),
}

impl FromStr for Location {
    type Err = BadLocation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((scheme, _)) = text.split_once("://") else {
            // sources.list(5) writes `file:/srv/repository`.
            let folder = text.strip_prefix("file:").filter(|path| path.starts_with('/')).unwrap_or(text);
            return Ok(Self::Folder(PathBuf::from(folder)));
        };
        let url = Url::parse(text).map_err(BadLocation::Malformed)?;
        match scheme {
            "file" => url.to_file_path().map(Self::Folder).map_err(|()| BadLocation::Scheme(scheme.to_owned())),
            "s3" | "gs" | "az" => {
                if url.host_str().is_none_or(str::is_empty) {
                    return Err(BadLocation::NoBucket(scheme.to_owned()));
                }
                let has_extras = !url.username().is_empty() || url.password().is_some() || url.port().is_some();
                if has_extras || url.query().is_some() || url.fragment().is_some() {
                    return Err(BadLocation::Extras);
                }
                Ok(Self::Bucket(url))
            }
            "http" | "https" if url.query().is_some() || url.fragment().is_some() => Err(BadLocation::Query),
            "http" | "https" => Ok(Self::Web(url)),
            other => Err(BadLocation::Scheme(other.chars().take(20).flat_map(char::escape_default).collect())),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            Self::Bucket(url) => f.pad(url.as_str().trim_end_matches('/')),
            Self::Web(url) => f.pad(redacted(url).trim_end_matches('/')),
        }
    }
}

impl Location {
    /// Returns the folder, if it is one.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(path) => Some(path),
            Self::Bucket(_) | Self::Web(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_apart() {
        assert_eq!("./repo".parse(), Ok(Location::Folder("./repo".into())));
        assert_eq!("file:///srv/repo".parse(), Ok(Location::Folder("/srv/repo".into())));
        let bucket: Location = "s3://packages/kubernetes/".parse().unwrap();
        assert_eq!(bucket.to_string(), "s3://packages/kubernetes");
        assert_eq!("file:/srv/repo".parse(), Ok(Location::Folder("/srv/repo".into())));
        let web: Location = "https://me:secret@example.org/repo/".parse().unwrap();
        assert_eq!(web.to_string(), "https://***@example.org/repo");
        for bad in ["https://h/?a=secret", "s3://", "s3://key:secret@bucket/x", "s3://bucket?versionId=1", "ftp://x"] {
            let error = bad.parse::<Location>().unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
