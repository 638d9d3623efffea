//! Packages that are offered to a channel: files, or what a build has just read back.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::candidate::{Candidate, ReadBack};
use super::channel::Channel;
use super::charter::Repository;
use super::error::RepositoryError;
use super::fragment::compare_deb_versions;
use super::gate::{Refusal, Refusals};
use super::generation::{Entry, Reason};
use super::pack::Shelf;
use super::paper;
use super::publish::{Change, Outcome, Publisher};
use crate::digest::Digest;
use crate::sign::Certificate;

impl Repository {
    /// Adds package files to a channel, with the papers among the files and beside them. Packages that it shows already are
    /// left alone; if it shows all of them, nothing is written, unless an earlier run was killed before it was done.
    pub fn publish(
        &mut self,
        channel: Channel,
        files: &[PathBuf],
        publisher: &Publisher<'_>,
    ) -> Result<Outcome, RepositoryError> {
        self.add(channel, files, (&Reason::Publish, &[]), publisher)
    }

    /// Adds package files to a channel, for some reason. Clients are given the certificates of `packagers`, who signed some of
    /// them, unless something is refused.
    pub(super) fn add(
        &mut self,
        channel: Channel,
        files: &[PathBuf],
        (reason, packagers): (&Reason, &[Certificate]),
        publisher: &Publisher<'_>,
    ) -> Result<Outcome, RepositoryError> {
        self.admit(&publisher.signers, publisher.date, reason)?;
        let offered = self.offered(files, packagers)?;
        self.advance(channel, publisher, |shown| Ok(offered.change(shown, reason)))
    }

    /// Adds packages that were just made to a channel, with the papers beside them. Their files are copied, and not read
    /// otherwise.
    pub fn publish_read_back(
        &mut self,
        channel: Channel,
        packages: Vec<ReadBack>,
        publisher: &Publisher<'_>,
    ) -> Result<Outcome, RepositoryError> {
        self.admit(&publisher.signers, publisher.date, &Reason::Publish)?;
        let trusted = self.charter().keyring.of_packages();
        let (mut shelf, mut candidates) = (Shelf::default(), Vec::with_capacity(packages.len()));
        for package in natural_order(packages, |package| package.source.path()) {
            candidates.push(Candidate::of(package, &trusted, &mut shelf)?);
        }
        let offered = Offered::new(candidates, shelf, &[], &[])?;
        self.advance(channel, publisher, |shown| Ok(offered.change(shown, &Reason::Publish)))
    }

    /// Reads package files, with the papers among them and beside them. Besides those whom clients trust, `packagers` may
    /// have signed them.
    pub(super) fn offered(&self, files: &[PathBuf], packagers: &[Certificate]) -> Result<Offered, RepositoryError> {
        let (papers, files): (Vec<PathBuf>, Vec<PathBuf>) =
            files.iter().cloned().partition(|path| paper::Kind::of(path).is_some());
        let (list, mut trusted) = (self.charter().settings.file_list(), self.charter().keyring.of_packages());
        trusted.extend_from_slice(packagers);
        let (mut shelf, mut candidates) = (Shelf::default(), Vec::with_capacity(files.len()));
        for path in natural_order(&files, |path| path) {
            candidates.push(Candidate::read(path, list, &trusted, &mut shelf)?);
        }
        Offered::new(candidates, shelf, &papers, packagers)
    }
}

/// Packages that may be published, as far as each of them alone tells.
pub(super) struct Offered {
    pub(super) candidates: Vec<Candidate>,
    fragments: Rc<Shelf>,
    packagers: Vec<Certificate>,
}

impl Offered {
    /// Asks each package what can be asked of it alone.
    fn new(
        mut candidates: Vec<Candidate>,
        shelf: Shelf,
        papers: &[PathBuf],
        packagers: &[Certificate],
    ) -> Result<Self, RepositoryError> {
        let mut refused: Vec<Refusal> = candidates.iter().flat_map(Candidate::refusals).collect();
        refused.extend(paper::strays(papers, candidates.iter().map(Candidate::path)));
        let mut places = paper::Places::new(papers);
        for candidate in &mut candidates {
            refused.extend(candidate.attach(&mut places)?);
        }
        if refused.is_empty() {
            Ok(Self { candidates, fragments: Rc::new(shelf), packagers: packagers.to_vec() })
        } else {
            Err(Refusals(refused).into())
        }
    }

    /// Returns the change that adds them to what a channel shows, and those that it does not show yet.
    pub(super) fn change(&self, shown: &[Entry], reason: &Reason) -> (Change, Vec<&Candidate>) {
        let known: HashSet<&Digest> = shown.iter().map(|entry| &entry.sha256).collect();
        let fresh: Vec<&Candidate> =
            self.candidates.iter().filter(|one| !known.contains(one.fragment().sha256())).collect();
        let packages = shown.iter().cloned().chain(fresh.iter().map(|one| one.entry())).collect();
        let (fragments, packagers) = (Rc::clone(&self.fragments), self.packagers.clone());
        (Change { packages, fragments, reason: reason.clone(), packagers }, fresh)
    }
}

/// Sorts files so that packages come about as index files list them, whoever named them in which order.
fn natural_order<T>(files: impl IntoIterator<Item = T>, path: impl Fn(&T) -> &Path) -> impl Iterator<Item = T> {
    let name = |one: &T| path(one).to_string_lossy().into_owned();
    let mut named: Vec<(String, T)> = files.into_iter().map(|one| (name(&one), one)).collect();
    named.sort_by(|(one, _), (other, _)| compare_deb_versions(one, other).then_with(|| one.cmp(other)));
    named.into_iter().map(|(_, one)| one)
}
