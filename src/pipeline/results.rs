//! What earlier runs made: by the id of a job, how it was compressed and who signed it, the digests of the package, of
//! its papers and of its sources.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::{Deserialize, Serialize};

use super::Package;
use super::papers::Papers;
use crate::digest::{Algorithm, Digest, Digests, UpstreamDigests};
use crate::fetch::Artifact;
use crate::package::reader::{self, FileList, Head, ReadError, Scan};
use crate::plan::PlannedPackage;
use crate::repository::store::Source;

/// The largest record, in bytes.
const LIMIT: u64 = 1 << 20;

/// A folder of records. Nothing in it is believed: a package is hashed again, and its sources must still be what
/// upstream publishes.
#[derive(Debug)]
pub struct Results {
    folder: PathBuf,
}

/// What was made, and of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) sha256: Digest,
    pub(super) size: u64,
    pub(super) sbom: Digest,
    pub(super) provenance: Digest,
    /// By the places of the build's sources.
    pub(super) sources: Vec<UpstreamDigests>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRecord {
    file: String,
    sha256: String,
    size: u64,
    sbom: String,
    provenance: String,
    sources: Vec<RawDigests>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDigests {
    sha256: String,
    sha512: String,
    md5: String,
    size: u64,
}

impl Results {
    /// Returns the records in a folder, which need not exist.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Records a package. A record that cannot be written costs the next run time and nothing else.
    pub(super) fn record(&self, package: &Package, papers: &Papers, variant: &str, sources: &[Artifact]) {
        let _ = self.try_record(package, papers, variant, sources);
    }

    fn try_record(&self, package: &Package, papers: &Papers, variant: &str, sources: &[Artifact]) -> io::Result<()> {
        let (sbom, provenance) = papers.sha256();
        let record = RawRecord {
            sbom: sbom.hex().to_owned(),
            provenance: provenance.hex().to_owned(),
            file: package.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            sha256: package.sha256.hex().to_owned(),
            size: package.size,
            sources: sources.iter().map(|artifact| RawDigests::new(artifact.upstream_digests())).collect(),
        };
        fs::create_dir_all(&self.folder)?;
        // A record that is cut off is none; nothing is gained by writing it beside and renaming it.
        fs::write(self.path(&package.id.to_string(), variant), serde_json::to_vec_pretty(&record)?)
    }

    /// Returns what an earlier run recorded of a package, if it can be read.
    pub(super) fn find(&self, package: &PlannedPackage, variant: &str) -> Option<Record> {
        let mut bytes = Vec::new();
        let file = fs::File::open(self.path(&package.id.to_string(), variant)).ok()?;
        file.take(LIMIT).read_to_end(&mut bytes).ok()?;
        let raw: RawRecord =
            serde_json::from_slice(&bytes).ok().filter(|raw: &RawRecord| raw.file == package.file_name)?;
        let sources = raw.sources.into_iter().map(RawDigests::read).collect::<Option<_>>()?;
        let sha256 = |hex: &str| Digest::from_hex(Algorithm::Sha256, hex).ok();
        let (sbom, provenance) = (sha256(&raw.sbom)?, sha256(&raw.provenance)?);
        Some(Record { sha256: sha256(&raw.sha256)?, size: raw.size, sbom, provenance, sources })
    }

    fn path(&self, id: &str, variant: &str) -> PathBuf {
        self.folder.join(format!("{id}-{variant}.json"))
    }
}

impl Record {
    /// Reads the package in `path`; nothing if it is not the one that was recorded.
    pub(super) fn read(&self, path: &Path, list: FileList) -> Result<Option<(Source, Head)>, ReadError> {
        let metadata = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        if !metadata.is_file() || metadata.len() != self.size {
            return Ok(None);
        }
        let source = Source::new(path)?;
        let Scan { sha256, size, head } = reader::scan(path, list)?;
        Ok(((&sha256, size) == (&self.sha256, self.size)).then_some((source, head)))
    }
}

impl RawDigests {
    fn new(digests: &UpstreamDigests) -> Self {
        let UpstreamDigests { packaged, sha512 } = digests;
        let (sha256, sha512) = (packaged.sha256.hex().to_owned(), sha512.hex().to_owned());
        Self { sha256, sha512, md5: packaged.md5.clone(), size: packaged.size }
    }

    fn read(self) -> Option<UpstreamDigests> {
        let sha256 = Digest::from_hex(Algorithm::Sha256, &self.sha256).ok()?;
        let sha512 = Digest::from_hex(Algorithm::Sha512, &self.sha512).ok()?;
        Some(UpstreamDigests { packaged: Digests { sha256, md5: self.md5, size: self.size }, sha512 })
    }
}
