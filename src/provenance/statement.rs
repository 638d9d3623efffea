//! Statements (in-toto attestation framework, Statement v1): something that is said about files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::plain;
use crate::digest::{Algorithm, Digest};

pub(super) const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// Something that is said about files. What is said is kept as it was written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    /// The files, each with its digests.
    pub subject: Vec<Subject>,
    /// What kind of thing is said of them.
    pub predicate_type: String,
    predicate: Box<RawValue>,
}

/// A file that a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its digests in hexadecimal digits, by algorithm.
    pub digest: BTreeMap<String, String>,
}

impl Statement {
    pub(super) fn new(subject: Subject, predicate_type: &str, predicate: Box<RawValue>) -> Self {
        let (kind, predicate_type) = (STATEMENT_TYPE.to_owned(), predicate_type.to_owned());
        Self { kind, subject: vec![subject], predicate_type, predicate }
    }

    /// Reads a statement; what is wrong otherwise.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let statement: Self =
            serde_json::from_slice(bytes).map_err(|error| format!("no in-toto statement: {}", plain(&error)))?;
        if statement.kind != STATEMENT_TYPE {
            return Err(format!("no in-toto statement of version 1, whose type is `{STATEMENT_TYPE}`"));
        }
        Ok(statement)
    }

    /// Whether one of its subjects has this digest.
    pub fn is_about(&self, sha256: &Digest) -> bool {
        self.subject.iter().any(|subject| subject.sha256().as_ref() == Some(sha256))
    }

    /// Returns how it calls the file with this digest; none where it has no name for it.
    pub fn name_of(&self, sha256: &Digest) -> Option<&str> {
        let subject = self.subject.iter().find(|subject| subject.sha256().as_ref() == Some(sha256))?;
        Some(subject.name.rsplit('/').next().unwrap_or_default()).filter(|name| !name.is_empty())
    }

    /// Returns what is said, as JSON.
    pub fn predicate(&self) -> &str {
        self.predicate.get()
    }

    /// Returns the same statement about another file of the same name.
    #[must_use]
    pub fn about(&self, sha256: &Digest) -> Self {
        let mut statement = self.clone();
        for subject in &mut statement.subject {
            subject.digest = [(sha256.algorithm().to_string(), sha256.hex().to_owned())].into();
        }
        statement
    }
}

impl Subject {
    /// Returns its SHA-256, if it says that.
    pub fn sha256(&self) -> Option<Digest> {
        Digest::from_hex(Algorithm::Sha256, self.digest.get("sha256")?).ok()
    }
}
