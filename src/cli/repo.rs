//! `kubepkg repo`

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use super::diagnostic::Failure;
use super::exit::Exit;
use super::publish::channel;
use super::repository::{Patience, Place, Publishing, changes, date, entries, report, store};
use super::session::Session;
use super::signing::{Signing, certificates};
use super::{Done, table};
use crate::repository::channel::Channel;
use crate::repository::charter::{Charter, Repository};
use crate::repository::check::{Depth, Finding};
use crate::repository::error::RepositoryError;
use crate::repository::history::{Difference, Shown};
use crate::repository::layout::CERTIFICATE;
use crate::source_date::SourceDate;

/// Make, look at and mend repositories
#[derive(Debug, clap::Args)]
#[command(disable_help_subcommand = true)]
#[command(after_help = "Examples:
  kubepkg repo init ./repo --name Example --sign-key release.asc
  kubepkg repo history stable/v1.36 --repo ./repo
  kubepkg repo rollback stable/v1.36 --to 3 --repo ./repo --sign-key release.asc
  kubepkg repo check --repo s3://packages/kubernetes")]
pub(crate) struct RepoArgs {
    #[command(subcommand)]
    command: RepoCommand,
}

#[derive(Debug, Subcommand)]
enum RepoCommand {
    Init(Init),
    /// List what a channel showed, newest first
    History {
        #[command(flatten)]
        one: One,
        /// Only so many
        #[arg(long, value_name = "COUNT", default_value = "20")]
        limit: usize,
    },
    /// Show how two generations, or two channels, differ
    Diff(Diff),
    /// Show again what a channel showed before
    Rollback {
        #[command(flatten)]
        one: One,
        /// Generation that is shown again
        #[arg(long, value_name = "GENERATION")]
        to: u64,
        #[command(flatten)]
        publishing: Publishing,
    },
    /// Sign what channels show again, with a new date
    Refresh {
        #[command(flatten)]
        some: Several,
        #[command(flatten)]
        publishing: Publishing,
    },
    /// Complete what a killed run left; needs no key
    Repair {
        #[command(flatten)]
        some: Several,
    },
    Check(Check),
    Gc(Gc),
}

/// One channel.
#[derive(Debug, clap::Args)]
struct One {
    /// Channel
    #[arg(value_name = "CHANNEL", value_parser = channel)]
    channel: Channel,
    #[command(flatten)]
    place: Place,
}

/// Some channels.
#[derive(Debug, clap::Args)]
struct Several {
    /// Channels; all where none is named
    #[arg(value_name = "CHANNEL", value_parser = channel)]
    channels: Vec<Channel>,
    #[command(flatten)]
    place: Place,
}

impl Several {
    fn channels(&self, repository: &Repository) -> Result<Vec<Channel>, RepositoryError> {
        if self.channels.is_empty() { repository.published() } else { Ok(self.channels.clone()) }
    }
}

/// Make a repository
///
/// The name is what apt shows as its origin, and never changes: apt asks its user before it takes another one.
#[derive(Debug, clap::Args)]
struct Init {
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
    patience: Patience,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Debug, clap::Args)]
