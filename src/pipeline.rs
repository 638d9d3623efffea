//! From a plan to packages: fetch, assemble, write.

mod budget;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use fs_err as fs;
use rayon::prelude::*;
use tempfile::TempDir;

use crate::digest::{Digests, Hasher};
use crate::event::{Event, Reporter, Warning};
use crate::fetch::{Artifact, FetchError, Fetcher};
use crate::format::Format;
use crate::image::{Content, ImageError, PackageImage, assemble};
use crate::package::{Compression, PackageWriter, Texts, WriteError, writer};
use crate::plan::{Arches, Build, JobId, Plan, PlannedPackage, Source};
use crate::scratch::Scratch;
use crate::template::Templates;
use budget::Budget;

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
    /// The file.
    pub path: PathBuf,
    /// What identifies the job that wrote it.
    pub id: JobId,
    /// Its format.
    pub format: Format,
    /// Its digests and size.
    pub digests: Digests,
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
    for (download, packages) in plan.downloads.iter().zip(warned).filter(|(_, packages)| !packages.is_empty()) {
        fetched.missing.extend(packages.iter().cloned());
        let url = download.url.to_string();
        env.reporter.report(Event::Warning(Warning::NotPublished { url, packages }));
    }
    Ok(fetched)
}

/// Makes every package of a plan in `output`. A package has its name only when it is complete and was read back; at the
/// first error no further package is begun, and those that are complete stay.
pub fn build(
    plan: &Plan,
    env: &Env<'_>,
    arches: &Arches,
    compression: Compression,
    output: &Path,
) -> Result<Outcome, (Outcome, BuildError)> {
    let fetched = fetch(plan, env, arches).map_err(|error| (Outcome::default(), error.into()))?;
    let missing = fetched.missing;
    let budget = Budget::for_packages();
    let done: Mutex<Vec<(usize, Package)>> = Mutex::new(Vec::new());
    let result = fetched.builds.par_iter().enumerate().try_for_each(|(place, (build, artifacts))| {
        let (image, _members) = image(build, artifacts, env)?;
        build.packages.par_iter().enumerate().try_for_each(|(nth, package)| {
            let _share = budget.take(memory(&image, package.format, compression));
            let written = write(&image, package, env, compression, output)?;
            done.lock().unwrap_or_else(PoisonError::into_inner).push((place * Format::ALL.len() + nth, written));
            Ok(())
        })
    });
    let mut packages = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    packages.sort_by_key(|(place, _)| *place);
    let outcome = Outcome { packages: packages.into_iter().map(|(_, package)| package).collect(), missing };
    match result {
        Ok(()) => Ok(outcome),
        Err(error) => Err((outcome, error)),
    }
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

/// Returns about how much memory it takes to write a package, in MiB: the compressor's, and for an RPM its payload, which
/// is as large as its files where they cannot be compressed.
fn memory(image: &PackageImage, format: Format, compression: Compression) -> u32 {
    let size = |content: &Content| match content {
        Content::Artifact(artifact) => artifact.digests().size,
        Content::Member(member) => member.digests.size,
        Content::Text(_) | Content::Link(_) | Content::Directory => 0,
    };
    let payload: u64 = match format {
        Format::Deb => 0,
        Format::Rpm => image.entries(format).map(|entry| size(&entry.content)).sum(),
    };
    compression.memory().saturating_add(u32::try_from(payload >> 20).unwrap_or(u32::MAX))
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

fn write(
    image: &PackageImage,
    package: &PlannedPackage,
    env: &Env<'_>,
    compression: Compression,
    output: &Path,
) -> Result<Package, BuildError> {
    let failed = |source| BuildError::Write { file: package.file_name.clone(), source };
    let refused = |source| BuildError::Output { folder: output.to_owned(), source };
    env.reporter.report(Event::Writing { file: package.file_name.clone() });
    let writer: &dyn PackageWriter = writer(package.format);
    let texts = writer.render(image, env.templates).map_err(failed)?;
    let unfinished = env.scratch.path().join(&package.file_name);
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    let mut file = options.open(&unfinished).map_err(refused)?.into_parts().0;
    writer.write(image, &texts, compression, &mut file).map_err(failed)?;
    let digests = digests(&unfinished).map_err(refused)?;
    let path = output.join(&package.file_name);
    Scratch::publish(&file, &unfinished, &path).map_err(refused)?;
    env.reporter.report(Event::Wrote { path: path.clone() });
    Ok(Package { path, id: package.id.clone(), format: package.format, digests })
}

fn digests(path: &Path) -> io::Result<Digests> {
    let mut hasher = Hasher::default();
    io::copy(&mut fs::File::open(path)?, &mut hasher)?;
    Ok(hasher.finish())
}
