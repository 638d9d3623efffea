//! `kubepkg repo history`, `kubepkg repo diff`

use serde_json::{Value, json};

use super::One;
use crate::cli::diagnostic::Failure;
use crate::cli::publish::channel;
use crate::cli::repository::{Place, changes, entries};
use crate::cli::session::Session;
use crate::cli::{Done, table};
use crate::repository::channel::Channel;
use crate::repository::history::{Difference, Shown};

/// List what a channel showed, newest first
#[derive(Debug, clap::Args)]
pub(super) struct History {
    #[command(flatten)]
    one: One,
    /// Only so many
    #[arg(long, value_name = "COUNT", default_value = "20")]
    limit: usize,
}

/// Show how two generations, or two channels, differ
#[derive(Debug, clap::Args)]
pub(super) struct Diff {
    /// Channel
    #[arg(value_name = "CHANNEL", value_parser = channel)]
    channel: Channel,
    /// Another channel to compare with
    #[arg(value_name = "OTHER", value_parser = channel, conflicts_with_all = ["from", "to"])]
    other: Option<Channel>,
    /// Generation to compare [default: the one before]
    #[arg(long, value_name = "GENERATION")]
    from: Option<u64>,
    /// Generation to compare with [default: the newest]
    #[arg(long, value_name = "GENERATION")]
    to: Option<u64>,
    #[command(flatten)]
    place: Place,
}

impl History {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let (repository, channel, limit) = (self.one.place.open(session)?, self.one.channel, self.limit);
        let mut shown: Vec<Shown> = Vec::new();
        repository.walk(channel, |one| {
            shown.push(one);
            shown.len() <= limit
        })?;
        let rows: Vec<[String; 4]> =
            shown.iter().zip(differences(&shown)).take(limit).map(|(one, difference)| row(one, &difference)).collect();
        let json: Vec<Value> =
            shown.iter().zip(differences(&shown)).take(limit).map(|(one, difference)| view(one, &difference)).collect();
        Ok(Done::new(table(&rows), json!({"schema": 1, "channel": channel.to_string(), "generations": json})))
    }
}

/// How each generation differs from the one before it.
fn differences(shown: &[Shown]) -> impl Iterator<Item = Difference> {
    shown.iter().enumerate().map(|(place, one)| match shown.get(place + 1) {
        Some(before) => Difference::between(&before.generation, &one.generation),
        None => Difference { added: one.generation.packages.clone(), removed: Vec::new() },
    })
}

fn row(shown: &Shown, difference: &Difference) -> [String; 4] {
    let generation = &shown.generation;
    let changed = format!("+{} -{}", difference.added.len(), difference.removed.len());
    [generation.number.to_string(), generation.date().to_string(), changed, generation.reason.to_string()]
}

fn view(shown: &Shown, difference: &Difference) -> Value {
    let generation = &shown.generation;
    json!({
        "generation": generation.number,
        "sha256": shown.head.generation.hex(),
        "parent": generation.parent.as_ref().map(crate::digest::Digest::hex),
        "time": generation.time,
        "reason": generation.reason.to_string(),
        "packages": generation.packages.len(),
        "added": entries(&difference.added),
        "removed": entries(&difference.removed),
    })
}

impl Diff {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let repository = self.place.open(session)?;
        let newest = repository.shown(self.channel)?;
        let (one, other) = if let Some(other) = self.other {
            (newest.generation, repository.shown(other)?.generation)
        } else {
            let to = self.to.unwrap_or(newest.head.number);
            let from = self.from.unwrap_or(to.saturating_sub(1).max(1));
            let read = |number| repository.generation(self.channel, number).map(|shown| shown.generation);
            (read(from)?, read(to)?)
        };
        let difference = Difference::between(&one, &other);
        let json = json!({"schema": 1, "added": entries(&difference.added), "removed": entries(&difference.removed)});
        Ok(Done::new(changes(&difference.added, &difference.removed), json))
    }
}
