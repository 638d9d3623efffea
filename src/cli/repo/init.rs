//! `kubepkg repo init`

use std::path::PathBuf;

use serde_json::json;

use super::configure::Choices;
use crate::cli::Done;
use crate::cli::diagnostic::Failure;
use crate::cli::repository::{Patience, store};
use crate::cli::session::Session;
use crate::cli::signing::{Signing, certificates};
use crate::repository::charter::{Charter, Repository};
use crate::repository::keyring::Keyring;
use crate::repository::layout::CERTIFICATE;
use crate::repository::settings::Settings;
use crate::sign::Signers;

/// Make a repository
///
/// The name is what apt shows as its origin, and never changes: apt asks its user before it takes another one.
#[derive(Debug, clap::Args)]
pub(super) struct Init {
    /// Folder, `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or `az://CONTAINER/PREFIX`
    #[arg(value_name = "DIR|URL")]
    place: String,

    /// Name, such as your company's
    #[arg(long, value_name = "NAME", default_value = "Kubernetes")]
    name: String,

    /// Description, a line
    #[arg(long, value_name = "TEXT", default_value = "Kubernetes packages")]
    description: String,

    #[command(flatten)]
    choices: Choices,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    signing: Signing,

    /// File of certificates whose keys sign the packages, if it is not the repository's key; may be repeated
    #[arg(long = "package-key", value_name = "FILE", help_heading = "Signing")]
    package_keys: Vec<PathBuf>,
}

impl Init {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let signer = self.signing.signer(session)?.ok_or_else(|| {
            Failure::usage("no key: apt, dnf and zypper read signed repositories")
                .hint("`kubepkg key generate release.asc` makes one; name it with `--sign-key release.asc`")
        })?;
        let packages = self.package_keys.iter().map(|file| certificates(file)).collect::<Result<Vec<_>, _>>()?.concat();
        let keyring = Keyring::new(&Signers::new(&*signer, []), &packages);
        let settings = self.choices.applied(&Settings::default());
        let charter = Charter::new(&self.name, &self.description, settings, keyring)
            .map_err(|error| Failure::usage(error.to_string()))?;
        let repository = Repository::init(store(&self.place, &self.patience)?, charter)?;
        repository.show_site()?;
        let location = repository.store().location().to_string();
        session.ui.status("Created", &format!("{location}, signed by {}", signer.fingerprint()));
        let json = json!({
            "schema": 1,
            "repository": location,
            "name": self.name,
            "fingerprint": signer.fingerprint(),
            "certificate": CERTIFICATE,
        });
        Ok(Done::new(format!("{location}\n"), json))
    }
}
