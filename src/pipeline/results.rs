//! What earlier runs made: by the id of a job and how it was compressed, the digests of the package and of its sources.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::{Deserialize, Serialize};

use super::Package;
use crate::compression::Compression;
use crate::digest::{Algorithm, Digest, Digests, Hasher};
use crate::fetch::Artifact;
use crate::plan::PlannedPackage;

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
    pub(super) package: Digests,
    /// By the places of the build's sources.
    pub(super) sources: Vec<Digests>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRecord {
    file: String,
    package: RawDigests,
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
    pub(super) fn record(&self, package: &Package, compression: Compression, sources: &[Artifact]) {
        let _ = self.try_record(package, compression, sources);
    }

    fn try_record(&self, package: &Package, compression: Compression, sources: &[Artifact]) -> io::Result<()> {
        let record = RawRecord {
            file: package.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            package: RawDigests::new(&package.digests),
            sources: sources.iter().map(|artifact| RawDigests::new(artifact.digests())).collect(),
        };
        fs::create_dir_all(&self.folder)?;
        // A record that is cut off is none; nothing is gained by writing it beside and renaming it.
        fs::write(self.path(&package.id.to_string(), compression), serde_json::to_vec_pretty(&record)?)
    }

    /// Returns what an earlier run recorded of a package, if it can be read.
    pub(super) fn find(&self, package: &PlannedPackage, compression: Compression) -> Option<Record> {
        let mut bytes = Vec::new();
        let file = fs::File::open(self.path(&package.id.to_string(), compression)).ok()?;
        file.take(LIMIT).read_to_end(&mut bytes).ok()?;
        let raw: RawRecord =
            serde_json::from_slice(&bytes).ok().filter(|raw: &RawRecord| raw.file == package.file_name)?;
        let sources = raw.sources.into_iter().map(RawDigests::read).collect::<Option<_>>()?;
        Some(Record { package: raw.package.read()?, sources })
    }

    fn path(&self, id: &str, compression: Compression) -> PathBuf {
        self.folder.join(format!("{id}-{}.json", compression.to_string().replace(':', "-")))
    }
}

impl Record {
    /// Whether `path` holds the package that was recorded.
    pub(super) fn is_at(&self, path: &Path) -> io::Result<bool> {
        let metadata = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other?,
        };
        if !metadata.is_file() || metadata.len() != self.package.size {
            return Ok(false);
        }
        let mut hasher = Hasher::default();
        io::copy(&mut fs::File::open(path)?, &mut hasher)?;
        Ok(hasher.finish() == self.package)
    }
}

impl RawDigests {
    fn new(digests: &Digests) -> Self {
        let (sha256, sha512) = (digests.sha256.hex().to_owned(), digests.sha512.hex().to_owned());
        Self { sha256, sha512, md5: digests.md5.clone(), size: digests.size }
    }

    fn read(self) -> Option<Digests> {
        let sha256 = Digest::from_hex(Algorithm::Sha256, &self.sha256).ok()?;
        let sha512 = Digest::from_hex(Algorithm::Sha512, &self.sha512).ok()?;
        Some(Digests { sha256, sha512, md5: self.md5, size: self.size })
    }
}
