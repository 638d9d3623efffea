//! Whether a package comes out again of what its provenance says.

use std::fmt;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::papers::read;
use super::{Check, Extent, Finding, Outcome, Question, chain, compare, list};
use crate::block::Blocks;
use crate::event::{Event, Reporter};
use crate::package::reader::FileList;
use crate::package::reader::{Inspection, excerpt};
use crate::pipeline::{self, BuildError, Env, Settings};
use crate::plan::{Input, Plan, PlannedPackage, Request, SignaturePolicy, plan};
use crate::provenance::{self, ProvenanceError, Recorded};
use crate::spec::Catalog;

/// Builds a package again and asks whether the bytes are the same, but for signatures: who builds again has no key.
pub struct Rebuild<'a> {
    /// The specs.
    pub catalog: &'a Catalog,
    /// What the steps work with; its scratch folder takes the new package.
    pub env: &'a Env<'a>,
    /// The provenance, where it is not beside the package.
    pub provenance: Option<PathBuf>,
    /// The local build, where the package was made of one.
    pub local_build: Option<PathBuf>,
    /// What is let go of upstream's signatures.
    pub signature_policy: SignaturePolicy,
    /// How many jobs run at once.
    pub jobs: NonZero<usize>,
}

impl fmt::Debug for Rebuild<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rebuild").field("provenance", &self.provenance).finish_non_exhaustive()
    }
}

impl Question for Rebuild<'_> {
    fn ask(&self, package: &Path, inspection: &Inspection) -> Vec<Finding> {
        vec![self.judge(package, inspection).unwrap_or_else(|finding| finding)]
    }
}

impl Rebuild<'_> {
    fn judge(&self, package: &Path, inspection: &Inspection) -> Result<Finding, Finding> {
        let recorded = self.recorded(package, inspection)?;
        if recorded.parameters.local_build && self.local_build.is_none() {
            return Err(finding(Outcome::Unproven, "made of a local build; `--from-dir` names it"));
        }
        let unusable = |error: ProvenanceError| finding(Outcome::Bad, chain(&error));
        let local_build = self.local_build.clone().filter(|_| recorded.parameters.local_build);
        let request = recorded.request(local_build).map_err(unusable)?;
        let request = Request { signature_policy: self.signature_policy.clone(), ..request };
        let planned = plan(self.catalog, self.env.templates, &request);
        let planned = planned.map_err(|error| finding(Outcome::Unproven, chain(&error)))?;
        let [wanted] = planned.packages().collect::<Vec<_>>()[..] else {
            return Err(finding(Outcome::Unproven, "the specs make no package of what is recorded"));
        };
        let changed = changed(&recorded, wanted);
        let rebuilt = self.build(&planned, &recorded).map_err(|error| failed(&error, &changed))?;
        Ok(told(package, inspection, &rebuilt, &recorded, changed))
    }

    fn recorded(&self, package: &Path, inspection: &Inspection) -> Result<Recorded, Finding> {
        let path = self.provenance.clone().unwrap_or_else(|| provenance::path_beside(package));
        if !path.exists() {
            let text = format!("no `{}`; `--provenance` names what says how it was built", path.display());
            return Err(finding(Outcome::Unproven, text));
        }
        let recorded = read(&path, inspection).and_then(|envelope| Recorded::read(envelope.statement()));
        recorded.map_err(|error| match &error {
            ProvenanceError::Io(_) => finding(Outcome::Unreadable, chain(&error)),
            _ => finding(Outcome::Bad, chain(&error)),
        })
    }

    /// Builds the one package of a plan, and returns its file.
    fn build(&self, plan: &Plan, recorded: &Recorded) -> Result<PathBuf, Failed> {
        let folder = tempfile::Builder::new().prefix("rebuilt-").tempdir_in(self.env.scratch.path())?.keep();
        // Of its own: blocks that somebody else compressed would prove nothing.
        let blocks = folder.join(".blocks");
        fs_err::create_dir(&blocks)?;
        let blocks = Blocks::open(&blocks, &blocks, u64::MAX, Arc::clone(&self.env.reporter))?;
        let settings = Settings {
            output: &folder,
            compression: recorded.compression()?,
            signer: None,
            jobs: self.jobs,
            blocks: &blocks,
            file_list: FileList::Unwanted,
            results: None,
        };
        let arches = recorded.request(None)?.arches;
        let Env { fetcher, templates, ref reporter, scratch } = *self.env;
        let env = Env { fetcher, templates, reporter: Arc::new(Unnamed(Arc::clone(reporter))), scratch };
        let outcome = pipeline::build(plan, &env, &arches, &settings).map_err(|(_, error)| Failed::Build(error))?;
        let package = outcome.packages.into_iter().next();
        package.map(|package| package.path).ok_or(Failed::Nothing)
    }
}

