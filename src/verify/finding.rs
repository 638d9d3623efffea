//! Answers.

use std::fmt;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::package::reader::Inspection;

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The parts of the file and how they fit.
    Structure,
    /// The digests and sizes that the package holds.
    Digests,
    /// Its signature.
    Signature,
    /// What is said of how it was made.
    Provenance,
    /// What is said of what is in it.
    Sbom,
    /// Another package.
    Comparison,
    /// What upstream published.
    Upstream,
    /// What comes out when it is built again.
    Rebuild,
}

impl Check {
    /// Returns the name, for people and programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Digests => "digests",
            Self::Signature => "signature",
            Self::Provenance => "provenance",
            Self::Sbom => "sbom",
            Self::Comparison => "comparison",
            Self::Upstream => "upstream",
            Self::Rebuild => "rebuild",
        }
    }
}

/// How it was found; the worst is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// As it should be.
    Good,
    /// Nobody asked for it, or there is nothing to check.
    Unchecked,
    /// Nothing contradicts it, and nothing proves it, though that was asked for.
    Unproven,
    /// What would prove it could not be fetched.
    Unfetched,
    /// The file cannot be read, or is no package.
    Unreadable,
    /// Not as it should be.
    Bad,
}

impl Outcome {
    /// Returns the name, for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Unchecked => "unchecked",
            Self::Unproven => "unproven",
            Self::Unfetched => "unfetched",
            Self::Unreadable => "unreadable",
            Self::Bad => "bad",
        }
    }
}

/// In words, for people.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Good => "good",
            Self::Unchecked => "not checked",
            Self::Unproven => "not proven",
            Self::Unfetched => "not fetched",
            Self::Unreadable => "not readable",
            Self::Bad => "bad",
        })
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// How it was found.
    pub outcome: Outcome,
    /// In words, on one line.
    pub text: String,
    /// More of it for programs, by name.
    pub details: Map<String, Value>,
}

impl Finding {
    /// Makes an answer without details.
    pub fn new(check: Check, outcome: Outcome, text: impl Into<String>) -> Self {
        Self { check, outcome, text: text.into(), details: Map::new() }
    }

    /// Adds a detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// Returns it as JSON: `check`, `outcome`, `text` and the details.
    pub fn json(&self) -> Value {
        let mut json = self.details.clone();
        json.insert("check".to_owned(), self.check.as_str().into());
        json.insert("outcome".to_owned(), self.outcome.as_str().into());
        json.insert("text".to_owned(), self.text.clone().into());
        json.into()
    }
}

/// What a package says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `deb` or `rpm`.
    pub format: crate::format::Format,
    /// The name.
    pub name: String,
    /// The version with epoch and revision.
    pub version: String,
    /// The architecture in the format's spelling.
    pub arch: String,
    /// The SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

impl Identity {
    /// Takes it out of what was read.
    pub fn of(inspection: &Inspection) -> Self {
        let Inspection { format, name, version, revision, arch, file, .. } = inspection;
        let version = revision.as_ref().map_or_else(|| version.clone(), |revision| format!("{version}-{revision}"));
        Self { format: *format, name: name.clone(), version, arch: arch.clone(), sha256: file.sha256.clone() }
    }
}

/// All answers about one package.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The file.
    pub path: PathBuf,
    /// What it says it is; nothing where it is damaged beyond that, or no package.
    pub identity: Option<Identity>,
    /// The answers, in the order of the questions.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Returns the worst outcome; what was not checked is no fault.
    pub fn outcome(&self) -> Outcome {
        let asked =
            self.findings.iter().map(|finding| finding.outcome).filter(|outcome| *outcome != Outcome::Unchecked);
        asked.max().unwrap_or(Outcome::Good)
    }

    /// Returns it as JSON.
    pub fn json(&self) -> Value {
        let said = |part: fn(&Identity) -> &str| self.identity.as_ref().map(part);
        json!({
            "path": self.path.display().to_string(),
            "format": self.identity.as_ref().map(|identity| identity.format.as_str()),
            "name": said(|identity| &identity.name),
            "version": said(|identity| &identity.version),
            "arch": said(|identity| &identity.arch),
            "sha256": said(|identity| &identity.sha256),
            "outcome": self.outcome().as_str(),
            "findings": self.findings.iter().map(Finding::json).collect::<Vec<_>>(),
        })
    }
}
