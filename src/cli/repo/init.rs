//! `kubepkg repo init`

use std::path::PathBuf;

use serde_json::json;

use super::configure::Choices;
use super::setup::Setup;
use crate::cli::Done;
use crate::cli::diagnostic::Failure;
use crate::cli::new_key::{NewKeyOptions, free};
use crate::cli::repository::{Patience, date, store};
use crate::cli::session::Session;
use crate::cli::signing::{Signing, certificates};
use crate::repository::anchor::Anchors;
use crate::repository::charter::{Charter, Repository, word};
use crate::repository::error::RepositoryError;
use crate::repository::keyring::Keyring;
use crate::repository::layout::CERTIFICATE;
use crate::repository::settings::Settings;
use crate::sign::{Certificate, Signers};

/// Where a repository is that nobody says anything of.
const DEFAULT: &str = "./repo";

/// Make a repository, and the key that signs it where none is named
///
/// A new key is written to NAME.secret.asc in the current folder, and `kubepkg.yaml` names it and the repository, so that
/// `kubepkg publish` needs neither. Nothing that is there is changed. The name is what apt shows as its origin, and never
/// changes: apt asks its user before it takes another one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg repo init
  kubepkg repo init s3://packages/kubernetes --name Acme --user 'Acme Packaging <packages@acme.example>'
  kubepkg repo init ./repo --sign-key release.asc")]
pub(super) struct Init {
    /// Folder, `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or `az://CONTAINER/PREFIX` [default: that of kubepkg.yaml, or ./repo]
    #[arg(value_name = "DIR|URL", env = "KUBEPKG_REPO", hide_env_values = true)]
    place: Option<String>,

    /// Name, such as your company's
    #[arg(long, value_name = "NAME", default_value = "Kubernetes")]
    name: String,

    /// Description, a line
    #[arg(long, value_name = "TEXT", default_value = "Kubernetes packages")]
    description: String,

    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    choices: Choices,
    #[command(flatten)]
    signing: Signing,

    /// File of certificates whose keys sign the packages, if it is not the repository's key; may be repeated
    #[arg(long = "package-key", value_name = "FILE", help_heading = "Signing")]
    package_keys: Vec<PathBuf>,

    #[command(flatten)]
    new_key: NewKeyOptions,
}

impl Init {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let place = self.place.as_deref().or(session.config.repo.as_deref()).unwrap_or(DEFAULT);
        let packages = self.package_keys.iter().map(|file| certificates(file)).collect::<Result<Vec<_>, _>>()?.concat();
        match Repository::open(store(place, &self.patience)?, Anchors::default()) {
            Err(RepositoryError::NoRepository(_)) => {}
            Ok(repository) => return Err(RepositoryError::Exists(repository.store().location().to_string()).into()),
            Err(error) => return Err(error.into()),
        }
        if let Some(signer) = self.signing.signer(session)? {
            let charter = self.charter(signer.certificate(), &packages)?;
            let signers = Signers::new(&*signer, []);
            let repository = Repository::init(store(place, &self.patience)?, charter, &signers, date(session))?;
            return Ok(self.done(session, &repository, signer.certificate(), None));
        }
        self.with_new_key(session, place, &packages)
    }

    /// The repository last: until it is there, everything else can be taken back.
    fn with_new_key(&self, session: &Session, place: &str, packages: &[Certificate]) -> Result<Done, Failure> {
        let word = word(&self.name);
        let file = PathBuf::from(format!("{word}.secret.asc"));
        free(&file).map_err(|failure| failure.hint(format!("sign with it: `--sign-key {}`", file.display())))?;
        let key = self.new_key.make(session, Some(self.user(&word)))?;
        let charter = self.charter(&key.certificate, packages)?;
        let setup = Setup::write(session, place, &file, &key)?;
        let signers = Signers::new(&key.signer, []);
        let made = Repository::init(store(place, &self.patience)?, charter, &signers, date(session));
        let repository = match made {
            Ok(repository) => repository,
            // A store that answered nothing may have done what was asked.
            Err(error) => match Repository::open(store(place, &self.patience)?, Anchors::default()) {
                Ok(there) if is_signed_by(&there, &key.certificate) => there,
                Ok(_) | Err(RepositoryError::NoRepository(_)) => {
                    setup.undo();
                    return Err(error.into());
                }
                Err(_) => return Err(error.into()),
            },
        };
        session.ui.status("Created", &format!("{}: keep it safe, and a copy of it elsewhere", file.display()));
        if let Some(lacking) = &setup.lacking {
            let configuration = session.config.file.clone().unwrap_or_else(|| crate::cli::config::DEFAULT.into());
            session.ui.warning(&format!("`{}` is there; add to it:\n{lacking}", configuration.display()));
        }
        Ok(self.done(session, &repository, &key.certificate, Some((file, setup.lacking))))
    }

    fn charter(&self, certificate: &Certificate, packages: &[Certificate]) -> Result<Charter, Failure> {
        let keyring = Keyring::new(std::slice::from_ref(certificate), packages);
        let settings = self.choices.applied(&Settings::default());
        Charter::new(&self.name, &self.description, settings, keyring)
            .map_err(|error| Failure::usage(error.to_string()))
    }

    /// Whom a key belongs to that nobody says anything of.
    fn user(&self, word: &str) -> String {
        let settings = self.choices.applied(&Settings::default());
        let host = settings.url.and_then(|url| url::Url::parse(&url.to_string()).ok()?.host_str().map(str::to_owned));
        format!("{} <{word}@{}>", self.name, host.as_deref().unwrap_or("localhost"))
    }

    fn done(
        &self,
        session: &Session,
        repository: &Repository,
        certificate: &Certificate,
        key: Option<(PathBuf, Option<String>)>,
    ) -> Done {
        let location = repository.store().location().to_string();
        session.ui.status("Created", &format!("{location}, signed by {}", certificate.fingerprint()));
        let (key, lacking) = key.unzip();
        let json = json!({
            "schema": 1,
            "repository": location,
            "name": self.name,
            "fingerprint": certificate.fingerprint(),
            "certificate": CERTIFICATE,
            "key": key.map(|file| file.display().to_string()),
            "add-to-configuration": lacking.flatten(),
        });
        Done::new(format!("{location}\n"), json)
    }
}

fn is_signed_by(repository: &Repository, certificate: &Certificate) -> bool {
    repository.charter().keyring.of_index().iter().any(|own| own.fingerprint() == certificate.fingerprint())
}
