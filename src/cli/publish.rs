//! `kubepkg publish`

use std::path::PathBuf;

use super::Done;
use super::diagnostic::Failure;
use super::repository::{Place, Publishing, report};
use super::session::Session;
use crate::event::count;
use crate::repository::channel::{BadChannel, Channel};

/// How the papers of packages are called: provenance, and the bill of materials.
const PAPERS: [&str; 2] = [".intoto.jsonl", ".cdx.json"];

/// Add packages to a channel of a repository
///
/// Everything is checked first; then all of it is visible at once, or nothing. Packages that the channel has are left
/// alone, so that the same command can be run again after whatever happened. Provenance and bills of materials beside the packages are left out.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg publish dist/* --repo ./repo --channel stable/v1.36 --sign-key release.asc
  kubepkg publish dist/* --repo s3://packages/kubernetes --channel prerelease/v1.37")]
pub(crate) struct PublishArgs {
    /// Package files
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
        let mut repository = self.place.open()?;
        let outcome = repository.publish(self.channel, &self.packages(session), &opened.publisher())?;
        let (text, json) = report(session, self.channel, &outcome);
        Ok(Done::new(text, json))
    }
}

impl PublishArgs {
    /// The files without the papers of packages, which lie beside them in `dist` and are not published.
    fn packages(&self, session: &Session) -> Vec<PathBuf> {
        let is_paper = |path: &&PathBuf| {
            let name = path.to_string_lossy();
            PAPERS.iter().any(|end| name.ends_with(end))
        };
        let (papers, packages): (Vec<&PathBuf>, Vec<&PathBuf>) = self.files.iter().partition(is_paper);
        if !papers.is_empty() {
            session.ui.status("Left out", &format!("{}: papers stay beside the packages", count(papers.len(), "file")));
        }
        packages.into_iter().cloned().collect()
    }
}

/// Reads a channel of the command line.
pub(crate) fn channel(text: &str) -> Result<Channel, BadChannel> {
    text.parse()
}
