//! From artifacts to packages: images, then the blocks of their large files, then each package that has all of its own.

use std::collections::HashMap;
use std::fs::File;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fs_err as fs;
use tempfile::TempDir;

use super::arrivals::{Ready, Task};
use super::budget::Budget;
use super::papers::{Papers, Planned};
use super::schedule::{Schedule, Urgency};
use super::{BuildError, Env, Origin, Package, Settings};
use crate::block::{BlockError, Code, LargeFile, Making, Recipe};
use crate::digest::Digest;
use crate::event::Event;
use crate::fetch::{Artifact, FetchError};
use crate::image::PackageImage;
use crate::package::reader::{self, Scan};
use crate::package::{Packer, WriteError, large_files, signing, writer};
use crate::plan::{self, Build, Plan, PlannedPackage};
use crate::repository::store::Source;
use crate::sbom::Contents;

type Jobs<'a> = Schedule<'a, BuildError>;
/// Packages that wait for the blocks of a file.
type Waiting<'a> = HashMap<(LargeFile, Recipe), Vec<Arc<Pending<'a>>>>;

/// One run of the pipeline.
pub(super) struct Run<'a> {
    plan: &'a Plan,
    env: &'a Env<'a>,
    settings: &'a Settings<'a>,
    budget: Budget,
    /// How many threads the compressor of one package may use.
    threads: NonZero<u32>,
    waiting: Mutex<Waiting<'a>>,
    done: Mutex<Vec<Package>>,
}

/// An image and the folder of its unpacked members, which lives as long.
struct Assembled<'a> {
    plan: &'a Build,
    image: PackageImage,
    contents: Contents,
    sources: Vec<Artifact>,
    _members: TempDir,
}

/// A package whose blocks are not all there.
struct Pending<'a> {
    build: Arc<Assembled<'a>>,
    package: &'a PlannedPackage,
    missing: AtomicUsize,
}

/// A file whose parts are being compressed.
struct Parts<'a> {
    making: Making,
    file: LargeFile,
    recipe: Recipe,
    left: AtomicUsize,
    /// The first package that waits for it, for errors.
    package: &'a PlannedPackage,
}

