//! Whether two packages are the same, and where they are not.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{Check, Finding, Outcome, Question, chain, list, unreadable};
use crate::digest::Digest;
use crate::package::reader::{self, Inspection, ReadError};
use crate::package::signing;

/// How much of two packages is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Every byte.
    All,
    /// Everything but signatures and the room for them, as who builds a package again without the key does.
    AllButSignatures,
}

/// Asks whether a package is the same as another.
#[derive(Debug)]
pub struct SameAs {
    /// The other one; in a folder, the file of the same name.
    pub other: PathBuf,
    /// How much is compared.
    pub extent: Extent,
}

impl Question for SameAs {
    fn ask(&self, package: &Path, inspection: &Inspection) -> Vec<Finding> {
        let other = match package.file_name() {
            Some(name) if self.other.is_dir() => self.other.join(name),
            _ => self.other.clone(),
        };
        vec![compare(package, inspection, &other, self.extent)]
    }
}

/// Compares a package with another.
pub fn compare(package: &Path, inspection: &Inspection, other: &Path, extent: Extent) -> Finding {
    let finding = |outcome, text: String| {
        Finding::new(Check::Comparison, outcome, text).with("other", other.display().to_string())
    };
    let theirs = match reader::open(other) {
        Ok(theirs) => theirs,
        Err(error) => return unreadable(Check::Comparison, &error),
    };
    let same = match extent {
        Extent::All => Ok(inspection.file.sha256 == theirs.file.sha256),
        Extent::AllButSignatures => digests(package, other),
    };
    match (same, extent) {
        (Err(finding), _) => finding,
        (Ok(true), Extent::All) => finding(Outcome::Good, format!("the same bytes as `{}`", other.display())),
        (Ok(true), Extent::AllButSignatures) => {
            finding(Outcome::Good, format!("the same bytes as `{}`, but for signatures", other.display()))
        }
        (Ok(false), _) => match differences(package, other, extent) {
            Ok(differences) => {
                let text = format!("not the same as `{}`: {}", other.display(), list(&differences));
                finding(Outcome::Bad, text).with("differences", differences)
            }
            Err(error) => unreadable(Check::Comparison, &error),
        },
    }
}

/// Whether two packages are the same without their signatures.
fn digests(package: &Path, other: &Path) -> Result<bool, Finding> {
    let digest = |path: &Path| {
        signing::unsigned_digest(path)
            .map_err(|error| Finding::new(Check::Comparison, Outcome::Unreadable, chain(&error)))
    };
    Ok(digest(package)? == digest(other)?)
}

/// Says where two packages differ: in what they say, in their files, or in nothing but the bytes of their archives.
fn differences(package: &Path, other: &Path, extent: Extent) -> Result<Vec<String>, ReadError> {
    let (mine, theirs) = (view(package, extent)?, view(other, extent)?);
    let mut found = Vec::new();
    differ("", &mine.into(), &theirs.into(), &mut found);
    if found.is_empty() {
        found.push("what they say and hold is the same, but not how it is packed".to_owned());
    }
    Ok(found)
}

/// Returns what a package says and holds, the digest of each file included, without what differs in any case.
fn view(path: &Path, extent: Extent) -> Result<Map<String, Value>, ReadError> {
    let mut contents = BTreeMap::new();
    let inspection = reader::walk(path, &mut |entry, content| {
        contents.insert(entry.path.clone(), Digest::sha256_of(content)?.0.to_string());
        Ok(())
    })?;
    let file = |mut entry: Value| {
        let path = entry["path"].as_str().unwrap_or_default().to_owned();
        if let (Some(content), Some(fields)) = (contents.get(&path), entry.as_object_mut()) {
            fields.insert("content".to_owned(), content.clone().into());
            fields.remove("digest");
        }
        (path, entry)
    };
    let value = serde_json::to_value(&inspection).map_err(io::Error::from)?;
    let Value::Object(mut fields) = value else { return Ok(Map::new()) };
    let files = match fields.remove("files") {
        Some(Value::Array(files)) => files.into_iter().map(file).collect(),
        _ => Map::new(),
    };
    fields.insert("files".to_owned(), files.into());
    for derived in ["file", "members", "conffiles"] {
        fields.remove(derived);
    }
    if extent == Extent::AllButSignatures {
        fields.remove("signatures");
    }
    Ok(fields)
}

/// Lists the places where two values differ.
fn differ(place: &str, mine: &Value, theirs: &Value, found: &mut Vec<String>) {
    match (mine, theirs) {
        (Value::Object(mine), Value::Object(theirs)) => {
            let mut keys: Vec<&String> = mine.keys().chain(theirs.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let inner = if place.is_empty() { key.clone() } else { format!("{place} {key}") };
                match (mine.get(key), theirs.get(key)) {
                    (Some(mine), Some(theirs)) => differ(&inner, mine, theirs, found),
                    (Some(_), None) => found.push(format!("the other one has no {}", shown(&inner))),
                    (None, _) => found.push(format!("only the other one has {}", shown(&inner))),
                }
            }
        }
        _ if mine == theirs => {}
        _ => found.push(format!("{} is {}, not {}", shown(place), brief(mine), brief(theirs))),
    }
}

fn brief(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!("`{}`", shown(&text))
}

fn shown(text: &str) -> String {
    reader::excerpt(text)
}
