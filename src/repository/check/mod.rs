//! What a client would find: every channel read back from its signed files to its packages.
//!
//! Nothing that kubepkg alone reads is trusted here but for the list of what should be there.

mod keys;
mod packages;

use std::time::Duration;

pub use packages::KeyringPackages;

use super::channel::Channel;
use super::charter::Repository;
use super::client::{Audit, Depth, Finding, Kind, Root, Suite, Want};
use super::error::RepositoryError;
use super::generation::{Entry, Generation, Projected};
use super::head::{self, Head, Held};
use super::paper::Paper;
use super::publish::flat_path;
use super::rpmmd::{LIST, Mirrors, REPOMD};
use super::site;
use super::store::Key;
use crate::format::Format;
use crate::sign::Certificate;

/// Bytes that a file may have which clients fetch by a name that never changes.
const LIMIT: u64 = 4 << 30;

/// How often a channel is looked at again while somebody publishes to it.
const LOOKS: usize = 10;
/// The time between two looks: that of the last writes of a publication.
const PAUSE: Duration = Duration::from_secs(1);

/// Packages that should be listed, of one format or of both.
pub type Wanted<'a> = &'a [(Format, Want)];

impl Repository {
    /// Reads a channel as its clients do, with the keys that they trust, and returns everything that is wrong. `expected`
    /// is what it should show, in place of what its newest generation says.
    ///
    /// Somebody may publish meanwhile, and half of what is read be of another state. Wrong is what is so twice in a row.
    pub fn check(
        &self,
        channel: Channel,
        audit: &Audit<'_>,
        expected: Option<Wanted<'_>>,
    ) -> Result<Vec<Finding>, RepositoryError> {
        let mut last = self.look(channel, audit, expected)?;
        for _ in 0..LOOKS {
            if last.1.is_empty() {
                break;
            }
            std::thread::sleep(PAUSE);
            let next = self.look(channel, audit, expected)?;
            if next == last {
                break;
            }
            last = next;
        }
        Ok(last.1)
    }

    /// Returns what the channel shows, and what is wrong with it at the moment.
    fn look(
        &self,
        channel: Channel,
        audit: &Audit<'_>,
        expected: Option<Wanted<'_>>,
    ) -> Result<(Head, Vec<Finding>), RepositoryError> {
        let (held, generation) = self.named(channel)?;
        let mut found = self.check_head(channel, &held, audit.trust.certificates)?;
        let head = held.head;
        self.check_projection(&generation, &mut found)?;
        self.check_papers(&generation, audit.depth, &mut found)?;
        if !site::is_shown(self.store(), channel, &head)? {
            let cause = format!("does not show generation {} of {channel}", head.number);
            found.push(Finding { file: site::LIST.to_owned(), cause });
        }
        for (folder, kind) in roots(&generation) {
            let wanted = expected.map_or_else(|| shown(&generation, &kind), |all| of_kind(all, &kind));
            found.extend(audit.repository(Root::new(self.store(), &folder), &kind, Some(&wanted))?);
        }
        if let Some(Snapshot { folder, root, base }) = self.snapshot(&generation)? {
            let root = Root::new(self.store(), &folder).known_as(&base, &root);
            let wanted = expected.map_or_else(|| shown(&generation, &Kind::RpmMd), |all| of_kind(all, &Kind::RpmMd));
            // Packages are those of the repository, which were looked at.
            found.extend(audit.indices(root, &Kind::RpmMd, Some(&wanted))?.findings);
        }
        self.check_indices(&generation, &mut found)?;
        found.dedup();
        Ok((head, found))
    }

    /// Returns the head of a channel and what it names, whoever signed it.
    fn named(&self, channel: Channel) -> Result<(Held, Generation), RepositoryError> {
        let Some(held) = Head::read(self.store(), channel)? else { return Err(self.no_channel(channel)) };
        let generation = Generation::read(self.store(), channel, &held.head)?;
        Ok((held, generation))
    }

    /// What names the newest generation is signed, and thereby all that came before; and it knows of no newer keyring.
    fn check_head(
        &self,
        channel: Channel,
        held: &Held,
        certificates: &[Certificate],
    ) -> Result<Vec<Finding>, RepositoryError> {
        let file = head::key(channel).to_string();
        let number = self.charter_now()?.number();
        let cause = match held.verify(channel, certificates) {
            Err(cause) => cause.to_string(),
            Ok(()) if held.charter > number => {
                format!(
                    "knows keyring {}, and that of the repository is {number}: an older one was put back",
                    held.charter
                )
            }
            // One that knows an older keyring is that of a run that was killed: what it names is still what it names.
            Ok(()) => return Ok(Vec::new()),
        };
        Ok(vec![Finding { file, cause }])
    }

