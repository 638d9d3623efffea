//! Taking packages of another repository into a channel.
//!
//! What is taken was read as a client reads it ([`client`](super::client)): its key signed it, and nothing of it is wrong.
//! Package files go through the same gates as those of `publish`.

mod papers;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;

use super::channel::{Channel, Stage};
use super::charter::Repository;
use super::client::{Listed, Reading};
use super::error::RepositoryError;
use super::fragment::{compare_versions, upstream_version};
use super::gate::Components;
use super::generation::Reason;
use super::publish::{Outcome, Publisher};
use crate::arch::Arch;
use crate::digest::Digest;
use crate::package::signing::{self, SigningError};
use crate::sign::{Certificate, Packets};
use crate::source_date::SourceDate;
use crate::version::Version;

pub use papers::root_of;

/// Which packages of a repository are taken.
#[derive(Debug, Clone)]
pub struct Selection<'a> {
    /// Where they go: of packages that have the version of Kubernetes those of its minor release.
    pub channel: Channel,
    /// What is known of packages.
    pub components: &'a Components,
    /// Names; those of all components where none is named.
    pub names: BTreeSet<String>,
    /// Architectures; all where none is named.
    pub arches: BTreeSet<Arch>,
    /// Versions of packages that have that of Kubernetes, with or without their revision; all where none is named.
    pub versions: BTreeSet<String>,
    /// How many versions of each package are taken, the newest ones.
    pub newest: Option<usize>,
}

impl Selection<'_> {
    /// Chooses from what is listed.
    pub fn choose(&self, listed: &[Listed]) -> Vec<Listed> {
        let chosen: Vec<&Listed> = listed.iter().filter(|package| self.is_wanted(package)).collect();
        let Some(newest) = self.newest else { return chosen.into_iter().cloned().collect() };
        let mut versions: BTreeMap<(&str, &str), Vec<&Listed>> = BTreeMap::new();
        for package in chosen {
            versions.entry((&package.name, &package.arch)).or_default().push(package);
        }
        let mut kept = Vec::new();
        for mut packages in versions.into_values() {
            packages.sort_by(|one, other| compare_versions(one.format, &other.version, &one.version));
            kept.extend(packages.into_iter().take(newest).cloned());
        }
        kept.sort();
        kept
    }

    fn is_wanted(&self, package: &Listed) -> bool {
        let is_component = || self.components.contains(&package.name);
        let is_named = if self.names.is_empty() { is_component() } else { self.names.contains(&package.name) };
        is_named
            && self.is_of_arch(package)
            && (!self.components.is_of_kubernetes(&package.name) || self.is_of_release(package))
    }

    fn is_of_arch(&self, package: &Listed) -> bool {
        let own = package.arch.as_str();
        let is_for_all = matches!(own, "all" | "noarch");
        let is_source = matches!(own, "src" | "nosrc");
        !is_source
            && (self.arches.is_empty()
                || is_for_all
                || self.arches.iter().any(|arch| package.format.arch(*arch) == own))
    }

    /// Whether a package with the version of Kubernetes belongs to the channel.
    fn is_of_release(&self, package: &Listed) -> bool {
        let upstream = upstream_version(&package.version);
        let mut numbers = upstream.split('.');
        let minor = format!("v{}.{}", numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
        // `1.36.0~rc.1` and `1.36.1+4.abc` are no releases.
        let is_release = !upstream.contains(['~', '+', '^']);
        let takes_all = matches!(self.channel.stage(), Stage::Prerelease | Stage::Nightly);
        let is_asked = |asked: &String| {
            let spelled = asked.parse::<Version>().map(|version| version.package());
            *asked == package.version || asked == upstream || spelled.is_ok_and(|spelled| spelled == upstream)
        };
        (is_release || takes_all)
            && self.channel.minor().is_none_or(|own| own == minor)
            && (self.versions.is_empty() || self.versions.iter().any(is_asked))
    }
}

/// Where packages came from, as the history has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The repository, without secrets.
    pub from: String,
    /// The fingerprint of the key that signed it.
    pub signed_by: String,
    /// When it was made, as far as it says so.
    pub dated: Option<SourceDate>,
    /// Which of its signatures counted.
    pub packets: Packets,
    /// The certificates of those who signed packages of it, and whom the clients of this repository do not trust yet. They
    /// do as soon as no gate refuses what is taken.
    pub packagers: Vec<Certificate>,
}

impl Repository {
    /// Returns what of `chosen` a channel does not show yet.
    pub fn missing(&self, channel: Channel, chosen: Vec<Listed>) -> Result<Vec<Listed>, RepositoryError> {
        let packages = match self.head(channel)? {
            Some(_) => self.shown(channel)?.generation.packages,
            None => Vec::new(),
        };
        let known: HashSet<&Digest> = packages.iter().map(|entry| &entry.sha256).collect();
        let is_new = |package: &Listed| package.sha256.as_ref().is_none_or(|sha256| !known.contains(sha256));
        Ok(chosen.into_iter().filter(is_new).collect())
    }

