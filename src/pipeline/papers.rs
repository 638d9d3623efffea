//! The papers of a package: its bill of materials and its provenance, complete before the package has its name.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::results::Record;
use super::{Env, Settings};
use crate::digest::{Digest, UpstreamDigests};
use crate::fetch::{Artifact, Evidence, redacted};
use crate::image::PackageImage;
use crate::image::elf::ElfError;
use crate::plan::{Build, Plan, PlannedPackage, Source};
use crate::provenance::{self, Envelope, Facts, Material, SealError, Statement};
use crate::sbom::{self, Contents};
use crate::scratch::Scratch;

/// Why a package has no papers.
#[derive(Debug, thiserror::Error)]
pub enum PapersError {
    /// A program cannot be read.
    #[error(transparent)]
    Program(#[from] ElfError),
    /// The provenance was not signed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A value that JSON does not have.
    #[error("what they should say cannot be written: {0}")]
    Encode(String),
    /// They cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A package that is planned, with what was planned besides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planned<'p> {
    pub(super) plan: &'p Plan,
    pub(super) build: &'p Build,
    pub(super) package: &'p PlannedPackage,
}

/// The papers of a package that is not named yet.
pub(super) struct Papers {
    sbom: String,
    provenance: String,
}

impl Planned<'_> {
    /// Returns what is said of the package, made of `sources` in the order of the build.
    fn statement(
        &self,
        settings: &Settings<'_>,
        sources: &[(&UpstreamDigests, &[Evidence])],
        package: &Digest,
        sbom: &Digest,
    ) -> Result<Statement, PapersError> {
        let materials = self.build.sources.iter().zip(sources).map(|(source, (digests, evidence))| {
            let url = match &source.source {
                Source::Download(place) => Some(redacted(&self.plan.downloads[*place].url)),
                Source::LocalBuild(_) => None,
            };
            Material { url, digests, evidence }
        });
        let bill = sbom::path_beside(Path::new(&self.package.file_name)).display().to_string();
        let facts = Facts {
            build: self.build,
            package: self.package,
            materials: materials.collect(),
            compression: settings.compression,
            sha256: package,
            sbom: (bill, sbom),
        };
        provenance::statement(&facts).map_err(PapersError::Encode)
    }

    /// Whether the papers beside `path` are those that would be written today, when this is what vouches for the
    /// sources.
    pub(super) fn has_papers(
        &self,
        settings: &Settings<'_>,
        record: &Record,
        evidence: &[Vec<Evidence>],
        path: &Path,
    ) -> Result<bool, PapersError> {
        let sources: Vec<(&UpstreamDigests, &[Evidence])> =
            record.sources.iter().zip(evidence).map(|(digests, evidence)| (digests, evidence.as_slice())).collect();
        let statement = self.statement(settings, &sources, &record.sha256, &record.sbom)?;
        let payload = serde_json::to_vec(&statement).map_err(|error| PapersError::Encode(error.to_string()))?;
        let mut line = Vec::new();
        fs::File::open(provenance::path_beside(path))?.take(provenance::MAX_FILE).read_to_end(&mut line)?;
        let says_so = provenance::parse(&line).is_ok_and(|envelopes| match envelopes.as_slice() {
            [envelope] => envelope.payload() == payload,
            _ => false,
        });
        if !says_so || Digest::sha256(line) != record.provenance {
            return Ok(false);
        }
        let bill = fs::File::open(sbom::path_beside(path))?.take(sbom::MAX_FILE);
        Ok(Digest::sha256_of(bill)?.0 == record.sbom)
    }
}

impl Papers {
    /// Makes the papers of a package whose file has the SHA-256 `package`.
    pub(super) fn of(
        planned: &Planned<'_>,
        settings: &Settings<'_>,
        image: &PackageImage,
        contents: &Contents,
        sources: &[Artifact],
        package: &Digest,
    ) -> Result<Self, PapersError> {
        let sbom = sbom::document(image, contents, planned.package.format).map_err(PapersError::Encode)?;
        let sources: Vec<(&UpstreamDigests, &[Evidence])> =
            sources.iter().map(|artifact| (artifact.upstream_digests(), artifact.evidence())).collect();
        let statement = planned.statement(settings, &sources, package, &Digest::sha256(&sbom))?;
        let envelope = Envelope::seal(statement, settings.signer, planned.build.date)?;
        Ok(Self { sbom, provenance: envelope.to_line()? })
    }

    /// Returns the SHA-256 of the bill and of the provenance.
    pub(super) fn sha256(&self) -> (Digest, Digest) {
        (Digest::sha256(&self.sbom), Digest::sha256(&self.provenance))
    }

    /// Gives a finished package its name, and its papers theirs before.
    pub(super) fn publish(&self, env: &Env<'_>, package: &std::fs::File, from: &Path, to: &Path) -> io::Result<()> {
        let bill = sbom::path_beside(to);
        let (file, unfinished) = write(env.scratch, &bill, &self.sbom)?;
        // On the disk already when the names change, one right after the other.
        package.sync_all()?;
        file.sync_all()?;
        provenance::place(env.scratch, to, &self.provenance, || {
            Scratch::publish(&file, &unfinished, &bill)?;
            Scratch::publish(package, from, to)
        })?;
        Ok(())
    }
}

/// Writes the text of a file that will be `path`.
fn write(scratch: &Scratch, path: &Path, text: &str) -> io::Result<(std::fs::File, PathBuf)> {
    let unfinished = scratch.path().join(path.file_name().unwrap_or_default());
    let mut file = fs::File::create(&unfinished)?;
    file.write_all(text.as_bytes())?;
    Ok((file.into_parts().0, unfinished))
}
