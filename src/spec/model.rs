//! Specs that have been checked: words instead of text.

mod published;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::error::SpecError;
use crate::arch::Arch;
use crate::format::{Format, Revision};
use crate::path::{InstallPath, Mode, PackageName, RelativePath};
use crate::relation::{Operator, RelationKind};
use crate::source_date::SourceDate;
use crate::version::{Track, Version, VersionRange};

pub use published::{DigestFact, DigestShape, Identity, Signature, SignedBy, Source};

/// One component. Valid on its own: every path is absolute, every range parsed, no two rows say different things of
/// one version.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Its name.
    pub name: PackageName,
    /// The file that it was read from, for messages.
    pub file: String,
    /// The text of the file.
    pub text: Arc<str>,
    /// Where its version comes from.
    pub versioning: Versioning,
    /// Summary and description; the last row that holds is used.
    pub texts: Vec<Row<Description>>,
    /// The SPDX expression.
    pub license: String,
    /// The project's page.
    pub homepage: String,
    /// Debian's section.
    pub section: String,
    /// Debian's priority.
    pub priority: String,
    /// Who is responsible; the profile's maintainer where `None`.
    pub maintainer: Option<String>,
    /// Holders of the copyright.
    pub copyright: Vec<String>,
    /// Dates of releases, ascending; empty for a component that is released with Kubernetes.
    pub dates: Vec<(Version, SourceDate)>,
    /// Architectures that upstream publishes.
    pub arches: Vec<Row<Vec<Arch>>>,
    /// Files that upstream publishes.
    pub sources: Vec<Row<Source>>,
    /// The files of public keys beside the spec that signatures name, with their texts, sorted by name.
    pub key_files: BTreeMap<String, Arc<str>>,
    /// Values for templates.
    pub variables: Vec<Row<Variable>>,
    /// Relations.
    pub relations: Vec<Row<RelationFact>>,
    /// What is installed.
    pub files: Vec<Row<File>>,
    /// Units.
    pub services: Vec<Row<Service>>,
    /// Shell.
    pub scripts: Vec<Row<Script>>,
    /// Findings of linters that are meant.
    pub lint_overrides: Vec<Row<LintOverride>>,
}

impl Spec {
    /// Makes an error of a place in the spec's file.
    pub(super) fn error(&self, span: Range<usize>, cause: String, hint: String) -> SpecError {
        SpecError { file: self.file.clone(), text: Arc::clone(&self.text), span, cause, hint: Some(hint) }
    }
}

/// A fact and the condition under which it holds.
#[derive(Debug, Clone)]
pub struct Row<T> {
    /// The condition.
    pub when: When,
    /// The fact.
    pub fact: T,
    /// The bytes of the file where it stands.
    pub at: Range<usize>,
}

/// A condition; `None` is met by everything.
#[derive(Debug, Clone)]
pub struct When {
    /// The component's own versions.
    pub versions: VersionRange,
    /// The profile.
    pub profile: Option<String>,
    /// Where the version is published.
    pub track: Option<Track>,
    /// The format.
    pub format: Option<Format>,
    /// The architectures.
    pub arches: Option<Vec<Arch>>,
}

impl When {
    /// Whether the condition can hold for a format.
    pub fn takes(&self, format: Format) -> bool {
        self.format.is_none_or(|only| only == format)
    }

    /// Whether the condition can hold in the same case as another.
    pub fn overlaps(&self, other: &Self) -> bool {
        fn both<T: PartialEq>(mine: Option<&T>, theirs: Option<&T>) -> bool {
            mine.is_none() || theirs.is_none() || mine == theirs
        }
        let arches = match (&self.arches, &other.arches) {
            (Some(mine), Some(theirs)) => mine.iter().any(|arch| theirs.contains(arch)),
            _ => true,
        };
        arches
            && both(self.profile.as_ref(), other.profile.as_ref())
            && both(self.track.as_ref(), other.track.as_ref())
            && both(self.format.as_ref(), other.format.as_ref())
            && self.versions.overlaps(&other.versions)
    }
}

/// Where a component's version comes from.
#[derive(Debug, Clone)]
pub enum Versioning {
    /// It has that of Kubernetes.
    Kubernetes,
    /// It has its own, which the user names.
    Own,
    /// It has its own, by Kubernetes version.
    Companions(Vec<Companion>),
}

