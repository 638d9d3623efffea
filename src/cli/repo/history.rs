//! `kubepkg repo history`, `kubepkg repo diff`

use serde_json::{Value, json};

use super::Several;
use crate::cli::diagnostic::Failure;
use crate::cli::publish::channel;
use crate::cli::repository::{Place, changes, entries};
use crate::cli::session::Session;
use crate::cli::{Done, table};
use crate::repository::channel::Channel;
use crate::repository::charter::Repository;
use crate::repository::history::{Difference, Shown};

/// List what channels showed, newest first
#[derive(Debug, clap::Args)]
pub(super) struct History {
    #[command(flatten)]
    some: Several,
    /// Only so many of each channel
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
        let repository = self.some.place.open(session)?;
        if let [channel] = self.some.channels[..] {
            let (rows, generations) = self.read(&repository, channel)?;
            let json = json!({"schema": 1, "channel": channel.to_string(), "generations": generations});
            return Ok(Done::new(table(&rows), json));
        }
        let (mut lines, mut channels) = (Vec::new(), Vec::new());
        for channel in self.some.channels(&repository)? {
            let (rows, generations) = self.read(&repository, channel)?;
            lines.extend(
                rows.into_iter()
                    .map(|[number, date, changed, reason]| [channel.to_string(), number, date, changed, reason]),
            );
            channels.push(json!({"channel": channel.to_string(), "generations": generations}));
        }
        Ok(Done::new(table(&lines), json!({"schema": 1, "channels": channels})))
    }

    fn read(&self, repository: &Repository, channel: Channel) -> Result<(Vec<[String; 4]>, Vec<Value>), Failure> {
        let mut shown: Vec<Shown> = Vec::new();
        repository.walk(channel, |one| {
            shown.push(one);
            shown.len() <= self.limit
        })?;
        let with_differences = shown.iter().zip(differences(&shown)).take(self.limit);
        Ok(with_differences.map(|(one, difference)| (row(one, &difference), view(one, &difference))).unzip())
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
            let read = |number| repository.generation(self.channel, number).map(|shown| shown.generation);
            let to = read(to)?;
            let from = match self.from {
                Some(from) => read(from)?,
                // Before the first one there was nothing.
                None if to.number == 1 => {
                    let mut nothing = to.clone();
                    nothing.packages.clear();
                    nothing
                }
                None => read(to.number - 1)?,
            };
            (from, to)
        };
        let difference = Difference::between(&one, &other);
        let json = json!({"schema": 1, "added": entries(&difference.added), "removed": entries(&difference.removed)});
        Ok(Done::new(changes(&difference.added, &difference.removed), json))
    }
}
