//! What `data.tar` holds: the entries of the image, the documents that only a deb has, and every directory above them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::path::Path;

use super::check;
use super::tarball::Attributes;
use crate::digest::{Digest, Digests};
use crate::format::Format;
use crate::image::{Content, Entry, PackageImage, Role};
use crate::package::WriteError;
use crate::path::InstallPath;

/// The longest target of a link (`PATH_MAX` of Linux, less the NUL).
const MAX_TARGET: usize = 4095;

/// Items by path without the leading slash, so that a directory comes before what lies in it. The root is the empty
/// path.
#[derive(Debug)]
pub(super) struct Payload<'a> {
    items: BTreeMap<String, Item<'a>>,
}

/// One thing in `data.tar`.
#[derive(Debug)]
pub(super) struct Item<'a> {
    /// Whose it is and what may be done with it.
    pub(super) attributes: Attributes<'a>,
    /// What it is.
    pub(super) body: Body<'a>,
    /// What dpkg makes of it.
    pub(super) kind: Kind,
}

/// Whether dpkg keeps the user's changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It does not.
    Plain,
    /// It does, and asks (Policy 10.7).
    Conffile,
}

/// What an item is.
#[derive(Debug)]
pub(super) enum Body<'a> {
    /// A directory.
    Directory,
    /// A symbolic link and its target.
    Link(&'a str),
    /// A regular file whose bytes were verified and lie on disk.
    Disk(&'a Path, &'a Digests),
    /// A regular file out of memory.
    Memory(Cow<'a, [u8]>),
}

impl Body<'_> {
    /// Returns the size and the SHA-256 of a regular file.
    pub(super) fn identity(&self) -> Option<(u64, Cow<'_, Digest>)> {
        match self {
            Self::Disk(_, digests) => Some((digests.size, Cow::Borrowed(&digests.sha256))),
            Self::Memory(bytes) => Some((bytes.len() as u64, Cow::Owned(Digest::sha256(bytes)))),
            Self::Directory | Self::Link(_) => None,
        }
    }
}

impl<'a> Payload<'a> {
    /// Lays out the image's entries for a deb together with `documents`, by path without the leading slash. An entry of
    /// the image stands instead of a document at the same path.
    pub(super) fn new(image: &'a PackageImage, documents: Vec<(String, Vec<u8>)>) -> Result<Self, WriteError> {
        let mut items = BTreeMap::new();
        for entry in image.entries(Format::Deb) {
            match items.entry(entry.path.relative().to_owned()) {
                Slot::Vacant(slot) => slot.insert(Item::new(entry)?),
                Slot::Occupied(_) => return Err(refused(&entry.path, "is there twice")),
            };
        }
        for (path, bytes) in documents {
            let body = Body::Memory(Cow::Owned(bytes));
            items.entry(path).or_insert(Item { attributes: Attributes::root(0o644), body, kind: Kind::Plain });
        }
        let mut payload = Self { items };
        payload.add_parents()?;
        Ok(payload)
    }

    /// Adds the directories that the image leaves to the system: an archive without them unpacks nowhere but there, and
    /// dpkg would not know that it shares them.
    fn add_parents(&mut self) -> Result<(), WriteError> {
        let paths: Vec<String> = self.items.keys().cloned().collect();
        for path in paths {
            let slashes = path.match_indices('/').map(|(at, _)| at);
            for parent in std::iter::once(0).chain(slashes).map(|at| &path[..at]) {
                let item = self.items.entry(parent.to_owned()).or_insert(Item {
                    attributes: Attributes::root(0o755),
                    body: Body::Directory,
                    kind: Kind::Plain,
                });
                if !matches!(item.body, Body::Directory) {
                    let cause = format!("`/{parent}` is no directory, but `/{path}` lies in it");
                    return Err(WriteError::Field { field: "an entry".to_owned(), cause });
                }
            }
        }
        Ok(())
    }

    /// Returns the items with their names in the archive: `./`, `./etc/`, `./etc/x`.
    pub(super) fn iter(&self) -> impl Iterator<Item = (String, &Item<'a>)> {
        self.items.iter().map(|(path, item)| match item.body {
            Body::Directory if !path.is_empty() => (format!("./{path}/"), item),
            _ => (format!("./{path}"), item),
        })
    }

    /// Returns the regular files by path without the leading slash.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &Item<'a>)> {
        self.items
            .iter()
            .filter(|(_, item)| matches!(item.body, Body::Disk(..) | Body::Memory(_)))
            .map(|(path, item)| (path.as_str(), item))
    }

    /// Returns the estimate that dpkg-gencontrol makes (Policy 5.6.20): of files and links each begun KiB, and one KiB
    /// for everything else.
    pub(super) fn installed_size(&self) -> u64 {
        let size = |item: &Item<'_>| match &item.body {
            Body::Directory => 1,
            Body::Link(target) => target.len().div_ceil(1024) as u64,
            Body::Disk(_, digests) => digests.size.div_ceil(1024),
            Body::Memory(bytes) => bytes.len().div_ceil(1024) as u64,
        };
        self.items.values().map(size).sum()
    }
}

impl<'a> Item<'a> {
    fn new(entry: &'a Entry) -> Result<Self, WriteError> {
        let body = match &entry.content {
            Content::Artifact(artifact) => Body::Disk(artifact.path(), artifact.digests()),
            Content::Member(member) => Body::Disk(&member.path, &member.digests),
            Content::Text(bytes) => Body::Memory(Cow::Borrowed(bytes)),
            Content::Link(target) => Body::Link(target),
            Content::Directory => Body::Directory,
        };
        let kind = match entry.role {
            Role::Config | Role::ConfigKept => Kind::Conffile,
            Role::Plain | Role::Doc | Role::License => Kind::Plain,
        };
        let field = format!("the owner of `{}`", entry.path);
        let mut attributes = Attributes {
            mode: entry.mode.bits(),
            user: check::owner(&field, &entry.owner.user)?,
            group: check::owner(&field, &entry.owner.group)?,
        };
        if let Body::Link(target) = body {
            // What lstat(2) says of every link on Linux.
            attributes.mode = 0o777;
            if target.is_empty() || target.len() > MAX_TARGET || target.chars().any(char::is_control) {
                return Err(refused(&entry.path, "is a link with a target that no system takes"));
            }
        }
        if kind == Kind::Conffile && matches!(body, Body::Link(_) | Body::Directory) {
            return Err(refused(&entry.path, "is marked as configuration, but dpkg keeps regular files only"));
        }
        Ok(Self { attributes, body, kind })
    }
}

fn refused(path: &InstallPath, cause: &str) -> WriteError {
    WriteError::Field { field: "an entry".to_owned(), cause: format!("`{path}` {cause}") }
}
