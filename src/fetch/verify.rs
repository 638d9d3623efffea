//! What must hold of bytes, and the only place that makes an [`Artifact`].

use std::io::{self, BufReader, Read, Write as _};
use std::path::Path;
use std::sync::Arc;

use fs_err::File;
use url::Url;

use super::artifact::{Artifact, Evidence};
use super::cache::Record;
use super::claims::Claims;
use super::depot::Depot;
use super::error::{FetchError, Oversize, TransferError};
use super::signature::{Found, Subject};
use super::upstream::redacted;
use crate::digest::{BadDigestFile, UpstreamDigests, UpstreamHasher};
use crate::event::{Event, Warning};
use crate::plan::{Download, Verification};

/// The most bytes of a local build.
const LOCAL_BUILD_LIMIT: u64 = 2 << 30;

/// Everything that vouches for one file: digests, and a signature where the plan has one.
#[derive(Debug)]
struct Vouchers {
    claims: Claims,
    signature: Option<Found>,
}

impl Vouchers {
    async fn gather(depot: &Depot, download: &Download) -> Result<Self, FetchError> {
        let file = redacted(&download.url);
        let claims = Claims::gather(depot, file.clone(), download.verification.digests()).await?;
        let signature = match &download.verification {
            Verification::Digests(_) => None,
            Verification::Signature { signature, demand, .. } => {
                Some(Found::gather(depot, file, signature, demand).await?)
            }
        };
        Ok(Self { claims, signature })
    }

    /// Checks bytes, and returns the reasons to believe them. The file is opened only where its digests do not do.
    fn check(
        &self,
        depot: &Depot,
        digests: &UpstreamDigests,
        address: &str,
        open: &dyn Fn() -> io::Result<Box<dyn Read>>,
    ) -> Result<Vec<Evidence>, FetchError> {
        self.claims.check(digests, address)?;
        let mut evidence = self.claims.evidence.clone();
        if let Some(signature) = &self.signature {
            let subject = Subject { sha256: &digests.packaged.sha256, open };
            evidence.push(tokio::task::block_in_place(|| signature.check(depot, &subject, &depot.trust_root))?);
        }
        Ok(evidence)
    }
}

fn opener(path: &Path) -> impl Fn() -> io::Result<Box<dyn Read>> {
    move || Ok(Box::new(BufReader::new(File::open(path)?)))
}

/// Fetches and verifies one download: first all digests, then the bytes, from the cache where it has them.
pub(super) async fn download(depot: &Depot, download: &Download) -> Result<Artifact, FetchError> {
    let vouchers = match Vouchers::gather(depot, download).await {
        Err(error) if lacks_voucher(&error) && depot.is_absent(&download.url).await? => {
            return Err(FetchError::NotPublished { url: depot.address(&download.url) });
        }
        other => other?,
    };
    let _lock = depot.lock(&download.url).await?;
    if let Some(artifact) = cached(depot, &download.url, &vouchers)? {
        return Ok(artifact);
    }
    let mut received = depot.receive(&download.url, download.size_limit).await?;
    if received.was_resumed && vouchers.claims.check(&received.digests, &received.address).is_err() {
        // The pieces may be of different files: one more try, in one piece.
        received = depot.receive(&download.url, download.size_limit).await?;
    }
    let evidence = vouchers.check(depot, &received.digests, &received.address, &opener(received.file.path()))?;
    let digests = received.digests.clone();
    let path = depot.keep(&download.url, received)?;
    let artifact = Artifact::new(path, redacted(&download.url), digests, evidence);
    report_verified(depot, &artifact, false);
    Ok(artifact)
}

/// Returns what vouches for these digests of a download today; nothing where something does not.
pub(super) async fn vouchers(depot: &Depot, download: &Download, digests: &UpstreamDigests) -> Option<Vec<Evidence>> {
    let vouchers = Vouchers::gather(depot, download).await.ok()?;
    let open = || {
        let blob = depot.blob(&digests.packaged.sha256).map_err(io::Error::other)?;
        let (path, _) = blob.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        opener(&path)()
    };
    vouchers.check(depot, digests, "", &open).ok()
}

