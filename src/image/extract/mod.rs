//! Takes files out of upstream archives: tar, alone or in gzip. Of an archive only names and contents count; its owners,
//! modes and times say nothing about a package.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;
use fs_err::File;
use tar::{Archive, EntryType};

use super::Member;
use crate::digest::{Digests, Hasher};
use crate::fetch::Artifact;
use crate::path::{BadPath, RelativePath};

/// Which members are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// This one, which must be there.
    One(RelativePath),
    /// Every file but these, which need not be there; one file at least.
    AllBut(Vec<RelativePath>),
}

/// Why members cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// A file on this machine cannot be read or written.
    #[error("a file of an archive cannot be unpacked")]
    Io(#[source] io::Error),
    /// The archive is damaged, cut off, or none.
    #[error("`{archive}` cannot be unpacked")]
    Archive {
        /// The archive.
        archive: String,
        /// What is wrong with it.
        #[source]
        source: io::Error,
    },
    /// Something stands behind the end of the archive.
    #[error("`{archive}` goes on after its end")]
    Trailing {
        /// The archive.
        archive: String,
    },
    /// A name that leads out of the folder, or is none.
    #[error("`{archive}` has a member with the name `{name}`")]
    Name {
        /// The archive.
        archive: String,
        /// The name, with odd characters escaped.
        name: String,
    },
    /// A wanted member's name that no package can hold.
    #[error("`{archive}` has a member that cannot be packaged")]
    MemberName {
        /// The archive.
        archive: String,
        /// Why.
        #[source]
        source: BadPath,
    },
    /// The same name twice.
    #[error("`{archive}` has the member `{name}` twice")]
    Twice {
        /// The archive.
        archive: String,
        /// The name.
        name: String,
    },
    /// A wanted member is a link, a device or the like.
    #[error("member `{name}` of `{archive}` is {what}, not a file")]
    NotAFile {
        /// The archive.
        archive: String,
        /// The name.
        name: String,
        /// What it is.
        what: &'static str,
    },
    /// The archive is too large.
    #[error("`{archive}` exceeds the limit of {limit} {what}")]
    Limit {
        /// The archive.
        archive: String,
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A wanted member is not there.
    #[error("`{archive}` has no member {wanted}; it has {}", list(has))]
    Missing {
        /// The archive.
        archive: String,
        /// What was wanted.
        wanted: String,
        /// The first members that it has.
        has: Vec<String>,
    },
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { format!("`{}`", names.join("`, `")) }
}

/// What an archive may hold.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Members, of whatever kind.
    members: u64,
    /// Bytes of one member.
    member: u64,
    /// Bytes of the whole archive, unpacked.
    total: u64,
    /// Bytes of long names and other headers between two members.
    headers: u64,
}

/// The largest that upstream publishes, kubernetes-server, has 1 GB in some thousand members.
const LIMITS: Limits = Limits { members: 20_000, member: 2 << 30, total: 4 << 30, headers: 1 << 20 };
/// How many members a message lists.
const SHOWN: usize = 10;

/// Unpacks the wanted members of an archive into `scratch`, a folder that the caller made for this archive, and returns
/// them in the order of their names. The whole archive is read, so that what its gzip checksum covers was checked.
pub fn extract(archive: &Artifact, wanted: &Wanted, scratch: &Path) -> Result<Vec<Member>, ExtractError> {
    let file = BufReader::with_capacity(128 << 10, File::open(archive.path()).map_err(ExtractError::Io)?);
    let files = Unpacking { archive: archive.origin(), wanted, scratch, limits: LIMITS }.run(file)?;
    let member = |(name, digests)| Member { archive: archive.clone(), path: scratch.join(&name), name, digests };
    let mut members: Vec<Member> = files.into_iter().map(member).collect();
    members.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(members)
}

struct Unpacking<'a> {
    archive: &'a str,
    wanted: &'a Wanted,
    scratch: &'a Path,
    limits: Limits,
}

