//! Package files that may be published.

use std::path::Path;
use std::rc::Rc;

use super::error::RepositoryError;
use super::fragment::{Fragment, FragmentError};
use super::gate::{self, Refusal};
use super::generation::Entry;
use super::layout::{self, key};
use super::pack::Shelf;
use super::paper::{self, Given, Places};
use super::store::{Content, Key, Source};
use crate::package::reader::{self, FileList, Scan};
use crate::sign::Certificate;

/// A package file that was looked at.
#[derive(Debug)]
pub(super) struct Candidate {
    source: Source,
    /// Without the texts of index files.
    fragment: Rc<Fragment>,
    papers: Vec<Given>,
    /// What is wrong with its signature.
    refused: Option<Refusal>,
}

/// A package that its maker read back: nobody has to read it again.
#[derive(Debug)]
pub struct ReadBack {
    /// The file, as it was when it was read.
    pub source: Source,
    /// What was read.
    pub scan: Scan,
    /// What is known of its signature.
    pub signature: Signature,
}

/// What is known of the signature of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// Nothing yet.
    Unknown,
    /// It was made by the key with this fingerprint, and read back.
    Made(String),
    /// It has none.
    Absent,
}

impl Candidate {
    /// Reads a package file once, and puts its fragment on a shelf. `trusted` are the certificates that clients have.
    pub(super) fn read(
        path: &Path,
        list: FileList,
        trusted: &[Certificate],
        shelf: &mut Shelf,
    ) -> Result<Self, RepositoryError> {
        let (source, file) = Source::open(path)?;
        let scan = reader::scan_from(path, file, source.size(), list).map_err(FragmentError::from)?;
        Self::of(ReadBack { source, scan, signature: Signature::Unknown }, trusted, shelf)
    }

    /// Takes a package that was read already.
    pub(super) fn of(package: ReadBack, trusted: &[Certificate], shelf: &mut Shelf) -> Result<Self, RepositoryError> {
        let ReadBack { source, scan, signature } = package;
        let fragment = shelf.add(Fragment::of_scan(source.path(), &scan)?)?;
        let file = source.path().display();
        let refused = match signature {
            Signature::Unknown => gate::signature(source.path(), &scan, trusted),
            Signature::Made(issuer) if trusted.iter().any(|one| one.has_key(&issuer)) => None,
            Signature::Made(issuer) => Some(Refusal::Foreign { file: file.to_string(), issuer }),
            Signature::Absent => gate::unsigned(file.to_string(), fragment.format()),
        };
        Ok(Self { source, fragment, papers: Vec::new(), refused })
    }

    /// Returns the file.
    pub(super) fn path(&self) -> &Path {
        self.source.path()
    }

    /// Takes its papers; returns what is wrong with them.
    pub(super) fn attach(&mut self, places: &mut Places<'_>) -> Result<Vec<Refusal>, RepositoryError> {
        let (papers, refused) = paper::read(self.source.path(), &self.fragment, places)?;
        self.papers = papers;
        Ok(refused)
    }

    /// Returns what is known of it.
    pub(super) fn fragment(&self) -> &Fragment {
        &self.fragment
    }

    /// Returns why it is not published, whatever else is.
    pub(super) fn refusals(&self) -> impl Iterator<Item = Refusal> {
        let file = self.source.path().display().to_string();
        gate::file(&file, &self.fragment).into_iter().chain(self.refused.clone())
    }

    /// Returns it as a generation lists it.
    pub(super) fn entry(&self) -> Entry {
        let fragment = &self.fragment;
        Entry {
            format: fragment.format(),
            name: fragment.name().to_owned(),
            version: fragment.version().to_owned(),
            arch: fragment.arch().to_owned(),
            sha256: fragment.sha256().clone(),
            size: fragment.size(),
            path: key(&layout::pool(fragment.name(), &fragment.file_name())),
            papers: self.papers.iter().map(|given| given.paper.clone()).collect(),
        }
    }

    /// What is stored of it: its papers first, so that they are there when it is.
    pub(super) fn objects(&self) -> impl Iterator<Item = (Key, Content<'_>)> {
        let entry = self.entry();
        let package = (entry.path.clone(), Content::Package(&self.source));
        let papers = self.papers.iter();
        papers.map(move |one| (entry.paper_path(one.paper.kind), Content::Bytes(&one.bytes))).chain([package])
    }
}
