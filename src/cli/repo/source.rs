//! Package files of another repository, verified by what its signed index says.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::cli::diagnostic::Failure;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::digest::{Algorithm, Digest};
use crate::event::count;
use crate::fetch::Fetcher;
use crate::plan::{DigestSource, DigestSources, Download, Verification};
use crate::repository::client::Listed;
use crate::repository::error::RepositoryError;
use crate::repository::store::{Location, Store, StoreError, url_below};

const RUN_AGAIN: &str = "nothing was published; run again, and what was fetched is in the cache";

/// Package files under their names.
pub(super) struct Packages {
    files: Vec<PathBuf>,
    _folder: TempDir,
}

impl Packages {
    /// Fetches what is listed, several at once. What was fetched before comes from the cache; a bucket is always asked.
    pub(super) fn fetch(
        session: &Session,
        fetcher: &Fetcher,
        source: &Store,
        listed: &[Listed],
    ) -> Result<Self, Failure> {
        let folder = crate::cli::signal::temporary().map_err(|error| Failure::new(Exit::Write, &error))?;
        // What lies somewhere else is fetched from there: it is its digest that is signed.
        let is_in_bucket =
            |package: &&Listed| package.base.is_none() && matches!(source.location(), Location::Bucket(_));
        let (in_bucket, others): (Vec<&Listed>, Vec<&Listed>) = listed.iter().partition(is_in_bucket);
        let downloads = others.iter().map(|package| download(source, package)).collect::<Result<Vec<_>, _>>()?;
        let at = |name: &str| {
            let own = folder.path().join(name);
            fs_err::create_dir(&own).map(|()| own).map_err(|error| Failure::new(Exit::Write, &error))
        };
        let mut bucket = from_bucket(source, &in_bucket, &at("bucket")?)?.into_iter();
        let mut cache = from_cache(fetcher, &downloads, &others, &at("cache")?)?.into_iter();
        // As they are listed.
        let next = |package: &Listed| if is_in_bucket(&package) { bucket.next() } else { cache.next() };
        let files = listed.iter().filter_map(next).collect();
        let bytes: u64 = listed.iter().map(|package| package.size).sum();
        session.ui.status("Verified", &format!("{} of {bytes} bytes", count(listed.len(), "package")));
        Ok(Self { files, _folder: folder })
    }

    pub(super) fn files(&self) -> &[PathBuf] {
        &self.files
    }
}

/// A package file, by its digest in the signed index.
fn download(source: &Store, package: &Listed) -> Result<Download, Failure> {
    let url = match &package.base {
        Some(base) => Some(url_below(base, &package.location)),
        None => source.url(&package.location),
    };
    let url = url.ok_or_else(|| Failure::bug("a store without addresses"))?;
    let digests = DigestSources::new(vec![DigestSource::Pinned(package.digest.clone())]);
    let digests = digests.ok_or_else(|| Failure::bug("a pinned digest is required"))?;
    Ok(Download { url, size_limit: package.size, verification: Verification::Digests(digests) })
}

/// Gives files of the cache their names: by these they are judged.
fn from_cache(
    fetcher: &Fetcher,
    downloads: &[Download],
    listed: &[&Listed],
    folder: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for (package, result) in listed.iter().zip(fetcher.fetch_all(downloads)) {
        let artifact = result.map_err(|error| Failure::from(error).hint(RUN_AGAIN))?;
        if artifact.digests().size != package.size {
            return Err(other_bytes(package));
        }
        let path = place(folder, files.len(), package)?;
        std::os::unix::fs::symlink(artifact.path(), &path).map_err(|error| Failure::new(Exit::Write, &error))?;
        files.push(path);
    }
    Ok(files)
}

fn from_bucket(source: &Store, listed: &[&Listed], folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let keys: Vec<_> = listed.iter().map(|package| (package.location.clone(), package.size)).collect();
    let mut files = vec![None; listed.len()];
    let mut wrong = None;
    source
        .each_file(&keys, |nth, stored| {
            let copied = stored.map(|stored| {
                let path = place(folder, nth, listed[nth])?;
                fs_err::copy(stored.path(), &path).map_err(|error| Failure::new(Exit::Write, &error))?;
                if is_as_listed(&path, listed[nth])? { Ok(path) } else { Err(other_bytes(listed[nth])) }
            });
            match copied {
                Some(Ok(path)) => files[nth] = Some(path),
                Some(Err(failure)) => wrong = wrong.take().or(Some(failure)),
                None => {}
            }
            Ok::<_, StoreError>(())
        })
        .map_err(RepositoryError::from)?;
    match wrong {
        Some(failure) => Err(failure),
        None => files.into_iter().zip(listed).map(|(file, package)| file.ok_or_else(|| other_bytes(package))).collect(),
    }
}

/// A name of its own for each: one name may lie in several folders of the other repository.
fn place(folder: &Path, nth: usize, package: &Listed) -> Result<PathBuf, Failure> {
    let own = folder.join(nth.to_string());
    fs_err::create_dir(&own).map_err(|error| Failure::new(Exit::Write, &error))?;
    Ok(own.join(package.file_name()))
}

fn is_as_listed(path: &Path, package: &Listed) -> Result<bool, Failure> {
    let failed = |error: std::io::Error| Failure::new(Exit::Write, &error);
    let mut hasher = crate::digest::UpstreamHasher::default();
    hasher.update(&fs_err::read(path).map_err(failed)?);
    let digests = hasher.finish();
    let digest: &Digest = match package.digest.algorithm() {
        Algorithm::Sha256 => &digests.packaged.sha256,
        Algorithm::Sha512 => &digests.sha512,
    };
    Ok(*digest == package.digest && digests.packaged.size == package.size)
}

fn other_bytes(package: &Listed) -> Failure {
    Failure::new(Exit::Verification, &OtherBytes(package.location.to_string())).hint(RUN_AGAIN)
}

/// A package file that is not what the signed index lists.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not there, or not what the signed index lists")]
struct OtherBytes(String);