struct Diff {
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

/// Read channels as clients do, and say what is wrong
///
/// Signatures, every index file, every package: there, listed, and of the right size; with `--digests` of the right
/// bytes. Ends with exit code 6 if anything is wrong.
#[derive(Debug, clap::Args)]
struct Check {
    #[command(flatten)]
    some: Several,
    /// File of the certificate that clients trust [default: the repository's own]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Read all bytes of all packages
    #[arg(long)]
    digests: bool,
}

/// Find what no generation of use names, and delete it
///
/// A generation is of use while it is shown and for some days after. Without `--delete` nothing is deleted.
#[derive(Debug, clap::Args)]
struct Gc {
    #[command(flatten)]
    place: Place,
    /// Days for which clients and caches may still know what was shown
    #[arg(long, value_name = "DAYS", default_value = "7", value_parser = clap::value_parser!(u32).range(..=36500))]
    grace: u32,
    /// Delete it
    #[arg(long)]
    delete: bool,
}

impl RepoArgs {
    pub(crate) fn run(&self, session: &Session) -> Result<Done, Failure> {
        match &self.command {
            RepoCommand::Init(args) => args.run(session),
            RepoCommand::History { one, limit } => history(&one.place.open()?, one.channel, *limit),
            RepoCommand::Diff(args) => args.run(),
            RepoCommand::Rollback { one, to, publishing } => {
                let opened = publishing.open(session)?;
                let outcome = one.place.open()?.rollback(one.channel, *to, &opened.publisher())?;
                let (text, json) = report(session, one.channel, &outcome);
                Ok(Done::new(text, json))
            }
            RepoCommand::Refresh { some, publishing } => refresh(session, some, publishing),
            RepoCommand::Repair { some } => repair(session, some),
            RepoCommand::Check(args) => args.run(session),
            RepoCommand::Gc(args) => args.run(session),
        }
    }
}

impl Init {
    fn run(&self, session: &Session) -> Result<Done, Failure> {
        let charter = Charter::new(&self.name, &self.description).map_err(|error| Failure::usage(error.to_string()))?;
        let signer = self.signing.signer(session)?.ok_or_else(|| {
            Failure::usage("no key: apt, dnf and zypper read signed repositories")
                .hint("`kubepkg key generate release.asc` makes one; name it with `--sign-key release.asc`")
        })?;
        let certificate =
            signer.certificate().to_armor().map_err(|error| Failure::key("cannot write the certificate", &error))?;
        let repository = Repository::init(store(&self.place, &self.patience)?, charter, certificate.as_bytes())?;
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

fn history(repository: &Repository, channel: Channel, limit: usize) -> Result<Done, Failure> {
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
    fn run(&self) -> Result<Done, Failure> {
        let repository = self.place.open()?;
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

fn refresh(session: &Session, some: &Several, publishing: &Publishing) -> Result<Done, Failure> {
    let opened = publishing.open(session)?;
    let mut repository = some.place.open()?;
    let mut channels = Vec::new();
    for channel in some.channels(&repository)? {
        let outcome = repository.refresh(channel, &opened.publisher())?;
        channels.push(report(session, channel, &outcome).1);
    }
    Ok(Done::new(String::new(), json!({"schema": 1, "channels": channels})))
}

fn repair(session: &Session, some: &Several) -> Result<Done, Failure> {
    let repository = some.place.open()?;
    let mut repaired = Vec::new();
    for channel in some.channels(&repository)? {
        if repository.repair(channel)? {
            session.ui.status("Repaired", &channel.to_string());
            repaired.push(channel.to_string());
        }
    }
    let text = repaired.iter().map(|channel| format!("{channel}\n")).collect();
    Ok(Done::new(text, json!({"schema": 1, "repaired": repaired})))
}

impl Check {
    fn run(&self, session: &Session) -> Result<Done, Failure> {
        let repository = self.some.place.open()?;
        let trusted = match &self.key {
            Some(file) => certificates(file)?,
            None => crate::sign::Certificate::parse(&repository.certificate()?).map_err(|error| {
                Failure::key(format!("cannot use the key `{CERTIFICATE}` of the repository"), &error)
            })?,
        };
        let depth = if self.digests { Depth::Digests } else { Depth::Sizes };
        let (mut text, mut channels, mut exit) = (String::new(), Vec::new(), Exit::Done);
        for channel in self.some.channels(&repository)? {
            let found = repository.check(channel, &trusted, depth)?;
            if found.is_empty() {
                session.ui.status("Checked", &channel.to_string());
            } else {
                exit = Exit::Verification;
            }
            text += &found.iter().map(|Finding { file, cause }| format!("{file}: {cause}\n")).collect::<String>();
            let found: Vec<Value> =
                found.iter().map(|finding| json!({"file": finding.file, "cause": finding.cause})).collect();
            channels.push(json!({"channel": channel.to_string(), "findings": found}));
        }
        Ok(Done { text, json: json!({"schema": 1, "channels": channels}), exit })
    }
}

impl Gc {
    fn run(&self, session: &Session) -> Result<Done, Failure> {
        const DAY: u32 = 24 * 60 * 60;
        let repository = self.place.open()?;
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
