//! `kubepkg fetch`

use serde_json::json;

use super::Done;
use super::args::{Selection, Sources};
use super::diagnostic::Failure;
use super::exit::Exit;
use super::session::{Session, interruptible};
use crate::fetch::FetchError;

/// Fetch and verify upstream's files, nothing else
///
/// Fills the cache, so that `build --offline` needs no network, and prints what was verified and how.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg fetch --version 1.36.2 --arch amd64,arm64
  kubepkg fetch --version 1.36.2 --json")]
pub(crate) struct FetchArgs {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    sources: Sources,
}

impl FetchArgs {
    pub(crate) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let templates = session.templates(&self.sources.trees)?;
        let fetcher = interruptible(session.fetcher(&self.sources)?);
        let (plan, request) = session.plan(&self.selection, &self.sources, &templates, || Ok(fetcher.clone()))?;
        let (mut text, mut files, mut missing, mut failed) = (String::new(), Vec::new(), Vec::new(), None);
        for (download, result) in plan.downloads.iter().zip(fetcher.fetch_all(&plan.downloads)) {
            match result {
                Ok(artifact) => {
                    let digests = artifact.digests();
                    text += &format!("{}  {}\n", digests.sha256.hex(), download.url);
                    files.push(json!({
                        "url": download.url.as_str(),
                        "path": artifact.path().display().to_string(),
                        "size": digests.size,
                        "sha256": digests.sha256.hex(),
                        "sha512": artifact.upstream_digests().sha512.hex(),
                        "evidence": artifact.evidence().iter().map(ToString::to_string).collect::<Vec<_>>(),
                    }));
                }
                Err(FetchError::NotPublished { url }) if request.arches.leaves_out() => {
                    session.ui.warning(&format!("not published: {url}"));
                    missing.push(url);
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        let exit = if missing.is_empty() { Exit::Done } else { Exit::Incomplete };
        let complete = missing.is_empty() && failed.is_none();
        let json = json!({"schema": 1, "files": files, "missing": missing, "complete": complete});
        let done = Done { text, json, exit };
        match failed {
            None => Ok(done),
            // What is verified stays in the cache, whatever came after.
            Some(error) => Err(Failure::from(error).after(done)),
        }
    }
}
