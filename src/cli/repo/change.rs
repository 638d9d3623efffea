//! Changes of channels that bring no packages: `kubepkg repo rollback`, `refresh`, `repair`

use serde_json::{Value, json};

use super::{One, Several, keyring};
use crate::cli::Done;
use crate::cli::diagnostic::Failure;
use crate::cli::repository::{Place, Publishing, Sealing, configured, report, report_signed};
use crate::cli::session::Session;
use crate::repository::charter::Repository;
use crate::repository::resign::Overlap;
use crate::sign::Certificate;

/// Show again what a channel showed before
#[derive(Debug, clap::Args)]
pub(super) struct Rollback {
    #[command(flatten)]
    one: One,
    /// Generation that is shown again
    #[arg(long, value_name = "GENERATION")]
    to: u64,
    #[command(flatten)]
    publishing: Publishing,
}

/// Sign what channels show again, with a new date
#[derive(Debug, clap::Args)]
pub(super) struct Refresh {
    #[command(flatten)]
    some: Several,
    #[command(flatten)]
    publishing: Publishing,
}

/// Sign every channel anew, and make the keys the repository's
///
/// A key is changed in two steps. First both sign: `--sign-key NEW --also-sign-key OLD`. When clients had time to get the
/// new certificate, the new key signs alone. Certificates of packages that are still shown stay.
#[derive(Debug, clap::Args)]
pub(super) struct Resign {
    /// Sign with none of the keys that clients know: they refuse everything until they get the new certificate
    #[arg(long)]
    without_overlap: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    publishing: Publishing,
}

/// Complete what a killed run left
///
/// It needs no key, but after a change of certificates that was killed before the heads of channels were signed: then it
/// says so, and signs them where it is given the repository's keys.
#[derive(Debug, clap::Args)]
pub(super) struct Repair {
    #[command(flatten)]
    some: Several,
    #[command(flatten)]
    sealing: Sealing,
}

impl Rollback {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let opened = self.publishing.open(session)?;
        let channel = self.one.channel;
        let outcome = self.one.place.open(session)?.rollback(channel, self.to, &opened.publisher())?;
        let (text, json) = report(session, channel, &outcome);
        Ok(Done::new(text, json))
    }
}

impl Refresh {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let opened = self.publishing.open(session)?;
        let mut repository = self.some.place.open(session)?;
        let mut channels = Vec::new();
        for channel in self.some.channels(&repository)? {
            let outcome = repository.refresh(channel, &opened.publisher())?;
            channels.push(report_signed(session, channel, &outcome));
        }
        Ok(Done::new(String::new(), json!({"schema": 1, "channels": channels})))
    }
}

impl Resign {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let opened = self.publishing.open(session)?;
        let mut repository = self.place.open(session)?;
        let overlap = if self.without_overlap { Overlap::Waived } else { Overlap::Required };
        let done = repository.resign(&opened.publisher(), overlap)?;
        let channels: Vec<Value> =
            done.iter().map(|(channel, outcome)| report_signed(session, *channel, outcome)).collect();
        self.remind(session, &repository);
        keyring::remind(session, &repository)?;
        Ok(Done::new(String::new(), json!({"schema": 1, "channels": channels})))
    }

    /// The next publication takes its key from the configuration.
    fn remind(&self, session: &Session, repository: &Repository) {
        let own = repository.charter().keyring.of_index();
        let known = self.place.named(session).ok().and_then(|place| configured(session, place));
        if let Some(known) = known.filter(|known| !own.iter().any(|one| one.fingerprint() == known.as_str())) {
            let now: Vec<&str> = own.iter().map(Certificate::fingerprint).collect();
            session.ui.warning(&format!("`repo-key` of the configuration is {known}: let it be {}", now.join(" or ")));
        }
        if let (Some(given), Some(named)) = (&self.publishing.sealing.signing.key, &session.config.sign.key)
            && given != named
        {
            session.ui.warning(&format!(
                "the configuration names the key `{}`: let it name `{}`",
                named.display(),
                given.display(),
            ));
        }
    }
}

impl Repair {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let mut repository = self.some.place.open(session)?;
        let sealed = self.seal(session, &repository)?;
        repository.show_keys()?;
        let mut repaired = Vec::new();
        for channel in self.some.channels(&repository)? {
            if repository.repair(channel)? {
                session.ui.status("Repaired", &channel.to_string());
                repaired.push(channel.to_string());
            }
        }
        if repository.show_site()? > 0 {
            session.ui.status("Repaired", "pages and lists");
        } else if repaired.is_empty() && !sealed {
            session.ui.status("Whole", &repository.store().location().to_string());
        }
        let text = repaired.iter().map(|channel| format!("{channel}\n")).collect();
        Ok(Done::new(text, json!({"schema": 1, "repaired": repaired})))
    }

    /// Signs the heads that know an older list of certificates, and returns whether there were any and there was a key.
    fn seal(&self, session: &Session, repository: &Repository) -> Result<bool, Failure> {
        let behind = repository.unsealed()?;
        if behind.is_empty() {
            return Ok(false);
        }
        let names: Vec<String> = behind.iter().map(ToString::to_string).collect();
        let Some(keys) = self.sealing.open_named(session)? else {
            session.ui.warning(&format!(
                "{} know an older list of certificates, which somebody could put back: \
                 name the repository's keys with `--sign-key`, or publish",
                names.join(", ")
            ));
            return Ok(false);
        };
        repository.seal((&keys.signers(), keys.date))?;
        session.ui.status("Repaired", &format!("the heads of {}", names.join(", ")));
        Ok(true)
    }
}
