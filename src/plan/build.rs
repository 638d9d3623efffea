//! What will be built: one component for one architecture, in one or more formats.

use std::collections::BTreeMap;

use super::download::Source;
use crate::arch::Arch;
use crate::digest::Digest;
use crate::format::{Format, Revision};
use crate::path::{InstallPath, Mode, PackageName, RelativePath};
use crate::relation::Relation;
use crate::source_date::SourceDate;
use crate::version::{Channel, Version};

pub use crate::spec::{LintOverride, Moment, OnInstall, Role};

/// One component for one architecture. Its packages differ in format alone.
#[derive(Debug, Clone)]
pub struct Build {
    /// Who and what it is.
    pub metadata: Metadata,
    /// Where its bytes come from; files name them by their place here.
    pub sources: Vec<BuildSource>,
    /// What is installed.
    pub files: Vec<PlannedFile>,
    /// Relations of every format.
    pub relations: Vec<Relation>,
    /// Units.
    pub services: Vec<Service>,
    /// Scripts of the spec.
    pub scripts: Vec<Script>,
    /// Findings of linters that are meant.
    pub lint_overrides: Vec<LintOverride>,
    /// The one time.
    pub date: SourceDate,
    /// The way of packaging, by name.
    pub profile: String,
    /// The packages, one a format.
    pub packages: Vec<PlannedPackage>,
}

/// A package that will be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedPackage {
    /// What identifies the job: the same in every run that would write the same package.
    pub id: JobId,
    /// Its format.
    pub format: Format,
    /// Its file name.
    pub file_name: String,
    /// The texts that it is planned from, sorted by name.
    pub inputs: Vec<Input>,
}

/// A spec, a file of keys that it names, or a template, as it was when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Input {
    /// Its path below `specs` or `templates`, wherever these were read from: `specs/kubelet.yaml`.
    pub name: String,
    /// Its SHA-256.
    pub sha256: Digest,
}

/// What identifies a job. Displays as 16 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub(super) String);

impl std::fmt::Display for JobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

/// Bytes of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildSource {
    /// What the spec calls them.
    pub name: String,
    /// Where they come from.
    pub source: Source,
    /// Why the version cannot be found inside, where that is so.
    pub unversioned: Option<String>,
}

/// Something that will be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// Where; the directory for [`PlannedContent::Members`].
    pub path: InstallPath,
    /// Permissions.
    pub mode: Mode,
    /// Whose it is.
    pub owner: Owner,
    /// What package managers make of it.
    pub role: Role,
    /// The formats that it is for.
    pub formats: Formats,
    /// What it is.
    pub content: PlannedContent,
}

/// What a file will be. Sources are places in [`Build::sources`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlannedContent {
    /// The whole of a source.
    Source(usize),
    /// A member of a source.
    Member {
        /// The source.
        source: usize,
        /// Its name in the archive.
        member: RelativePath,
    },
    /// Members of a source, each under its own name below the path.
    Members {
        /// The source.
        source: usize,
        /// Their names in the archive.
        members: Vec<RelativePath>,
        /// Members that are known and left out.
        ignore: Vec<RelativePath>,
    },
    /// Text, by template and rendered.
    Text {
        /// The template's path.
        template: RelativePath,
        /// The text.
        text: String,
    },
    /// A link.
    Link(String),
    /// A directory.
    Directory,
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

/// Values that templates of files and scripts print, by name.
pub(super) type Variables = BTreeMap<String, String>;
