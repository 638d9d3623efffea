//! The certificates of a repository: `kubepkg repo keys`, `trust`, `distrust`

use std::path::PathBuf;

use serde_json::{Value, json};

use super::keyring;
use crate::cli::Done;
use crate::cli::diagnostic::Failure;
use crate::cli::repository::{Place, Sealing};
use crate::cli::session::Session;
use crate::cli::signing::certificates;
use crate::repository::charter::Repository;
use crate::repository::keyring::{Role, Trusted};

/// List the certificates that clients are given, and what each is for
#[derive(Debug, clap::Args)]
pub(super) struct Keys {
    #[command(flatten)]
    place: Place,
}

/// Give clients certificates whose keys may sign packages
///
/// Packages by other keys are refused. The keys that sign what clients read are another matter: `kubepkg repo resign`. They
/// sign the list of certificates.
#[derive(Debug, clap::Args)]
pub(super) struct Trust {
    /// Files of certificates
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    sealing: Sealing,
}

/// Give clients a certificate no longer; those who have it keep it
#[derive(Debug, clap::Args)]
pub(super) struct Distrust {
    /// Fingerprint of the certificate, as `kubepkg repo keys` shows it
    #[arg(value_name = "FINGERPRINT")]
    fingerprint: String,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    sealing: Sealing,
}

impl Keys {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        Ok(listed(&self.place.open(session)?))
    }
}

impl Trust {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let given = self.files.iter().map(|file| certificates(file)).collect::<Result<Vec<_>, _>>()?.concat();
        let keys = self.sealing.open(session)?;
        let mut repository = self.place.open(session)?;
        repository.trust(&given, (&keys.signers(), keys.date))?;
        for one in &given {
            session.ui.status("Trusted", &format!("{} for packages", one.fingerprint()));
        }
        keyring::remind(session, &repository)?;
        Ok(listed(&repository))
    }
}

impl Distrust {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let keys = self.sealing.open(session)?;
        let mut repository = self.place.open(session)?;
        let fingerprint = self.fingerprint.replace(' ', "").to_uppercase();
        repository.distrust(&fingerprint, (&keys.signers(), keys.date))?;
        session.ui.status("Dropped", &fingerprint);
        keyring::remind(session, &repository)?;
        Ok(listed(&repository))
    }
}

fn listed(repository: &Repository) -> Done {
    let keyring = &repository.charter().keyring;
    let line = |one: &Trusted| {
        let users: Vec<String> = one.certificate.users().map(|user| user.escape_debug().to_string()).collect();
        format!("{}  {:<21} {}\n", one.certificate.fingerprint(), told(one.role), users.join(", "))
    };
    Done::new(
        keyring.iter().map(line).collect(),
        json!({"schema": 1, "keys": keyring.iter().map(view).collect::<Value>()}),
    )
}

fn told(role: Role) -> &'static str {
    match role {
        Role::Everything => "indices and packages",
        Role::Index => "indices",
        Role::Packages => "packages",
        Role::Former => "packages of the past",
    }
}

fn view(one: &Trusted) -> Value {
    json!({
        "fingerprint": one.certificate.fingerprint(),
        "users": one.certificate.users().collect::<Vec<_>>(),
        "signs": one.role.is_for_index(),
        "packages": one.role.is_for_packages(),
        "former": one.role == Role::Former,
    })
}
