//! Bills read back, of any origin: what they say of the files of a package.

use std::io::{self, Read as _};
use std::path::Path;

use fs_err as fs;
use serde::Deserialize;

use super::{MAX_FILE, PATH, purl};
use crate::digest::{Algorithm, Digest};
use crate::format::Format;

/// Why bytes are no bill.
#[derive(Debug, thiserror::Error)]
pub enum BillError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is longer than any.
    #[error("longer than the limit of {MAX_FILE} bytes")]
    TooLarge,
    /// Not a `CycloneDX` document in JSON.
    #[error("no CycloneDX document: {0}")]
    Malformed(String),
}

/// What a bill says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// The version of the specification.
    pub spec_version: String,
    /// The package URL of what it is about, where it says that.
    pub purl: Option<String>,
    /// The SHA-256 of what it is about, where it says that.
    pub sha256: Option<Digest>,
    /// What is in it.
    pub parts: Vec<Part>,
}

impl Bill {
    /// Whether its package URL is that of a package, whoever distributes it. Epochs are left out: the types of package URLs
    /// put them in different places.
    pub fn is_of(&self, format: Format, name: &str, version: &str, arch: &str) -> bool {
        fn plain(version: &str) -> &str {
            version.split_once(':').map_or(version, |(_, version)| version)
        }
        let Some(purl) = self.purl.as_deref().and_then(purl::parse) else { return false };
        purl.kind == format.as_str()
            && purl.name == name
            && plain(&purl.version) == plain(version)
            && purl.arch.as_deref().is_none_or(|said| said == arch)
    }
}

/// A component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// Its package URL.
    pub purl: Option<String>,
    /// Its SHA-256.
    pub sha256: Option<Digest>,
    /// Where the package installs it.
    pub paths: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawBill {
    bom_format: String,
    spec_version: String,
    #[serde(default)]
    metadata: RawMetadata,
    #[serde(default)]
    components: Vec<RawPart>,
}

#[derive(Default, Deserialize)]
struct RawMetadata {
    component: Option<RawPart>,
}

#[derive(Deserialize)]
struct RawPart {
    name: String,
    version: Option<String>,
    purl: Option<String>,
    #[serde(default)]
    hashes: Vec<RawHash>,
    #[serde(default)]
    properties: Vec<RawProperty>,
}

#[derive(Deserialize)]
struct RawHash {
    alg: String,
    content: String,
}

#[derive(Deserialize)]
struct RawProperty {
    #[serde(default)]
    name: String,
    #[serde(default)]
    value: String,
}

/// Reads a file.
pub fn open(path: &Path) -> Result<Bill, BillError> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    parse(&bytes)
}

/// Reads a bill. Bytes of any origin will do.
pub fn parse(bytes: &[u8]) -> Result<Bill, BillError> {
    if bytes.len() as u64 > MAX_FILE {
        return Err(BillError::TooLarge);
    }
    let raw: RawBill = serde_json::from_slice(bytes).map_err(|error| BillError::Malformed(plain(&error)))?;
    if raw.bom_format != "CycloneDX" {
        return Err(BillError::Malformed("`bomFormat` is something else".to_owned()));
    }
    let subject = raw.metadata.component.map(RawPart::read).transpose()?;
    let (purl, sha256) = subject.map_or((None, None), |subject| (subject.purl, subject.sha256));
    let parts = raw.components.into_iter().map(RawPart::read).collect::<Result<_, _>>()?;
    Ok(Bill { spec_version: raw.spec_version, purl, sha256, parts })
}

/// Text from outside, fit to be shown: parsers repeat what they refuse.
fn plain(text: &impl ToString) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.to_string().chars().take(200).map(escaped).collect()
}

impl RawPart {
    fn read(self) -> Result<Part, BillError> {
        let sha256 = self.hashes.iter().find(|hash| hash.alg == "SHA-256");
        let sha256 = sha256.map(|hash| Digest::from_hex(Algorithm::Sha256, &hash.content)).transpose();
        let paths = self.properties.into_iter().filter(|property| property.name == PATH);
        Ok(Part {
            sha256: sha256.map_err(|error| BillError::Malformed(error.to_string()))?,
            paths: paths.map(|property| property.value).collect(),
            name: self.name,
            version: self.version,
            purl: self.purl,
        })
    }
}
