//! `kubepkg repo clients`

use std::path::PathBuf;

use fs_err as fs;
use serde_json::{Value, json};

use super::Several;
use crate::cli::Done;
use crate::cli::diagnostic::Failure;
use crate::cli::session::Session;
use crate::format::Format;
use crate::repository::charter::Repository;
use crate::repository::settings::PublicUrl;
use crate::repository::site::{Snippet, Subject};
use crate::repository::store::Location;
use crate::sign::Certificate;

/// Write the files that apt, dnf and zypper need to use a repository
///
/// Sources with the key in them or with that of the keyring package, `.repo` files, preferences against packages of other
/// sources, and what holds versions where they are. Without `--output` they are printed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg repo clients stable/v1.36 --repo ./repo --output files
  kubepkg repo clients stable/v1.36 --repo s3://packages/kubernetes --url https://packages.example.org/kubernetes --format deb")]
pub(super) struct Clients {
    #[command(flatten)]
    some: Several,

    /// Where clients find the repository [default: what `repo configure --url` says; the folder]
    #[arg(long, value_name = "URL")]
    url: Option<PublicUrl>,

    /// Folder for the files, which is made
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,

    /// Only files for this format: `deb`, `rpm`
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

impl Clients {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let repository = self.some.place.open(session)?;
        let url = match &self.url {
            Some(url) => url.clone(),
            None => url(&repository)?,
        };
        let armor = repository.charter().keyring.for_apt().to_armor();
        let armor = armor.map_err(|error| Failure::key("cannot write the certificates", &error))?;
        let (mut text, mut views) = (String::new(), Vec::new());
        for channel in self.some.channels(&repository)? {
            let generation = &repository.shown(channel)?.generation;
            let subject = Subject { charter: repository.charter(), url: &url, armor: &armor, generation };
            for snippet in subject.snippets().iter().filter(|one| self.wants(one)) {
                text += &self.put(snippet, session)?;
                views.push(view(&channel.to_string(), snippet));
            }
        }
        let keys = repository.charter().keyring.of_index();
        let keys: Vec<&str> = keys.iter().map(Certificate::fingerprint).collect();
        for key in &keys {
            session.ui.status("Key", &format!("{key}: compare it with what you were told elsewhere"));
        }
        Ok(Done::new(text, json!({"schema": 1, "url": url.to_string(), "keys": keys, "files": views})))
    }

    fn wants(&self, snippet: &Snippet) -> bool {
        self.format.is_none_or(|format| snippet.format.is_none_or(|of| of == format))
    }

    /// Writes a file and returns its path, or what is to be printed of it.
    fn put(&self, snippet: &Snippet, session: &Session) -> Result<String, Failure> {
        let place = snippet.place.map_or_else(String::new, |place| format!(" ({place})"));
        let Some(folder) = &self.output else {
            return Ok(format!("# {}: {}{place}\n{}\n", snippet.name, snippet.purpose, snippet.text));
        };
        fs::create_dir_all(folder).map_err(|error| Failure::write(&error))?;
        let path = folder.join(&snippet.name);
        fs::write(&path, &snippet.text).map_err(|error| Failure::write(&error))?;
        session.ui.status("Wrote", &format!("{}: {}{place}", path.display(), snippet.purpose));
        Ok(format!("{}\n", path.display()))
    }
}

/// Where clients find a repository: what it says, or the folder in which it lies.
fn url(repository: &Repository) -> Result<PublicUrl, Failure> {
    if let Some(url) = &repository.charter().settings.url {
        return Ok(url.clone());
    }
    let location = repository.store().location();
    let unknown = || {
        Failure::usage(format!("nobody has said where clients find `{location}`")).hint(
            "add `--url https://packages.example.org/kubernetes`, or say it once with `kubepkg repo configure --url`",
        )
    };
    let Location::Folder(folder) = location else { return Err(unknown()) };
    let folder = fs::canonicalize(folder).map_err(|error| Failure::write(&error))?;
    let url = url::Url::from_file_path(folder).map_err(|()| unknown())?;
    url.as_str().parse().map_err(|_| unknown())
}

fn view(channel: &str, snippet: &Snippet) -> Value {
    json!({
        "channel": channel,
        "name": snippet.name,
        "purpose": snippet.purpose,
        "place": snippet.place,
        "text": snippet.text,
    })
}
