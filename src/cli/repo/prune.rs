//! `kubepkg repo prune`

use std::num::NonZero;

use serde_json::json;

use super::One;
use crate::cli::Done;
use crate::cli::diagnostic::Failure;
use crate::cli::repository::{Publishing, changes, entries, report};
use crate::cli::session::Session;

/// Take older versions out of a channel
///
/// The newest ones of each package, architecture and minor release stay, and what they require. `rollback` shows the others
/// again until `gc` has deleted them.
#[derive(Debug, clap::Args)]
pub(super) struct Prune {
    #[command(flatten)]
    one: One,
    /// How many versions of each package stay
    #[arg(long, value_name = "COUNT")]
    keep: NonZero<usize>,
    /// Say what would be taken out, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    publishing: Publishing,
}

impl Prune {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let (channel, keep) = (self.one.channel, self.keep.get());
        if self.dry_run {
            let components = self.publishing.components(session)?;
            let removed = self.one.place.open(session)?.prunable(channel, keep, &components)?;
            let json = json!({"schema": 1, "channel": channel.to_string(), "removed": entries(&removed)});
            return Ok(Done::new(changes(&[], &removed), json));
        }
        let opened = self.publishing.open(session)?;
        let outcome = self.one.place.open(session)?.prune(channel, keep, &opened.publisher())?;
        let (text, json) = report(session, channel, &outcome);
        Ok(Done::new(text, json))
    }
}
