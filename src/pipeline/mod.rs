//! From a plan to packages: fetch, assemble, write.

mod arrivals;
mod budget;
mod papers;
mod results;
mod run;
mod schedule;
mod unchanged;

use std::io;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::block::Blocks;
use crate::compression::Compression;
use crate::digest::Digest;
use crate::event::{Event, Reporter, Warning};
use crate::fetch::{Artifact, FetchError, Fetcher};
use crate::format::Format;
use crate::image::{ImageError, PackageImage, assemble};
use crate::package::reader::{FileList, Head, ReadError, Scan};
use crate::package::signing::SigningError;
use crate::package::{Texts, WriteError, writer};
use crate::plan::{Arches, Build, JobId, Plan, Source};
use crate::repository::store;
use crate::scratch::Scratch;
use crate::sign::Signer;
use crate::template::Templates;
use arrivals::{Arrivals, Ready};
use run::Run;
use schedule::{Schedule, Urgency};

pub use papers::PapersError;
pub use results::Results;

/// What the steps work with.
pub struct Env<'a> {
    /// Where bytes come from.
    pub fetcher: &'a Fetcher,
    /// Texts of the formats.
    pub templates: &'a Templates,
    /// Who hears of what happens.
    pub reporter: Arc<dyn Reporter>,
    /// The folder for unfinished files, inside the output folder.
    pub scratch: &'a Scratch,
}

impl std::fmt::Debug for Env<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Env").field("scratch", &self.scratch.path()).finish_non_exhaustive()
    }
}

/// A complete package file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The file; its papers lie beside it.
    pub path: PathBuf,
    /// What identifies the job that wrote it.
    pub id: JobId,
    /// Its format.
    pub format: Format,
    /// Its SHA-256.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The fingerprint of the key that signed it; nothing where none did.
    pub signer: Option<String>,
    /// Whether this run made it.
    pub origin: Origin,
    /// What it says of itself, from the reading in which its digest was made.
    pub head: Head,
    /// What identifies the file that was read.
    pub source: store::Source,
}

impl Package {
    /// Returns what was read of it.
    pub fn scan(&self) -> Scan {
        Scan { sha256: self.sha256.clone(), size: self.size, head: self.head.clone() }
    }
}

/// Which run made a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// This one.
    Built,
    /// An earlier one, and it would be the same today.
    Unchanged,
}

/// What a run brought.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The packages that are complete, in the order of the plan.
    pub packages: Vec<Package>,
    /// Files of packages that are not built, since upstream does not publish what they need.
    pub missing: Vec<String>,
}

/// Why a build ended early. What was complete before is complete still.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Bytes did not come or were not right.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Bytes do not make the package.
    #[error("cannot build `{file}`")]
    Image {
        /// The package.
        file: String,
        /// Why.
        source: ImageError,
    },
    /// A package was not written.
    #[error("cannot write `{file}`")]
    Write {
        /// The package.
        file: String,
        /// Why.
        source: WriteError,
    },
    /// A package was not signed.
    #[error("cannot sign `{file}`")]
    Sign {
        /// The package.
        file: String,
        /// Why.
        source: SigningError,
    },
    /// A package cannot be read as others read it.
    #[error("cannot read back `{file}`")]
    Read {
        /// The package.
        file: String,
        /// Why.
        source: ReadError,
    },
    /// A package has no papers.
    #[error("cannot write the papers of `{file}`")]
    Papers {
        /// The package.
        file: String,
        /// Why.
        source: PapersError,
    },
    /// Compressed blocks cannot be kept.
    #[error("cannot keep compressed blocks")]
    Blocks(#[source] io::Error),
    /// The output folder refused.
    #[error("cannot write below `{}`", folder.display())]
    Output {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The bytes of each build that has all of them.
#[derive(Debug)]
pub struct Fetched<'p> {
    /// Builds with the artifacts of their sources, in the order of the plan.
    pub builds: Vec<(&'p Build, Vec<Artifact>)>,
    /// Files of packages that are left out.
    pub missing: Vec<String>,
}

/// Fetches and verifies everything that a plan needs. With [`Arches::All`] a file that upstream does not publish leaves
/// out the packages that need it; everything else that goes wrong is an error.
pub fn fetch<'p>(plan: &'p Plan, env: &Env<'_>, arches: &Arches) -> Result<Fetched<'p>, FetchError> {
    let results = env.fetcher.fetch_all(&plan.downloads);
    let mut fetched = Fetched { builds: Vec::new(), missing: Vec::new() };
    let mut warned = vec![Vec::new(); plan.downloads.len()];
    for build in &plan.builds {
        let mut artifacts = Vec::new();
        let mut absent = None;
        for source in &build.sources {
            match &source.source {
                Source::LocalBuild(path) => artifacts.push(env.fetcher.local_build(path)?),
                Source::Download(index) => match &results[*index] {
                    Ok(artifact) => artifacts.push(artifact.clone()),
                    Err(FetchError::NotPublished { .. }) if arches.leaves_out() => absent = Some(*index),
                    Err(error) => return Err(error.clone()),
                },
            }
        }
        match absent {
            None => fetched.builds.push((build, artifacts)),
            Some(index) => warned[index].extend(build.packages.iter().map(|package| package.file_name.clone())),
        }
    }
    fetched.missing = leave_out(plan, env, warned.into_iter().enumerate().collect());
    Ok(fetched)
}

/// How a plan's packages are made.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// The folder of the packages.
    pub output: &'a Path,
    /// How they are compressed.
    pub compression: Compression,
    /// Who signs them.
    pub signer: Option<&'a dyn Signer>,
    /// How many jobs run at once.
    pub jobs: NonZero<usize>,
    /// The blocks of large files.
    pub blocks: &'a Blocks,
    /// Whether debs are unpacked for the names of their files, which whoever publishes them may need.
    pub file_list: FileList,
    /// What earlier runs left; nothing where everything is to be made anew.
    pub results: Option<&'a Results>,
}

impl Settings<'_> {
    /// Returns what besides the plan decides the bytes of a package, as a part of a file name.
    fn variant(&self) -> String {
        let compression = self.compression.to_string().replace(':', "-");
        let signer = self.signer.map(|signer| format!("-{}", signer.fingerprint())).unwrap_or_default();
        compression + &signer
    }
}

