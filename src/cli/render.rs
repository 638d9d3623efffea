//! `kubepkg render`

use std::path::PathBuf;

use fs_err as fs;
use serde_json::{Map, Value, json};

use super::args::{Selection, Sources};
use super::diagnostic::Failure;
use super::session::{Session, interruptible};
use super::{Done, signal};
use crate::package::Texts;
use crate::pipeline::{self, Env};

/// Print the texts of packages: control, scripts, units, the spec file
///
/// Some texts depend on upstream's bytes (sizes, the C library), so these are fetched and verified as for `build`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg render kubelet --version 1.36.2 --format deb
  kubepkg render --version 1.36.2 --output texts")]
pub(crate) struct RenderArgs {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    sources: Sources,
    /// Write the texts to files below a folder instead
    #[arg(long, short, value_name = "DIR", help_heading = "Output")]
    output: Option<PathBuf>,
}

impl RenderArgs {
    pub(crate) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let templates = session.templates(&self.sources.trees)?;
        let fetcher = interruptible(session.fetcher(&self.sources)?);
        let (plan, request) = session.plan(&self.selection, &self.sources, &templates, || Ok(fetcher.clone()))?;
        let failed = |error: std::io::Error| Failure::write(&error).hint("name another folder with `--output`");
        let base = signal::temporary().map_err(failed)?;
        let scratch = signal::scratch(base.path()).map_err(failed)?;
        let reporter = session.reporter.clone();
        let env = Env { fetcher: &fetcher, templates: &templates, reporter, scratch: &scratch };
        let rendered = pipeline::render(&plan, &env, &request.arches)?;
        match &self.output {
            None => Ok(Done::new(listing(&rendered), document(&rendered))),
            Some(folder) => {
                let mut paths = String::new();
                for (package, texts) in &rendered {
                    for (name, text) in texts.iter() {
                        let path = folder.join(package).join(name);
                        fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(failed)?;
                        fs::write(&path, text).map_err(failed)?;
                        paths += &format!("{}\n", path.display());
                    }
                }
                Ok(Done::new(paths, document(&rendered)))
            }
        }
    }
}

fn listing(rendered: &[(String, Texts)]) -> String {
    let mut listing = String::new();
    for (package, texts) in rendered {
        for (name, text) in texts.iter() {
            listing += &format!("==> {package}: {name}\n{text}{}\n", if text.ends_with('\n') { "" } else { "\n" });
        }
    }
    listing
}

fn document(rendered: &[(String, Texts)]) -> Value {
    let packages: Vec<Value> = rendered
        .iter()
        .map(|(package, texts)| {
            let texts: Map<String, Value> =
                texts.iter().map(|(name, text)| (name.to_owned(), Value::from(text))).collect();
            json!({"file": package, "texts": texts})
        })
        .collect();
    json!({"schema": 1, "packages": packages})
}
