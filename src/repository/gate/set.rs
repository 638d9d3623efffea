//! The coherent set: what a node needs beside a package, whatever relations that declares.
//!
//! kubeadm requires cri-tools in no version since 1.32, and cannot do without it: a channel with kubeadm and without
//! cri-tools is one from which nobody makes a node.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use super::closure::goes_with;
use super::{Components, Refusal};
use crate::format::Format;
use crate::repository::fragment::{Fragment, compare_versions, upstream_version};
use crate::version::Version;

/// The companions that are there: by format and name, with architecture and version, if it has one.
type Companions<'a> = HashMap<(Format, &'a str), Vec<(&'a str, Option<&'a str>)>>;

/// Returns what `all` packages of a channel lack of the set: for each of `subjects` that runs on nodes every companion one
/// that is there for its format and architecture, in a version that goes with it or a later one.
pub fn incomplete(subjects: &[&Fragment], all: &[&Fragment], components: &Components) -> Vec<Refusal> {
    let mut there = Companions::new();
    for fragment in all {
        for capability in fragment.provides().filter(|capability| components.is_companion(capability.name)) {
            let version = capability.version.map(|(_, version)| version);
            there.entry((fragment.format(), capability.name)).or_default().push((fragment.arch(), version));
        }
    }
    // One companion that is missing is missed once for each version, and not by each package.
    let mut missing = BTreeMap::new();
    for fragment in subjects.iter().filter(|fragment| components.is_of_nodes(fragment.name())) {
        let (format, arch) = (fragment.format(), fragment.arch());
        for (companion, versions) in components.companions(kubernetes(fragment).as_ref()) {
            let mut known = there.get(&(format, companion)).into_iter().flatten();
            if !known.any(|(other, version)| goes_with(arch, other) && will_do(format, *version, &versions)) {
                let version = versions.last().map(|version| version.package());
                let place = (format.as_str(), arch, companion.to_owned(), version);
                missing.entry(place).or_insert_with(|| fragment.key().to_string());
            }
        }
    }
    let missing = missing.into_iter().map(|((_, _, companion, version), package)| {
        let least = version.map_or_else(String::new, |version| format!(" {version} or later"));
        Refusal::Incomplete { package, companion: format!("`{companion}`{least}") }
    });
    missing.collect()
}

/// Whether a version is one of `versions`, which go with a package, or the last of them or later.
fn will_do(format: Format, version: Option<&str>, versions: &[&Version]) -> bool {
    let (Some(version), Some(newest)) = (version.map(upstream_version), versions.last()) else { return true };
    compare_versions(format, version, &newest.package()) != Ordering::Less
        || versions.iter().any(|one| one.package() == version)
}

/// The version of Kubernetes that a package has.
fn kubernetes(fragment: &Fragment) -> Option<Version> {
    upstream_version(fragment.version()).replace('~', "-").parse().ok()
}
