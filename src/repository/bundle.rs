//! Bundles: channels of a repository in one tar archive, for machines without a network.
//!
//! What is unpacked is a repository like any other, of the newest state of its channels: clients read it by `file:` URLs,
//! `kubepkg repo check` checks it, and it can be served or published to. Nothing in it is signed anew.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

use super::channel::Channel;
use super::charter::Repository;
use super::error::RepositoryError;
use super::generation::{self, Generation};
use super::head;
use super::history::Shown;
use super::layout::key;
use super::pack;
use super::publish::flat_path;
use super::settings::PublicUrl;
use super::site;
use super::state::StateError;
use super::store::{Key, Store};
use crate::digest::Digest;

/// Bytes that a head may have.
const SMALL: u64 = 1 << 20;
/// Who looks at the archive first finds this.
const README: &str = "INSTALL.txt";

/// What is put into an archive.
#[derive(Debug)]
pub struct Bundle<'a> {
    store: &'a Store,
    /// The folder in which everything lies.
    folder: String,
    /// The time of the newest state, in seconds since 1970.
    time: u32,
    files: BTreeMap<Key, Member>,
    /// Second names, and those of what they are.
    links: BTreeMap<Key, Key>,
}

#[derive(Debug)]
enum Member {
    /// Bytes that were made for the bundle, or are small.
    Bytes(Vec<u8>),
    /// An object of the store.
    Object { sha256: Digest, size: u64 },
}

/// Where a bundle is to be unpacked: an absolute path, whose last part is the folder in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    path: String,
    folder: String,
}

impl std::str::FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = text.trim_end_matches('/');
        let relative: Result<Key, _> = path.strip_prefix('/').unwrap_or_default().parse();
        let is_plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._".contains(&byte));
        match (relative, path.rsplit_once('/')) {
            (Ok(_), Some((_, folder))) if is_plain => Ok(Self { path: path.to_owned(), folder: folder.to_owned() }),
            _ => Err("takes an absolute path of letters, digits, `.`, `-` and `_`: `/srv/kubernetes`".to_owned()),
        }
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.path)
    }
}

impl Repository {
    /// Returns what is to be put into an archive of these channels.
    pub fn bundle(&self, channels: &[Channel], destination: &Destination) -> Result<Bundle<'_>, RepositoryError> {
        let url: PublicUrl = format!("file://{destination}")
            .parse()
            .map_err(|cause| RepositoryError::Index { file: README.to_owned(), cause })?;
        let channels: BTreeSet<Channel> = channels.iter().copied().collect();
        let charter = self.charter().moved(url, &channels);
        let folder = destination.folder.clone();
        let mut bundle =
            Bundle { store: self.store(), folder, time: 0, files: BTreeMap::new(), links: BTreeMap::new() };
        let shown = channels.iter().map(|channel| self.shown(*channel)).collect::<Result<Vec<_>, _>>()?;
        for one in &shown {
            bundle.channel(one)?;
        }
        for (path, bytes) in charter.files()? {
            bundle.add(path, bytes);
        }
        for (path, bytes) in site::files(&charter, &shown)? {
            bundle.add(path, bytes);
        }
        bundle.add(key(README), install(&charter.name, destination, &site::guides(&charter, &shown)).into_bytes());
        Ok(bundle)
    }
}

