//! `kubepkg repo init`

use serde_json::json;

use super::configure::Choices;
use crate::cli::Done;
use crate::cli::diagnostic::Failure;
use crate::cli::repository::{Patience, store};
use crate::cli::session::Session;
use crate::cli::signing::Signing;
use crate::repository::charter::{Charter, Repository};
use crate::repository::layout::CERTIFICATE;
use crate::repository::settings::Settings;

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
}

impl Init {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let charter = Charter::new(&self.name, &self.description, self.choices.applied(&Settings::default()))
            .map_err(|error| Failure::usage(error.to_string()))?;
        let signer = self.signing.signer(session)?.ok_or_else(|| {
            Failure::usage("no key: apt, dnf and zypper read signed repositories")
                .hint("`kubepkg key generate release.asc` makes one; name it with `--sign-key release.asc`")
        })?;
        let certificate =
            signer.certificate().to_armor().map_err(|error| Failure::key("cannot write the certificate", &error))?;
        let repository = Repository::init(store(&self.place, &self.patience)?, charter, certificate.as_bytes())?;
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