impl<'a> Run<'a> {
    pub(super) fn new(plan: &'a Plan, env: &'a Env<'a>, settings: &'a Settings<'a>, tasks: &[Task<'_>]) -> Self {
        let packages = tasks.iter().map(|task| task.packages.len()).sum::<usize>().max(1);
        let threads =
            u32::try_from(settings.jobs.get() / packages).ok().and_then(NonZero::new).unwrap_or(NonZero::<u32>::MIN);
        let budget = Budget::for_threads(settings.jobs);
        Self { plan, env, settings, budget, threads, waiting: Mutex::default(), done: Mutex::default() }
    }

    /// Returns the packages that are complete.
    pub(super) fn into_packages(self) -> Vec<Package> {
        self.done.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Assembles a build's image, and begins with the blocks that its packages need.
    pub(super) fn begin<'r>(&'r self, jobs: &Jobs<'r>, ready: Ready<'a>) -> Result<(), BuildError> {
        let Ready { task: Task { build, packages }, sources } = ready;
        let sources = build.sources.iter().zip(sources).map(|(source, artifact)| match (&source.source, artifact) {
            (plan::Source::LocalBuild(path), _) => self.env.fetcher.local_build(path),
            (plan::Source::Download(_), Some(artifact)) => Ok(artifact),
            (plan::Source::Download(_), None) => unreachable!("a task is ready when all downloads came"),
        });
        let sources: Vec<Artifact> = sources.collect::<Result<_, FetchError>>()?;
        let (image, members) = super::image(build, &sources, self.env)?;
        let first = || packages.first().map(|package| package.file_name.clone()).unwrap_or_default();
        let contents =
            Contents::of(&image).map_err(|error| BuildError::Papers { file: first(), source: error.into() })?;
        let assembled = Arc::new(Assembled { plan: build, image, contents, sources, _members: members });
        for package in packages {
            // One more than its files, so that it is complete only when all of them were looked at.
            let pending = Pending { build: Arc::clone(&assembled), package, missing: AtomicUsize::new(1) };
            let pending = Arc::new(pending);
            if let Some(recipe) = Recipe::new(self.settings.compression, Code::of(build.metadata.arch)) {
                for file in large_files(&assembled.image, package.format) {
                    self.need(jobs, file, recipe, &pending)?;
                }
            }
            self.less(jobs, pending);
        }
        Ok(())
    }

    /// Makes `pending` wait for the blocks of a file, unless they are there.
    fn need<'r>(
        &'r self,
        jobs: &Jobs<'r>,
        file: LargeFile,
        recipe: Recipe,
        pending: &Arc<Pending<'a>>,
    ) -> Result<(), BuildError> {
        let package = pending.package;
        let mut waiting = self.waiting();
        let key = (file.clone(), recipe);
        if let Some(others) = waiting.get_mut(&key) {
            pending.missing.fetch_add(1, Ordering::SeqCst);
            others.push(Arc::clone(pending));
            return Ok(());
        }
        // Held meanwhile: a file that is finished between look and wait would be waited for in vain.
        if self.settings.blocks.find(&file, recipe).map_err(|error| failed(package, error))?.is_some() {
            return Ok(());
        }
        pending.missing.fetch_add(1, Ordering::SeqCst);
        waiting.insert(key, vec![Arc::clone(pending)]);
        drop(waiting);
        let making = self.settings.blocks.make(&file, recipe);
        let count = making.parts().len();
        let urgency = Urgency::Part(file.size);
        let parts = Arc::new(Parts { making, file, recipe, left: AtomicUsize::new(count), package });
        for nth in longest_first(count) {
            let parts = Arc::clone(&parts);
            jobs.add(urgency, move |jobs| self.compress(jobs, &parts, nth));
        }
        Ok(())
    }

    fn compress<'r>(&'r self, jobs: &Jobs<'r>, parts: &Arc<Parts<'a>>, nth: usize) -> Result<(), BuildError> {
        let share = self.budget.take(parts.recipe.memory());
        parts.making.compress(nth, self.settings.blocks).map_err(|error| not_made(parts.package, error))?;
        drop(share);
        if parts.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            let parts = Arc::clone(parts);
            jobs.add(Urgency::End, move |jobs| self.finish(jobs, &parts));
        }
        Ok(())
    }

    fn finish<'r>(&'r self, jobs: &Jobs<'r>, parts: &Parts<'a>) -> Result<(), BuildError> {
        parts.making.finish(self.settings.blocks).map_err(|error| not_made(parts.package, error))?;
        let waited = self.waiting().remove(&(parts.file.clone(), parts.recipe));
        for pending in waited.into_iter().flatten() {
            self.less(jobs, pending);
        }
        Ok(())
    }

    /// Takes one from what a package waits for, and has it written if that was the last.
    fn less<'r>(&'r self, jobs: &Jobs<'r>, pending: Arc<Pending<'a>>) {
        if pending.missing.fetch_sub(1, Ordering::SeqCst) == 1 {
            jobs.add(Urgency::End, move |_| self.write(&pending));
        }
    }

    fn write(&self, pending: &Pending<'_>) -> Result<(), BuildError> {
        let (package, image) = (pending.package, &pending.build.image);
        let Settings { compression, blocks, output, .. } = *self.settings;
        let refused = |source| BuildError::Output { folder: output.to_owned(), source };
        self.env.reporter.report(Event::Writing { file: package.file_name.clone() });
        // Blocks are there already; what compresses while it writes takes memory for each thread.
        let stream = if compression.has_blocks() { 0 } else { compression.memory() * self.threads.get() };
        let _share = self.budget.take(stream);
        let writer = writer(package.format);
        let texts = writer.render(image, self.env.templates).map_err(|error| failed(package, error))?;
        let unfinished = self.env.scratch.path().join(&package.file_name);
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let mut file = options.open(&unfinished).map_err(refused)?.into_parts().0;
        let packer = Packer::new(compression, Code::of(image.metadata.arch), blocks, self.threads);
        writer.write(image, &texts, &packer, &mut file).map_err(|error| failed(package, error))?;
        let (file, unfinished) = self.sign(package, file, unfinished)?;
        // By this reading a repository knows the package, too, whose name alone changes afterwards.
        let source = Source::new(&unfinished).map_err(refused)?;
        let Scan { sha256, size, head } = reader::scan(&unfinished, self.settings.file_list)
            .map_err(|source| BuildError::Read { file: package.file_name.clone(), source })?;
        let path = output.join(&package.file_name);
        let papers = self.papers(pending, &sha256)?;
        papers.publish(self.env, &file, &unfinished, &path).map_err(refused)?;
        let signer = self.settings.signer.map(|signer| signer.fingerprint().to_owned());
        let (id, format, source, origin) = (package.id.clone(), package.format, source.renamed(&path), Origin::Built);
        let written = Package { path, id, format, sha256, size, signer, origin, head, source };
        if let Some(results) = self.settings.results {
            results.record(&written, &papers, &self.settings.variant(), &pending.build.sources);
        }
        self.env.reporter.report(Event::Wrote { path: written.path.clone() });
        self.done.lock().unwrap_or_else(PoisonError::into_inner).push(written);
        Ok(())
    }

    /// Signs a package that was read back, where there is a key; the signature is read back too.
    fn sign(&self, package: &PlannedPackage, file: File, unsigned: PathBuf) -> Result<(File, PathBuf), BuildError> {
        let Some(signer) = self.settings.signer else { return Ok((file, unsigned)) };
        let signed = self.env.scratch.path().join(format!("{}.signed", package.file_name));
        let failed = |source| BuildError::Sign { file: package.file_name.clone(), source };
        let file = signing::sign(&unsigned, signer, &signed).map_err(failed)?;
        fs::remove_file(&unsigned).map_err(|error| failed(error.into()))?;
        Ok((file, signed))
    }

    fn papers(&self, pending: &Pending<'_>, sha256: &Digest) -> Result<Papers, BuildError> {
        let Assembled { plan: build, image, contents, sources, .. } = &*pending.build;
        let planned = Planned { plan: self.plan, build, package: pending.package };
        let papers = Papers::of(&planned, self.settings, image, contents, sources, sha256);
        papers.map_err(|source| BuildError::Papers { file: pending.package.file_name.clone(), source })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<'a>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_made(package: &PlannedPackage, error: BlockError) -> BuildError {
    match error {
        BlockError::Store(source) => BuildError::Blocks(source),
        other => failed(package, other),
    }
}

fn failed(package: &PlannedPackage, error: impl Into<WriteError>) -> BuildError {
    BuildError::Write { file: package.file_name.clone(), source: error.into() }
}

/// Returns the parts of a program in the order in which they are best begun: from its ends to its middle. The code at the
/// front and the tables at the end take up to twice the time of the data between, and a long part that is begun last
/// leaves the other cores idle.
fn longest_first(count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |nth| if nth % 2 == 0 { nth / 2 } else { count - 1 - nth / 2 })
}
