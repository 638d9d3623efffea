//! Papers: what is said of a package in files beside it. They are published beside it, under names that never change.
//!
//! Who wrote a paper, and whether it is true, is asked by `kubepkg verify`; here it only has to be about the package.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use fs_err as fs;
use serde::{Deserialize, Serialize};

use super::error::RepositoryError;
use super::fragment::Fragment;
use super::gate::Refusal;
use super::generation::Entry;
use super::layout::key;
use super::store::Key;
use crate::digest::Digest;
use crate::provenance;
use crate::sbom;

/// What a paper is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// In-toto statements in DSSE envelopes, one a line.
    Provenance,
    /// A bill of materials: `CycloneDX` in JSON.
    Sbom,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Provenance, Self::Sbom];

    /// Returns the word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provenance => "provenance",
            Self::Sbom => "sbom",
        }
    }

    /// Returns what people call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Provenance => "Provenance",
            Self::Sbom => "SBOM",
        }
    }

    /// Returns what stands behind the name of the package.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Provenance => provenance::SUFFIX,
            Self::Sbom => sbom::SUFFIX,
        }
    }

    /// Returns how many bytes one may have.
    pub(super) const fn limit(self) -> u64 {
        match self {
            Self::Provenance => provenance::MAX_FILE,
            Self::Sbom => sbom::MAX_FILE,
        }
    }

    /// Returns the kind of a file by its name; none of what is no paper.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy();
        Self::ALL.into_iter().find(|kind| name.ends_with(kind.suffix()))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| "is `provenance` or `sbom`".to_owned())
    }
}

/// A paper, as a generation lists it. It lies beside its package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paper {
    /// What it is.
    pub kind: Kind,
    /// The SHA-256 of the file.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
}

impl Entry {
    /// Returns where a paper of the package lies.
    pub fn paper_path(&self, kind: Kind) -> Key {
        key(&format!("{}{}", self.path, kind.suffix()))
    }
}

/// Leaves packages that a channel shows already the papers that they have there.
pub(super) fn keep(packages: &mut [Entry], shown: &[Entry]) {
    let known: HashSet<&Entry> = shown.iter().filter(|entry| !entry.papers.is_empty()).collect();
    for entry in packages.iter_mut().filter(|_| !known.is_empty()) {
        if let Some(there) = known.get(&*entry) {
            entry.papers.clone_from(&there.papers);
        }
    }
}

/// A paper that is given, with its bytes.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) paper: Paper,
    pub(super) bytes: Vec<u8>,
}

/// Where papers are looked for.
#[derive(Debug)]
pub(super) struct Places<'g> {
    given: &'g [PathBuf],
    /// The papers in each folder that was looked into.
    folders: HashMap<PathBuf, HashSet<OsString>>,
}

impl<'g> Places<'g> {
    /// Papers that are given come before those that lie beside their packages.
    pub(super) fn new(given: &'g [PathBuf]) -> Self {
        Self { given, folders: HashMap::new() }
    }

    fn find(&mut self, package: &Path, kind: Kind) -> Option<PathBuf> {
        let mut name = package.file_name()?.to_owned();
        name.push(kind.suffix());
        if let Some(given) = self.given.iter().find(|path| path.file_name() == Some(&name)) {
            return Some(given.clone());
        }
        let folder = package.parent().unwrap_or(Path::new(""));
        if !self.folders.contains_key(folder) {
            self.folders.insert(folder.to_owned(), papers_in(folder));
        }
        self.folders.get(folder)?.contains(&name).then(|| folder.join(name))
    }
}

/// Returns the names of the papers in a folder; none of one that cannot be listed, from which packages can be read all the
/// same.
fn papers_in(folder: &Path) -> HashSet<OsString> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).filter(|name| Kind::of(Path::new(name)).is_some()).collect()
}

/// Reads the papers of a package.
pub(super) fn read(
    package: &Path,
    fragment: &Fragment,
    places: &mut Places<'_>,
) -> Result<(Vec<Given>, Vec<Refusal>), RepositoryError> {
    let (mut papers, mut refused) = (Vec::new(), Vec::new());
    for kind in Kind::ALL {
        let Some(path) = places.find(package, kind) else { continue };
        let mut bytes = Vec::new();
        fs::File::open(&path)?.take(kind.limit() + 1).read_to_end(&mut bytes)?;
        match judge(kind, &bytes, fragment) {
            Ok(()) => {
                let paper = Paper { kind, sha256: Digest::sha256(&bytes), size: bytes.len() as u64 };
                papers.push(Given { paper, bytes });
            }
            Err(cause) => refused.push(Refusal::ForeignPaper { file: path.display().to_string(), cause }),
        }
    }
    Ok((papers, refused))
}

/// Returns the papers that are given and are of none of the packages.
pub(super) fn strays<'p>(given: &[PathBuf], packages: impl Iterator<Item = &'p Path>) -> Vec<Refusal> {
    let names: Vec<String> =
        packages.filter_map(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned()).collect();
    let is_stray = |path: &&PathBuf| {
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        !names.iter().any(|package| Kind::ALL.iter().any(|kind| name == format!("{package}{}", kind.suffix())))
    };
    given.iter().filter(is_stray).map(|path| Refusal::StrayPaper { file: path.display().to_string() }).collect()
}

/// Whether a paper is about a package.
fn judge(kind: Kind, bytes: &[u8], fragment: &Fragment) -> Result<(), String> {
    match kind {
        Kind::Provenance => {
            let envelopes = provenance::parse(bytes).map_err(|error| error.to_string())?;
            let envelope = provenance::of_file(&envelopes, fragment.sha256()).map_err(|error| error.to_string())?;
            match envelope.statement().name_of(fragment.sha256()) {
                Some(name) if name != fragment.file_name() => {
                    Err(format!("it calls the package `{}`", super::fragment::excerpt(name)))
                }
                _ => Ok(()),
            }
        }
        Kind::Sbom => {
            let bill = sbom::parse(bytes).map_err(|error| error.to_string())?;
            let (name, version) = (fragment.name(), fragment.version());
            let is_about = bill.sha256.as_ref() == Some(fragment.sha256())
                || bill.is_of(fragment.format(), name, version, fragment.arch());
            if is_about { Ok(()) } else { Err(format!("it is about {}", about(bill.purl.as_deref()))) }
        }
    }
}

fn about(purl: Option<&str>) -> String {
    purl.map_or_else(
        || "something that it does not name".to_owned(),
        |purl| format!("`{}`", super::fragment::excerpt(purl)),
    )
}