/// Passes on what is fetched and warned of, and not which files come and go.
struct Unnamed(Arc<dyn Reporter>);

impl Reporter for Unnamed {
    fn report(&self, event: Event) {
        if !matches!(event, Event::Writing { .. } | Event::Wrote { .. }) {
            self.0.report(event);
        }
    }
}

/// Why nothing was built again.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Build(BuildError),
    #[error(transparent)]
    Recorded(#[from] ProvenanceError),
    #[error("nothing was built")]
    Nothing,
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

fn failed(error: &Failed, changed: &[String]) -> Finding {
    let outcome = match error {
        Failed::Build(BuildError::Fetch(_)) => Outcome::Unfetched,
        Failed::Recorded(_) => Outcome::Bad,
        Failed::Build(_) | Failed::Nothing => Outcome::Unproven,
        Failed::Io(_) => Outcome::Unreadable,
    };
    finding(outcome, before(changed) + &chain(error)).with("changed", changed.to_vec())
}

/// What is not as it was when the package was built.
fn changed(recorded: &Recorded, wanted: &PlannedPackage) -> Vec<String> {
    let mut changed = Vec::new();
    let tool = env!("CARGO_PKG_VERSION");
    if recorded.tool != tool {
        changed.push(format!("this is kubepkg {tool}, and it was kubepkg {}", excerpt(&recorded.tool)));
    }
    let find = |inputs: &[Input], name: &str| inputs.iter().find(|input| input.name == name).cloned();
    for input in &wanted.inputs {
        match find(&recorded.inputs, &input.name) {
            Some(then) if then == *input => {}
            Some(_) => changed.push(format!("`{}` is another", input.name)),
            None => changed.push(format!("`{}` is new", input.name)),
        }
    }
    let gone = recorded.inputs.iter().filter(|input| find(&wanted.inputs, &input.name).is_none());
    changed.extend(gone.map(|input| format!("there is no `{}`", excerpt(&input.name))));
    if changed.is_empty() && recorded.job != wanted.id.to_string() {
        changed.push("the plan is another".to_owned());
    }
    changed
}

/// What is said first.
fn before(changed: &[String]) -> String {
    if changed.is_empty() { String::new() } else { format!("since the build {}: ", list(changed)) }
}

/// Compares the new package with the old one.
fn told(package: &Path, inspection: &Inspection, rebuilt: &Path, recorded: &Recorded, changed: Vec<String>) -> Finding {
    let mut changed = changed;
    changed.extend(other_bytes(rebuilt, recorded));
    let comparison = compare(package, inspection, rebuilt, Extent::AllButSignatures);
    let differences = match comparison.details.get("differences") {
        Some(Value::Array(differences)) => differences.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let (outcome, text) = match comparison.outcome {
        Outcome::Good => (Outcome::Good, "built again, the bytes are the same, but for signatures".to_owned()),
        // Other specs make other packages: that says nothing of this one.
        Outcome::Bad if !changed.is_empty() => (Outcome::Unproven, list(&differences)),
        Outcome::Bad => (Outcome::Bad, format!("built again, it is another: {}", list(&differences))),
        other => (other, comparison.text.clone()),
    };
    finding(outcome, before(&changed) + &text).with("changed", changed).with("differences", differences)
}

/// Files that upstream publishes with other bytes than then.
fn other_bytes(rebuilt: &Path, recorded: &Recorded) -> Vec<String> {
    let now = provenance::open(&provenance::path_beside(rebuilt)).ok();
    let now = now.and_then(|envelopes| Recorded::read(envelopes.first()?.statement()).ok());
    let Some(now) = now else { return Vec::new() };
    let differs = now.materials.iter().zip(&recorded.materials).filter(|(now, then)| now.sha256 != then.sha256);
    differs.map(|(now, _)| format!("{} has other bytes", now.url.as_deref().unwrap_or("the local build"))).collect()
}

fn finding(outcome: Outcome, text: impl Into<String>) -> Finding {
    Finding::new(Check::Rebuild, outcome, text)
}
