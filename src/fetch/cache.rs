//! Files that were fetched before, by their content, shared by all runs on a machine.
//!
//! ```text
//! blobs/sha256/9b/9bdb…   every file, under its SHA-256
//! urls/HASH.json          what a URL held when it was last fetched; HASH is the SHA-256 of the URL
//! urls/HASH.lock          held while the URL's file is fetched, so that two runs do not fetch it both
//! tmp/RANDOM/             the unfinished files of one run, which holds a lock in it
//! ```
//!
//! A file gets its name when it is complete and synced, by a rename, so concurrent runs and killed ones leave whole
//! files only; what a killed run left in `tmp` is removed by the next one. Nothing in the cache is believed: a blob is
//! hashed again before each use, and a damaged one is replaced, never removed, since another run may have replaced it
//! meanwhile. Nothing is ever evicted: the folder may be deleted whole while no run uses it. On a file system
//! without locks two runs may fetch the same file, and both are right.

use std::fs::TryLockError;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fs_err::{File, OpenOptions};
use serde::{Deserialize, Serialize};
use tempfile::{NamedTempFile, TempDir};
use url::Url;

use super::error::FetchError;
use super::upstream::redacted;
use crate::digest::{Algorithm, Digest, UpstreamDigests, UpstreamHasher};
use crate::event::{Event, Reporter};

const LOCK_POLL: Duration = Duration::from_millis(50);

/// A folder with files that were fetched before.
#[derive(Debug)]
pub(super) struct Cache {
    root: PathBuf,
    scratch: Mutex<Scratch>,
}

/// Where unfinished files are. Made when the first one is needed, so that a cache can be read without being writable.
#[derive(Debug)]
enum Scratch {
    Unused,
    Used { folder: TempDir, _lock: File },
    Abandoned,
}

/// What a URL held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// A file with this SHA-256.
    Published(Digest),
    /// Nothing.
    NotPublished,
}

/// The form of a record on disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRecord {
    url: String,
    published: Option<RawDigests>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDigests {
    sha256: String,
    sha512: String,
    size: u64,
}

/// The right to fetch one URL, until it is dropped.
#[derive(Debug)]
pub(super) struct UrlLock {
    _file: File,
}

impl Cache {
    pub(super) fn new(root: &Path) -> io::Result<Self> {
        Ok(Self { root: std::path::absolute(root)?, scratch: Mutex::new(Scratch::Unused) })
    }

    /// Wraps an error of this cache.
    pub(super) fn error(&self, source: io::Error) -> FetchError {
        FetchError::Cache { path: self.root.clone(), source: Arc::new(source) }
    }

    /// Makes an unfinished file, which goes away unless it is kept.
    pub(super) fn temporary(&self) -> io::Result<NamedTempFile> {
        let mut scratch = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        if let Scratch::Unused = *scratch {
            *scratch = self.new_scratch()?;
        }
        let Scratch::Used { folder, .. } = &*scratch else {
            return Err(io::Error::new(io::ErrorKind::Interrupted, "the run was abandoned"));
        };
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
        builder.tempfile_in(folder.path())
    }

    fn new_scratch(&self) -> io::Result<Scratch> {
        let all = self.root.join("tmp");
        fs_err::create_dir_all(&all)?;
        // Held while folders come and go: one that nobody has locked yet is not one that nobody holds any more.
        let guard = lock_file(&all.join(".lock"))?;
        guard.file().lock().or_else(unsupported)?;
        for folder in fs_err::read_dir(&all)? {
            let folder = folder?.path();
            if folder.is_dir() && is_stale(&folder) {
                fs_err::remove_dir_all(folder)?;
            }
        }
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(&all)?;
        let lock = lock_file(&folder.path().join(".lock"))?;
        lock.file().lock().or_else(unsupported)?;
        Ok(Scratch::Used { folder, _lock: lock })
    }

    /// Removes the unfinished files of this run; whatever still writes them fails.
    pub(super) fn abandon(&self) {
        let mut scratch = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        *scratch = Scratch::Abandoned;
    }

    /// Waits until no other run fetches `url`.
    pub(super) async fn lock(&self, url: &Url) -> io::Result<UrlLock> {
        let file = lock_file(&self.url_path(url, "lock"))?;
        loop {
            match file.file().try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_POLL).await,
                Err(TryLockError::Error(error)) => {
                    unsupported(error)?;
                    break;
                }
            }
        }
        Ok(UrlLock { _file: file })
    }

    /// Returns what `url` held when it was last fetched.
    pub(super) fn record(&self, url: &Url, reporter: &dyn Reporter) -> io::Result<Option<Record>> {
        let path = self.url_path(url, "json");
        let bytes = match fs_err::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let record = parse_record(&bytes, url);
        if record.is_none() {
            reporter.report(Event::CacheDamaged { path: path.display().to_string() });
        }
        Ok(record)
    }

    /// Returns the path of the file with this SHA-256 after having hashed it.
    pub(super) fn blob(
        &self,
        sha256: &Digest,
        reporter: &dyn Reporter,
    ) -> io::Result<Option<(PathBuf, UpstreamDigests)>> {
        let path = self.blob_path(sha256);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let digests = hash(file)?;
        if digests.packaged.sha256 != *sha256 {
            reporter.report(Event::CacheDamaged { path: path.display().to_string() });
            return Ok(None);
        }
        Ok(Some((path, digests)))
    }

    /// Gives a finished file its name, and returns it.
    pub(super) fn keep(&self, file: NamedTempFile, sha256: &Digest) -> io::Result<PathBuf> {
        let path = self.blob_path(sha256);
        persist(file, &path)?;
        Ok(path)
    }

    /// Records what `url` holds.
    pub(super) fn record_published(&self, url: &Url, digests: &UpstreamDigests) -> io::Result<()> {
        let published = RawDigests {
            sha256: digests.packaged.sha256.hex().to_owned(),
            sha512: digests.sha512.hex().to_owned(),
            size: digests.packaged.size,
        };
        self.write_record(url, Some(published))
    }

    /// Records that there is nothing at `url`, unless there was something before: that may still be used offline.
    pub(super) fn record_absence(&self, url: &Url, reporter: &dyn Reporter) -> io::Result<()> {
        match self.record(url, reporter)? {
            Some(_) => Ok(()),
            None => self.write_record(url, None),
        }
    }

    fn write_record(&self, url: &Url, published: Option<RawDigests>) -> io::Result<()> {
        let record = RawRecord { url: redacted(url), published };
        let mut file = self.temporary()?;
        file.write_all(&serde_json::to_vec_pretty(&record)?)?;
        persist(file, &self.url_path(url, "json"))
    }

    fn blob_path(&self, sha256: &Digest) -> PathBuf {
        let hex = sha256.hex();
        self.root.join("blobs").join(Algorithm::Sha256.as_str()).join(&hex[..2]).join(hex)
    }

    fn url_path(&self, url: &Url, extension: &str) -> PathBuf {
        let hex = Digest::sha256(url.as_str());
        self.root.join("urls").join(format!("{}.{extension}", hex.hex()))
    }
}

