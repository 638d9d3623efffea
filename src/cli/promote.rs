//! `kubepkg promote`

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::json;

use super::Done;
use super::diagnostic::Failure;
use super::exit::Exit;
use super::publish::channel;
use super::repository::{Place, Publishing, report};
use super::session::Session;
use crate::digest::{Algorithm, Digest};
use crate::repository::change::Wanted;
use crate::repository::channel::{BadChannel, Channel};

/// The largest list, in bytes.
const LIMIT: u64 = 16 << 20;

/// Show packages of one channel in another, or make channels show what a list says
///
/// No bytes of packages are moved. With `--file`, every channel of the list shows exactly what stands there, whatever it
/// showed before; applied twice, the list changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg promote staging/v1.36 stable/v1.36 --repo ./repo --sign-key release.asc
  kubepkg promote --file promote.yaml --repo s3://packages/kubernetes

A list, with the SHA-256 of every package:
  channels:
    stable/v1.36:
      kubelet_1.36.2-1.1_amd64.deb: 9bdbea7a2b382494aff2ff014da328a042c5aba9096a7772e57fdf487e5a1d51")]
pub(crate) struct PromoteArgs {
    /// Channel whose packages are taken
    #[arg(value_name = "FROM", value_parser = channel, required_unless_present = "file", requires = "to")]
    from: Option<Channel>,

    /// Channel that gets them, besides what it has
    #[arg(value_name = "TO", value_parser = channel)]
    to: Option<Channel>,

    /// List of what channels show
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "to"])]
    file: Option<PathBuf>,

    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    publishing: Publishing,
}

/// A list of what channels show.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    channels: BTreeMap<String, BTreeMap<String, String>>,
}

impl PromoteArgs {
    pub(crate) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let lists = self.file.as_deref().map(read).transpose()?;
        let opened = self.publishing.open(session)?;
        let mut repository = self.place.open(session)?;
        let (mut text, mut channels) = (String::new(), Vec::new());
        let mut add = |channel, outcome| {
            let (lines, json) = report(session, channel, &outcome);
            text += &lines;
            channels.push(json);
        };
        if let (Some(from), Some(to)) = (self.from, self.to) {
            add(to, repository.promote(from, to, &opened.publisher())?);
        }
        for (channel, wanted, list) in lists.into_iter().flatten() {
            add(channel, repository.apply(channel, &wanted, &list, &opened.publisher())?);
        }
        Ok(Done::new(text, json!({"schema": 1, "channels": channels})))
    }
}

/// Reads a list. Its name in the history is that of the file, without its folder.
fn read(path: &std::path::Path) -> Result<Vec<(Channel, Wanted, String)>, Failure> {
    let shown = path.display().to_string();
    let bad = |cause: String| bad_list(&shown, &cause);
    let size = fs_err::metadata(path).map_err(|error| Failure::new(Exit::Usage, &error))?.len();
    if size > LIMIT {
        return Err(bad(format!("it has more than {LIMIT} bytes")));
    }
    let text = fs_err::read_to_string(path).map_err(|error| Failure::new(Exit::Usage, &error))?;
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut lists = Vec::new();
    for (channel, packages) in parse(&shown, &text)? {
        let channel = channel_of(&channel).map_err(bad)?;
        let mut wanted = Wanted::new();
        for (file, sha256) in packages {
            let hex = sha256.strip_prefix("sha256:").unwrap_or(&sha256);
            let digest = Digest::from_hex(Algorithm::Sha256, hex).map_err(|error| bad(format!("{file}: {error}")))?;
            wanted.insert(file, digest);
        }
        lists.push((channel, wanted, name.clone()));
    }
    Ok(lists)
}

/// Reads the text of a list: the SHA-256 of files, by channel.
pub(crate) fn parse(name: &str, text: &str) -> Result<BTreeMap<String, BTreeMap<String, String>>, Failure> {
    let list: List = serde_saphyr::from_str(text).map_err(|error| bad_list(name, &error.to_string()))?;
    Ok(list.channels)
}

/// Reads the name of a channel in a list.
pub(crate) fn channel_of(name: &str) -> Result<Channel, String> {
    name.parse().map_err(|error: BadChannel| error.to_string())
}

fn bad_list(name: &str, cause: &str) -> Failure {
    Failure::usage(format!("`{name}`: {cause}")).hint("`kubepkg help promote` shows a list")
}