    /// Refuses a state of another repository that is older than one which was taken into the channel: somebody put it back.
    pub fn check_age(&self, channel: Channel, from: &str, reading: &Reading) -> Result<(), RepositoryError> {
        let Some(date) = reading.date else { return Ok(()) };
        if self.head(channel)?.is_none() {
            return Ok(());
        }
        let mut newest = None;
        self.walk(channel, |shown| match shown.generation.reason {
            Reason::Mirror { from: known, dated, .. } if known == from => {
                newest = dated;
                false
            }
            _ => true,
        })?;
        match newest.map(SourceDate::from_epoch).filter(|newest| *newest > date) {
            None => Ok(()),
            Some(newest) => Err(RepositoryError::OlderState {
                from: from.to_owned(),
                date: date.to_string(),
                newest: newest.to_string(),
            }),
        }
    }

    /// Returns those of `given` that signed some of the package files and are not in the repository's keyring.
    pub fn untrusted(&self, files: &[PathBuf], given: &[Certificate]) -> Result<Vec<Certificate>, RepositoryError> {
        let trusted = self.charter().keyring.of_packages();
        let mut found: Vec<Certificate> = Vec::new();
        for file in files {
            let is_signed_by = |certificates: &[Certificate]| signing::verify(file, certificates).is_ok();
            if matches!(signing::verify(file, &trusted), Ok(_) | Err(SigningError::Unsigned)) {
                continue;
            }
            let signer = given.iter().find(|one| is_signed_by(std::slice::from_ref(*one)));
            found.extend(signer.filter(|one| !found.contains(one)).cloned());
        }
        Ok(found)
    }

    /// Adds package files of another repository to a channel.
    pub fn mirror(
        &mut self,
        channel: Channel,
        files: &[PathBuf],
        origin: &Origin,
        publisher: &Publisher<'_>,
    ) -> Result<Outcome, RepositoryError> {
        let reason = Reason::Mirror {
            from: origin.from.clone(),
            signed_by: origin.signed_by.clone(),
            dated: origin.dated.map(SourceDate::epoch),
            signatures: origin.packets.as_str().to_owned(),
        };
        self.add(channel, files, (&reason, &origin.packagers), publisher)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Format;
    use crate::spec::Catalog;
    use crate::tree::Tree;

    fn listed(name: &str, version: &str, arch: &str) -> Listed {
        let digest = Digest::sha256(format!("{name}{version}{arch}"));
        let (format, sha256) = (Format::Deb, Some(digest.clone()));
        let location = format!("{name}_{version}_{arch}.deb").parse().unwrap();
        let (name, version, arch) = (name.to_owned(), version.to_owned(), arch.to_owned());
        Listed { format, name, version, arch, digest, sha256, size: 1, base: None, location }
    }

    fn chosen(channel: &str, change: impl Fn(&mut Selection<'_>)) -> Vec<String> {
        let components = Components::of(&Catalog::load(&Tree::embedded_specs()).unwrap());
        let all = [
            listed("kubelet", "1.35.9-1.1", "amd64"),
            listed("kubelet", "1.36.0~rc.1-1.1", "amd64"),
            listed("kubelet", "1.36.9-1.1", "amd64"),
            listed("kubelet", "1.36.10-1.1", "amd64"),
            listed("kubelet", "1.36.10-1.1", "arm64"),
            listed("cri-tools", "1.35.0-1.1", "amd64"),
            listed("cri-tools", "1.36.0-1.1", "amd64"),
            listed("other", "1", "all"),
        ];
        let mut selection = Selection {
            channel: channel.parse().unwrap(),
            components: &components,
            names: BTreeSet::new(),
            arches: BTreeSet::from([Arch::Amd64]),
            versions: BTreeSet::new(),
            newest: None,
        };
        change(&mut selection);
        selection.choose(&all).iter().map(|one| format!("{} {}", one.name, one.version)).collect()
    }

    #[test]
    fn a_channel_gets_its_minor_with_companions() {
        let companions = ["cri-tools 1.35.0-1.1", "cri-tools 1.36.0-1.1"];
        let mut all = chosen("stable/v1.36", |_| {});
        all.sort();
        assert_eq!(all, [companions[0], companions[1], "kubelet 1.36.10-1.1", "kubelet 1.36.9-1.1"]);
        assert!(chosen("prerelease/v1.36", |_| {}).contains(&"kubelet 1.36.0~rc.1-1.1".to_owned()));
        assert!(chosen("rolling", |_| {}).contains(&"kubelet 1.35.9-1.1".to_owned()));
        assert_eq!(chosen("stable/v1.30", |_| {}), companions);
    }

    #[test]
    fn versions_and_names_are_chosen() {
        assert_eq!(
            chosen("stable/v1.36", |selection| selection.newest = Some(1)),
            ["cri-tools 1.36.0-1.1", "kubelet 1.36.10-1.1"]
        );
        for version in ["1.36.9", "v1.36.9", "1.36.9-1.1"] {
            let named = |selection: &mut Selection<'_>| {
                selection.versions.insert(version.to_owned());
                selection.names.insert("kubelet".to_owned());
            };
            assert_eq!(chosen("stable/v1.36", named), ["kubelet 1.36.9-1.1"], "{version}");
        }
        let other = |selection: &mut Selection<'_>| selection.names.extend(["other".to_owned()]);
        assert_eq!(chosen("stable/v1.36", other), ["other 1"]);
    }
}
