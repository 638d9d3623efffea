//! `kubepkg repo keyring`

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cli::Done;
use crate::cli::diagnostic::Failure;
use crate::cli::exit::Exit;
use crate::cli::repository::{Place, Publishing, date};
use crate::cli::session::Session;
use crate::format::Format;
use crate::repository::channel::Channel;
use crate::repository::charter::Repository;
use crate::repository::client::Finding;
use crate::repository::keyring_package::{KeyringPackage, KeyringPackageError, package_name};
use crate::version::{BadVersion, Version};

/// Make packages of the certificates, for machines that have the old ones
///
/// They are called NAME-archive-keyring, signed as the repository is, and published like any other. apt reads
/// /usr/share/keyrings/NAME-archive-keyring.gpg, dnf and zypper /etc/pki/rpm-gpg/RPM-GPG-KEY-NAME.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg repo keyring --output dist
  kubepkg publish dist/*-archive-keyring* --channel stable/v1.36")]
pub(super) struct KeyringArgs {
    /// Version [default: the day of the newest certificate, such as 2026.11.26]
    #[arg(long, value_name = "VERSION", value_parser = version)]
    version: Option<Version>,

    /// Formats: `deb`, `rpm`
    #[arg(long = "format", value_name = "FORMAT", value_delimiter = ',', default_value = "deb,rpm")]
    formats: Vec<Format>,

    /// Folder of the packages
    #[arg(long, short, value_name = "DIR", default_value = "dist")]
    output: PathBuf,

    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    publishing: Publishing,
}

impl KeyringArgs {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let opened = self.publishing.open(session)?;
        let repository = self.place.open(session)?;
        let maintainer = session.config.maintainer.as_ref().map(|maintainer| maintainer.0.as_str());
        let package = KeyringPackage::new(repository.charter(), self.version.clone(), maintainer)?;
        let publisher = opened.publisher();
        let Some(signer) = repository.charter().keyring.packager(&publisher.signers) else {
            return Err(Failure::usage("none of the keys may sign packages of this repository")
                .hint("`kubepkg repo keys` lists those that may"));
        };
        let templates = self.publishing.templates(session)?;
        let (mut text, mut files) = (String::new(), Vec::new());
        for format in &self.formats {
            let path = package.write(*format, &templates, signer, &self.output)?;
            text += &format!("{}\n", path.display());
            files.push(Value::from(path.display().to_string()));
        }
        session.ui.status("Signed", &format!("with key {}", signer.fingerprint()));
        Ok(Done::new(text, json!({"schema": 1, "files": files})))
    }
}

/// Says what to type where channels show packages of certificates that are not those of today.
pub(super) fn renew(session: &Session, repository: &Repository, channels: &BTreeSet<Channel>) {
    if channels.is_empty() {
        return;
    }
    let names: Vec<String> = channels.iter().map(ToString::to_string).collect();
    session.ui.warning(&format!(
        "machines get today's certificates by new packages: `kubepkg repo keyring --output dist`, then \
         `kubepkg publish dist/{}* --channel` {}",
        package_name(repository.charter()),
        names.join(", ")
    ));
}

/// After a change of certificates: says where machines still get those of before.
pub(super) fn remind(session: &Session, repository: &Repository) -> Result<(), Failure> {
    let packages = repository.check_keyring_packages(date(session))?;
    for Finding { file, cause } in packages.wrong.iter().chain(&packages.behind) {
        session.ui.warning(&format!("{file}: {cause}"));
    }
    renew(session, repository, &packages.channels);
    Ok(())
}

fn version(text: &str) -> Result<Version, BadVersion> {
    text.parse()
}

impl From<KeyringPackageError> for Failure {
    fn from(error: KeyringPackageError) -> Self {
        let (exit, hint) = match &error {
            KeyringPackageError::Maintainer(_) => (Exit::Usage, "set `maintainer` in kubepkg.yaml"),
            KeyringPackageError::Key(_) | KeyringPackageError::Sign { .. } => {
                (Exit::Key, "`kubepkg key check` says what is wrong with a key")
            }
            _ => (Exit::Write, "choose another folder with `--output`"),
        };
        Self::new(exit, &error).hint(hint)
    }
}