    /// The files that clients fetch by name are those of the newest generation.
    fn check_projection(&self, generation: &Generation, found: &mut Vec<Finding>) -> Result<(), RepositoryError> {
        for file in &generation.projection {
            let cause = match self.store().get(&file.path, LIMIT)? {
                None => "is not there".to_owned(),
                Some(there) if !there.is(&file.sha256) => {
                    format!("is not that of generation {}", generation.number)
                }
                Some(_) => continue,
            };
            found.push(Finding { file: file.path.to_string(), cause });
        }
        Ok(())
    }

    /// Returns to what the list of mirrors leads. A list that is not as it should be is found by its digest.
    fn snapshot(&self, generation: &Generation) -> Result<Option<Snapshot>, RepositoryError> {
        let is_list = |file: &&Projected| file.path.as_str().ends_with(&format!("/{LIST}"));
        let Some(file) = generation.projection.iter().find(is_list) else { return Ok(None) };
        let Some(list) = self.store().get(&file.path, LIMIT)?.filter(|list| list.is(&file.sha256)) else {
            return Ok(None);
        };
        let Some(mirrors) = std::str::from_utf8(&list.bytes).ok().and_then(Mirrors::parse) else { return Ok(None) };
        let Mirrors { snapshot, base } = mirrors;
        let root = file.path.as_str().trim_end_matches(LIST).trim_end_matches('/').to_owned();
        let inside = snapshot.strip_prefix(&base).unwrap_or_default().trim_end_matches('/');
        Ok(Some(Snapshot { folder: format!("{root}/{inside}"), root, base }))
    }

    /// Index files are there under every name, also under those that nobody asked for here.
    fn check_indices(&self, generation: &Generation, found: &mut Vec<Finding>) -> Result<(), RepositoryError> {
        let paths: Vec<Key> = generation.indices.iter().map(|file| file.path.clone()).collect();
        for (file, size) in generation.indices.iter().zip(self.store().sizes(&paths)?) {
            let cause = match size {
                None => "is not there".to_owned(),
                Some(size) if size != file.size => format!("has {size} bytes, and should have {}", file.size),
                Some(_) => continue,
            };
            if !found.iter().any(|known| known.file == file.path.as_str()) {
                found.push(Finding { file: file.path.to_string(), cause });
            }
        }
        Ok(())
    }

    /// The papers that the generation names lie beside the packages.
    fn check_papers(
        &self,
        generation: &Generation,
        depth: Depth,
        found: &mut Vec<Finding>,
    ) -> Result<(), RepositoryError> {
        let named = |entry: &Entry| {
            entry.papers.iter().map(|paper| (entry.paper_path(paper.kind), paper.clone())).collect::<Vec<_>>()
        };
        let (paths, papers): (Vec<Key>, Vec<Paper>) = generation.packages.iter().flat_map(named).unzip();
        let sizes = self.store().sizes(&paths)?;
        for ((path, paper), size) in paths.iter().zip(&papers).zip(sizes) {
            let cause = match size {
                None => "is not there".to_owned(),
                Some(size) if size != paper.size => format!("has {size} bytes, and should have {}", paper.size),
                Some(_) if depth == Depth::Sizes || self.has_digest(path, paper)? => continue,
                Some(_) => "has other bytes".to_owned(),
            };
            found.push(Finding { file: path.to_string(), cause });
        }
        Ok(())
    }

    fn has_digest(&self, path: &Key, paper: &Paper) -> Result<bool, RepositoryError> {
        let object = self.store().get(path, paper.size)?;
        Ok(object.is_some_and(|object| object.is(&paper.sha256)))
    }
}

/// A state to which a list of mirrors leads.
struct Snapshot {
    /// Its folder in the store.
    folder: String,
    /// The folder of the packages, and the URL by which clients know it.
    root: String,
    base: String,
}

/// What a generation shows in a repository of one kind, and where.
fn shown(generation: &Generation, kind: &Kind) -> Vec<Want> {
    let place = |entry: &Entry| match kind {
        Kind::Apt(Suite::Dists { .. }) => entry.path.clone(),
        _ => flat_path(generation.channel, entry),
    };
    let entries = generation.packages.iter().filter(|entry| entry.format == format(kind));
    entries.map(|entry| want(entry, place(entry))).collect()
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

fn want(entry: &Entry, location: Key) -> Want {
    let file_name = entry.path.as_str().rsplit('/').next().unwrap_or_default().to_owned();
    Want { label: entry.to_string(), file_name, location: Some(location), sha256: entry.sha256.clone() }
}
