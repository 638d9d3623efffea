//! All specs of one tree, and the rules that need more than one of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check;
use super::error::{Fault, SpecError, SpecErrors};
use super::model::{Distribution, Spec};
use super::raw::{RawDistribution, RawSpec};
use crate::relation::RelationKind;
use crate::tree::Tree;

/// The file that is no component.
const DISTRIBUTION: &str = "distribution.yaml";

/// Every component of one tree. Names are unique; every component that another names is there; nothing requires
/// itself, not even by way of others.
#[derive(Debug, Clone)]
pub struct Catalog {
    specs: BTreeMap<String, Spec>,
    distribution: Distribution,
}

/// Why a tree is no catalog.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Files of the tree are at fault.
    #[error(transparent)]
    Specs(#[from] SpecErrors),
    /// There is nothing in it.
    #[error("{0} has no spec: a spec is a file `NAME.yaml`")]
    Empty(String),
    /// Components require each other in a circle, so neither could be installed first.
    #[error("{} require each other in a circle", .0.join(" -> "))]
    Circle(Vec<String>),
}

impl Catalog {
    /// Reads every spec of a tree. A tree without `distribution.yaml` has that of the program.
    pub fn load(tree: &Tree) -> Result<Self, CatalogError> {
        let embedded;
        let distribution = match read_distribution(tree) {
            Some(distribution) => distribution?,
            None => {
                embedded = Tree::embedded_specs();
                read_distribution(&embedded).ok_or_else(|| CatalogError::Empty(embedded.to_string()))??
            }
        };
        let profiles: Vec<String> = distribution.profiles.iter().map(|profile| profile.name.clone()).collect();
        let (mut specs, mut errors) = (BTreeMap::new(), Vec::new());
        for (path, text) in tree.iter().filter(|(path, _)| path.ends_with(".yaml") && *path != DISTRIBUTION) {
            match read(&tree.display_path(path), text, |raw: &RawSpec, file| check::component(raw, file, &profiles)) {
                Ok(spec) => drop(specs.insert(spec.name.to_string(), spec)),
                Err(mut more) => errors.append(&mut more),
            }
        }
        if !errors.is_empty() {
            return Err(SpecErrors(errors).into());
        }
        if specs.is_empty() {
            return Err(CatalogError::Empty(tree.to_string()));
        }
        let catalog = Self { specs, distribution };
        catalog.check_components(tree)?;
        catalog.check_circles()?;
        Ok(catalog)
    }

    /// Returns the components, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &Spec> {
        self.specs.values()
    }

    /// Returns a component by name.
    pub fn get(&self, name: &str) -> Option<&Spec> {
        self.specs.get(name)
    }

    /// Returns what all components share.
    pub fn distribution(&self) -> &Distribution {
        &self.distribution
    }

    /// Every component that a relation names has a spec.
    fn check_components(&self, tree: &Tree) -> Result<(), SpecErrors> {
        let mut errors = Vec::new();
        for spec in self.iter() {
            for name in spec.relations.iter().filter_map(|row| row.fact.component.as_ref()) {
                if self.get(name.as_str()).is_some() {
                    continue;
                }
                let text: Arc<str> = tree
                    .iter()
                    .find(|(path, _)| tree.display_path(path) == spec.file)
                    .map_or_else(|| Arc::from(""), |(_, text)| Arc::from(text));
                let start = text.find(&format!("component: {name}")).map_or(0, |at| at + "component: ".len());
                errors.push(SpecError {
                    file: spec.file.clone(),
                    span: start..start + name.as_str().len().min(text.len() - start),
                    text,
                    cause: format!("there is no component `{name}`"),
                    hint: Some(format!("add `{name}.yaml`, or write `system: {name}` if a distribution brings it")),
                });
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(SpecErrors(errors)) }
    }

    fn check_circles(&self) -> Result<(), CatalogError> {
        for spec in self.iter() {
            let mut path = vec![spec.name.to_string()];
            if self.leads_back(&mut path) {
                return Err(CatalogError::Circle(path));
            }
        }
        Ok(())
    }

    /// Walks along `requires` until the first of `path` comes up again; `path` then is the circle.
    fn leads_back(&self, path: &mut Vec<String>) -> bool {
        let Some(spec) = path.last().and_then(|name| self.get(name)) else { return false };
        let required = spec.relations.iter().filter(|row| row.fact.kind == RelationKind::Requires);
        for name in required.filter_map(|row| row.fact.component.as_ref()) {
            let closes = path.first().is_some_and(|first| first == name.as_str());
            if !closes && path.iter().any(|seen| seen == name.as_str()) {
                continue;
            }
            path.push(name.to_string());
            if closes || self.leads_back(path) {
                return true;
            }
            path.pop();
        }
        false
    }
}

fn read_distribution(tree: &Tree) -> Option<Result<Distribution, SpecErrors>> {
    let text = tree.get(DISTRIBUTION)?;
    let checked = read(&tree.display_path(DISTRIBUTION), text, |raw: &RawDistribution, _| check::distribution(raw));
    Some(checked.map_err(SpecErrors))
}

/// Parses one file and checks what it holds.
fn read<R: for<'de> serde::Deserialize<'de>, T>(
    file: &str,
    text: &str,
    check: impl FnOnce(&R, &str) -> Result<T, super::error::Faults>,
) -> Result<T, Vec<SpecError>> {
    let shared: Arc<str> = Arc::from(text);
    let error = |fault: Fault| SpecError {
        file: file.to_owned(),
        text: Arc::clone(&shared),
        span: fault.span,
        cause: fault.cause,
        hint: fault.hint,
    };
    let raw: R = serde_saphyr::from_str(text).map_err(|cause| {
        vec![SpecError::syntax(file, text, &cause, "`kubepkg spec schema` prints what a spec may hold")]
    })?;
    check(&raw, file).map_err(|faults| faults.0.into_iter().map(error).collect())
}

impl CatalogError {
    /// Combines the faults of single files, for a picture of each.
    pub fn spec_errors(&self) -> &[SpecError] {
        match self {
            Self::Specs(errors) => &errors.0,
            Self::Empty(_) | Self::Circle(_) => &[],
        }
    }
}