/// Which version goes with which Kubernetes.
#[derive(Debug, Clone)]
pub struct Companion {
    /// Kubernetes versions.
    pub kubernetes: VersionRange,
    /// The component's version.
    pub version: Version,
    /// The profile; all where `None`.
    pub profile: Option<String>,
}

/// Summary and description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// One line.
    pub summary: String,
    /// Paragraphs.
    pub description: String,
}

/// A value for templates.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What the package says of another, for every family.
#[derive(Debug, Clone)]
pub struct RelationFact {
    /// The kind.
    pub kind: RelationKind,
    /// The component of the catalog, if it is one.
    pub component: Option<PackageName>,
    /// The operator and the version, as packages write it.
    pub constraint: Option<(Operator, String)>,
    /// Names in Debian's family, any of which will do.
    pub deb: Vec<String>,
    /// Names in RPM's families, any of which will do.
    pub rpm: Vec<String>,
}

/// Something to install.
#[derive(Debug, Clone)]
pub struct File {
    /// Where; the directory for [`FileContent::Members`].
    pub path: InstallPath,
    /// Permissions.
    pub mode: Mode,
    /// User.
    pub user: String,
    /// Group.
    pub group: String,
    /// What package managers make of it.
    pub role: Role,
    /// What it is.
    pub content: FileContent,
}

/// What package managers make of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Nothing special.
    Plain,
    /// Configuration.
    Config,
    /// Configuration that is kept.
    ConfigKept,
    /// Documentation.
    Doc,
    /// Licence.
    License,
}

impl Role {
    /// Returns the word of the spec language.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Config => "config",
            Self::ConfigKept => "config-kept",
            Self::Doc => "doc",
            Self::License => "license",
        }
    }
}

/// What a file is.
#[derive(Debug, Clone)]
pub enum FileContent {
    /// The bytes of a source.
    Source(String),
    /// A member of a source.
    Member {
        /// The source.
        source: String,
        /// The member, with its placeholders.
        member: String,
    },
    /// Members of a source, each under its own name below the path.
    Members {
        /// The source.
        source: String,
        /// The members, with their placeholders.
        members: Vec<String>,
        /// Members that are known and left out, with their placeholders.
        ignore: Vec<String>,
    },
    /// A template.
    Template(RelativePath),
    /// A link.
    Link(String),
    /// A directory.
    Directory,
}

/// A unit.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its file name.
    pub unit: String,
    /// What happens to it.
    pub on_install: OnInstall,
}

/// What happens to a unit at the first installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnInstall {
    /// The preset decides.
    Preset,
    /// It is started.
    Start,
    /// Nothing.
    Nothing,
}

impl OnInstall {
    /// Returns the word of the spec language.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preset => "preset",
            Self::Start => "start",
            Self::Nothing => "nothing",
        }
    }
}

/// Shell.
#[derive(Debug, Clone)]
pub struct Script {
    /// When it runs.
    pub at: Moment,
    /// The text with its placeholders.
    pub run: String,
}

/// When a script runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// Before the files are there.
    BeforeInstall,
    /// After.
    AfterInstall,
    /// Before the files are gone.
    BeforeRemove,
    /// After.
    AfterRemove,
}

impl Moment {
    /// Returns the word of the spec language.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BeforeInstall => "before-install",
            Self::AfterInstall => "after-install",
            Self::BeforeRemove => "before-remove",
            Self::AfterRemove => "after-remove",
        }
    }
}

/// A finding that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LintOverride {
    /// Whose linter.
    pub format: Format,
    /// The finding.
    pub tag: String,
    /// Why.
    pub reason: String,
}

/// What all components share.
#[derive(Debug, Clone)]
pub struct Distribution {
    /// The URL of version markers with its placeholders.
    pub markers: String,
    /// Dates of Kubernetes releases, ascending.
    pub dates: Vec<(Version, SourceDate)>,
    /// Ways of packaging; at least one, the first is the default.
    pub profiles: Vec<Profile>,
}

/// A way of packaging.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// `Name <mail>`.
    pub maintainer: String,
    /// Debian's revision.
    pub deb_revision: Revision,
    /// RPM's release.
    pub rpm_revision: Revision,
}
