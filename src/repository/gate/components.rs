//! The components: what the specs know of packages that a repository holds.

use std::collections::{BTreeMap, BTreeSet};

use crate::relation::RelationKind;
use crate::spec::{Catalog, Companion, Spec, Versioning};
use crate::version::Version;

/// The components: packages that no distribution is trusted to have.
#[derive(Debug, Clone, Default)]
pub struct Components {
    names: BTreeSet<String>,
    of_kubernetes: BTreeSet<String>,
    of_nodes: BTreeSet<String>,
    companions: BTreeMap<String, Vec<Companion>>,
}

impl Components {
    /// Takes those of a catalog.
    pub fn of(catalog: &Catalog) -> Self {
        let mut components = Self::default();
        for spec in catalog.iter() {
            components.names.insert(spec.name.to_string());
            match &spec.versioning {
                Versioning::Kubernetes => {
                    components.of_kubernetes.insert(spec.name.to_string());
                }
                Versioning::Companions(rows) => {
                    components.companions.insert(spec.name.to_string(), rows.clone());
                }
                Versioning::Own => {}
            }
        }
        let is_of_nodes = |spec: &&Spec| {
            components.is_of_kubernetes(spec.name.as_str())
                && required(spec).any(|name| components.companions.contains_key(name))
        };
        components.of_nodes = catalog.iter().filter(is_of_nodes).map(|spec| spec.name.to_string()).collect();
        components
    }

    /// Whether a package is a component.
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Whether a package is a component that has the version of Kubernetes.
    pub fn is_of_kubernetes(&self, name: &str) -> bool {
        self.of_kubernetes.contains(name)
    }

    /// Whether a package is a component of Kubernetes that runs on nodes, and not for users alone: one that requires
    /// companions in any of its versions.
    pub fn is_of_nodes(&self, name: &str) -> bool {
        self.of_nodes.contains(name)
    }

    /// Whether a package goes with Kubernetes and has versions of its own.
    pub fn is_companion(&self, name: &str) -> bool {
        self.companions.contains_key(name)
    }

    /// Returns the companions of a version of Kubernetes: each with the versions that go with it, one for each way of
    /// packaging, and none where that is not known.
    pub fn companions(&self, kubernetes: Option<&Version>) -> impl Iterator<Item = (&str, Vec<&Version>)> {
        self.companions.iter().map(move |(name, rows)| {
            let fits = |row: &&Companion| kubernetes.is_some_and(|version| row.kubernetes.contains(version));
            let mut versions: Vec<&Version> = rows.iter().filter(fits).map(|row| &row.version).collect();
            versions.sort();
            (name.as_str(), versions)
        })
    }
}

/// The components that any version of a component requires.
fn required(spec: &Spec) -> impl Iterator<Item = &str> {
    let facts = spec.relations.iter().map(|row| &row.fact).filter(|fact| fact.kind == RelationKind::Requires);
    facts.filter_map(|fact| fact.component.as_ref()).map(crate::path::PackageName::as_str)
}
