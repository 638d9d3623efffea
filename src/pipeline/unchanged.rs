//! Packages that an earlier run made and that would be the same today.

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use super::arrivals::Task;
use super::papers::Planned;
use super::results::Record;
use super::schedule::{Schedule, Urgency};
use super::{Env, Origin, Package, Settings};
use crate::event::Event;
use crate::fetch::Evidence;
use crate::plan::{Plan, PlannedPackage, Source};

/// Returns what is to be done. A package is left out, and told of, where its job was done before, the output folder
/// still holds the very file with the very papers, and what vouches for its sources still does.
pub(super) fn sort_out<'p>(plan: &'p Plan, env: &Env<'_>, settings: &Settings<'_>) -> (Vec<Task<'p>>, Vec<Package>) {
    let candidates = candidates(plan, settings);
    let vouched = vouched(plan, env, &candidates);
    let there = Mutex::new(Vec::new());
    let Ok(()) = Schedule::<Infallible>::run(settings.jobs, |jobs| {
        for (candidate, evidence) in candidates.iter().zip(vouched) {
            let Some(evidence) = evidence else { continue };
            let there = &there;
            jobs.add(Urgency::Part(candidate.record.size), move |_| {
                let Candidate { planned, record } = candidate;
                let package = planned.package;
                let path = settings.output.join(&package.file_name);
                // A file that cannot be read is made anew, which tells what is wrong with the folder.
                let has_papers = || planned.has_papers(settings, record, &evidence, &path).unwrap_or(false);
                if let Ok(Some((source, head))) = record.read(&path, settings.file_list)
                    && has_papers()
                {
                    let (id, sha256, size) = (package.id.clone(), record.sha256.clone(), record.size);
                    let signer = settings.signer.map(|signer| signer.fingerprint().to_owned());
                    let (format, origin) = (package.format, Origin::Unchanged);
                    let unchanged = Package { path, id, format, sha256, size, signer, origin, head, source };
                    there.lock().unwrap_or_else(PoisonError::into_inner).push(unchanged);
                }
                Ok(())
            });
        }
    });
    let unchanged = there.into_inner().unwrap_or_else(PoisonError::into_inner);
    for package in &unchanged {
        env.reporter.report(Event::Unchanged { path: package.path.clone() });
    }
    let is_left = |package: &&PlannedPackage| unchanged.iter().all(|done| done.id != package.id);
    let tasks =
        plan.builds.iter().map(|build| Task { build, packages: build.packages.iter().filter(is_left).collect() });
    let tasks = tasks.filter(|task| !task.packages.is_empty()).collect();
    (tasks, unchanged)
}

/// A package with what was recorded of it.
struct Candidate<'p> {
    planned: Planned<'p>,
    record: Record,
}

/// Returns the packages that were made before. Those of local builds never are: their ids say nothing of the bytes.
fn candidates<'p>(plan: &'p Plan, settings: &Settings<'_>) -> Vec<Candidate<'p>> {
    let Some(results) = settings.results else { return Vec::new() };
    let (variant, mut candidates) = (settings.variant(), Vec::new());
    for build in &plan.builds {
        let is_download = |source: &crate::plan::BuildSource| matches!(source.source, Source::Download(_));
        if !build.sources.iter().all(is_download) {
            continue;
        }
        for package in &build.packages {
            let record = results.find(package, &variant);
            let record = record.filter(|record| record.sources.len() == build.sources.len());
            candidates.extend(record.map(|record| Candidate { planned: Planned { plan, build, package }, record }));
        }
    }
    candidates
}

/// Returns for each candidate what vouches for each of its sources today; nothing where not all that must does.
fn vouched(plan: &Plan, env: &Env<'_>, candidates: &[Candidate<'_>]) -> Vec<Option<Vec<Vec<Evidence>>>> {
    let mut asked = Vec::new();
    let mut owners = Vec::new();
    for (owner, candidate) in candidates.iter().enumerate() {
        for (source, digests) in candidate.planned.build.sources.iter().zip(&candidate.record.sources) {
            if let Source::Download(place) = source.source {
                asked.push((plan.downloads[place].clone(), digests.clone()));
                owners.push(owner);
            }
        }
    }
    let mut vouched = vec![Some(Vec::new()); candidates.len()];
    for (owner, evidence) in owners.into_iter().zip(env.fetcher.vouched(asked)) {
        vouched[owner] = vouched[owner].take().zip(evidence).map(|(mut all, evidence)| {
            all.push(evidence);
            all
        });
    }
    vouched
}
