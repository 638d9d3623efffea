//! Package files that may be published.

use std::path::{Path, PathBuf};

use super::error::RepositoryError;
use super::fragment::Fragment;
use super::gate::{self, Refusal};
use super::generation::Entry;
use super::layout::{self, key};
use super::paper::{self, Given};
use super::store::{Content, Key, Source};
use crate::package::reader::FileList;
use crate::sign::Certificate;

/// A package file that was looked at.
#[derive(Debug)]
pub(super) struct Candidate {
    source: Source,
    fragment: Fragment,
    papers: Vec<Given>,
}

impl Candidate {
    /// Reads a package file.
    pub(super) fn read(path: &Path, list: FileList) -> Result<Self, RepositoryError> {
        let source = Source::new(path)?;
        let fragment = Fragment::read(path, list)?;
        Ok(Self { source, fragment, papers: Vec::new() })
    }

    /// Takes the papers among `given`, and those beside the package; returns what is wrong with them.
    pub(super) fn attach(&mut self, given: &[PathBuf]) -> Result<Vec<Refusal>, RepositoryError> {
        let (papers, refused) = paper::read(self.source.path(), &self.fragment, given)?;
        self.papers = papers;
        Ok(refused)
    }

    /// Returns what is known of it.
    pub(super) fn fragment(&self) -> &Fragment {
        &self.fragment
    }

    /// Returns why it is not published, whatever else is.
    pub(super) fn refusals(&self, trusted: &[Certificate]) -> Vec<Refusal> {
        let mut found = gate::file(&self.source.path().display().to_string(), &self.fragment);
        found.extend(gate::signature(self.source.path(), self.fragment.format(), trusted));
        found
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
