//! A package with no format yet: what both writers are fed.

mod assemble;
pub mod elf;
pub mod extract;

use crate::digest::Digests;
use crate::fetch::Artifact;
use crate::format::Format;
use crate::path::{InstallPath, Mode};
use crate::relation::Relation;
use crate::source_date::SourceDate;

pub use crate::plan::{Formats, LintOverride, Metadata, Moment, OnInstall, Owner, Role, Script, Service};
pub use assemble::{ImageError, assemble};

/// A package before it has a format. Entries are sorted by path, every parent that the package owns is present, and
/// there is one time for everything.
#[derive(Debug, Clone)]
pub struct PackageImage {
    /// Who and what it is.
    pub metadata: Metadata,
    /// Relations of both formats, each marked with its own.
    pub relations: Vec<Relation>,
    /// Units that the package brings.
    pub services: Vec<Service>,
    /// Scripts that the spec adds to those that follow from units.
    pub scripts: Vec<Script>,
    /// Linter findings that are meant, each with its reason.
    pub lint_overrides: Vec<LintOverride>,
    /// What will be installed, sorted by path; an entry may be for one format only.
    pub entries: Vec<Entry>,
    /// The one time.
    pub date: SourceDate,
}

impl PackageImage {
    /// Returns the entries of one format, sorted by path.
    pub fn entries(&self, format: Format) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.formats.includes(format))
    }

    /// Returns the relations of one format in their order.
    pub fn relations(&self, format: Format) -> impl Iterator<Item = &Relation> {
        self.relations.iter().filter(move |relation| relation.format == format)
    }

    /// Returns the spec's scripts of one format.
    pub fn scripts(&self, format: Format) -> impl Iterator<Item = &Script> {
        self.scripts.iter().filter(move |script| script.formats.includes(format))
    }

    /// Returns the files of one format that are text, by path.
    pub fn texts(&self, format: Format) -> impl Iterator<Item = (String, String)> {
        self.entries(format).filter_map(|entry| match &entry.content {
            Content::Text(bytes) => Some((entry.path.relative().to_owned(), String::from_utf8(bytes.clone()).ok()?)),
            _ => None,
        })
    }

    /// Returns the conventional file name.
    pub fn file_name(&self, format: Format) -> String {
        let metadata = &self.metadata;
        format.file_name(&metadata.name, &metadata.version, metadata.revision(format), metadata.arch)
    }

    /// Whether the package brings files that systemd reads, so that it must be told to look again.
    pub fn has_systemd_files(&self, format: Format) -> bool {
        ["/usr/lib/systemd/system", "/lib/systemd/system", "/etc/systemd/system"].iter().any(|directory| {
            self.entries(format)
                .any(|entry| entry.path.is_below(directory) && !matches!(entry.content, Content::Directory))
        })
    }
}

/// One thing to install.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Where.
    pub path: InstallPath,
    /// With which permissions; links have none.
    pub mode: Mode,
    /// Whose it is.
    pub owner: Owner,
    /// What package managers make of it.
    pub role: Role,
    /// What it is.
    pub content: Content,
    /// The formats that it is for.
    pub formats: Formats,
}

/// What an entry is.
#[derive(Debug, Clone)]
pub enum Content {
    /// The whole of an upstream file.
    Artifact(Artifact),
    /// A file out of an upstream archive.
    Member(Member),
    /// Text that was rendered, or compressed from such text.
    Text(Vec<u8>),
    /// A symbolic link.
    Link(String),
    /// A directory.
    Directory,
}

/// A file out of an upstream archive, unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The archive.
    pub archive: Artifact,
    /// Its name in the archive.
    pub name: String,
    /// The unpacked file.
    pub path: std::path::PathBuf,
    /// Its digests and size.
    pub digests: Digests,
}