impl Unpacking<'_> {
    fn run(&self, mut file: impl BufRead) -> Result<Vec<(String, Digests)>, ExtractError> {
        let is_gzip = file.fill_buf().map_err(ExtractError::Io)?.starts_with(&[0x1f, 0x8b]);
        let bytes: Box<dyn Read + '_> = if is_gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        let budget = Budget::new(self.limits);
        let mut archive = Archive::new(Metered { bytes, budget: Rc::clone(&budget) });
        let files = self.members(&mut archive, &budget).map_err(|error| self.hit(&budget, error))?;
        budget.allow(self.limits.total);
        self.finish(archive.into_inner()).map_err(|error| self.hit(&budget, error))?;
        Ok(files)
    }

    /// Puts the limit that stopped the reading in the place of the error that came of it.
    fn hit(&self, budget: &Budget, error: ExtractError) -> ExtractError {
        budget.hit.get().map_or(error, |(what, limit)| self.limit(what, limit))
    }

    fn members<R: Read>(
        &self,
        archive: &mut Archive<R>,
        budget: &Budget,
    ) -> Result<Vec<(String, Digests)>, ExtractError> {
        let (mut files, mut seen, mut names) = (Vec::new(), BTreeSet::new(), Vec::new());
        let mut count = 0;
        budget.allow(self.limits.headers);
        for entry in archive.entries().map_err(|error| self.damaged(error))? {
            let mut entry = entry.map_err(|error| self.damaged(error))?;
            count += 1;
            if count > self.limits.members {
                return Err(self.limit("members", self.limits.members));
            }
            if entry.size() > self.limits.member {
                return Err(self.limit("bytes in one member", self.limits.member));
            }
            budget.allow(entry.size() + self.limits.headers);
            let kind = entry.header().entry_type();
            let Some(name) = self.name(&entry.path_bytes(), kind)? else { continue };
            if !seen.insert(name.clone()) {
                return Err(ExtractError::Twice { archive: self.archive.to_owned(), name });
            }
            if names.len() < SHOWN {
                names.push(name.clone());
            }
            if !self.wants(&name) {
                continue;
            }
            if let Some(what) = what_else(kind) {
                return Err(ExtractError::NotAFile { archive: self.archive.to_owned(), name, what });
            }
            let path: RelativePath =
                name.parse().map_err(|source| ExtractError::MemberName { archive: self.archive.to_owned(), source })?;
            let size = entry.size();
            files.push((name, self.unpack(&mut entry, size, &path)?));
        }
        if files.is_empty() {
            let wanted = match self.wanted {
                Wanted::One(name) => format!("`{name}`"),
                Wanted::AllBut(_) => "to package".to_owned(),
            };
            return Err(ExtractError::Missing { archive: self.archive.to_owned(), wanted, has: names });
        }
        Ok(files)
    }

    fn wants(&self, name: &str) -> bool {
        match self.wanted {
            Wanted::One(wanted) => wanted.as_str() == name,
            Wanted::AllBut(unwanted) => !unwanted.iter().any(|unwanted| unwanted.as_str() == name),
        }
    }

    /// Returns a member's name without `./`; a folder has none, since files bring their folders.
    fn name(&self, bytes: &[u8], kind: EntryType) -> Result<Option<String>, ExtractError> {
        let bad = || ExtractError::Name { archive: self.archive.to_owned(), name: excerpt(bytes) };
        let text = str::from_utf8(bytes).map_err(|_| bad())?;
        let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if text.starts_with('/') || text.chars().any(char::is_control) || parts.contains(&"..") {
            return Err(bad());
        }
        if kind.is_dir() || kind.is_pax_global_extensions() {
            return Ok(None);
        }
        if parts.is_empty() || text.ends_with('/') {
            return Err(bad());
        }
        Ok(Some(parts.join("/")))
    }

    fn unpack(&self, bytes: &mut impl Read, size: u64, name: &RelativePath) -> Result<Digests, ExtractError> {
        let path = self.scratch.join(name.as_str());
        if let Some(parent) = path.parent() {
            fs_err::create_dir_all(parent).map_err(ExtractError::Io)?;
        }
        let mut file = fs_err::OpenOptions::new().write(true).create_new(true).open(&path).map_err(ExtractError::Io)?;
        let mut hasher = Hasher::default();
        let mut buffer = vec![0; 128 << 10];
        loop {
            match bytes.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => {
                    hasher.update(&buffer[..read]);
                    file.write_all(&buffer[..read]).map_err(ExtractError::Io)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.damaged(error)),
            }
        }
        let digests = hasher.finish();
        if digests.size == size { Ok(digests) } else { Err(self.damaged(io::ErrorKind::UnexpectedEof.into())) }
    }

    /// Reads what stands behind the last member: nothing but the zeros that tar fills its last block with.
    fn finish(&self, mut rest: impl Read) -> Result<(), ExtractError> {
        let mut buffer = vec![0; 16 << 10];
        loop {
            match rest.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) if buffer[..read].iter().all(|byte| *byte == 0) => {}
                Ok(_) => return Err(ExtractError::Trailing { archive: self.archive.to_owned() }),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.damaged(error)),
            }
        }
    }

    fn damaged(&self, source: io::Error) -> ExtractError {
        ExtractError::Archive { archive: self.archive.to_owned(), source }
    }

    fn limit(&self, what: &'static str, limit: u64) -> ExtractError {
        ExtractError::Limit { archive: self.archive.to_owned(), what, limit }
    }
}

/// Says what a member is that is no file.
fn what_else(kind: EntryType) -> Option<&'static str> {
    match kind {
        EntryType::Regular => None,
        EntryType::Symlink => Some("a symbolic link"),
        EntryType::Link => Some("a hard link"),
        EntryType::Char | EntryType::Block => Some("a device"),
        EntryType::Fifo => Some("a named pipe"),
        EntryType::GNUSparse => Some("a sparse file"),
        _ => Some("something unknown"),
    }
}

fn excerpt(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(200)].escape_ascii().to_string()
}

/// How much may still be read. The tar reader takes headers such as long names into memory, so what lies between two
/// members is limited too.
struct Budget {
    until_next: Cell<u64>,
    total: Cell<u64>,
    limits: Limits,
    hit: Cell<Option<(&'static str, u64)>>,
}

impl Budget {
    fn new(limits: Limits) -> Rc<Self> {
        let (until_next, total, hit) = (Cell::new(0), Cell::new(limits.total), Cell::new(None));
        Rc::new(Self { until_next, total, limits, hit })
    }

    /// Allows so many bytes until the next member.
    fn allow(&self, bytes: u64) {
        self.until_next.set(bytes);
    }

    fn spend(&self, bytes: u64) -> io::Result<()> {
        let hit = if bytes > self.total.get() {
            ("bytes in all", self.limits.total)
        } else if bytes > self.until_next.get() {
            ("bytes of headers", self.limits.headers)
        } else {
            self.total.update(|total| total - bytes);
            self.until_next.update(|until_next| until_next - bytes);
            return Ok(());
        };
        self.hit.set(Some(hit));
        Err(io::Error::other("a limit was hit"))
    }
}

struct Metered<R> {
    bytes: R,
    budget: Rc<Budget>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.budget.spend(read as u64)?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
