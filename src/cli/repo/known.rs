//! `--key`: what a client knows of a repository before it reads it.

use std::path::Path;

use crate::cli::diagnostic::Failure;
use crate::cli::signing::certificates;
use crate::repository::anchor::{Anchors, Fingerprint};
use crate::repository::error::RepositoryError;
use crate::repository::layout::{CERTIFICATE, key};
use crate::repository::rpmmd::KEY;
use crate::repository::store::Store;
use crate::sign::{Certificate, MAX_KEY_FILE};

/// Where repositories of other tools have their certificates (pkgs.k8s.io and OBS: `Release.key`).
const PLACES: [&str; 3] = [CERTIFICATE, "Release.key", KEY];

/// What is known of the keys of a repository.
#[derive(Debug)]
pub(super) enum Known {
    /// Certificates.
    Certificates(Vec<Certificate>),
    /// A fingerprint: the certificate is where the repository has it.
    Fingerprint(Fingerprint),
    /// Nothing.
    Nothing,
}

impl Known {
    /// Reads a file of certificates, or else a fingerprint.
    pub(super) fn read(key: &Path) -> Result<Self, Failure> {
        match key.to_str().and_then(|text| text.parse().ok()) {
            Some(fingerprint) if !key.exists() => Ok(Self::Fingerprint(fingerprint)),
            _ => Ok(Self::Certificates(certificates(key)?)),
        }
    }

    pub(super) fn anchors(&self) -> Anchors {
        match self {
            Self::Certificates(certificates) => Anchors::default().and_certificates(certificates),
            Self::Fingerprint(fingerprint) => Anchors::default().and_fingerprint(Some(fingerprint)),
            Self::Nothing => Anchors::default(),
        }
    }

    /// Returns the certificates of clients that know this, of a repository that has these.
    pub(super) fn chosen(&self, own: Vec<Certificate>) -> Vec<Certificate> {
        match self {
            Self::Certificates(certificates) => certificates.clone(),
            Self::Fingerprint(named) => own.into_iter().filter(|one| one.fingerprint() == named.as_str()).collect(),
            Self::Nothing => own,
        }
    }

    /// Returns the certificates of clients that know this, of a repository that kubepkg did not make.
    pub(super) fn found(&self, store: &Store) -> Result<Vec<Certificate>, Failure> {
        let location = store.location();
        match self {
            Self::Certificates(certificates) => Ok(certificates.clone()),
            Self::Nothing => Err(Failure::usage(format!("whose signatures does `{location}` have?"))
                .hint("add `--key FILE`, the certificate that its clients trust, or its fingerprint")),
            Self::Fingerprint(named) => {
                for place in PLACES {
                    let there = store.get(&key(place), MAX_KEY_FILE).map_err(RepositoryError::from)?;
                    let given = there.and_then(|object| Certificate::parse(&object.bytes).ok()).unwrap_or_default();
                    let chosen = self.chosen(given);
                    if !chosen.is_empty() {
                        return Ok(chosen);
                    }
                }
                Err(Failure::plan(format!("`{location}` has no certificate of {named} where one is looked for"))
                    .hint(format!("add `--key FILE`: neither of {} holds it", PLACES.join(", "))))
            }
        }
    }
}
