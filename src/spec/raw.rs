//! The shape of a spec file, before anything in it is believed. The JSON Schema comes from here.

mod published;

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::{At, Text};
pub(super) use published::{Pins, RawDigest, RawSignature, RawSource};

/// One component: what it is, where upstream publishes it, and what its package holds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "kubepkg component spec")]
pub(super) struct RawSpec {
    /// The name of the component and of its package; the file is called after it.
    pub(super) name: Text,
    /// Where its version comes from: `kubernetes` (the one that was asked for), `own` (asked for by name), or
    /// `companions` (a table by Kubernetes version).
    pub(super) version: RawVersioning,
    /// One line, without a period.
    pub(super) summary: Text,
    /// Some sentences for someone who has never heard of it.
    pub(super) description: Text,
    /// SPDX expression.
    pub(super) license: Text,
    /// The project's page.
    pub(super) homepage: Text,
    /// Debian's section, such as `admin`, `net`, `utils`.
    pub(super) section: Text,
    /// Debian's priority; `optional` where absent.
    pub(super) priority: Option<Text>,
    /// `Name <mail>`; the profile's where absent.
    pub(super) maintainer: Option<Text>,
    /// Holders of the copyright, such as `2014 The Kubernetes Authors`.
    pub(super) copyright: At<Vec<Text>>,
    /// Other summaries and descriptions under a condition.
    #[serde(default)]
    pub(super) texts: Vec<RawTexts>,
    /// When releases were made; the latest row at or below a version dates its packages. A component that is released
    /// with Kubernetes has the dates of `distribution.yaml`.
    #[serde(default)]
    pub(super) dates: Vec<RawDate>,
    /// Which architectures upstream publishes.
    pub(super) arches: At<Vec<RawArches>>,
    /// The files that upstream publishes.
    pub(super) sources: At<Vec<RawSource>>,
    /// Values that templates and scripts print.
    #[serde(default)]
    pub(super) variables: Vec<RawVariable>,
    /// What the package says of other packages.
    #[serde(default)]
    pub(super) relations: Vec<RawRelation>,
    /// What the package installs.
    pub(super) files: At<Vec<RawFile>>,
    /// systemd units and what happens to them.
    #[serde(default)]
    pub(super) services: Vec<RawService>,
    /// Shell that runs at installation and removal.
    #[serde(default)]
    pub(super) scripts: Vec<RawScript>,
    /// Findings of linters that are meant.
    #[serde(default)]
    pub(super) lint_overrides: Vec<RawLintOverride>,
}

/// Where a component's version comes from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawVersioning {
    /// It is released with Kubernetes and has its version.
    Kubernetes,
    /// It has versions of its own and is built when it is asked for by name.
    Own,
    /// It has versions of its own; this table says which goes with which Kubernetes.
    Companions(At<Vec<RawCompanion>>),
}

/// Which version goes with which Kubernetes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawCompanion {
    /// A range of Kubernetes versions.
    pub(super) kubernetes: Text,
    /// The component's version.
    pub(super) version: Text,
    /// The profile that this row is for; all where absent.
    pub(super) profile: Option<Text>,
}

/// A condition: the row holds where all of it is met.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawWhen {
    /// A range of the component's own versions: `>=1.24.0 <1.24.2`, `=1.25.0`.
    pub(super) versions: Option<Text>,
    /// A profile of `distribution.yaml`.
    pub(super) profile: Option<Text>,
    /// `release`, or `ci` for CI builds.
    pub(super) track: Option<Text>,
    /// `deb` or `rpm`.
    pub(super) format: Option<Text>,
    /// Architectures in upstream's spelling.
    pub(super) arches: Option<At<Vec<Text>>>,
}

/// Other texts under a condition.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawTexts {
    pub(super) when: RawWhen,
    pub(super) summary: Text,
    pub(super) description: Text,
}

/// The date of the releases from a version on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawDate {
    /// The first version that the date is for.
    pub(super) since: Text,
    /// `2019-12-09`
    pub(super) date: Text,
}

/// Architectures that upstream publishes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawArches {
    /// Upstream's spellings.
    pub(super) names: At<Vec<Text>>,
    #[serde(default)]
    pub(super) when: RawWhen,
}

/// A value that templates print.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawVariable {
    pub(super) name: Text,
    pub(super) value: Text,
    #[serde(default)]
    pub(super) when: RawWhen,
}

/// What the package says of another: exactly one kind.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawRelation {
    pub(super) requires: Option<RawTarget>,
    pub(super) recommends: Option<RawTarget>,
    pub(super) suggests: Option<RawTarget>,
    pub(super) conflicts: Option<RawTarget>,
    pub(super) breaks: Option<RawTarget>,
    pub(super) replaces: Option<RawTarget>,
    pub(super) provides: Option<RawTarget>,
    #[serde(default)]
    pub(super) when: RawWhen,
}

