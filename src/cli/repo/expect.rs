//! `--expect`: what should be in a repository, by channels.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cli::diagnostic::Failure;
use crate::cli::promote;
use crate::digest::{Algorithm, Digest};
use crate::format::Format;
use crate::repository::channel::Channel;
use crate::repository::client::Want;

/// The largest list, in bytes.
const LIMIT: u64 = 256 << 20;

/// Packages by channel.
#[derive(Debug)]
pub(super) struct Expected {
    file: PathBuf,
    channels: BTreeMap<Channel, Vec<(Format, Want)>>,
}

/// `index.json` of a channel, as far as it is of interest.
#[derive(Debug, Deserialize)]
struct Index {
    channel: String,
    packages: Vec<IndexPackage>,
}

#[derive(Debug, Deserialize)]
struct IndexPackage {
    path: String,
    sha256: String,
}

impl Expected {
    /// Reads a list.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let size = fs_err::metadata(path).map_err(|error| Failure::usage(error.to_string()))?.len();
        if size > LIMIT {
            return Err(Failure::usage(format!("`{}` has more than {LIMIT} bytes", path.display())));
        }
        let text = fs_err::read_to_string(path).map_err(|error| Failure::usage(error.to_string()))?;
        let lists: BTreeMap<String, BTreeMap<String, String>> = if text.trim_start().starts_with('{') {
            let index: Index = serde_json::from_str(&text).map_err(|error| no_list(path, &error))?;
            let packages = index.packages.into_iter().map(|package| (package.path, package.sha256));
            BTreeMap::from([(index.channel, packages.collect())])
        } else {
            promote::parse(&path.display().to_string(), &text)?
        };
        let mut channels = BTreeMap::new();
        for (channel, packages) in lists {
            let bad = |cause: String| Failure::usage(format!("`{}`: {cause}", path.display()));
            let channel = promote::channel_of(&channel).map_err(bad)?;
            let packages = packages.into_iter().map(|(file, sha256)| want(&file, &sha256).map_err(bad));
            if channels.insert(channel, packages.collect::<Result<_, _>>()?).is_some() {
                return Err(bad(promote::twice(channel)));
            }
        }
        Ok(Self { file: path.to_owned(), channels })
    }

    /// Returns the channels of the list.
    pub(super) fn channels(&self) -> Vec<Channel> {
        self.channels.keys().copied().collect()
    }

    /// Returns what a channel should show; of a list with one channel that one, where none is named.
    pub(super) fn of(&self, channel: Option<Channel>) -> Result<Vec<(Format, Want)>, Failure> {
        let found = match channel {
            Some(channel) => self.channels.get(&channel),
            None if self.channels.len() == 1 => self.channels.values().next(),
            None => None,
        };
        found.cloned().ok_or_else(|| {
            let known: Vec<String> = self.channels.keys().map(|known| format!("`{known}`")).collect();
            let what = channel.map_or_else(|| "which channel is meant".to_owned(), |channel| format!("`{channel}`"));
            Failure::usage(format!("`{}` does not say {what}; it has {}", self.file.display(), known.join(", ")))
                .hint("name one of them behind the repository")
        })
    }
}

fn no_list(path: &Path, error: &serde_json::Error) -> Failure {
    Failure::usage(format!("`{}` is no list of packages: {error}", path.display()))
        .hint("a channel's list is `channels/stable-v1.36/index.json`; that of the repository names no packages")
}

fn want(file: &str, sha256: &str) -> Result<(Format, Want), String> {
    let name = file.rsplit('/').next().unwrap_or(file);
    let format = Format::ALL.into_iter().find(|format| name.ends_with(&format!(".{format}")));
    let format = format.ok_or_else(|| format!("`{}` is no package", name.escape_default()))?;
    let hex = sha256.strip_prefix("sha256:").unwrap_or(sha256);
    let sha256 = Digest::from_hex(Algorithm::Sha256, hex).map_err(|error| format!("{name}: {error}"))?;
    Ok((format, Want { label: name.to_owned(), file_name: name.to_owned(), location: None, sha256 }))
}
