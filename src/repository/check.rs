//! What a client would find: every channel read back from its signed files to its packages.
//!
//! Nothing that kubepkg alone reads is trusted here but for the list of what should be there.

use super::channel::Channel;
use super::charter::Repository;
use super::client::{Audit, Finding, Kind, Root, Suite, Want};
use super::error::RepositoryError;
use super::generation::{Entry, Generation};
use super::layout::{CERTIFICATE, key};
use super::publish::flat_path;
use super::rpmmd::{KEY, REPOMD};
use crate::digest::Digest;
use crate::format::Format;
use crate::sign::{Certificate, MAX_KEY_FILE};

/// Bytes that a file may have which clients fetch by a name that never changes.
const LIMIT: u64 = 4 << 30;

/// Packages that should be listed, of one format or of both.
pub type Wanted<'a> = &'a [(Format, Want)];

impl Repository {
    /// Reads a channel as its clients do, with the keys that they trust, and returns everything that is wrong. `expected`
    /// is what it should show, in place of what its newest generation says.
    pub fn check(
        &self,
        channel: Channel,
        audit: &Audit<'_>,
        expected: Option<Wanted<'_>>,
    ) -> Result<Vec<Finding>, RepositoryError> {
        let generation = self.shown(channel)?.generation;
        let mut found = self.projection(&generation)?;
        for (folder, kind) in roots(&generation) {
            let wanted = match expected {
                Some(all) => of_kind(all, &kind),
                None => generation
                    .packages
                    .iter()
                    .filter(|entry| entry.format == format(&kind))
                    .map(|entry| {
                        want(
                            entry,
                            if matches!(kind, Kind::Apt(Suite::Dists { .. })) {
                                entry.path.clone()
                            } else {
                                flat_path(channel, entry)
                            },
                        )
                    })
                    .collect(),
            };
            found.extend(audit.repository(Root::new(self.store(), &folder), &kind, Some(&wanted))?);
        }
        found.dedup();
        Ok(found)
    }

    /// Compares the certificates that the repository gives to its clients with those that they should be given.
    pub fn check_keys(&self, trusted: &[Certificate]) -> Result<Vec<Finding>, RepositoryError> {
        let mut paths = vec![key(CERTIFICATE)];
        for channel in self.published()? {
            let roots = roots(&self.shown(channel)?.generation).into_iter().filter(|(_, kind)| *kind == Kind::RpmMd);
            paths.extend(roots.map(|(folder, _)| key(&format!("{folder}/{KEY}"))));
        }
        let mut found = Vec::new();
        let mut wrong = |path: &super::store::Key, cause: String| found.push(Finding { file: path.to_string(), cause });
        for path in paths {
            match self.store().get(&path, MAX_KEY_FILE)? {
                // zypper asks for it, and does without.
                None if path.as_str() != CERTIFICATE => {}
                None => wrong(&path, "is not there".to_owned()),
                Some(object) => match Certificate::parse(&object.bytes) {
                    Err(error) => wrong(&path, error.to_string()),
                    Ok(given) => {
                        let is_given =
                            |one: &Certificate| given.iter().any(|two| two.fingerprint() == one.fingerprint());
                        if !trusted.iter().any(is_given) {
                            let given: Vec<&str> = given.iter().map(Certificate::fingerprint).collect();
                            wrong(&path, format!("holds another key: {}", given.join(", ")));
                        }
                    }
                },
            }
        }
        Ok(found)
    }

    /// The files that clients fetch by name are those of the newest generation.
    fn projection(&self, generation: &Generation) -> Result<Vec<Finding>, RepositoryError> {
        let mut found = Vec::new();
        let mut wrong = |path: &str, cause: String| found.push(Finding { file: path.to_owned(), cause });
        for file in &generation.projection {
            match self.store().get(&file.path, LIMIT)? {
                None => wrong(file.path.as_str(), "is not there".to_owned()),
                Some(there) if Digest::sha256(&there.bytes) != file.sha256 => {
                    wrong(file.path.as_str(), format!("is not that of generation {}", generation.number));
                }
                Some(_) => {}
            }
        }
        Ok(found)
    }
}

/// The repositories that a generation is, one for each signed index.
fn roots(generation: &Generation) -> Vec<(String, Kind)> {
    let mut roots = Vec::new();
    for file in &generation.projection {
        let path = file.path.as_str();
        if let Some(folder) = path.strip_suffix(REPOMD) {
            roots.push((folder.trim_end_matches('/').to_owned(), Kind::RpmMd));
        } else if let Some(folder) = path.strip_suffix("/InRelease") {
            roots.push(match folder.strip_prefix("dists/") {
                Some(suite) => {
                    let (suite, components) = (suite.to_owned(), Vec::new());
                    (String::new(), Kind::Apt(Suite::Dists { suite, components }))
                }
                None => (folder.to_owned(), Kind::Apt(Suite::Flat)),
            });
        }
    }
    roots
}

/// Returns the format of a repository's packages.
pub fn format(kind: &Kind) -> Format {
    match kind {
        Kind::Apt(_) => Format::Deb,
        Kind::RpmMd => Format::Rpm,
    }
}

/// Returns those packages that a repository of this kind should list.
pub fn of_kind(all: Wanted<'_>, kind: &Kind) -> Vec<Want> {
    all.iter().filter(|(of, _)| *of == format(kind)).map(|(_, want)| want.clone()).collect()
}

fn want(entry: &Entry, location: super::store::Key) -> Want {
    let file_name = entry.path.as_str().rsplit('/').next().unwrap_or_default().to_owned();
    Want { label: entry.to_string(), file_name, location: Some(location), sha256: entry.sha256.clone() }
}
