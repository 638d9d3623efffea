//! Proofs of signatures that upstream does not publish: entries of the transparency log, and bundles.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs_err::File;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::signed_file;
use crate::cli::diagnostic::Failure;
use crate::cli::exit::Exit;
use crate::plan::{ProofKind, ProvidedProof, SignatureProof, SignedFile};

/// The largest entry or bundle, in bytes; the largest bundles have some 20 kB.
const LIMIT: u64 = 1 << 20;

/// An entry or a bundle of a file's signature. Either `url`, or `component`, `version` and `arch`; either `entry` or
/// `bundle`, beside the configuration.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawProof {
    /// The component.
    component: Option<String>,
    /// The component's own version.
    version: Option<String>,
    /// The architecture in upstream's spelling.
    arch: Option<String>,
    /// The source, where the component has several.
    source: Option<String>,
    /// Where upstream publishes the file, whatever mirror is used.
    url: Option<String>,
    /// The entry of the transparency log, as Rekor answers with it; beside the signature that upstream publishes.
    entry: Option<PathBuf>,
    /// A sigstore bundle, in place of the signature that upstream publishes.
    bundle: Option<PathBuf>,
}

/// A proof that has not been read.
#[derive(Debug)]
pub(crate) struct ProofFile {
    of: SignedFile,
    kind: ProofKind,
    path: PathBuf,
}

impl ProofFile {
    /// The file is meant from where the configuration lies.
    pub(super) fn resolve(&mut self, base: &Path) {
        self.path = base.join(&self.path);
    }

    /// Reads the file. What it proves is found out with the bytes that it is of.
    pub(crate) fn read(&self) -> Result<SignatureProof, Failure> {
        let Self { of, kind, path } = self;
        let hint = "`signature-proofs` in kubepkg.yaml names files beside it";
        let failed = |error: std::io::Error| Failure::new(Exit::Usage, &error).hint(hint);
        let mut bytes = Vec::new();
        File::open(path).map_err(failed)?.take(LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > LIMIT {
            let message = format!("`{}` is larger than the limit of {LIMIT} bytes", path.display());
            return Err(Failure::usage(message).hint(hint));
        }
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| Failure::usage(format!("`{}` is not text", path.display())).hint(hint))?;
        let proof = ProvidedProof { kind: *kind, path: path.clone(), text: Arc::from(text) };
        Ok(SignatureProof { of: of.clone(), proof })
    }
}

impl TryFrom<RawProof> for ProofFile {
    type Error = String;

    fn try_from(raw: RawProof) -> Result<Self, String> {
        let (kind, path) = match (raw.entry, raw.bundle) {
            (Some(path), None) => (ProofKind::Entry, path),
            (None, Some(path)) => (ProofKind::Bundle, path),
            _ => return Err("a proof is either an `entry` or a `bundle`".to_owned()),
        };
        let of = signed_file("a proof", raw.url, [raw.component, raw.version, raw.arch, raw.source])?;
        Ok(Self { of, kind, path })
    }
}

pub(super) fn proofs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ProofFile>, D::Error> {
    let raw = Vec::<RawProof>::deserialize(deserializer)?;
    raw.into_iter().map(|raw| raw.try_into().map_err(D::Error::custom)).collect()
}
