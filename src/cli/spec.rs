//! `kubepkg spec`

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use fs_err as fs;
use serde_json::{Value, json};

use super::args::Trees;
use super::diagnostic::Failure;
use super::exit::Exit;
use super::session::Session;
use super::{Done, config};
use crate::spec::{self, Catalog, Spec, Versioning};
use crate::template::Templates;
use crate::tree::Tree;

/// List, show, check and export specs
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg spec list
  kubepkg spec export my-specs
  kubepkg spec check --spec-dir my-specs/specs --template-dir my-specs/templates")]
pub(crate) struct SpecArgs {
    #[command(subcommand)]
    command: SpecCommand,
}

#[derive(Debug, Subcommand)]
enum SpecCommand {
    /// List the components
    List {
        #[command(flatten)]
        trees: Trees,
    },
    /// Print the spec of a component
    Show {
        /// The component
        component: String,
        #[command(flatten)]
        trees: Trees,
    },
    /// Check every spec, without network
    Check {
        #[command(flatten)]
        trees: Trees,
    },
    /// Write specs and templates to a folder, as a starting point
    Export {
        /// The folder; it must not exist or be empty
        folder: PathBuf,
        #[command(flatten)]
        trees: Trees,
    },
    /// Print a JSON Schema, for editors
    Schema {
        /// Of what
        #[arg(long, value_enum, default_value = "component")]
        of: SchemaOf,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SchemaOf {
    /// A component's spec.
    Component,
    /// `distribution.yaml`.
    Distribution,
    /// `kubepkg.yaml`.
    Configuration,
}

impl SpecArgs {
    pub(crate) fn run(&self, session: &Session) -> Result<Done, Failure> {
        match &self.command {
            SpecCommand::List { trees } => Ok(list(&session.specs(trees)?.1)),
            SpecCommand::Show { component, trees } => show(component, session.specs(trees)?),
            SpecCommand::Check { trees } => check(&session.specs(trees)?.1, &session.templates(trees)?),
            SpecCommand::Export { folder, trees } => export(folder, session, trees),
            SpecCommand::Schema { of } => {
                let schema = match of {
                    SchemaOf::Component => spec::schema(),
                    SchemaOf::Distribution => spec::distribution_schema(),
                    SchemaOf::Configuration => config::schema(),
                };
                Ok(Done::new(format!("{schema:#}\n"), schema))
            }
        }
    }
}

fn versions(spec: &Spec) -> &'static str {
    match spec.versioning {
        Versioning::Kubernetes => "kubernetes",
        Versioning::Own => "own",
        Versioning::Companions(_) => "companions",
    }
}

fn list(catalog: &Catalog) -> Done {
    let mut rows = vec![["COMPONENT", "VERSION", "SUMMARY"].map(str::to_owned)];
    let mut components: Vec<Value> = Vec::new();
    for spec in catalog.iter() {
        let summary = spec.texts.first().map(|row| row.fact.summary.clone()).unwrap_or_default();
        components.push(
            json!({"name": spec.name.as_str(), "version": versions(spec), "summary": summary, "file": spec.file}),
        );
        rows.push([spec.name.to_string(), versions(spec).to_owned(), summary]);
    }
    Done::new(super::table(&rows), json!({"schema": 1, "components": components}))
}

fn show(component: &str, (tree, catalog): (Tree, Catalog)) -> Result<Done, Failure> {
    let path = format!("{component}.yaml");
    match (catalog.get(component), tree.get(&path)) {
        (Some(_), Some(text)) => {
            Ok(Done::new(text.to_owned(), json!({"schema": 1, "file": tree.display_path(&path), "text": text})))
        }
        _ => Err(Failure::plan(format!("there is no component `{component}`"))
            .hint("`kubepkg spec list` shows what there is")),
    }
}

/// Loading has checked the specs; what is left is their templates.
fn check(catalog: &Catalog, templates: &Templates) -> Result<Done, Failure> {
    catalog.check_templates(templates).map_err(|errors| Failure::pictured(Exit::Spec, errors.0))?;
    let names: Vec<String> = catalog.iter().map(|spec| spec.name.to_string()).collect();
    let text = names.iter().map(|name| format!("{name}: good\n")).collect();
    Ok(Done::new(text, json!({"schema": 1, "components": names, "good": true})))
}

fn export(folder: &PathBuf, session: &Session, trees: &Trees) -> Result<Done, Failure> {
    let failed = |error: std::io::Error| Failure::new(Exit::Write, &error);
    let is_empty = !folder.exists() || fs::read_dir(folder).map_err(failed)?.next().is_none();
    if !is_empty {
        let message = format!("{} is not empty, and nothing in it is overwritten", folder.display());
        return Err(Failure::usage(message).hint("name a new folder"));
    }
    let templates = match trees.template_dir.as_ref().or(session.config.template_dir.as_ref()) {
        Some(folder) => Tree::read(folder)?,
        None => Tree::embedded_templates(),
    };
    let mut paths = Vec::new();
    for (name, tree) in [("specs", session.specs(trees)?.0), ("templates", templates)] {
        for (path, text) in tree.iter() {
            let path = folder.join(name).join(path);
            fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(failed)?;
            fs::write(&path, text).map_err(failed)?;
            paths.push(path.display().to_string());
        }
    }
    let schema = folder.join("specs/schema.json");
    fs::write(&schema, format!("{:#}\n", spec::schema())).map_err(failed)?;
    paths.push(schema.display().to_string());
    let text = paths.iter().map(|path| format!("{path}\n")).collect();
    Ok(Done::new(text, json!({"schema": 1, "files": paths})))
}
