//! The set: the components of a channel, as a group that is installed at once and as releases that are told of.

use std::collections::{BTreeMap, BTreeSet};

use rpm_version::EvrSortKey;

use super::Seal;
use crate::compression::Compression;
use crate::repository::channel::Channel;
use crate::repository::fragment::{Fragment, upstream_version};
use crate::repository::gate::Components;
use crate::repository::generation::Entry;
use crate::repository::index::Earlier;
use crate::repository::order::IndexError;
use crate::repository::rpmmd::{Advisory, AdvisoryKind, AdvisoryPackage, DataFile, Group, comps, updateinfo};
use crate::source_date::SourceDate;

/// The id of the group: `dnf group install kubernetes`.
const GROUP: &str = "kubernetes";

/// The components among the RPMs of a channel.
pub(super) struct Set<'a> {
    components: &'a Components,
    channel: Channel,
    names: BTreeSet<&'a str>,
    /// By versions of Kubernetes, oldest first.
    releases: BTreeMap<EvrSortKey, Release<'a>>,
}

/// The packages of one release of Kubernetes.
struct Release<'a> {
    version: &'a str,
    /// When the last of them was built.
    built: u64,
    packages: Vec<&'a Entry>,
}

impl<'a> Set<'a> {
    pub(super) fn of(components: &'a Components, channel: Channel) -> Self {
        Self { components, channel, names: BTreeSet::new(), releases: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, entry: &'a Entry, rpm: &Fragment) {
        if !self.components.contains(&entry.name) || entry.arch == "src" {
            return;
        }
        self.names.insert(&entry.name);
        if self.components.is_of_kubernetes(&entry.name) {
            let version = upstream_version(&entry.version);
            let new = || Release { version, built: 0, packages: Vec::new() };
            let release = self.releases.entry(EvrSortKey::parse(version)).or_insert_with(new);
            release.built = release.built.max(rpm.built().unwrap_or_default());
            release.packages.push(entry);
        }
    }

    /// Returns `comps` and `updateinfo`, where there is anything to say.
    pub(super) fn finish(
        self,
        seal: &Seal<'_>,
        compression: Compression,
        earlier: Earlier,
    ) -> Result<Vec<DataFile>, IndexError> {
        let mut files = Vec::new();
        if !self.names.is_empty() {
            files.push(comps(&[self.group()], compression)?);
        }
        if !self.releases.is_empty() {
            let advisories = self.releases.values().map(|release| release.advisory(&seal.charter.name));
            files.push(updateinfo(advisories, compression, earlier)?);
        }
        Ok(files)
    }

    fn group(&self) -> Group {
        let minor = self.channel.minor().map_or_else(String::new, |minor| format!(" {minor}"));
        Group {
            id: GROUP.to_owned(),
            name: format!("Kubernetes{minor}"),
            description: "Everything that a node of a Kubernetes cluster needs of this repository".to_owned(),
            packages: self.names.iter().map(|name| (*name).to_owned()).collect(),
        }
    }
}

impl Release<'_> {
    fn advisory(&self, from: &str) -> Advisory<'_> {
        let names: BTreeSet<&str> = self.packages.iter().map(|entry| entry.name.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        // As Kubernetes spells it, which RPM does not: `1.37.0-rc.1`.
        let version = self.version.replace('~', "-");
        Advisory {
            id: format!("kubernetes-{version}"),
            kind: if is_patch(self.version) { AdvisoryKind::Bugfix } else { AdvisoryKind::Enhancement },
            from: from.to_owned(),
            title: format!("Kubernetes {version}"),
            description: format!("Release {version} of Kubernetes: {}.", names.join(", ")),
            severity: None,
            issued: SourceDate::from_epoch(u32::try_from(self.built).unwrap_or(u32::MAX)),
            references: Vec::new(),
            packages: self.packages.iter().map(|entry| package(entry)).collect(),
        }
    }
}

fn package(entry: &Entry) -> AdvisoryPackage<'_> {
    AdvisoryPackage { name: &entry.name, version: &entry.version, arch: &entry.arch, sha256: &entry.sha256 }
}

/// Whether a version repairs another one, and is no first, and no alpha, beta or candidate.
fn is_patch(version: &str) -> bool {
    version.rsplit_once('.').is_some_and(|(_, patch)| patch != "0" && patch.bytes().all(|byte| byte.is_ascii_digit()))
        && !version.contains('~')
}
