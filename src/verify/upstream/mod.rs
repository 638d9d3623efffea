//! Whether the programs in a package are the bytes that upstream published, whoever made the package.
//!
//! A program is known by its name, wherever it is installed; its version is what it says of itself, and its architecture
//! what its header says. What upstream published is fetched and verified as for a build.

mod difference;
mod identify;
mod program;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde_json::Value;

use self::identify::{Identity, Unknown};
use self::program::Program;
use super::{Check, Finding, Outcome, Question, chain, unreadable};
use crate::digest::Digest;
use crate::fetch::{FetchError, Fetcher};
use crate::image::extract::{Wanted, extract};
use crate::package::reader::{Inspection, excerpt};
use crate::plan::SignaturePolicy;
use crate::spec::Catalog;
use crate::template::Templates;
use difference::Difference;

/// Asks whether every program is what upstream published.
pub struct Upstream<'a> {
    catalog: &'a Catalog,
    signature_policy: SignaturePolicy,
    templates: &'a Templates,
    fetcher: &'a Fetcher,
    scratch: &'a Path,
    /// What was fetched before, for all packages: archives have many programs.
    fetched: RefCell<BTreeMap<String, Rc<Fetched>>>,
}

impl fmt::Debug for Upstream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("fetcher", &self.fetcher).finish_non_exhaustive()
    }
}

type Fetched = Result<Published, Finding>;

/// A verified file of upstream.
struct Published {
    /// By the name in the archive; the only one is without a name where there is no archive.
    files: BTreeMap<String, (PathBuf, Digest)>,
    evidence: Vec<String>,
}

impl<'a> Upstream<'a> {
    /// Takes the components that are known, and a folder for what is unpacked.
    pub fn new(
        catalog: &'a Catalog,
        signature_policy: SignaturePolicy,
        templates: &'a Templates,
        fetcher: &'a Fetcher,
        scratch: &'a Path,
    ) -> Self {
        Self { catalog, signature_policy, templates, fetcher, scratch, fetched: RefCell::default() }
    }

    /// Judges one program.
    fn judge(&self, program: &Program, package: &Inspection) -> Finding {
        let identity = match self.identify(program, package) {
            Ok(identity) => identity,
            Err(unknown) => {
                let outcome = match unknown {
                    Unknown::Unreadable(_) => Outcome::Unreadable,
                    _ => Outcome::Unproven,
                };
                return finding(program, outcome, &unknown.to_string()).with("verdict", "unknown");
            }
        };
        let fetched = self.fetch(&identity);
        let told = |outcome, verdict: &str, text: String| {
            finding(program, outcome, &text)
                .with("verdict", verdict)
                .with("component", identity.component.as_str())
                .with("version", identity.version.to_string())
                .with("arch", identity.arch.as_str())
                .with("url", identity.download.url.as_str())
        };
        let published = match &*fetched {
            Ok(published) => published,
            Err(failed) => {
                let verdict = failed.details.get("verdict").and_then(Value::as_str).unwrap_or("not-fetched");
                return told(failed.outcome, verdict, failed.text.clone());
            }
        };
        let member = identity.member.clone().unwrap_or_default();
        let Some((file, digest)) = published.files.get(&member) else {
            let text = format!("{} has no `{member}`", identity.download.url);
            return told(Outcome::Unproven, "not-published", text);
        };
        let told = |outcome, verdict: &str, text: String| {
            told(outcome, verdict, text)
                .with("published_sha256", digest.hex())
                .with("evidence", published.evidence.clone())
        };
        if *digest == program.digests.packaged.sha256 {
            return match identity.contradiction(package) {
                None => told(Outcome::Good, "same", format!("as published: {identity}")),
                Some(contradiction) => {
                    let text = format!("as published: {identity}; but {contradiction}");
                    told(Outcome::Bad, "other-package", text)
                }
            };
        }
        match Difference::find(&program.file, file) {
            Ok(difference) => {
                let text = format!("not as published: {identity}: {difference}");
                told(Outcome::Bad, difference.verdict(), text).with("differences", difference.list())
            }
            Err(error) => told(Outcome::Unreadable, "unknown", chain(&error)),
        }
    }

    /// Fetches and verifies what upstream published, once.
    fn fetch(&self, identity: &Identity) -> Rc<Fetched> {
        let key = format!("{:?}", identity.download);
        if let Some(fetched) = self.fetched.borrow().get(&key) {
            return Rc::clone(fetched);
        }
        let fetched = Rc::new(self.fetch_anew(identity));
        self.fetched.borrow_mut().insert(key, Rc::clone(&fetched));
        fetched
    }

    fn fetch_anew(&self, identity: &Identity) -> Fetched {
        let failed =
            |outcome, verdict: &str, text| Finding::new(Check::Upstream, outcome, text).with("verdict", verdict);
        let results = self.fetcher.fetch_all(std::slice::from_ref(&identity.download));
        let Some(result) = results.into_iter().next() else { unreachable!("one download has one result") };
        let artifact = result.map_err(|error| match &error {
            FetchError::NotPublished { .. } => failed(Outcome::Unproven, "not-published", chain(&error)),
            _ => failed(Outcome::Unfetched, "not-fetched", chain(&error)),
        })?;
        let evidence = artifact.evidence().iter().map(ToString::to_string).collect();
        if identity.member.is_none() {
            let whole = (artifact.path().to_owned(), artifact.digests().sha256.clone());
            return Ok(Published { files: [(String::new(), whole)].into(), evidence });
        }
        let unpacked = |error: &dyn std::error::Error| failed(Outcome::Unfetched, "not-fetched", chain(error));
        let folder = self.scratch.join(format!("published-{}", self.fetched.borrow().len()));
        fs_err::create_dir(&folder).map_err(|error| unpacked(&error))?;
        let members = extract(&artifact, &Wanted::AllBut(Vec::new()), &folder).map_err(|error| unpacked(&error))?;
        let files = members.into_iter().map(|member| (member.name, (member.path, member.digests.sha256))).collect();
        Ok(Published { files, evidence })
    }
}

impl Question for Upstream<'_> {
    fn ask(&self, package: &Path, inspection: &Inspection) -> Vec<Finding> {
        let failed =
            |error: &dyn std::error::Error| vec![Finding::new(Check::Upstream, Outcome::Unreadable, chain(error))];
        let folder = match tempfile::tempdir_in(self.scratch) {
            Ok(folder) => folder,
            Err(error) => return failed(&error),
        };
        match program::unpack(package, folder.path()) {
            Ok(programs) if programs.is_empty() => {
                vec![Finding::new(Check::Upstream, Outcome::Unproven, "the package has no program")]
            }
            Ok(programs) => programs.iter().map(|program| self.judge(program, inspection)).collect(),
            Err(error) => vec![unreadable(Check::Upstream, &error)],
        }
    }
}

fn finding(program: &Program, outcome: Outcome, text: &str) -> Finding {
    let text = format!("`{}` {text}", excerpt(&program.path));
    Finding::new(Check::Upstream, outcome, text)
        .with("path", program.path.as_str())
        .with("sha256", program.digests.packaged.sha256.hex())
}