/// Makes every package of a plan. A package has its name only when it is complete and was read back; at the first error
/// no further package is begun, and those that are complete stay.
pub fn build<'p>(
    plan: &'p Plan,
    env: &'p Env<'p>,
    arches: &Arches,
    settings: &'p Settings<'p>,
) -> Result<Outcome, (Outcome, BuildError)> {
    let (tasks, unchanged) = unchanged::sort_out(plan, env, settings);
    let run = Run::new(plan, env, settings, &tasks);
    let mut arrivals = Arrivals::new(plan, tasks);
    let mut refused = Vec::new();
    let result = Schedule::run(settings.jobs, |jobs| {
        let run = &run;
        let begin = |ready: Ready<'p>| jobs.add(Urgency::Begin, move |jobs| run.begin(jobs, ready));
        arrivals.ready().into_iter().for_each(begin);
        env.fetcher.fetch_some(&plan.downloads, &arrivals.wanted(), |place, result| {
            match result {
                Ok(artifact) => arrivals.take(place, artifact).into_iter().for_each(begin),
                Err(FetchError::NotPublished { .. }) if arches.leaves_out() => arrivals.give_up(place),
                Err(error) => {
                    refused.push((place, error));
                    jobs.stop();
                }
            }
            if jobs.has_failed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    });
    let missing = leave_out(plan, env, arrivals.left_out());
    let mut packages = run.into_packages();
    packages.extend(unchanged);
    packages.sort_by_key(|package| plan.packages().position(|planned| planned.id == package.id));
    let outcome = Outcome { packages, missing };
    // Of several the one that the plan has first, whichever came first.
    refused.sort_by_key(|(place, _)| plan.first_use(*place));
    match (refused.into_iter().next(), result) {
        (Some((_, error)), _) => Err((outcome, error.into())),
        (None, Err(error)) => Err((outcome, error)),
        (None, Ok(())) => Ok(outcome),
    }
}

/// Warns of files that upstream does not publish, and returns the packages that are not made for it.
fn leave_out(plan: &Plan, env: &Env<'_>, absent: Vec<(usize, Vec<String>)>) -> Vec<String> {
    let mut missing = Vec::new();
    for (place, packages) in absent.into_iter().filter(|(_, packages)| !packages.is_empty()) {
        missing.extend(packages.iter().cloned());
        let url = plan.downloads[place].url.to_string();
        env.reporter.report(Event::Warning(Warning::NotPublished { url, packages }));
    }
    missing
}

/// Renders every text of a plan's packages, after their bytes, which decide some of them.
pub fn render(plan: &Plan, env: &Env<'_>, arches: &Arches) -> Result<Vec<(String, Texts)>, BuildError> {
    let mut all = Vec::new();
    for (build, artifacts) in &fetch(plan, env, arches)?.builds {
        let (image, _members) = image(build, artifacts, env)?;
        for package in &build.packages {
            let failed = |source| BuildError::Write { file: package.file_name.clone(), source };
            let mut texts = writer(package.format).render(&image, env.templates).map_err(failed)?;
            for (path, text) in image.texts(package.format) {
                texts.insert(path, text);
            }
            all.push((package.file_name.clone(), texts));
        }
    }
    Ok(all)
}

/// Returns the image and the folder of its unpacked members, which must live as long.
fn image(build: &Build, artifacts: &[Artifact], env: &Env<'_>) -> Result<(PackageImage, TempDir), BuildError> {
    let file = || build.packages.first().map(|package| package.file_name.clone()).unwrap_or_default();
    let scratch = env.scratch.path();
    let members =
        TempDir::new_in(scratch).map_err(|source| BuildError::Output { folder: scratch.to_owned(), source })?;
    let image = assemble(build, artifacts, members.path(), &*env.reporter);
    Ok((image.map_err(|source| BuildError::Image { file: file(), source })?, members))
}
