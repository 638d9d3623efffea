//! The dependency closure: whatever a package requires of the components is in the channel, in a version that will do.

use std::collections::{HashMap, HashSet};

use super::{Components, Refusal};
use crate::digest::Digest;
use crate::format::Format;
use crate::repository::fragment::{Capability, Fragment, Requirement};

/// Who provides what: by format and name.
type Providers<'a> = HashMap<(Format, &'a str), Vec<(&'a str, Capability<'a>)>>;

/// Returns what `subjects` require and `all` packages of the channel do not have.
///
/// What has another name than a component and than everything in the channel comes from the distribution: `iptables`,
/// `libc.so.6`, `/bin/sh`.
pub fn unmet(subjects: &[&Fragment], all: &[&Fragment], components: &Components) -> Vec<Refusal> {
    let providers = providers(all);
    let mut found = Vec::new();
    for fragment in subjects {
        for requirement in fragment.requires().filter(|one| !is_met(fragment, one, &providers, components)) {
            found.push(Refusal::Unmet {
                package: fragment.key().to_string(),
                requirement: spelled(&requirement, fragment.format()),
            });
        }
    }
    found
}

fn providers<'a>(all: &[&'a Fragment]) -> Providers<'a> {
    let mut providers = Providers::new();
    for fragment in all {
        for capability in fragment.provides() {
            providers.entry((fragment.format(), capability.name)).or_default().push((fragment.arch(), capability));
        }
    }
    providers
}

/// Returns the digests of what `others` have of that which `kept` packages require and do not have among themselves: of
/// each requirement the last one that will do.
pub fn completing(kept: &[&Fragment], others: &[&Fragment], components: &Components) -> HashSet<Digest> {
    let providers = providers(kept);
    let mut found = HashSet::new();
    for fragment in kept {
        for requirement in fragment.requires().filter(|one| !is_met(fragment, one, &providers, components)) {
            let names = |other: &Fragment| {
                other.provides().any(|own| requirement.alternatives.iter().any(|asked| asked.name == own.name))
            };
            let does = |other: &&&Fragment| {
                names(other) && is_met(fragment, &requirement, &self::providers(&[**other]), components)
            };
            let newest = others.iter().filter(does).max_by(|one, other| one.compare_places(other));
            found.extend(newest.map(|one| one.sha256().clone()));
        }
    }
    found
}

fn is_met(
    fragment: &Fragment,
    requirement: &Requirement<'_>,
    providers: &Providers<'_>,
    components: &Components,
) -> bool {
    let format = fragment.format();
    requirement.alternatives.iter().any(|asked| match providers.get(&(format, asked.name)) {
        Some(provided) => provided
            .iter()
            .any(|(arch, capability)| goes_with(fragment.arch(), arch) && asked.is_met_by(capability, format)),
        None => !components.contains(asked.name) || fragment.has_file(asked.name),
    })
}

/// Whether packages of both architectures are installed together. Those of none go with any.
pub(super) fn goes_with(arch: &str, other: &str) -> bool {
    let is_any = |arch: &str| matches!(arch, "all" | "noarch");
    arch == other || is_any(arch) || is_any(other)
}

fn spelled(requirement: &Requirement<'_>, format: Format) -> String {
    let alternatives = requirement.alternatives.iter().map(|one| match (one.version, format) {
        (Some((comparison, version)), Format::Deb) => format!("`{} ({} {version})`", one.name, comparison.sign(format)),
        (Some((comparison, version)), Format::Rpm) => format!("`{} {} {version}`", one.name, comparison.sign(format)),
        (None, _) => format!("`{}`", one.name),
    });
    alternatives.collect::<Vec<_>>().join(" or ")
}
