//! A package with no format yet: what both writers are fed.

pub mod elf;
pub mod extract;

use crate::arch::Arch;
use crate::digest::Digests;
use crate::fetch::Artifact;
use crate::format::{Format, Revision};
use crate::path::{InstallPath, Mode, PackageName};
use crate::relation::Relation;
use crate::source_date::SourceDate;
use crate::version::{Channel, Version};

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

/// What a package says of itself. Every text is one line and free of control characters, but for the description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The name.
    pub name: PackageName,
    /// The upstream version.
    pub version: Version,
    /// Debian's revision.
    pub deb_revision: Revision,
    /// RPM's release.
    pub rpm_revision: Revision,
    /// The architecture.
    pub arch: Arch,
    /// One line, without a period.
    pub summary: String,
    /// Paragraphs of plain text, without trailing blanks.
    pub description: String,
    /// The SPDX expression.
    pub license: String,
    /// The project's page.
    pub homepage: String,
    /// `Name <mail@host>`.
    pub maintainer: String,
    /// Who distributes the package, where the user said so.
    pub vendor: Option<String>,
    /// Debian's section (Policy 2.4).
    pub section: String,
    /// Debian's priority (Policy 2.5).
    pub priority: String,
    /// What kind of build it is.
    pub channel: Channel,
    /// Holders of the copyright, one line each.
    pub copyright: Vec<String>,
}

impl Metadata {
    /// Returns the revision in the format's scheme.
    pub fn revision(&self, format: Format) -> &Revision {
        match format {
            Format::Deb => &self.deb_revision,
            Format::Rpm => &self.rpm_revision,
        }
    }

    /// Returns `VERSION-REVISION` as the format writes it.
    pub fn full_version(&self, format: Format) -> String {
        format!("{}-{}", self.version.package(), self.revision(format))
    }
}

/// Which formats something is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Formats {
    /// Both.
    All,
    /// One.
    Only(Format),
}

impl Formats {
    /// Whether `format` is among them.
    pub fn includes(self, format: Format) -> bool {
        match self {
            Self::All => true,
            Self::Only(only) => only == format,
        }
    }
}

/// A systemd unit of the package and what happens to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The unit's file name.
    pub unit: String,
    /// What happens at the first installation.
    pub on_install: OnInstall,
    /// The formats in which something happens.
    pub formats: Formats,
}

/// What happens to a unit at the first installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnInstall {
    /// The distribution's preset decides whether it is enabled; it is not started.
    Preset,
    /// Enabled and started, and restarted at each upgrade (what apt.kubernetes.io's kubelet did).
    Start,
    /// Nothing but a reload.
    Nothing,
}

/// A script of the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// When it runs.
    pub moment: Moment,
    /// The formats that it is for.
    pub formats: Formats,
    /// The text in POSIX shell, without a `#!` line.
    pub body: String,
}

/// When a script runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// Before the files are unpacked: `preinst`, `%pre`.
    BeforeInstall,
    /// After: `postinst configure`, `%post`.
    AfterInstall,
    /// Before the files are removed: `prerm remove`, `%preun`.
    BeforeRemove,
    /// After: `postrm`, `%postun`.
    AfterRemove,
}

/// A linter's finding that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LintOverride {
    /// Whose linter: lintian goes with deb, rpmlint with RPM.
    pub format: Format,
    /// The tag, with its context where the linter takes one.
    pub tag: String,
    /// Why it is meant.
    pub reason: String,
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

/// User and group by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub user: String,
    /// The group.
    pub group: String,
}

impl Owner {
    /// Returns root, root.
    pub fn root() -> Self {
        Self { user: "root".to_owned(), group: "root".to_owned() }
    }
}

/// What package managers make of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Nothing special.
    Plain,
    /// Configuration: a conffile; `%config`.
    Config,
    /// Configuration that stays as the user left it: a conffile; `%config(noreplace)`.
    ConfigKept,
    /// Documentation: `%doc`.
    Doc,
    /// The licence: `%license`.
    License,
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
