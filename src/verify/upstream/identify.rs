//! Which file of upstream a program should be.

use std::collections::BTreeMap;
use std::fmt;

use super::Upstream;
use super::program::Program;
use crate::arch::Arch;
use crate::image::elf::{Elf, ElfError, Machine, check_version, stated_versions};
use crate::package::reader::{Inspection, excerpt};
use crate::plan::{Arches, Build, Download, PlanError, PlannedContent, Request, Revisions, Source, plan};
use crate::source_date::SourceDate;
use crate::spec::{FileContent, Spec};
use crate::version::Version;

/// What a program is, and where upstream published it.
pub(super) struct Identity {
    pub(super) component: String,
    pub(super) version: Version,
    pub(super) arch: Arch,
    pub(super) download: Download,
    /// The file in the archive, where the download is one.
    pub(super) member: Option<String>,
    /// Whether the program names the version itself.
    is_stated: bool,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { component, version, arch, download, member, is_stated } = self;
        write!(f, "{component} {version} for {arch}")?;
        if !is_stated {
            write!(f, " (the package's version: the program names none)")?;
        }
        match member {
            Some(member) => write!(f, ", `{member}` of {}", download.url),
            None => write!(f, ", {}", download.url),
        }
    }
}

/// Why nobody can say what a program should be.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unknown {
    #[error("is of no known component")]
    Component,
    #[error("is for {0}, for which nothing is published")]
    Machine(Machine),
    #[error("names no version, and neither does the package")]
    Version,
    #[error("cannot be looked up: {0}")]
    Plan(#[from] PlanError),
    #[error("cannot be read: {0}")]
    Unreadable(ElfError),
}

impl Identity {
    /// What the package says that the program is not; a package of another name may well have other versions.
    pub(super) fn contradiction(&self, package: &Inspection) -> Option<String> {
        let arch = package.format.arch(self.arch);
        let is_neutral = matches!(package.arch.as_str(), "all" | "noarch");
        if !is_neutral && arch_of(package).is_some_and(|other| other != self.arch) {
            return Some(format!("the package is for {}, not {arch}", excerpt(&package.arch)));
        }
        let said = upstream_version(&package.version);
        let is_other = package.name == self.component && said.is_some_and(|said| said != self.version);
        is_other.then(|| format!("the package says {}", excerpt(&package.version)))
    }
}

impl Upstream<'_> {
    /// Finds out what a program is.
    pub(super) fn identify(&self, program: &Program, package: &Inspection) -> Result<Identity, Unknown> {
        let specs: Vec<(&Spec, &str)> =
            self.catalog.iter().filter_map(|spec| Some((spec, known_name(spec, program.name())?))).collect();
        let own = specs.iter().find(|(spec, _)| spec.name.as_str() == package.name);
        let (spec, name) = *own.or(specs.first()).ok_or(Unknown::Component)?;
        let arch = arch(program, package)?;
        let (versions, is_stated) = versions(program, package)?;
        let mut found = Vec::new();
        let mut refused = None;
        for version in versions {
            match self.look_up(spec, version, arch, name, package) {
                Ok(identity) => found.push(Identity { is_stated, ..identity }),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        // Several versions among the constants: the digest that upstream publishes tells which it is.
        let at = match found.as_slice() {
            [_, _, ..] => {
                let digests = || program.digests.clone();
                let asked = found.iter().map(|identity| (identity.download.clone(), digests())).collect();
                self.fetcher.vouched(asked).into_iter().position(|evidence| evidence.is_some()).unwrap_or_default()
            }
            _ => 0,
        };
        if at < found.len() { Ok(found.swap_remove(at)) } else { Err(refused.unwrap_or(Unknown::Version)) }
    }

    /// Returns where upstream publishes a component's program.
    fn look_up(
        &self,
        spec: &Spec,
        version: Version,
        arch: Arch,
        name: &str,
        package: &Inspection,
    ) -> Result<Identity, Unknown> {
        let component = spec.name.to_string();
        let request = Request {
            version: version.clone(),
            component_versions: BTreeMap::from([(component.clone(), version.clone())]),
            components: [component.clone()].into(),
            arches: Arches::These([arch].into()),
            formats: [package.format].into(),
            profile: None,
            revisions: Revisions::default(),
            maintainer: None,
            vendor: None,
            // The date of no package depends on it, and the spec need not know the release.
            date: Some(SourceDate::from_epoch(0)),
            local_build: None,
            signature_policy: self.signature_policy.clone(),
        };
        let mut plan = plan(self.catalog, self.templates, &request)?;
        let placed = plan.builds.first().and_then(|build| place(build, name));
        let (source, member) = placed.ok_or(Unknown::Component)?;
        let download = plan.downloads.swap_remove(source);
        Ok(Identity { component, version, arch, download, member, is_stated: true })
    }
}

/// Returns the name under which a component has a program: its own, or without a version at its end, as distributions
/// name programs that can be installed beside each other.
fn known_name<'n>(spec: &Spec, name: &'n str) -> Option<&'n str> {
    [name, without_version(name)].into_iter().find(|name| spec.files.iter().any(|row| names(&row.fact, name)))
}

