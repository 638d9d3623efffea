//! `kubepkg promote`

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::json;

use super::Done;
use super::diagnostic::Failure;
use super::exit::Exit;
use super::publish::channel;
use super::repository::{Place, Publishing, rehearsed, report};
use super::session::Session;
use crate::digest::{Algorithm, Digest};
use crate::repository::change::{Found, Pick, Wanted};
use crate::repository::channel::{BadChannel, Channel};
use crate::repository::charter::Repository;

/// The largest list, in bytes.
const LIMIT: u64 = 16 << 20;

/// Show packages of one channel in another, or make channels show what a list says
///
/// No bytes of packages are moved. With `--file`, every channel of the list shows exactly what stands there, whatever it
/// showed before; applied twice, the list changes nothing. `kubepkg repo list --yaml` writes such a list of what is there.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg promote staging/v1.36 stable/v1.36 --repo ./repo --sign-key release.asc
  kubepkg promote staging/v1.36 stable/v1.36 --only kubelet=1.36.2 --only kubectl
  kubepkg promote --file promote.yaml --repo s3://packages/kubernetes
  kubepkg promote --file promote.yaml --dry-run     what would change, without a key

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

    /// Only this package, in all versions or in one; may be repeated
    #[arg(long, value_name = "NAME[=VERSION]", value_delimiter = ',', conflicts_with = "file")]
    only: Vec<Pick>,

    /// Check everything, say what would change, and change nothing; needs no key
    #[arg(long)]
    dry_run: bool,

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
        let opened = if self.dry_run { None } else { Some(self.publishing.open(session)?) };
        let mut repository = self.place.open(session)?;
        let orders = self.orders(&repository, lists.unwrap_or_default())?;
        let components = self.publishing.components(session)?;
        let (mut text, mut channels) = (String::new(), Vec::new());
        for Order { channel, found, source } in &orders {
            let (lines, json) = match (&opened, source) {
                (None, Source::Channel(_)) => {
                    rehearsed(session, *channel, &repository.rehearse_promote(found, *channel, &components)?)
                }
                (None, Source::List(_)) => {
                    rehearsed(session, *channel, &repository.rehearse_apply(found, *channel, &components)?)
                }
                (Some(opened), Source::Channel(from)) => {
                    report(session, *channel, &repository.promote(found, (*from, *channel), &opened.publisher())?)
                }
                (Some(opened), Source::List(name)) => {
                    report(session, *channel, &repository.apply(*channel, found, name, &opened.publisher())?)
                }
            };
            text += &lines;
            channels.push(json);
        }
        Ok(Done::new(text, json!({"schema": 1, "channels": channels})))
    }

    /// Finds everything before anything is changed: what one channel of a list gives up, another one may get.
    fn orders(&self, repository: &Repository, lists: Vec<(Channel, Wanted, String)>) -> Result<Vec<Order>, Failure> {
        let mut orders = Vec::new();
        if let (Some(from), Some(channel)) = (self.from, self.to) {
            let found = repository.pick(from, &self.only)?;
            orders.push(Order { channel, found, source: Source::Channel(from) });
        }
        for (channel, wanted, list) in lists {
            orders.push(Order { channel, found: repository.find(&wanted)?, source: Source::List(list) });
        }
        Ok(orders)
    }
}

/// What a channel gets.
struct Order {
    channel: Channel,
    found: Found,
    source: Source,
}

/// Where that is named.
enum Source {
    Channel(Channel),
    /// The list's name.
    List(String),
}

/// Reads a list. Its name in the history is that of the file, without its folder.
fn read(path: &std::path::Path) -> Result<Vec<(Channel, Wanted, String)>, Failure> {
    let shown = path.display().to_string();
    let bad = |cause: String| bad_list(&shown, &cause);
    let unread = |error| Failure::new(Exit::Usage, &error).hint("`kubepkg repo list CHANNEL --yaml` writes one");
    let size = fs_err::File::open(path).and_then(|file| file.metadata()).map_err(unread)?.len();
    if size > LIMIT {
        return Err(bad(format!("it has more than {LIMIT} bytes")));
    }
    let text = fs_err::read_to_string(path).map_err(|error| Failure::new(Exit::Usage, &error))?;
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut lists: Vec<(Channel, Wanted, String)> = Vec::new();
    for (channel, packages) in parse(&shown, &text)? {
        let channel = channel_of(&channel).map_err(bad)?;
        // `stable/1.36` is `stable/v1.36`.
        if lists.iter().any(|(known, ..)| *known == channel) {
            return Err(bad(twice(channel)));
        }
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

/// What is wrong with a list that names a channel in two spellings.
pub(crate) fn twice(channel: Channel) -> String {
    format!("`{channel}` stands there twice")
}

fn bad_list(name: &str, cause: &str) -> Failure {
    Failure::usage(format!("`{name}`: {cause}")).hint("`kubepkg help promote` shows a list")
}
