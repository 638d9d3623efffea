//! Papers of packages of another repository, where kubepkg made it.

use std::path::{Path, PathBuf};

use crate::cli::diagnostic::Failure;
use crate::cli::repository::{Patience, store};
use crate::cli::session::Session;
use crate::digest::Digest;
use crate::event::{chain, count};
use crate::repository::anchor::Anchors;
use crate::repository::charter::Repository;
use crate::repository::client::{Kind, Listed};
use crate::repository::error::RepositoryError;
use crate::repository::mirror::root_of;
use crate::repository::store::Location;
use crate::sign::Certificate;

const ASK: &str =
    "nothing was published; `kubepkg repo check --digests` of the other repository says what else is wrong";

/// Another repository, as it was named.
pub(super) struct Elsewhere<'a> {
    pub(super) place: &'a str,
    pub(super) kind: &'a Kind,
    /// The certificates that its clients trust.
    pub(super) key: &'a [Certificate],
    pub(super) patience: &'a Patience,
}

impl Elsewhere<'_> {
    /// Puts the papers that the other repository publishes of packages beside their files. That it has none is no error,
    /// and neither is that nobody can tell: packages are good without.
    pub(super) fn take_papers(&self, session: &Session, listed: &[Listed], files: &[PathBuf]) -> Result<(), Failure> {
        if files.is_empty() {
            return Ok(());
        }
        let place = absolute(self.place);
        let Some(root) = root_of(&place, self.kind) else { return Ok(()) };
        let anchors = Anchors::default().and_certificates(self.key);
        let repository = match Repository::open(store(root, self.patience)?, anchors) {
            Ok(repository) => repository,
            Err(RepositoryError::NoRepository(_)) => return Ok(()),
            Err(RepositoryError::Store(error)) if error.is_refusal() => return Ok(()),
            Err(error) => {
                session.ui.warning(&format!("papers are not taken: {}", chain(&error)));
                return Ok(());
            }
        };
        let Some(channel) = repository.channel_at(&place, self.kind) else { return Ok(()) };
        let named: Vec<(&Digest, &Path)> = listed
            .iter()
            .zip(files)
            .filter_map(|(package, file)| Some((package.sha256.as_ref()?, file.as_path())))
            .collect();
        let taken = repository.take_papers(channel, &named).map_err(|error| Failure::from(error).hint(ASK))?;
        session.ui.status("Verified", &format!("{} of {channel}", count(taken, "paper")));
        Ok(())
    }
}

/// Returns a folder by its whole name, which says in which repository it lies.
fn absolute(place: &str) -> String {
    let folder = place.parse::<Location>().ok().and_then(|location| location.folder().map(Path::to_path_buf));
    let whole = folder.and_then(|folder| fs_err::canonicalize(folder).ok());
    whole.and_then(|path| path.to_str().map(str::to_owned)).unwrap_or_else(|| place.to_owned())
}
