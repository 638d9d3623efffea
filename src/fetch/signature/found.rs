//! The files of a signature as they were found, and what follows for the bytes.

use std::sync::Arc;

use super::super::artifact::Evidence;
use super::super::depot::Depot;
use super::super::error::FetchError;
use super::super::upstream::redacted;
use super::{SignatureError, Subject, TrustRoot, verify};
use crate::event::{Warning, chain};
use crate::plan::{Demand, ProofKind, ProvidedProof};
use crate::spec::Signature;
use url::Url;

/// The most bytes of a signature, certificate, entry or bundle; the largest bundles have some 20 kB.
const FILE_LIMIT: u64 = 1 << 20;

/// A signature, as it was found, and whether it must be there.
#[derive(Debug)]
pub(in crate::fetch) struct Found {
    /// The file that should be signed.
    file: String,
    /// Where upstream publishes the signature.
    url: String,
    /// Where it was looked for.
    address: String,
    demand: Demand,
    files: Files,
}

#[derive(Debug)]
enum Files {
    Here(Signature<Arc<str>>),
    /// There is none, which `demand` allows.
    Absent,
    /// They did not come, which an exception allows.
    Failed(FetchError),
}

impl Found {
    /// Looks for the signature of `file`, which is an error to miss where it is required.
    pub(in crate::fetch) async fn gather(
        depot: &Depot,
        file: String,
        signature: &Signature<Url>,
        demand: &Demand,
    ) -> Result<Self, FetchError> {
        let (url, address) = (redacted(signature.main()), depot.address(signature.main()));
        if let Demand::Proven(proof @ ProvidedProof { kind: ProofKind::Bundle, .. }) = demand {
            let bundled = signature.in_bundle(Arc::clone(&proof.text));
            let files = Files::Here(bundled.ok_or_else(|| bad_proof(&file, proof, SignatureError::Unprovable))?);
            return Ok(Self { file, url, address, demand: demand.clone(), files });
        }
        let files = match (texts(depot, signature).await, demand) {
            (Ok(texts), _) => Files::Here(texts),
            // Where the signature itself is there, its other files must be, too.
            (Err(FetchError::NotPublished { url: absent }), Demand::WherePublished) if absent == address => {
                Files::Absent
            }
            (Err(error), demand) => {
                let error = match error {
                    FetchError::NotPublished { url } => FetchError::NoSignature { file: file.clone(), url },
                    other => other,
                };
                let Demand::Exception { .. } = demand else { return Err(error) };
                Files::Failed(error)
            }
        };
        Ok(Self { file, url, address, demand: demand.clone(), files })
    }

    /// Returns what the signature proves of the bytes, or what is let go of it and was warned of.
    pub(in crate::fetch) fn check(
        &self,
        depot: &Depot,
        subject: &Subject<'_>,
        root: &TrustRoot,
    ) -> Result<Evidence, FetchError> {
        let url = self.url.clone();
        let error = match &self.files {
            Files::Absent => {
                depot.warn(Warning::NoSignature { file: self.file.clone(), url: self.address.clone() });
                return Ok(Evidence::NoSignature { url });
            }
            Files::Failed(error) => error.clone(),
            Files::Here(texts) => match verify(texts, &url, subject, root) {
                Ok(evidence) => {
                    if let Demand::Exception { reason } = &self.demand {
                        depot.warn(Warning::UnneededException { file: self.file.clone(), reason: reason.clone() });
                    }
                    return self.prove(evidence, texts, subject, root);
                }
                Err(cause) => self.refuse(cause),
            },
        };
        let Demand::Exception { reason } = &self.demand else { return Err(error) };
        let (file, reason) = (self.file.clone(), reason.clone());
        depot.warn(Warning::SignatureException { file, cause: chain(&error), reason: reason.clone() });
        Ok(Evidence::Exception { url: self.url.clone(), reason })
    }

    /// Adds what the user provided to a signature that is good without it. A bundle has been all that was checked.
    fn prove(
        &self,
        evidence: Evidence,
        texts: &Signature<Arc<str>>,
        subject: &Subject<'_>,
        root: &TrustRoot,
    ) -> Result<Evidence, FetchError> {
        let Demand::Proven(proof) = &self.demand else { return Ok(evidence) };
        let evidence = match proof.kind {
            ProofKind::Bundle => Ok(evidence),
            ProofKind::Entry => {
                let logged = texts.clone().with_entry(Arc::clone(&proof.text)).ok_or(SignatureError::Unprovable);
                logged.and_then(|texts| verify(&texts, &self.url, subject, root))
            }
        };
        evidence.map(|evidence| evidence.proven_by(proof)).map_err(|cause| bad_proof(&self.file, proof, cause))
    }

    /// Says which file does not vouch for the bytes.
    fn refuse(&self, cause: SignatureError) -> FetchError {
        match &self.demand {
            Demand::Proven(proof) if proof.kind == ProofKind::Bundle => bad_proof(&self.file, proof, cause),
            _ => {
                let (file, url) = (self.file.clone(), self.address.clone());
                FetchError::BadSignature { file, url, source: Arc::new(cause) }
            }
        }
    }
}

/// Says that what the user provided does not prove what it should.
fn bad_proof(file: &str, proof: &ProvidedProof, cause: SignatureError) -> FetchError {
    FetchError::BadProof { file: file.to_owned(), path: proof.path.clone(), source: Arc::new(cause) }
}

/// Fetches all files of a signature.
async fn texts(depot: &Depot, signature: &Signature<Url>) -> Result<Signature<Arc<str>>, FetchError> {
    let mut texts = Vec::new();
    for url in signature.files() {
        texts.push(depot.text(url, FILE_LIMIT).await?);
    }
    let mut texts = texts.into_iter();
    // There are as many as there are files, and in their order.
    signature.try_map(|url| texts.next().ok_or_else(|| FetchError::NotText { url: depot.address(url) }))
}