/// Reads a record; `None` where it is none of `url`.
fn parse_record(bytes: &[u8], url: &Url) -> Option<Record> {
    let raw: RawRecord = serde_json::from_slice(bytes).ok()?;
    if raw.url != redacted(url) {
        return None;
    }
    Some(match raw.published {
        None => Record::NotPublished,
        Some(digests) => Record::Published(Digest::from_hex(Algorithm::Sha256, &digests.sha256).ok()?),
    })
}

fn persist(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    if let Some(parent) = path.parent() {
        fs_err::create_dir_all(parent)?;
    }
    file.persist(path).map(drop).map_err(io::Error::from)
}

fn lock_file(path: &Path) -> io::Result<File> {
    if let Some(parent) = path.parent() {
        fs_err::create_dir_all(parent)?;
    }
    OpenOptions::new().write(true).create(true).truncate(false).open(path)
}

/// Whether the run that made this folder of unfinished files is over.
fn is_stale(folder: &Path) -> bool {
    match File::open(folder.join(".lock")) {
        Ok(lock) => lock.file().try_lock().is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Lets a file system without locks pass.
fn unsupported(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::Unsupported { Ok(()) } else { Err(error) }
}

fn hash(mut file: File) -> io::Result<UpstreamDigests> {
    let mut hasher = UpstreamHasher::default();
    let mut chunk = vec![0; 128 * 1024];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(&chunk[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Silent;

    fn keep(cache: &Cache, bytes: &[u8]) -> (PathBuf, UpstreamDigests) {
        let mut hasher = UpstreamHasher::default();
        hasher.update(bytes);
        let digests = hasher.finish();
        let mut file = cache.temporary().unwrap();
        file.write_all(bytes).unwrap();
        (cache.keep(file, &digests.packaged.sha256).unwrap(), digests)
    }

    #[test]
    fn only_the_folders_of_runs_that_are_over_are_cleaned() {
        let dir = tempfile::tempdir().unwrap();
        let stale = dir.path().join("tmp/run-killed");
        fs_err::create_dir_all(&stale).unwrap();
        fs_err::write(stale.join("half"), "x").unwrap();
        fs_err::write(stale.join(".lock"), "").unwrap();
        let first = Cache::new(dir.path()).unwrap();
        let file = first.temporary().unwrap();
        assert!(!stale.exists());
        let second = Cache::new(dir.path()).unwrap();
        second.temporary().unwrap();
        assert!(file.path().exists());
        first.abandon();
        assert!(!file.path().exists());
        assert!(first.temporary().is_err());
    }

    #[test]
    fn records_survive_and_absence_does_not_hide_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path()).unwrap();
        let url: Url = "https://me:secret@h/x".parse().unwrap();
        cache.record_absence(&url, &Silent).unwrap();
        assert_eq!(cache.record(&url, &Silent).unwrap(), Some(Record::NotPublished));
        let (_, digests) = keep(&cache, b"bytes");
        cache.record_published(&url, &digests).unwrap();
        cache.record_absence(&url, &Silent).unwrap();
        assert_eq!(cache.record(&url, &Silent).unwrap(), Some(Record::Published(digests.packaged.sha256)));
        let text = fs_err::read_to_string(cache.url_path(&url, "json")).unwrap();
        assert!(!text.contains("secret"), "{text}");
    }

    #[test]
    fn damage_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path()).unwrap();
        let (path, digests) = keep(&cache, b"bytes");
        assert!(cache.blob(&digests.packaged.sha256, &Silent).unwrap().is_some());
        fs_err::write(&path, "bites").unwrap();
        assert_eq!(cache.blob(&digests.packaged.sha256, &Silent).unwrap(), None);
        let url: Url = "https://h/x".parse().unwrap();
        cache.record_published(&url, &digests).unwrap();
        for bad in [
            "",
            "{}",
            r#"{"url":"https://h/y","published":null}"#,
            r#"{"url":"https://h/x","published":{"sha256":"../..","sha512":"","size":1}}"#,
        ] {
            fs_err::write(cache.url_path(&url, "json"), bad).unwrap();
            assert_eq!(cache.record(&url, &Silent).unwrap(), None, "{bad}");
        }
    }
}
