//! `kubepkg publish`

use std::path::PathBuf;

use super::Done;
use super::diagnostic::Failure;
use super::repository::{Place, Publishing, report};
use super::session::Session;
use crate::repository::channel::{BadChannel, Channel};

/// Add packages to a channel of a repository
///
/// Everything is checked first; then all of it is visible at once, or nothing. Packages that the channel has are left
/// alone, so that the same command can be run again after whatever happened. Provenance and bills of materials beside the
/// packages are published beside them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg publish dist/* --repo ./repo --channel stable/v1.36 --sign-key release.asc
  kubepkg publish dist/* --repo s3://packages/kubernetes --channel prerelease/v1.37")]
pub(crate) struct PublishArgs {
    /// Package files, and their papers where these lie elsewhere
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Channel: `stable/v1.36`, `staging/v1.36`, `prerelease/v1.37`, `nightly/v1.38`, `rolling`
    #[arg(long, value_name = "CHANNEL", value_parser = channel)]
    channel: Channel,

    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    publishing: Publishing,
}

impl PublishArgs {
    pub(crate) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let opened = self.publishing.open(session)?;
        let mut repository = self.place.open(session)?;
        let outcome = repository.publish(self.channel, &self.files, &opened.publisher())?;
        let (text, json) = report(session, self.channel, &outcome);
        Ok(Done::new(text, json))
    }
}

/// Reads a channel of the command line.
pub(crate) fn channel(text: &str) -> Result<Channel, BadChannel> {
    text.parse()
}
