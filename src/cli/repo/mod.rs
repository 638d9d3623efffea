//! `kubepkg repo`

mod bundle;
mod change;
mod check;
mod clients;
mod configure;
mod expect;
mod gc;
mod history;
mod init;
mod keyring;
mod keys;
mod known;
mod list;
mod mirror;
mod papers;
mod prune;
mod serve;
mod setup;
mod source;
mod subject;

use clap::Subcommand;

use super::Done;
use super::diagnostic::Failure;
use super::publish::channel;
use super::repository::Place;
use super::session::Session;
use crate::repository::channel::Channel;
use crate::repository::charter::Repository;
use crate::repository::error::RepositoryError;

/// Make, look at and mend repositories
#[derive(Debug, clap::Args)]
#[command(disable_help_subcommand = true)]
#[command(after_help = "Examples:
  kubepkg repo init ./repo --name Example --sign-key release.asc
  kubepkg repo list stable/v1.36 --repo ./repo
  kubepkg repo history --repo ./repo
  kubepkg repo rollback stable/v1.36 --to 3 --repo ./repo --sign-key release.asc
  kubepkg repo check https://packages.example.org/kubernetes")]
pub(crate) struct RepoArgs {
    #[command(subcommand)]
    command: RepoCommand,
}

#[derive(Debug, Subcommand)]
enum RepoCommand {
    Init(init::Init),
    Configure(configure::Configure),
    List(list::List),
    History(history::History),
    Diff(history::Diff),
    Rollback(change::Rollback),
    Prune(prune::Prune),
    Refresh(change::Refresh),
    Resign(change::Resign),
    Repair(change::Repair),
    Check(check::Check),
    Mirror(mirror::Mirror),
    Clients(clients::Clients),
    Gc(gc::Gc),
    Keys(keys::Keys),
    Keyring(keyring::KeyringArgs),
    Trust(keys::Trust),
    Distrust(keys::Distrust),
    Serve(serve::Serve),
    Bundle(bundle::BundleArgs),
}

impl RepoArgs {
    pub(crate) fn run(&self, session: &Session) -> Result<Done, Failure> {
        match &self.command {
            RepoCommand::Init(args) => args.run(session),
            RepoCommand::Configure(args) => args.run(session),
            RepoCommand::List(args) => args.run(session),
            RepoCommand::History(args) => args.run(session),
            RepoCommand::Diff(args) => args.run(session),
            RepoCommand::Rollback(args) => args.run(session),
            RepoCommand::Prune(args) => args.run(session),
            RepoCommand::Refresh(args) => args.run(session),
            RepoCommand::Resign(args) => args.run(session),
            RepoCommand::Repair(args) => args.run(session),
            RepoCommand::Check(args) => args.run(session),
            RepoCommand::Mirror(args) => args.run(session),
            RepoCommand::Clients(args) => args.run(session),
            RepoCommand::Gc(args) => args.run(session),
            RepoCommand::Keyring(args) => args.run(session),
            RepoCommand::Keys(args) => args.run(session),
            RepoCommand::Trust(args) => args.run(session),
            RepoCommand::Distrust(args) => args.run(session),
            RepoCommand::Serve(args) => args.run(session),
            RepoCommand::Bundle(args) => args.run(session),
        }
    }
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
