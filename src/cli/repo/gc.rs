//! `kubepkg repo gc`

use serde_json::json;

use crate::cli::Done;
use crate::cli::diagnostic::Failure;
use crate::cli::repository::{Place, date};
use crate::cli::session::Session;
use crate::source_date::SourceDate;

/// Find what no generation of use names, and delete it
///
/// A generation is of use while it is shown and for some days after. Without `--delete` nothing is deleted.
#[derive(Debug, clap::Args)]
pub(super) struct Gc {
    #[command(flatten)]
    place: Place,
    /// Days for which clients and caches may still know what was shown
    #[arg(long, value_name = "DAYS", default_value = "7", value_parser = clap::value_parser!(u32).range(..=36500))]
    grace: u32,
    /// Delete it
    #[arg(long)]
    delete: bool,
}

impl Gc {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        const DAY: u32 = 24 * 60 * 60;
        let repository = self.place.open(session)?;
        let (now, grace): (SourceDate, u32) = (date(session), self.grace.saturating_mul(DAY));
        let mut garbage = repository.garbage(now, grace)?;
        if self.delete {
            garbage = repository.collect(&garbage, now, grace)?;
        }
        let verb = if self.delete { "Deleted" } else { "Found" };
        let hint = if self.delete || garbage.objects.is_empty() { "" } else { "; `--delete` deletes them" };
        session.ui.status(verb, &format!("{} files of {} bytes{hint}", garbage.objects.len(), garbage.size()));
        let text = garbage.objects.iter().map(|object| format!("{}\n", object.key)).collect();
        let names: Vec<&str> = garbage.objects.iter().map(|object| object.key.as_str()).collect();
        Ok(Done::new(text, json!({"schema": 1, "deleted": self.delete, "files": names, "bytes": garbage.size()})))
    }
}
