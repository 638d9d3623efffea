//! The digest policy, and the only place that makes an [`Artifact`].

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use fs_err::File;
use url::Url;

use super::artifact::{Artifact, Evidence};
use super::cache::Record;
use super::depot::Depot;
use super::error::{Claim, FetchError, Oversize, TransferError};
use super::upstream::redacted;
use crate::digest::{Algorithm, BadDigestFile, UpstreamDigests, UpstreamHasher, parse_published};
use crate::event::{Event, Warning};
use crate::plan::{DigestSource, Download, Presence, Verification};

/// The most bytes of a digest file: the longest lists, of a Kubernetes release with all its tarballs, have 200 kB.
const DIGEST_FILE_LIMIT: u64 = 4 << 20;
/// The most bytes of a local build.
const LOCAL_BUILD_LIMIT: u64 = 2 << 30;

/// What all sources say about one file, without contradiction and never empty.
#[derive(Debug)]
struct Claims {
    claims: Vec<Claim>,
    evidence: Vec<Evidence>,
}

/// Fetches and verifies one download: first all digests, then the bytes, from the cache where it has them.
pub(super) async fn download(depot: &Depot, download: &Download) -> Result<Artifact, FetchError> {
    let claims = match Claims::gather(depot, download).await {
        Err(error) if lacks_digest(&error) && depot.is_absent(&download.url).await? => {
            return Err(FetchError::NotPublished { url: depot.address(&download.url) });
        }
        other => other?,
    };
    let _lock = depot.lock(&download.url).await?;
    if let Some(artifact) = cached(depot, &download.url, &claims)? {
        return Ok(artifact);
    }
    let mut received = depot.receive(&download.url, download.size_limit).await?;
    if received.was_resumed && claims.check(&received.digests, &received.address).is_err() {
        // The pieces may be of different files: one more try, in one piece.
        received = depot.receive(&download.url, download.size_limit).await?;
    }
    claims.check(&received.digests, &received.address)?;
    let digests = received.digests.clone();
    let path = depot.keep(&download.url, received)?;
    let artifact = Artifact::new(path, redacted(&download.url), digests, claims.evidence);
    report_verified(depot, &artifact, false);
    Ok(artifact)
}

/// Returns what vouches today for bytes with these digests; nothing where not all that must does.
pub(super) async fn evidence(depot: &Depot, download: &Download, digests: &UpstreamDigests) -> Option<Vec<Evidence>> {
    let claims = Claims::gather(depot, download).await.ok()?;
    claims.check(digests, "").is_ok().then_some(claims.evidence)
}

/// Whether an error may only mean that the file itself is not published.
fn lacks_digest(error: &FetchError) -> bool {
    match error {
        FetchError::NoDigest { .. } => true,
        FetchError::BadDigest { source, .. } => matches!(**source, BadDigestFile::NotListed(_)),
        _ => false,
    }
}

/// Returns the cache's file if it is what `url` held, and what everybody says today. The same bytes fetched from
/// another URL do not count, so that the result does not depend on what else was fetched.
fn cached(depot: &Depot, url: &Url, claims: &Claims) -> Result<Option<Artifact>, FetchError> {
    let Some(Record::Published(sha256)) = depot.record(url)? else { return Ok(None) };
    let Some((path, digests)) = depot.blob(&sha256)? else { return Ok(None) };
    if claims.check(&digests, &redacted(url)).is_err() {
        return Ok(None);
    }
    let artifact = Artifact::new(path, redacted(url), digests, claims.evidence.clone());
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

impl Claims {
    async fn gather(depot: &Depot, download: &Download) -> Result<Self, FetchError> {
        let Verification::Digests(sources) = &download.verification;
        let file = redacted(&download.url);
        let mut all = Self { claims: Vec::new(), evidence: Vec::new() };
        for source in sources.iter() {
            let (claim, evidence) = match source {
                DigestSource::Pinned(digest) => {
                    (Claim { digest: digest.clone(), url: None }, Evidence::Pinned(digest.clone()))
                }
                DigestSource::Published { url, algorithm, entry, presence } => {
                    let address = depot.address(url);
                    let Some(digest) = published(depot, &file, url, *algorithm, entry, *presence).await? else {
                        depot.reporter.report(Event::Warning(Warning::NoOptionalDigest { url: address }));
                        continue;
                    };
                    (
                        Claim { digest: digest.clone(), url: Some(address.clone()) },
                        Evidence::Published { url: redacted(url), asked: address, digest },
                    )
                }
            };
            all.claims.push(claim);
            all.evidence.push(evidence);
        }
        all.agree(&file)?;
        Ok(all)
    }

    /// Refuses two different digests of one algorithm.
    fn agree(&self, file: &str) -> Result<(), FetchError> {
        for (place, first) in self.claims.iter().enumerate() {
            let contradicts =
                |other: &&Claim| other.digest.algorithm() == first.digest.algorithm() && other.digest != first.digest;
            if let Some(second) = self.claims[place + 1..].iter().find(contradicts) {
                return Err(FetchError::Disagreement {
                    file: file.to_owned(),
                    algorithm: first.digest.algorithm(),
                    first: Box::new(first.clone()),
                    second: Box::new(second.clone()),
                });
            }
        }
        Ok(())
    }

    /// Checks bytes against every claim.
    fn check(&self, digests: &UpstreamDigests, address: &str) -> Result<(), FetchError> {
        for claim in &self.claims {
            let actual = digests.get(claim.digest.algorithm());
            if *actual != claim.digest {
                return Err(FetchError::Mismatch {
                    url: address.to_owned(),
                    expected: Box::new(claim.clone()),
                    actual: actual.clone(),
                    size: digests.packaged.size,
                });
            }
        }
        Ok(())
    }
}

/// Returns the digest that a file at `url` publishes; `None` where an optional one is not there.
async fn published(
    depot: &Depot,
    file: &str,
    url: &Url,
    algorithm: Algorithm,
    entry: &str,
    presence: Presence,
) -> Result<Option<crate::digest::Digest>, FetchError> {
    let is_optional = presence == Presence::Optional;
    let text = match depot.text(url, DIGEST_FILE_LIMIT).await {
        Err(FetchError::NotPublished { .. }) if is_optional => return Ok(None),
        Err(FetchError::NotPublished { url }) => return Err(FetchError::NoDigest { file: file.to_owned(), url }),
        other => other?,
    };
    match parse_published(algorithm, entry, &text) {
        Ok(digest) => Ok(Some(digest)),
        Err(BadDigestFile::NotListed(_)) if is_optional => Ok(None),
        Err(source) => {
            Err(FetchError::BadDigest { file: file.to_owned(), url: depot.address(url), source: Box::new(source) })
        }
    }
}
