//! `kubepkg repo list`

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Several;
use crate::cli::diagnostic::Failure;
use crate::cli::repository::entries;
use crate::cli::session::Session;
use crate::cli::{Done, table};
use crate::event::count;
use crate::repository::change::file_name;
use crate::repository::history::Shown;

/// List channels, or the packages that some of them show
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg repo list --repo ./repo
  kubepkg repo list stable/v1.36
  kubepkg repo list staging/v1.36 --yaml | sed 's|staging/|stable/|' > promote.yaml")]
pub(super) struct List {
    #[command(flatten)]
    some: Several,
    /// Write every package with its SHA-256, as `kubepkg promote --file` takes it
    #[arg(long)]
    yaml: bool,
}

impl List {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let repository = self.some.place.open(session)?;
        let channels = self.some.channels(&repository)?;
        let shown = channels.into_iter().map(|channel| repository.shown(channel)).collect::<Result<Vec<_>, _>>()?;
        let text = match self.some.channels.as_slice() {
            _ if self.yaml => yaml(&shown),
            [] => table(&shown.iter().map(summary).collect::<Vec<_>>()),
            [_] => table(&shown.iter().flat_map(packages).map(|(_, row)| row).collect::<Vec<_>>()),
            _ => {
                let rows = shown.iter().flat_map(packages);
                let rows =
                    rows.map(|(channel, [name, version, arches, format])| [channel, name, version, arches, format]);
                table(&rows.collect::<Vec<_>>())
            }
        };
        let json: Vec<Value> = shown.iter().map(view).collect();
        Ok(Done::new(text, json!({"schema": 1, "channels": json})))
    }
}

/// A channel in a line.
fn summary(shown: &Shown) -> [String; 4] {
    let generation = &shown.generation;
    [
        generation.channel.to_string(),
        format!("generation {}", generation.number),
        generation.date().to_string(),
        count(generation.packages.len(), "package"),
    ]
}

/// A line for each version of a package, in the order of the index files, with its channel.
fn packages(shown: &Shown) -> Vec<(String, [String; 4])> {
    let mut order = Vec::new();
    let mut arches: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for entry in &shown.generation.packages {
        let package = (entry.format.as_str(), entry.name.as_str(), entry.version.as_str());
        let known = arches.entry(package).or_default();
        if known.is_empty() {
            order.push(package);
        }
        known.push(&entry.arch);
    }
    let channel = shown.generation.channel.to_string();
    let row = |package: (&str, &str, &str)| {
        let (format, name, version) = package;
        let arches = arches.get(&package).map(|arches| arches.join(",")).unwrap_or_default();
        (channel.clone(), [name.to_owned(), version.to_owned(), arches, format.to_owned()])
    };
    order.into_iter().map(row).collect()
}

/// Names of files and digests are plain words in YAML.
fn yaml(shown: &[Shown]) -> String {
    let mut text = "channels:\n".to_owned();
    for Shown { generation, .. } in shown {
        let _ = writeln!(text, "  {}:", generation.channel);
        for entry in &generation.packages {
            let _ = writeln!(text, "    {}: {}", file_name(entry), entry.sha256.hex());
        }
    }
    text
}

fn view(shown: &Shown) -> Value {
    let generation = &shown.generation;
    json!({
        "channel": generation.channel.to_string(),
        "generation": generation.number,
        "sha256": shown.head.generation.hex(),
        "time": generation.time,
        "packages": entries(&generation.packages),
    })
}