impl Bundle<'_> {
    /// Returns how many bytes of packages and index files it has.
    pub fn size(&self) -> u64 {
        let size = |member: &Member| match member {
            Member::Bytes(bytes) => bytes.len() as u64,
            Member::Object { size, .. } => *size,
        };
        self.files.values().map(size).sum()
    }

    /// Returns how many files it has, those with two names once.
    pub fn count(&self) -> usize {
        self.files.len()
    }

    fn add(&mut self, path: Key, bytes: Vec<u8>) {
        self.files.insert(path, Member::Bytes(bytes));
    }

    /// Everything that a channel needs: what names its state, the state, index files, packages, papers.
    fn channel(&mut self, shown: &Shown) -> Result<(), RepositoryError> {
        let (head, generation) = (&shown.head, &shown.generation);
        let channel = generation.channel;
        self.time = self.time.max(generation.time);
        let manifest = generation::key(channel, head);
        for path in [head::key(channel), manifest.clone()] {
            let limit = if path == manifest { generation::LIMIT } else { SMALL };
            let Some(object) = self.store.get(&path, limit)? else { return Err(missing(&path, generation)) };
            self.add(path, object.bytes);
        }
        for pack in &generation.packs {
            let path = pack::key(&pack.sha256);
            let Some(size) = self.store.sizes(std::slice::from_ref(&path))?.pop().flatten() else {
                return Err(missing(&path, generation));
            };
            self.files.insert(path, Member::Object { sha256: pack.sha256.clone(), size });
        }
        for file in &generation.indices {
            self.object(&file.path, &file.sha256, file.size);
        }
        for file in &generation.projection {
            self.object(&file.source, &file.sha256, file.size);
            if file.path != file.source {
                self.links.insert(file.path.clone(), file.source.clone());
            }
        }
        for entry in &generation.packages {
            self.object(&entry.path, &entry.sha256, entry.size);
            self.links.insert(flat_path(channel, entry), entry.path.clone());
            for paper in &entry.papers {
                self.object(&entry.paper_path(paper.kind), &paper.sha256, paper.size);
            }
        }
        Ok(())
    }

    fn object(&mut self, path: &Key, sha256: &Digest, size: u64) {
        self.files.insert(path.clone(), Member::Object { sha256: sha256.clone(), size });
    }

    /// Writes the archive: files by name, then second names as hard links, all of root's and of the time of the newest
    /// state. The same state gives the same bytes.
    pub fn write(&self, out: impl Write) -> Result<(), RepositoryError> {
        let mut archive = tar::Builder::new(out);
        for folder in self.folders() {
            let mut header = self.header(EntryType::Directory, 0);
            archive.append_data(&mut header, folder, io::empty())?;
        }
        for (path, member) in &self.files {
            let name = format!("{}/{path}", self.folder);
            match member {
                Member::Bytes(bytes) => {
                    let mut header = self.header(EntryType::Regular, bytes.len() as u64);
                    archive.append_data(&mut header, name, bytes.as_slice())?;
                }
                Member::Object { sha256, size } => {
                    let mut header = self.header(EntryType::Regular, *size);
                    self.read(path, sha256, *size, |bytes| archive.append_data(&mut header, &name, bytes))?;
                }
            }
        }
        for (path, to) in &self.links {
            let mut header = self.header(EntryType::Link, 0);
            archive.append_link(&mut header, format!("{}/{path}", self.folder), format!("{}/{to}", self.folder))?;
        }
        archive.into_inner()?.flush()?;
        Ok(())
    }

    /// Every folder before what lies in it.
    fn folders(&self) -> BTreeSet<String> {
        let mut folders = BTreeSet::from([format!("{}/", self.folder)]);
        for path in self.files.keys().chain(self.links.keys()) {
            let slashes = path.as_str().match_indices('/');
            folders.extend(slashes.map(|(at, _)| format!("{}/{}/", self.folder, &path.as_str()[..at])));
        }
        folders
    }

    fn header(&self, kind: EntryType, size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(if kind == EntryType::Directory { 0o755 } else { 0o644 });
        header.set_mtime(self.time.into());
        header.set_uid(0);
        header.set_gid(0);
        // Names of root are short enough.
        let _ = header.set_username("root").and_then(|()| header.set_groupname("root"));
        header
    }

    /// Hands over an object, which must be what the generation says.
    fn read(
        &self,
        path: &Key,
        sha256: &Digest,
        size: u64,
        mut each: impl FnMut(&mut dyn Read) -> io::Result<()>,
    ) -> Result<(), RepositoryError> {
        let differs = || StateError::Differs { object: path.to_string(), by: "the channel".to_owned() };
        let mut result =
            Err(RepositoryError::from(StateError::Missing { object: path.to_string(), by: "the channel".to_owned() }));
        self.store.each_file(&[(path.clone(), size)], |_, stored| {
            let Some(stored) = stored else { return Ok(()) };
            result = (|| {
                let file = fs_err::File::open(stored.path())?;
                if file.metadata()?.len() != size {
                    return Err(differs().into());
                }
                let mut measured = Measured { inner: file.take(size), hasher: Sha256::new() };
                each(&mut measured)?;
                if Digest::of_hasher(measured.hasher) == *sha256 { Ok(()) } else { Err(differs().into()) }
            })();
            Ok(())
        })?;
        result
    }
}

fn missing(path: &Key, generation: &Generation) -> RepositoryError {
    StateError::Missing { object: path.to_string(), by: format!("channel {}", generation.channel) }.into()
}

/// Bytes whose digest is taken while they pass.
struct Measured<R> {
    inner: R,
    hasher: Sha256,
}

impl<R: Read> Read for Measured<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

/// What a person does with the archive.
fn install(name: &str, destination: &Destination, guides: &[String]) -> String {
    let parent = destination.path.strip_suffix(&format!("/{}", destination.folder)).unwrap_or_default();
    let parent = if parent.is_empty() { "/" } else { parent };
    format!(
        "{name}\n\nA signed package repository for machines without a network. The files for package managers in it name\n\
         {destination}, so unpack it there:\n\n    sudo tar -xf BUNDLE -C {parent}\n\n{}\
         `kubepkg repo check --repo {destination} --digests` checks all of it; index.html is its page.\n",
        guides.concat(),
    )
}
