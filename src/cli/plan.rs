//! `kubepkg plan`

use super::Done;
use super::args::{Selection, Sources};
use super::diagnostic::Failure;
use super::session::{Session, interruptible};
use crate::plan::{Plan, PlanView, Source};

/// Show what would be fetched and built
///
/// The dry run of `build`: a table, or with `--json` everything that is decided before a byte is fetched. Only version
/// markers such as `stable` ask the network.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg plan --version 1.36.2 --arch all
  kubepkg plan --version stable --arch arm64 --json")]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    sources: Sources,
}

impl PlanArgs {
    pub(crate) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let templates = session.templates(&self.sources.trees)?;
        let fetcher = || Ok(interruptible(session.fetcher(&self.sources)?));
        let (plan, _) = session.plan(&self.selection, &self.sources, &templates, fetcher)?;
        let json = serde_json::to_value(PlanView::from(&plan)).unwrap_or_default();
        Ok(Done::new(table(&plan), json))
    }
}

fn table(plan: &Plan) -> String {
    let mut rows = vec![["JOB", "PACKAGE", "VERIFIED BY", "FROM"].map(str::to_owned)];
    for build in &plan.builds {
        for package in &build.packages {
            let by = build.sources.iter().map(|source| match &source.source {
                Source::Download(index) => {
                    plan.downloads.get(*index).map(|download| download.verification.in_words()).unwrap_or_default()
                }
                Source::LocalBuild(_) => "nothing: a local build",
            });
            let by = by.collect::<Vec<_>>().join(", ");
            let from: Vec<String> = build
                .sources
                .iter()
                .map(|source| match &source.source {
                    Source::Download(index) => {
                        plan.downloads.get(*index).map(|download| download.url.to_string()).unwrap_or_default()
                    }
                    Source::LocalBuild(path) => path.display().to_string(),
                })
                .collect();
            rows.push([package.id.to_string(), package.file_name.clone(), by.clone(), from.join(" ")]);
        }
    }
    let mut text = super::table(&rows);
    for omission in &plan.omitted {
        let (component, version, arch) = (&omission.component, &omission.version, omission.arch);
        text += &format!("not planned: {component} {version} for {arch}: {}\n", omission.reason);
    }
    text
}
