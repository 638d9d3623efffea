//! Changes of channels that bring no packages: `kubepkg repo rollback`, `refresh`, `repair`

use serde_json::json;

use super::{One, Several};
use crate::cli::Done;
use crate::cli::diagnostic::Failure;
use crate::cli::repository::{Publishing, report};
use crate::cli::session::Session;

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

/// Complete what a killed run left; needs no key
#[derive(Debug, clap::Args)]
pub(super) struct Repair {
    #[command(flatten)]
    some: Several,
}

impl Rollback {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let opened = self.publishing.open(session)?;
        let channel = self.one.channel;
        let outcome = self.one.place.open()?.rollback(channel, self.to, &opened.publisher())?;
        let (text, json) = report(session, channel, &outcome);
        Ok(Done::new(text, json))
    }
}

impl Refresh {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let opened = self.publishing.open(session)?;
        let mut repository = self.some.place.open()?;
        let mut channels = Vec::new();
        for channel in self.some.channels(&repository)? {
            let outcome = repository.refresh(channel, &opened.publisher())?;
            channels.push(report(session, channel, &outcome).1);
        }
        Ok(Done::new(String::new(), json!({"schema": 1, "channels": channels})))
    }
}

impl Repair {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let repository = self.some.place.open()?;
        let mut repaired = Vec::new();
        for channel in self.some.channels(&repository)? {
            if repository.repair(channel)? {
                session.ui.status("Repaired", &channel.to_string());
                repaired.push(channel.to_string());
            }
        }
        if repository.show_site()? > 0 {
            session.ui.status("Repaired", "pages and lists");
        }
        let text = repaired.iter().map(|channel| format!("{channel}\n")).collect();
        Ok(Done::new(text, json!({"schema": 1, "repaired": repaired})))
    }
}
