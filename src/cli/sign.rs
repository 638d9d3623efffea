//! `kubepkg sign`

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::diagnostic::Failure;
use super::publish::packages;
use super::session::Session;
use super::signing::Signing;
use super::{Done, signal};
use crate::digest::Digest;
use crate::package::signing::{self, SigningError};
use crate::provenance;
use crate::scratch::Scratch;
use crate::sign::Signer;

/// Sign packages that are there, or take their signatures off
///
/// Replaces the signatures of debs and RPMs, whoever made them, by one of the key; nothing else of them changes, and
/// nothing is compressed again. A file is replaced when the new one is complete. The provenance beside it is renewed:
/// it is about the file with its signature.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg sign --sign-key release.asc dist/*.deb dist/*.rpm
  kubepkg sign dist
  kubepkg sign --remove dist/kubelet_1.36.2-1.1_arm64.deb")]
pub(crate) struct SignArgs {
    /// Package files, and folders of package files
    #[arg(value_name = "FILE|DIR", required = true)]
    files: Vec<PathBuf>,

    /// Take signatures off
    #[arg(long, conflicts_with_all = ["sign-key", "sign-gpg", "sign-command"])]
    remove: bool,

    #[command(flatten)]
    signing: Signing,
}

impl SignArgs {
    pub(crate) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let signer = if self.remove { None } else { Some(self.signer(session)?) };
        let (mut text, mut signed) = (String::new(), Vec::new());
        let mut unfinished = Unfinished::default();
        for file in &packages(&self.files)? {
            let replaced = unfinished.beside(file).and_then(|scratch| replace(file, signer.as_deref(), scratch));
            let provenance = match replaced {
                Ok(provenance) => provenance,
                Err(failure) => return Err(failure.after(done(text, &signed))),
            };
            text += &format!("{}\n", file.display());
            signed.push(json!({
                "path": file.display().to_string(),
                "signer": signer.as_ref().map(|signer| signer.fingerprint()),
                "provenance": provenance.map(|path| path.display().to_string()),
            }));
        }
        Ok(done(text, &signed))
    }

    fn signer(&self, session: &Session) -> Result<Box<dyn Signer>, Failure> {
        let hint = "add `--sign-key FILE` or `--sign-gpg KEY`, or `--remove` to take signatures off";
        self.signing.signer(session)?.ok_or_else(|| Failure::usage("no key").hint(hint))
    }
}

fn done(text: String, packages: &[serde_json::Value]) -> Done {
    Done::new(text, json!({"schema": 1, "packages": packages}))
}

/// Folders for unfinished packages, one in each folder that has packages.
#[derive(Default)]
struct Unfinished(BTreeMap<PathBuf, Scratch>);

impl Unfinished {
    fn beside(&mut self, file: &Path) -> Result<&Scratch, Failure> {
        let folder = file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        match self.0.entry(folder.to_owned()) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => Ok(entry.insert(signal::scratch(folder).map_err(|error| Failure::write(&error))?)),
        }
    }
}

/// Puts the signed package where the other one was, and renews its provenance, whose path is returned.
fn replace(file: &Path, signer: Option<&dyn Signer>, scratch: &Scratch) -> Result<Option<PathBuf>, Failure> {
    let refused = |error: &SigningError| Failure::signing(format!("cannot sign `{}`", file.display()), error);
    let unfinished = scratch.path().join("package");
    let new = match signer {
        Some(signer) => signing::sign(file, signer, &unfinished),
        None => signing::remove(file, &unfinished),
    };
    let new = new.map_err(|error| refused(&error))?;
    let mode = fs_err::metadata(file).and_then(|metadata| new.set_permissions(metadata.permissions()));
    mode.map_err(|error| refused(&error.into()))?;
    let sha256 = |path: &Path| fs_err::File::open(path).and_then(Digest::sha256_of).map(|(sha256, _)| sha256);
    let (old, new_digest) =
        sha256(file).and_then(|old| Ok((old, sha256(&unfinished)?))).map_err(|error| refused(&error.into()))?;
    let line = provenance::renewed(file, &old, &new_digest, signer)
        .map_err(|error| Failure::provenance(&provenance::path_beside(file), &error))?;
    let publish = || Scratch::publish(&new, &unfinished, file);
    let published = match line {
        Some(line) => provenance::place(scratch, file, &line, publish).map(Some),
        None => publish().map(|()| None),
    };
    published.map_err(|error| refused(&error.into()))
}