/// Another package: a component of the same folder, or one of the system.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawTarget {
    /// A component with a spec.
    pub(super) component: Option<Text>,
    /// A package of the distribution.
    pub(super) system: Option<Text>,
    /// The lowest version. That of a `system` package is written as packages write it: `1.4.21`, `245`, `1:2.3`.
    pub(super) at_least: Option<Text>,
    /// The first version that is too high.
    pub(super) below: Option<Text>,
    /// The version that is provided; for `provides` alone.
    pub(super) exactly: Option<Text>,
    /// The name in Debian's family; alternatives are joined by `|`.
    pub(super) deb: Option<Text>,
    /// The name in RPM's families.
    pub(super) rpm: Option<Text>,
    /// The name in Fedora's family, where it differs from SUSE's.
    pub(super) fedora: Option<Text>,
    /// The name in SUSE's family.
    pub(super) suse: Option<Text>,
}

/// What is installed at a path: exactly one of `source`, `template`, `link`, `directory`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawFile {
    /// The absolute path.
    pub(super) path: Text,
    /// Octal digits in quotes; `"0755"` for directories and `"0644"` where absent.
    pub(super) mode: Option<Text>,
    /// `root` where absent.
    pub(super) user: Option<Text>,
    /// `root` where absent.
    pub(super) group: Option<Text>,
    /// What package managers make of it.
    #[serde(default)]
    pub(super) kind: RawKind,
    /// The source whose bytes it has.
    pub(super) source: Option<Text>,
    /// The file inside the source, an archive; `{{arch}}`, `{{version}}` and `{{track}}` stand for themselves.
    pub(super) member: Option<Text>,
    /// Files inside the source that go below `path`, each under its own name.
    pub(super) members: Option<At<Vec<Text>>>,
    /// Files inside the source that are known and left out, where `members` names the others.
    pub(super) ignore: Option<At<Vec<Text>>>,
    /// A text of the template folder.
    pub(super) template: Option<Text>,
    /// The target of a symbolic link.
    pub(super) link: Option<Text>,
    /// An empty directory.
    #[serde(default)]
    pub(super) directory: bool,
    #[serde(default)]
    pub(super) when: RawWhen,
}

/// What package managers make of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawKind {
    /// Nothing special.
    #[default]
    Plain,
    /// Configuration: a conffile, `%config`.
    Config,
    /// Configuration that stays as the user left it: a conffile, `%config(noreplace)`.
    ConfigKept,
    /// Documentation.
    Doc,
    /// The licence.
    License,
}

/// A systemd unit and what happens to it at the first installation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawService {
    /// The unit's file name; one of `files` brings it.
    pub(super) unit: Text,
    /// Who decides.
    pub(super) on_install: RawOnInstall,
    #[serde(default)]
    pub(super) when: RawWhen,
}

/// What happens to a unit at the first installation.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawOnInstall {
    /// The distribution's preset decides whether it is enabled; it is not started.
    Preset,
    /// It is enabled and started, and restarted at upgrades.
    Start,
    /// Nothing.
    Nothing,
}

/// Shell that runs at installation or removal.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawScript {
    /// When it runs.
    pub(super) at: RawMoment,
    /// POSIX shell without a `#!` line.
    pub(super) run: Text,
    #[serde(default)]
    pub(super) when: RawWhen,
}

/// When a script runs.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawMoment {
    /// Before the files are there.
    BeforeInstall,
    /// After.
    AfterInstall,
    /// Before the files are gone.
    BeforeRemove,
    /// After.
    AfterRemove,
}

/// A finding of a linter that is meant: exactly one of `lintian` and `rpmlint`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawLintOverride {
    /// lintian's tag, with its context.
    pub(super) lintian: Option<Text>,
    /// rpmlint's filter.
    pub(super) rpmlint: Option<Text>,
    /// Why it is meant.
    pub(super) reason: Text,
    #[serde(default)]
    pub(super) when: RawWhen,
}

/// What all components share: `distribution.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "kubepkg distribution")]
pub(super) struct RawDistribution {
    /// Where version markers are: `https://…/{{track}}/{{marker}}.txt`.
    pub(super) markers: Text,
    /// When Kubernetes was released; the latest row at or below a version dates its packages.
    pub(super) dates: At<Vec<RawDate>>,
    /// Ways of packaging; the first is the default.
    pub(super) profiles: At<Vec<RawProfile>>,
}

/// A way of packaging.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawProfile {
    pub(super) name: Text,
    /// `Name <mail>`
    pub(super) maintainer: Text,
    /// Debian's revision.
    pub(super) deb_revision: Text,
    /// RPM's release.
    pub(super) rpm_revision: Text,
}
