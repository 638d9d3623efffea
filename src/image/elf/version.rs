//! Which version a program is, by what it says of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use fs_err::File;

use super::go::GoBuild;
use super::text::{self, Place};
use super::{Elf, ElfError};
use crate::version::Version;

/// Why a program is believed to be a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionEvidence {
    /// Go's build information has it as the main module's version.
    Module(String),
    /// The linker set this variable to it.
    LinkerFlag(String),
    /// It stands among the program's constants, as this text.
    Text(String),
}

impl fmt::Display for VersionEvidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(module) => write!(f, "version of its module `{module}`"),
            Self::LinkerFlag(variable) => write!(f, "set by its linker in `{variable}`"),
            Self::Text(text) => write!(f, "`{text}` among its constants"),
        }
    }
}

/// How many versions a message lists.
const SHOWN: usize = 8;
/// How many are remembered for that.
const KEPT: usize = 4096;

/// Checks that the program at `path` is `version`.
///
/// Go's build information decides where it names a version: the main module's, or what the linker set in a variable
/// for versions. Many builds name none there; then the version must stand among the program's constants. A program that
/// names another version is refused with [`ElfError::OtherVersion`], one that names none with
/// [`ElfError::NoVersion`].
pub fn check_version(path: &Path, version: &Version) -> Result<VersionEvidence, ElfError> {
    let claims = Elf::read(path)?.go_build()?.map(|build| claims(&build)).unwrap_or_default();
    if let Some((_, evidence)) = claims.iter().find(|(claimed, _)| claimed == version) {
        return Ok(evidence.clone());
    }
    if !claims.is_empty() {
        let found: BTreeSet<String> = claims.into_iter().map(|(claimed, _)| format!("v{claimed}")).collect();
        let found = found.into_iter().take(SHOWN).collect();
        return Err(ElfError::OtherVersion { path: path.to_owned(), wanted: version.clone(), found });
    }
    by_text(path, version)
}

/// Returns the versions that the program at `path` may be, by what it says of itself; the likeliest first, and no more
/// than a reader wants to see.
///
/// As in [`check_version`], Go's build information decides where it names one. Among the constants of a program are the
/// versions of much else.
pub fn stated_versions(path: &Path) -> Result<Vec<Version>, ElfError> {
    let claims = Elf::read(path)?.go_build()?.map(|build| claims(&build)).unwrap_or_default();
    let mut versions: Vec<Version> = claims.into_iter().map(|(version, _)| version).collect();
    if versions.is_empty() {
        let mut found = BTreeMap::new();
        text::scan(File::open(path)?, |candidate| {
            let rank = (candidate.place, !candidate.text.starts_with('v'));
            if found.len() < KEPT || found.contains_key(&candidate.text) {
                let entry = found.entry(candidate.text).or_insert((rank, candidate.version));
                entry.0 = entry.0.min(rank);
            }
            false
        })?;
        let mut ranked: Vec<_> = found.into_values().collect();
        ranked.sort();
        versions = ranked.into_iter().map(|(_, version)| version).collect();
    }
    let mut seen = Vec::new();
    for version in versions {
        if seen.len() < SHOWN && !seen.contains(&version) {
            seen.push(version);
        }
    }
    Ok(seen)
}

/// Returns the versions that the build information gives the program itself, not what it is made of.
fn claims(build: &GoBuild) -> Vec<(Version, VersionEvidence)> {
    let module = build.module.iter().filter_map(|module| {
        let text = module.version.trim_end_matches("+dirty").trim_end_matches("+incompatible");
        let version = text.parse().ok().filter(|version| !is_pseudo(text) && *version != Version::new(0, 0, 0))?;
        Some((version, VersionEvidence::Module(module.path.clone())))
    });
    let values = build.linker_values().into_iter().filter_map(|(variable, value)| {
        let name = variable.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let version = value.parse().ok().filter(|_| name.contains("version"))?;
        Some((version, VersionEvidence::LinkerFlag(variable)))
    });
    module.chain(values).collect()
}

/// Whether Go made the version up from a commit (`v1.4.1-0.20240102150405-0123456789ab`): it names no release.
fn is_pseudo(version: &str) -> bool {
    let mut parts = version.rsplit('-');
    let (commit, time) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let time = time.rsplit('.').next().unwrap_or_default();
    let is_hex = commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    commit.len() == 12 && is_hex && time.len() == 14 && time.bytes().all(|byte| byte.is_ascii_digit())
}

fn by_text(path: &Path, version: &Version) -> Result<VersionEvidence, ElfError> {
    let mut evidence = None;
    let mut others = BTreeSet::new();
    text::scan(File::open(path)?, |candidate| {
        if candidate.version == *version {
            evidence = Some(VersionEvidence::Text(candidate.text));
        } else if candidate.place == Place::Constant && others.len() < KEPT {
            others.insert((!candidate.text.starts_with('v'), candidate.text));
        }
        evidence.is_some()
    })?;
    if let Some(evidence) = evidence {
        return Ok(evidence);
    }
    let (path, wanted) = (path.to_owned(), version.clone());
    if others.is_empty() {
        return Err(ElfError::NoVersion { path, wanted });
    }
    let found = others.into_iter().map(|(_, text)| text).take(SHOWN).collect();
    Err(ElfError::OtherVersion { path, wanted, found })
}