fn without_version(name: &str) -> &str {
    let short = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    short.strip_suffix("-v").unwrap_or(short).trim_end_matches('-')
}

fn names(file: &crate::spec::File, name: &str) -> bool {
    match &file.content {
        FileContent::Source(_) | FileContent::Member { .. } => last(file.path.as_str()) == name,
        FileContent::Members { members, .. } => members.iter().any(|member| last(member) == name),
        FileContent::Template(_) | FileContent::Link(_) | FileContent::Directory => false,
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Returns the download that has a build's program, and its name in the archive.
fn place(build: &Build, name: &str) -> Option<(usize, Option<String>)> {
    let (source, member) = build.files.iter().find_map(|file| match &file.content {
        PlannedContent::Source(source) if last(file.path.as_str()) == name => Some((*source, None)),
        PlannedContent::Member { source, member } if last(file.path.as_str()) == name => {
            Some((*source, Some(member.to_string())))
        }
        PlannedContent::Members { source, members, .. } => {
            let member = members.iter().find(|member| last(member.as_str()) == name)?;
            Some((*source, Some(member.to_string())))
        }
        _ => None,
    })?;
    match build.sources.get(source)?.source {
        Source::Download(place) => Some((place, member)),
        Source::LocalBuild(_) => None,
    }
}

/// Returns the architecture of a program; the package's where the header of the program is damaged.
fn arch(program: &Program, package: &Inspection) -> Result<Arch, Unknown> {
    match Elf::read(&program.file) {
        Ok(elf) => elf.machine().arch().ok_or_else(|| Unknown::Machine(elf.machine())),
        Err(error) => arch_of(package).ok_or(Unknown::Unreadable(error)),
    }
}

fn arch_of(package: &Inspection) -> Option<Arch> {
    Arch::ALL.into_iter().find(|arch| package.format.arch(*arch) == package.arch)
}

/// Returns the versions that a program may be, the likeliest first, and whether the program says so. The package's
/// version is believed where the program confirms it, and where it names none.
fn versions(program: &Program, package: &Inspection) -> Result<(Vec<Version>, bool), Unknown> {
    let said = upstream_version(&package.version);
    if let Some(version) = said.as_ref().filter(|version| check_version(&program.file, version).is_ok()) {
        return Ok((vec![version.clone()], true));
    }
    match (stated_versions(&program.file), said) {
        (Ok(stated), _) if !stated.is_empty() => Ok((stated, true)),
        (Ok(_) | Err(ElfError::Truncated { .. } | ElfError::Headers { .. }), Some(said)) => Ok((vec![said], false)),
        (Ok(_), None) => Err(Unknown::Version),
        (Err(error), _) => Err(Unknown::Unreadable(error)),
    }
}

/// Returns the upstream version that a package's version stands for, or nothing: `1.31.0~rc.1` is
/// `1.31.0-rc.1`, and what follows a `+` is the commit of a CI build, or says what a distribution did.
fn upstream_version(version: &str) -> Option<Version> {
    let version = version.split_once(':').map_or(version, |(_, version)| version);
    let (base, more) = version.split_once('+').map_or((version, None), |(base, more)| (base, Some(more)));
    let base = base.replacen('~', "-", 1);
    let text = match more {
        // A distribution went back to an older version.
        Some(more) if more.starts_with("really") => more.trim_start_matches("really").to_owned(),
        Some(more) if is_commit(more.rsplit('.').next().unwrap_or_default()) => match more.split_once('.') {
            Some((commits, id)) => format!("{base}-{commits}+{id}"),
            None => format!("{base}+{more}"),
        },
        _ => base,
    };
    text.parse().ok()
}

/// Whether text is the beginning of a commit's id as Kubernetes' builds have it.
fn is_commit(text: &str) -> bool {
    text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstream_version_packages_stand_for_those_of_upstream() {
        for (package, upstream) in [
            ("1.36.2", "1.36.2"),
            ("1:1.36.2", "1.36.2"),
            ("1.31.0~rc.1", "1.31.0-rc.1"),
            ("1.36.4+ds", "1.36.4"),
            ("1.20.5+really1.20.2", "1.20.2"),
            ("1.38.0~alpha.2.97+8eb85c40f2b1ca", "1.38.0-alpha.2.97+8eb85c40f2b1ca"),
            ("1.36.1+4.8eb85c40f2b1ca", "1.36.1-4+8eb85c40f2b1ca"),
        ] {
            assert_eq!(
                upstream_version(package).map(|version| version.to_string()).as_deref(),
                Some(upstream),
                "{package}"
            );
        }
        assert_eq!(upstream_version("20240102"), None);
    }

    #[test]
    fn versions_at_the_end_of_a_name_are_no_part_of_it() {
        for (name, short) in [
            ("kubectl", "kubectl"),
            ("kubectl1.30", "kubectl"),
            ("kubectl-1.30.2", "kubectl"),
            ("kubectl-v1.30", "kubectl"),
        ] {
            assert_eq!(without_version(name), short);
        }
    }
}
