//! Packages that an earlier run made and that would be the same today.

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use super::arrivals::Task;
use super::results::{Record, in_words};
use super::schedule::{Schedule, Urgency};
use super::{Env, Package, Settings};
use crate::event::Event;
use crate::plan::{Build, Plan, PlannedPackage, Source};

/// Returns what is to be done. A package is left out, and told of, where its job was done before, the output folder
/// still holds the very file, and upstream still publishes the digests of what it was made of.
pub(super) fn sort_out<'p>(plan: &'p Plan, env: &Env<'_>, settings: &Settings<'_>) -> (Vec<Task<'p>>, Vec<Package>) {
    let candidates = candidates(plan, settings);
    let vouched = vouched(plan, env, &candidates);
    let there = Mutex::new(Vec::new());
    let Ok(()) = Schedule::<Infallible>::run(settings.jobs, |jobs| {
        for (candidate, _) in candidates.iter().zip(vouched).filter(|(_, vouched)| *vouched) {
            let there = &there;
            jobs.add(Urgency::Part(candidate.record.size), move |_| {
                let path = settings.output.join(&candidate.package.file_name);
                // A file that cannot be read is made anew, which tells what is wrong with the folder.
                if candidate.record.is_at(&path).unwrap_or(false) {
                    let Candidate { package, record, .. } = candidate;
                    let (id, sha256) = (package.id.clone(), record.sha256.clone());
                    let signer = settings.signer.map(|signer| signer.fingerprint().to_owned());
                    let unchanged = Package { path, id, format: package.format, sha256, size: record.size, signer };
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
    build: &'p Build,
    package: &'p PlannedPackage,
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
            candidates.extend(record.map(|record| Candidate { build, package, record }));
        }
    }
    candidates
}

/// Returns for each candidate whether everything that vouches for its sources still says what it said: the same digests,
/// signed by the same signers under the same trust root, and nothing more let go.
fn vouched(plan: &Plan, env: &Env<'_>, candidates: &[Candidate<'_>]) -> Vec<bool> {
    let mut asked = Vec::new();
    let mut owners = Vec::new();
    for (owner, candidate) in candidates.iter().enumerate() {
        for (source, recorded) in candidate.build.sources.iter().zip(&candidate.record.sources) {
            if let Source::Download(place) = source.source {
                asked.push((plan.downloads[place].clone(), recorded.digests.clone()));
                owners.push((owner, &recorded.evidence));
            }
        }
    }
    let mut vouched = vec![true; candidates.len()];
    for ((owner, recorded), evidence) in owners.into_iter().zip(env.fetcher.vouched(asked)) {
        vouched[owner] &= evidence.is_some_and(|evidence| in_words(&evidence) == *recorded);
    }
    vouched
}
