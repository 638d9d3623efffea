//! Provenance: what a package was made of and how that was verified, in a file beside it.
//!
//! ```text
//! Facts ── statement ─▶ Statement ── Envelope::seal ─▶ Envelope ── to_line ─▶ NAME.intoto.jsonl
//!          SLSA v1       in-toto v1   PAE, OpenPGP      DSSE v1
//! ```
//!
//! A statement holds nothing that another run of the same plan would say otherwise: no clock, no host, no path of a
//! machine. It is of the package as it stands in its file, with its signature.
//!
//! | part | what kubepkg writes |
//! |---|---|
//! | envelope | `keyid`: the fingerprint of the OpenPGP key that signs the packages, in upper-case hexadecimal digits; `sig`: base64 of its detached signature (RFC 9580, version 4, binary) of the pre-authentication encoding, made at the package's source date; no entry in `signatures` where there is no key |
//! | `subject` | the package's file name and SHA-256 |
//! | `buildType` | `urn:kubepkg:build:1`: what the parameters and dependencies below mean |
//! | `externalParameters` | everything of the request that decides bytes ([`Parameters`]), with nothing left to defaults |
//! | `internalParameters` | `job`: the id of the plan's job |
//! | `resolvedDependencies` | upstream's files by URL, with digests and, as annotations, how each was verified; specs, the files of keys that they name, and templates by name, with SHA-256 |
//! | `builder` | `urn:kubepkg:builder:local`: whoever holds the key; `version.kubepkg` |
//! | `byproducts` | the bill of materials with its SHA-256 |

mod beside;
mod dsse;
mod evidence;
mod recorded;
mod renew;
mod slsa;
mod statement;

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use fs_err as fs;

pub use beside::place;
pub use dsse::{Envelope, PAYLOAD_TYPE, SealError};
pub use recorded::{Dependency, Recorded};
pub use renew::{RenewError, renewed};
pub use slsa::{Facts, Material, Parameters, statement};
pub use statement::{Statement, Subject};

use crate::digest::Digest;

/// The largest file of envelopes that is read, in bytes. One of ours has some 20 kB.
pub const MAX_FILE: u64 = 4 << 20;
/// The most envelopes of a file.
const MAX_ENVELOPES: usize = 64;
/// What stands behind the name of a package in that of its provenance (in-toto's name for bundles of attestations).
pub const SUFFIX: &str = ".intoto.jsonl";

/// Why a file is no provenance that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ProvenanceError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is longer than any.
    #[error("longer than the limit of {MAX_FILE} bytes")]
    TooLarge,
    /// It has more lines than any.
    #[error("more than the limit of {MAX_ENVELOPES} envelopes")]
    TooMany,
    /// A line is no envelope, or holds no statement.
    #[error("line {line}: {cause}")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        cause: String,
    },
    /// None of its statements is about the package.
    #[error("no statement about a file with {0}")]
    OtherSubject(Digest),
    /// The statement says something else than SLSA provenance, or says it of another builder.
    #[error("the statement is no provenance of kubepkg: {0}")]
    Foreign(String),
}

/// Returns where the provenance of a package lies.
pub fn path_beside(package: &Path) -> PathBuf {
    let mut path = package.as_os_str().to_owned();
    path.push(SUFFIX);
    path.into()
}

/// Reads a file of envelopes.
pub fn open(path: &Path) -> Result<Vec<Envelope>, ProvenanceError> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    parse(&bytes)
}

/// Reads envelopes, one a line. Bytes of any origin will do.
pub fn parse(bytes: &[u8]) -> Result<Vec<Envelope>, ProvenanceError> {
    if bytes.len() as u64 > MAX_FILE {
        return Err(ProvenanceError::TooLarge);
    }
    let mut envelopes = Vec::new();
    for (nth, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        if envelopes.len() == MAX_ENVELOPES {
            return Err(ProvenanceError::TooMany);
        }
        let malformed = |cause| ProvenanceError::Malformed { line: nth + 1, cause };
        envelopes.push(Envelope::parse(line).map_err(malformed)?);
    }
    if envelopes.is_empty() {
        return Err(ProvenanceError::Malformed { line: 1, cause: "nothing in it".to_owned() });
    }
    Ok(envelopes)
}

/// Returns the envelope whose statement is about the file with this digest, and is SLSA provenance if any of them is.
pub fn of_file<'e>(envelopes: &'e [Envelope], sha256: &Digest) -> Result<&'e Envelope, ProvenanceError> {
    let about = |envelope: &&Envelope| envelope.statement().is_about(sha256);
    let mut all = envelopes.iter().filter(about);
    let first = all.clone().next();
    all.find(|envelope| envelope.statement().predicate_type == slsa::PREDICATE_TYPE)
        .or(first)
        .ok_or_else(|| ProvenanceError::OtherSubject(sha256.clone()))
}

/// Text from outside, fit to be shown: parsers repeat what they refuse.
fn plain(text: &impl ToString) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.to_string().chars().take(200).map(escaped).collect()
}

#[cfg(test)]
mod tests;
