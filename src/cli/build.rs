//! `kubepkg build`

use serde_json::{Value, json};

use super::args::{Output, Selection, Sources, Work};
use super::diagnostic::Failure;
use super::exit::Exit;
use super::publish::{AtOnce, Target};
use super::session::{Session, interruptible};
use super::signing::{self, Signing};
use super::{Done, blocks, signal};
use crate::package::reader::FileList;
use crate::pipeline::{self, Env, Outcome, Package, Results, Settings};
use crate::plan::{Plan, PlannedPackage};
use crate::provenance;
use crate::sbom;

/// Fetch, verify and package
///
/// Writes packages below the output folder and prints their paths, one a line. Beside each stand its papers: what it was
/// made of (`.intoto.jsonl`) and what is in it (`.cdx.json`). A package has its name only when it and its papers are
/// complete; a run that fails or is interrupted leaves good files alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg build --version 1.36.2 --arch arm64
  kubepkg build kubectl kubeadm --version 1.36 --format deb --arch amd64,arm64
  kubepkg build --version 1.37.1 --arch all --upstream /srv/mirror --output dist
  kubepkg build --version 1.36.2 --sign-key release.asc --publish stable/v1.36 --repo ./repo")]
pub(crate) struct BuildArgs {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    sources: Sources,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    publishing: AtOnce,
    #[command(flatten)]
    work: Work,
}

impl BuildArgs {
    pub(crate) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let target = self.publishing.open(session, &self.signing, &self.sources)?;
        let own = if target.is_none() { self.signing.signer(session)? } else { None };
        let signer = target.as_ref().map(Target::signer).or(own.as_deref());
        let templates = session.templates(&self.sources.trees)?;
        let fetcher = interruptible(session.fetcher(&self.sources)?);
        let (plan, request) = session.plan(&self.selection, &self.sources, &templates, || Ok(fetcher.clone()))?;
        let (output, compression) = (session.output(&self.output)?, session.compression(&self.output));
        let scratch = signal::scratch(&output)
            .map_err(|error| Failure::write(&error).hint("choose another folder with `--output`"))?;
        let reporter = session.reporter.clone();
        let env = Env { fetcher: &fetcher, templates: &templates, reporter, scratch: &scratch };
        let cache = session.cache_dir(&self.sources)?;
        let kept = blocks::open(session, &self.work, &cache, &scratch)?;
        let results = (!self.work.no_cache).then(|| Results::new(cache.join("results")));
        let settings = Settings {
            output: &output,
            compression,
            jobs: self.work.jobs(),
            signer,
            blocks: &kept.blocks,
            file_list: target.as_ref().map_or(FileList::Unwanted, Target::file_list),
            results: results.as_ref(),
        };
        let built = pipeline::build(&plan, &env, &request.arches, &settings);
        let (Ok(outcome) | Err((outcome, _))) = &built;
        if !outcome.packages.is_empty() {
            signing::report(session, signer);
        }
        match built {
            Ok(outcome) => {
                let mut done = report(session, &plan, &outcome);
                if let Some(target) = target {
                    let told = self::done(&plan, &outcome);
                    let published = target.publish(session, outcome.packages);
                    done.json["published"] = published.map_err(|failure| failure.after(told))?;
                }
                Ok(done)
            }
            // What is complete is worth telling, whatever came after.
            Err((outcome, error)) => Err(Failure::from(error).after(done(&plan, &outcome))),
        }
    }
}

fn report(session: &Session, plan: &Plan, outcome: &Outcome) -> Done {
    for omission in &plan.omitted {
        let (component, version, arch) = (&omission.component, &omission.version, omission.arch);
        session.ui.warning(&format!("not built: `{component}` {version} for {arch}: {}", omission.reason));
    }
    if !outcome.missing.is_empty() {
        let (built, missing) = (outcome.packages.len(), outcome.missing.len());
        session
            .ui
            .warning(&format!("{built} packages are built, {missing} are not: upstream does not publish their files"));
    }
    done(plan, outcome)
}

fn done(plan: &Plan, outcome: &Outcome) -> Done {
    let packages: Vec<Value> = outcome.packages.iter().map(|package| view(plan, package)).collect();
    let complete = outcome.missing.is_empty() && plan.omitted.is_empty();
    let omitted: Vec<Value> = plan
        .omitted
        .iter()
        .map(|omission| {
            json!({
                "component": omission.component.as_str(),
                "version": omission.version.to_string(),
                "arch": omission.arch.as_str(),
                "reason": omission.reason,
            })
        })
        .collect();
    let (missing, schema) = (&outcome.missing, 1);
    let json =
        json!({"schema": schema, "packages": packages, "missing": missing, "omitted": omitted, "complete": complete});
    Done { text: paths(outcome), json, exit: if complete { Exit::Done } else { Exit::Incomplete } }
}

fn paths(outcome: &Outcome) -> String {
    outcome.packages.iter().map(|package| format!("{}\n", package.path.display())).collect()
}

fn view(plan: &Plan, package: &Package) -> Value {
    let is_its = |planned: &PlannedPackage| planned.id == package.id;
    let build = plan.builds.iter().find(|build| build.packages.iter().any(is_its)).map(|build| &build.metadata);
    json!({
        "path": package.path.display().to_string(),
        "id": package.id.to_string(),
        "format": package.format.as_str(),
        "component": build.map(|metadata| metadata.name.as_str()),
        "version": build.map(|metadata| metadata.full_version(package.format)),
        "arch": build.map(|metadata| metadata.arch.as_str()),
        "size": package.size,
        "sha256": package.sha256.hex(),
        "signer": package.signer,
        "papers": {
            "provenance": provenance::path_beside(&package.path).display().to_string(),
            "sbom": sbom::path_beside(&package.path).display().to_string(),
        },
    })
}
