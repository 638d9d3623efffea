//! The shipped specs against what is known of Kubernetes' packages, version by version.

mod files;
mod legacy;
mod published;
mod relations;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use kubepkg::arch::Arch;
use kubepkg::format::Format;
use kubepkg::plan::{Arches, Build, Plan, PlannedContent, PlannedFile, Request, Revisions, SignaturePolicy, plan};
use kubepkg::relation::{Relation, RelationKind};
use kubepkg::spec::Catalog;
use kubepkg::template::Templates;
use kubepkg::tree::Tree;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::load(&Tree::embedded_specs()).unwrap());
static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| Templates::new(Tree::embedded_templates()));

/// Every boundary of some row, the versions on both sides of it, and forms that are no releases.
const VERSIONS: [&str; 52] = [
    "1.16.0-beta.1",
    "1.16.0",
    "1.16.10",
    "1.16.11",
    "1.17.0-rc.2",
    "1.17.0",
    "1.17.6",
    "1.17.7",
    "1.18.0-beta.0",
    "1.18.3",
    "1.18.4",
    "1.19.0-rc.4",
    "1.19.0",
    "1.19.1",
    "1.20.0-alpha.1",
    "1.20.0",
    "1.21.0",
    "1.22.0",
    "1.23.0-alpha.1",
    "1.23.0",
    "1.23.17",
    "1.24.0-rc.1",
    "1.24.0",
    "1.24.1",
    "1.24.2",
    "1.24.4",
    "1.24.5",
    "1.24.17",
    "1.25.0-rc.0",
    "1.25.0",
    "1.25.0-4+0123456789abcd",
    "1.25.1-rc.0",
    "1.25.1",
    "1.26.0",
    "1.27.0-rc.1",
    "1.27.0",
    "1.28.0-rc.1",
    "1.28.0",
    "1.29.0",
    "1.30.0-alpha.1",
    "1.30.0",
    "1.31.0",
    "1.32.0-rc.2",
    "1.32.0",
    "1.33.0",
    "1.34.0",
    "1.35.0",
    "1.36.0",
    "1.36.2",
    "1.36.1-4+0123456789abcd",
    "1.37.0",
    "1.38.0-alpha.2.97+8eb85c40f2b1ca",
];

const PROFILES: [&str; 2] = ["current", "legacy"];

fn request(version: &str, profile: &str) -> Request {
    Request {
        version: version.parse().unwrap(),
        component_versions: BTreeMap::new(),
        components: BTreeSet::new(),
        arches: Arches::These([Arch::Amd64].into()),
        formats: Format::ALL.into(),
        profile: Some(profile.to_owned()),
        revisions: Revisions::default(),
        maintainer: None,
        vendor: None,
        date: None,
        local_build: None,
        signature_policy: SignaturePolicy::default(),
    }
}

#[track_caller]
fn planned(request: &Request) -> Plan {
    plan(&CATALOG, &TEMPLATES, request).unwrap()
}

/// The whole set for amd64.
#[track_caller]
fn set(version: &str, profile: &str) -> Plan {
    planned(&request(version, profile))
}

#[track_caller]
fn build<'a>(plan: &'a Plan, component: &str) -> &'a Build {
    plan.builds.iter().find(|build| build.metadata.name.as_str() == component).unwrap()
}

/// The relations of one kind in one format, as the format writes them, sorted.
fn relations(build: &Build, kind: RelationKind, format: Format) -> Vec<String> {
    let is_asked = |relation: &&Relation| relation.kind == kind && relation.format == format;
    let mut spelled: Vec<String> = build.relations.iter().filter(is_asked).map(ToString::to_string).collect();
    spelled.sort();
    spelled
}

fn requires(build: &Build, format: Format) -> String {
    relations(build, RelationKind::Requires, format).join(", ")
}

/// The files of one format, by path.
fn files(build: &Build, format: Format) -> BTreeMap<&str, &PlannedFile> {
    build.files.iter().filter(|file| file.formats.includes(format)).map(|file| (file.path.as_str(), file)).collect()
}

fn text(file: &PlannedFile) -> &str {
    match &file.content {
        PlannedContent::Text { text, .. } => text,
        other => panic!("{other:?}"),
    }
}
