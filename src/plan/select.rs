//! Which components, in which versions, for which architectures.

use std::collections::BTreeSet;

use super::{Arches, PlanError, Request};
use crate::arch::Arch;
use crate::spec::{Catalog, Profile, Spec, Versioning};
use crate::version::Version;

/// Returns the components that are asked for with their versions, sorted by name.
pub(super) fn components<'a>(
    catalog: &'a Catalog,
    request: &Request,
    profile: &Profile,
) -> Result<Vec<(&'a Spec, Version)>, PlanError> {
    let named = request.components.iter().chain(request.component_versions.keys());
    for given in named {
        if catalog.get(given).is_none() {
            let known = catalog.iter().map(|spec| spec.name.to_string()).collect();
            return Err(PlanError::UnknownComponent { given: given.clone(), known });
        }
    }
    let chosen = chosen(catalog, request);
    let all_own = chosen.iter().all(|spec| matches!(spec.versioning, Versioning::Own));
    chosen
        .into_iter()
        .map(|spec| {
            let version = version(spec, request, profile, all_own)?;
            Ok((spec, version))
        })
        .collect()
}

/// The set is every component that goes with Kubernetes; where there is none, every component.
fn chosen<'a>(catalog: &'a Catalog, request: &Request) -> Vec<&'a Spec> {
    if !request.components.is_empty() {
        return catalog.iter().filter(|spec| request.components.contains(spec.name.as_str())).collect();
    }
    let set: Vec<_> = catalog.iter().filter(|spec| !matches!(spec.versioning, Versioning::Own)).collect();
    if set.is_empty() { catalog.iter().collect() } else { set }
}

fn version(spec: &Spec, request: &Request, profile: &Profile, all_own: bool) -> Result<Version, PlanError> {
    if let Some(version) = request.component_versions.get(spec.name.as_str()) {
        return Ok(version.clone());
    }
    match &spec.versioning {
        Versioning::Kubernetes => Ok(request.version.clone()),
        Versioning::Own if all_own => Ok(request.version.clone()),
        Versioning::Own => {
            Err(PlanError::NoOwnVersion { component: spec.name.clone(), version: request.version.clone() })
        }
        Versioning::Companions(rows) => rows
            .iter()
            .filter(|row| row.profile.as_ref().is_none_or(|name| *name == profile.name))
            .find(|row| row.kubernetes.contains(&request.version))
            .map(|row| row.version.clone())
            .ok_or_else(|| PlanError::NoCompanion {
                component: spec.name.clone(),
                kubernetes: request.version.clone(),
                file: spec.file.clone(),
            }),
    }
}

/// Returns the architectures to build a component for, sorted.
pub(super) fn arches(
    spec: &Spec,
    version: &Version,
    request: &Request,
    profile: &Profile,
) -> Result<BTreeSet<Arch>, PlanError> {
    let published: BTreeSet<Arch> = spec
        .arches
        .iter()
        .filter(|row| row.when.versions.contains(version))
        .filter(|row| row.when.track.is_none_or(|track| track == version.channel().track()))
        .filter(|row| row.when.profile.as_ref().is_none_or(|name| *name == profile.name))
        .flat_map(|row| row.fact.iter().copied())
        .collect();
    let is_local = request.local_build.is_some() && spec.sources.iter().all(|row| row.fact.local.is_some());
    let asked = match &request.arches {
        Arches::All => return Ok(published),
        Arches::Built(built) if is_local => return Ok(built.clone()),
        Arches::Built(built) => return Ok(built.intersection(&published).copied().collect()),
        Arches::These(asked) => asked,
    };
    match asked.iter().find(|arch| !is_local && !published.contains(arch)) {
        None => Ok(asked.clone()),
        Some(arch) => Err(PlanError::NotPublished {
            component: spec.name.clone(),
            version: version.clone(),
            arch: *arch,
            published: describe(spec, *arch, &published),
        }),
    }
}

fn describe(spec: &Spec, arch: Arch, published: &BTreeSet<Arch>) -> String {
    let ranges: Vec<String> = spec
        .arches
        .iter()
        .filter(|row| row.fact.contains(&arch))
        .map(|row| format!("`{}`", row.when.versions))
        .collect();
    let names: Vec<String> = published.iter().map(ToString::to_string).collect();
    let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    if ranges.is_empty() {
        format!("published: {names}")
    } else {
        format!("published: {names} ({arch} only in versions {})", ranges.join(", "))
    }
}
