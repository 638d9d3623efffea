//! All specs of one tree, and the rules that need more than one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::check;
use super::error::{Fault, Faults, SpecError, SpecErrors, offset};
use super::model::{Distribution, FileContent, RelationFact, Row, Spec};
use super::raw::{RawDistribution, RawSpec};
use super::variables::VARIABLES;
use crate::digest::Digest;
use crate::format::Format;
use crate::path::RelativePath;
use crate::relation::RelationKind;
use crate::template::{TemplateError, Templates};
use crate::tree::Tree;

/// The file that is no component.
const DISTRIBUTION: &str = "distribution.yaml";

/// The most values and keys of one file: rows are compared with each other. The largest shipped spec has some thousand.
const MAX_VALUES: usize = 10_000;

/// Every component of one tree. Names are unique; every component that another names is there; nothing requires
/// itself, not even by way of others.
#[derive(Debug, Clone)]
pub struct Catalog {
    specs: BTreeMap<String, Spec>,
    distribution: Distribution,
    /// Of the text of `distribution.yaml`.
    distribution_sha256: Digest,
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
}

impl Catalog {
    /// Reads every spec of a tree. A tree without `distribution.yaml` has that of the program.
    pub fn load(tree: &Tree) -> Result<Self, CatalogError> {
        let embedded;
        let (distribution, distribution_sha256) = if let Some(distribution) = read_distribution(tree) {
            distribution?
        } else {
            embedded = Tree::embedded_specs();
            read_distribution(&embedded).ok_or_else(|| CatalogError::Empty(embedded.to_string()))??
        };
        let profiles: Vec<String> = distribution.profiles.iter().map(|profile| profile.name.clone()).collect();
        let (mut specs, mut errors) = (BTreeMap::new(), stray_files(tree));
        for (path, text) in tree.iter().filter(|(path, _)| is_spec(path) && *path != DISTRIBUTION) {
            let check = |raw: &RawSpec, file: &str, text: &Arc<str>| check::component(raw, file, text, &profiles, tree);
            match read(&tree.display_path(path), text, check) {
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
        let catalog = Self { specs, distribution, distribution_sha256 };
        let errors = catalog.unknown_components();
        let errors = if errors.is_empty() { catalog.circle().into_iter().collect() } else { errors };
        if errors.is_empty() { Ok(catalog) } else { Err(SpecErrors(errors).into()) }
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

    /// Returns the SHA-256 of the text that says it.
    pub fn distribution_sha256(&self) -> &Digest {
        &self.distribution_sha256
    }

    /// Checks that the templates of all files are there and name no variable that nothing gives them.
    pub fn check_templates(&self, templates: &Templates) -> Result<(), SpecErrors> {
        let mut errors = Vec::new();
        for spec in self.iter() {
            for row in &spec.files {
                let FileContent::Template(path) = &row.fact.content else { continue };
                let declared = spec.variables.iter().filter(|variable| variable.when.overlaps(&row.when));
                let names = declared.map(|variable| variable.fact.name.as_str());
                let known: BTreeMap<&str, &str> =
                    VARIABLES.iter().map(|(name, _)| *name).chain(names).map(|name| (name, "x")).collect();
                if let Err(error) = templates.render(path.as_str(), &known) {
                    errors.push(template_error(spec, row.at.clone(), path, error, templates));
                }
            }
        }
        errors.dedup();
        if errors.is_empty() { Ok(()) } else { Err(SpecErrors(errors)) }
    }

    /// Every component that a relation names has a spec.
    fn unknown_components(&self) -> Vec<SpecError> {
        let mut errors = Vec::new();
        for spec in self.iter() {
            for row in &spec.relations {
                let Some(name) = row.fact.component.as_ref().filter(|name| self.get(name.as_str()).is_none()) else {
                    continue;
                };
                let hint = format!("add `{name}.yaml`, or write `system: {name}` if a distribution brings it");
                errors.push(spec.error(row.at.clone(), format!("there is no component `{name}`"), hint));
            }
        }
        errors
    }

    /// Returns the first circle of `requires`: none of its packages could be installed before the others.
    fn circle(&self) -> Option<SpecError> {
        let profiles = self.distribution.profiles.iter().map(|profile| profile.name.as_str());
        profiles.flat_map(|profile| Format::ALL.map(|format| (profile, format))).find_map(|(profile, format)| {
            let mut done = BTreeSet::new();
            self.specs.values().find_map(|spec| {
                let mut walk = Walk { catalog: self, profile, format, path: Vec::new(), done: &mut done };
                walk.leads_back(spec)
            })
        })
    }
}

/// A walk along `requires` in one profile and format.
struct Walk<'a> {
    catalog: &'a Catalog,
    profile: &'a str,
    format: Format,
    path: Vec<&'a str>,
    /// Components from which no circle can be reached.
    done: &'a mut BTreeSet<String>,
}

impl<'a> Walk<'a> {
    fn leads_back(&mut self, spec: &'a Spec) -> Option<SpecError> {
        if self.done.contains(spec.name.as_str()) {
            return None;
        }
        self.path.push(spec.name.as_str());
        for row in &spec.relations {
            if !self.holds(row) {
                continue;
            }
            let Some(next) = row.fact.component.as_ref().and_then(|name| self.catalog.get(name.as_str())) else {
                continue;
            };
            if let Some(first) = self.path.iter().position(|name| *name == next.name.as_str()) {
                let circle = [&self.path[first..], &[next.name.as_str()]].concat().join(" -> ");
                let cause = format!("components require each other in a circle: {circle}");
                let hint = "none of them could be installed first: remove this row, or make it `recommends`";
                return Some(spec.error(row.at.clone(), cause, hint.to_owned()));
            }
            if let Some(error) = self.leads_back(next) {
                return Some(error);
            }
        }
        self.path.pop();
        self.done.insert(spec.name.to_string());
        None
    }

    fn holds(&self, row: &Row<RelationFact>) -> bool {
        row.fact.kind == RelationKind::Requires
            && row.when.takes(self.format)
            && row.when.profile.as_ref().is_none_or(|profile| profile == self.profile)
    }
}

fn is_spec(path: &str) -> bool {
    path.strip_suffix(".yaml").is_some_and(|stem| !stem.contains('/'))
}

/// Files that look like specs and are none would be left out without a word.
fn stray_files(tree: &Tree) -> Vec<SpecError> {
    let mut errors = Vec::new();
    for (path, text) in tree.iter() {
        let written = Path::new(path).extension().unwrap_or_default();
        let extension = written.to_ascii_lowercase();
        let (cause, hint) = if extension == "yml" || (extension == "yaml" && written != "yaml") {
            ("a spec ends in `.yaml`", "rename the file")
        } else if extension == "yaml" && path.contains('/') {
            ("a spec does not lie in a folder of its own", "move it beside the others")
        } else {
            continue;
        };
        let (file, text) = (tree.display_path(path), Arc::from(text));
        errors.push(SpecError { file, text, span: 0..0, cause: cause.to_owned(), hint: Some(hint.to_owned()) });
    }
    errors
}

/// Shows what is wrong in the template, or that it is not there in the spec.
fn template_error(
    spec: &Spec,
    at: std::ops::Range<usize>,
    path: &RelativePath,
    error: TemplateError,
    templates: &Templates,
) -> SpecError {
    match (error, templates.text(path.as_str())) {
        (TemplateError::Bad { file, line, column, cause }, Some(text)) => {
            let start = offset(text, line, column);
            let hint = format!("see `variables` of {}, and specs/README.md for those that are always there", spec.file);
            SpecError { file, text: Arc::from(text), span: start..start, cause, hint: Some(hint) }
        }
        (error, _) => spec.error(at, error.cause(), "add it to the folder of `--template-dir`".to_owned()),
    }
}

fn read_distribution(tree: &Tree) -> Option<Result<(Distribution, Digest), SpecErrors>> {
    let text = tree.get(DISTRIBUTION)?;
    let checked = read(&tree.display_path(DISTRIBUTION), text, |raw: &RawDistribution, _, _| check::distribution(raw));
    Some(checked.map(|distribution| (distribution, Digest::sha256(text))).map_err(SpecErrors))
}

/// Parses one file and checks what it holds.
fn read<R: for<'de> serde::Deserialize<'de>, T>(
    file: &str,
    text: &str,
    check: impl FnOnce(&R, &str, &Arc<str>) -> Result<T, Faults>,
) -> Result<T, Vec<SpecError>> {
    let shared: Arc<str> = Arc::from(text);
    let error = |fault: Fault| SpecError {
        file: file.to_owned(),
        text: Arc::clone(&shared),
        span: fault.span,
        cause: fault.cause,
        hint: fault.hint,
    };
    let of = if file.ends_with(DISTRIBUTION) { " --of distribution" } else { "" };
    let hint = format!("`kubepkg spec schema{of}` prints what the file may hold");
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_nodes: MAX_VALUES },
    };
    let raw: R = serde_saphyr::from_str_with_options(text, options)
        .map_err(|cause| vec![SpecError::syntax(file, text, &cause, &hint)])?;
    check(&raw, file, &shared).map_err(|mut faults| {
        faults.0.sort_by_key(|fault| fault.span.start);
        faults.0.into_iter().map(error).collect()
    })
}

impl CatalogError {
    /// Returns the faults of single files, for a picture of each.
    pub fn spec_errors(&self) -> &[SpecError] {
        match self {
            Self::Specs(errors) => &errors.0,
            Self::Empty(_) => &[],
        }
    }
}