/// Whether an error may only mean that the file itself is not published.
fn lacks_voucher(error: &FetchError) -> bool {
    match error {
        FetchError::NoDigest { .. } | FetchError::NoSignature { .. } => true,
        FetchError::BadDigest { source, .. } => matches!(**source, BadDigestFile::NotListed(_)),
        _ => false,
    }
}

/// Returns the cache's file if it is what `url` held, and what everybody says today. The same bytes fetched from
/// another URL do not count, so that the result does not depend on what else was fetched.
fn cached(depot: &Depot, url: &Url, vouchers: &Vouchers) -> Result<Option<Artifact>, FetchError> {
    let Some(Record::Published(sha256)) = depot.record(url)? else { return Ok(None) };
    let Some((path, digests)) = depot.blob(&sha256)? else { return Ok(None) };
    if vouchers.claims.check(&digests, &redacted(url)).is_err() {
        return Ok(None);
    }
    let evidence = vouchers.check(depot, &digests, &redacted(url), &opener(&path))?;
    let artifact = Artifact::new(path, redacted(url), digests, evidence);
    report_verified(depot, &artifact, true);
    Ok(Some(artifact))
}

/// Copies a file of a local build into the cache, so that it cannot change while it is packaged.
pub(super) fn local_build(depot: &Depot, path: &Path) -> Result<Artifact, FetchError> {
    let failed = |source| FetchError::LocalBuild { path: path.to_owned(), source };
    let unreadable = |error| failed(TransferError::Read(Arc::new(error)));
    // Asked before opening, because opening a named pipe waits for a writer.
    if !fs_err::metadata(path).map_err(unreadable)?.is_file() {
        return Err(failed(TransferError::NotAFile));
    }
    let mut source = File::open(path).map_err(unreadable)?;
    let mut copy = depot.cache.temporary().map_err(|error| depot.cache.error(error))?;
    let mut hasher = UpstreamHasher::default();
    let mut size = 0;
    let mut chunk = vec![0; 128 * 1024];
    loop {
        let count = source.read(&mut chunk).map_err(unreadable)?;
        if count == 0 {
            break;
        }
        size += count as u64;
        if size > LOCAL_BUILD_LIMIT {
            return Err(failed(TransferError::TooLarge { size: Oversize::Received, limit: LOCAL_BUILD_LIMIT }));
        }
        hasher.update(&chunk[..count]);
        copy.write_all(&chunk[..count]).map_err(|error| depot.cache.error(error))?;
    }
    let digests = hasher.finish();
    let kept = depot.cache.keep(copy, &digests.packaged.sha256).map_err(|error| depot.cache.error(error))?;
    let evidence = vec![Evidence::LocalBuild(digests.packaged.sha256.clone())];
    let artifact = Artifact::new(kept, path.display().to_string(), digests, evidence);
    depot.reporter.report(Event::Warning(Warning::LocalBuild { path: artifact.origin().to_owned() }));
    report_verified(depot, &artifact, false);
    Ok(artifact)
}

fn report_verified(depot: &Depot, artifact: &Artifact, cached: bool) {
    let words = artifact.evidence().iter().map(|evidence| match evidence {
        Evidence::Pinned(digest) => format!("pinned {}", digest.algorithm()),
        Evidence::Published { digest, .. } => format!("published {}", digest.algorithm()),
        Evidence::CosignKeyless { identity, .. } => format!("signed by {identity}"),
        Evidence::CosignKey { .. } => "signed by the pinned key".to_owned(),
        Evidence::OpenPgp { fingerprint, .. } => format!("signed by {fingerprint}"),
        Evidence::NoSignature { .. } => "no signature".to_owned(),
        Evidence::Exception { .. } => "an exception of the signature".to_owned(),
        Evidence::LocalBuild(_) => "local build".to_owned(),
    });
    depot.reporter.report(Event::Verified {
        origin: artifact.origin().to_owned(),
        digest: artifact.digests().sha256.clone(),
        evidence: words.collect::<Vec<_>>().join(", "),
        cached,
    });
}
