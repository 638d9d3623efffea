//! What all sources say about the digests of one file.

use url::Url;

use super::artifact::Evidence;
use super::depot::Depot;
use super::error::{Claim, FetchError};
use super::upstream::redacted;
use crate::digest::{Algorithm, BadDigestFile, Digest, UpstreamDigests, parse_published};
use crate::event::Warning;
use crate::plan::{DigestSource, DigestSources, Presence};

/// The most bytes of a digest file: the longest lists, of a Kubernetes release with all its tarballs, have 200 kB.
const DIGEST_FILE_LIMIT: u64 = 4 << 20;

/// What all sources say about one file, without contradiction and never empty.
#[derive(Debug)]
pub(super) struct Claims {
    claims: Vec<Claim>,
    pub(super) evidence: Vec<Evidence>,
}

impl Claims {
    /// Asks all sources about `file`.
    pub(super) async fn gather(depot: &Depot, file: String, sources: &DigestSources) -> Result<Self, FetchError> {
        let mut all = Self { claims: Vec::new(), evidence: Vec::new() };
        for source in sources.iter() {
            let (claim, evidence) = match source {
                DigestSource::Pinned(digest) => {
                    (Claim { digest: digest.clone(), url: None }, Evidence::Pinned(digest.clone()))
                }
                DigestSource::Published { url, algorithm, entry, presence } => {
                    let address = depot.address(url);
                    let Some(digest) = published(depot, &file, url, *algorithm, entry, *presence).await? else {
                        depot.warn(Warning::NoOptionalDigest { url: address });
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
    pub(super) fn check(&self, digests: &UpstreamDigests, address: &str) -> Result<(), FetchError> {
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
) -> Result<Option<Digest>, FetchError> {
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
