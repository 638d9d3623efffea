//! What a repository says of itself: its name, its shapes, its channels.

use serde::{Deserialize, Serialize};

use super::channel::Channel;
use super::error::RepositoryError;
use super::layout::{CERTIFICATE, key};
use super::settings::Settings;
use super::state::{self, FORM, StateError};
use super::store::{Key, STATE, Store, Swap, Tag};

/// Bytes that the charter may have.
const LIMIT: u64 = 1 << 20;
/// How often others may change the charter while this run changes it.
const TRIES: usize = 100;

/// The charter of a repository, the first file that is written and the first that is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charter {
    form: u32,
    /// `Origin` and `Label` of apt's Release files. apt asks its user before it accepts another one, so it never changes.
    pub name: String,
    /// `Description` of apt's Release files: a line.
    pub description: String,
    /// How it presents what it holds.
    pub settings: Settings,
    /// The channels that were ever published to, sorted.
    channels: Vec<String>,
}

/// Text that cannot be the name or the description of a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no {1}: it takes one line of printable characters, at most {MAX_LINE} bytes, and no blanks at its ends"
)]
pub struct BadCharter(String, &'static str);

const MAX_LINE: usize = 200;

impl Charter {
    /// Makes the charter of a new repository.
    pub fn new(name: &str, description: &str, settings: Settings) -> Result<Self, BadCharter> {
        for (text, what) in [(name, "name of a repository"), (description, "description of a repository")] {
            let bad =
                text.is_empty() || text.len() > MAX_LINE || text.trim() != text || text.chars().any(char::is_control);
            if bad {
                let shown = text.chars().take(60).flat_map(char::escape_default).collect();
                return Err(BadCharter(shown, what));
            }
        }
        let (name, description) = (name.to_owned(), description.to_owned());
        Ok(Self { form: FORM, name, description, settings, channels: Vec::new() })
    }

    /// Reads the charter as it is now.
    pub(super) fn read(store: &Store) -> Result<Self, RepositoryError> {
        let path = charter_key();
        match store.get(&path, LIMIT)? {
            Some(object) => Ok(state::parse(path.as_str(), &object.bytes)?),
            None => Err(RepositoryError::NoRepository(store.location().to_string())),
        }
    }

    /// Returns the channels that were ever published to, sorted by name.
    pub fn channels(&self) -> Vec<Channel> {
        self.channels.iter().filter_map(|name| name.parse().ok()).collect()
    }

    /// Returns the name as one word, for names of files and packages: letters in lower case, digits and hyphens.
    pub fn word(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let text: String = self.name.chars().map(plain).collect();
        let word = text.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
        if word.len() < 2 { "repository".to_owned() } else { word }
    }
}

/// A repository.
#[derive(Debug)]
pub struct Repository {
    store: Store,
    charter: Charter,
    tag: Tag,
}

impl Repository {
    /// Makes a repository where there is none. `certificate` is that of the key that signs, in ASCII armor.
    pub fn init(store: Store, charter: Charter, certificate: &[u8]) -> Result<Self, RepositoryError> {
        // The charter last: what has one is complete.
        let path = charter_key();
        if store.get(&path, LIMIT)?.is_some() {
            return Err(RepositoryError::Exists(store.location().to_string()));
        }
        store.replace(&key(CERTIFICATE), certificate)?;
        match store.swap(&path, &state::write(&charter), None)? {
            Swap::Done(tag) => Ok(Self { store, charter, tag }),
            Swap::Lost => Err(RepositoryError::Exists(store.location().to_string())),
        }
    }

    /// Opens the repository in a store.
    pub fn open(store: Store) -> Result<Self, RepositoryError> {
        let path = charter_key();
        let Some(object) = store.get(&path, LIMIT)? else {
            return Err(RepositoryError::NoRepository(store.location().to_string()));
        };
        let charter = state::parse(path.as_str(), &object.bytes)?;
        Ok(Self { store, charter, tag: object.tag })
    }

    /// Returns where it is kept.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Leaves everything but the store.
    pub fn into_store(self) -> Store {
        self.store
    }

    /// Returns what it says of itself.
    pub fn charter(&self) -> &Charter {
        &self.charter
    }

    /// Returns the channels that were ever published to, sorted by name.
    pub fn channels(&self) -> Vec<Channel> {
        self.charter.channels()
    }

    /// Returns the certificate that clients are given, in ASCII armor.
    pub fn certificate(&self) -> Result<Vec<u8>, RepositoryError> {
        let key = key(CERTIFICATE);
        match self.store.get(&key, LIMIT)? {
            Some(object) => Ok(object.bytes),
            None => Err(StateError::Missing { object: key.to_string(), by: "the repository".to_owned() }.into()),
        }
    }

    /// Chooses settings anew. They hold from the next publication on.
    pub fn configure(&mut self, settings: &Settings) -> Result<(), RepositoryError> {
        self.amend(|charter| settings.clone_into(&mut charter.settings))
    }

    /// Adds a channel to the charter, unless it stands there.
    pub(super) fn register(&mut self, channel: Channel) -> Result<(), RepositoryError> {
        let name = channel.to_string();
        self.amend(|charter| {
            if !charter.channels.contains(&name) {
                charter.channels.push(name.clone());
                charter.channels.sort();
            }
        })
    }

    /// Changes the charter, however often others are faster; writes nothing where nothing changes.
    fn amend(&mut self, change: impl Fn(&mut Charter)) -> Result<(), RepositoryError> {
        for _ in 0..TRIES {
            let mut charter = self.charter.clone();
            change(&mut charter);
            if charter == self.charter {
                return Ok(());
            }
            match self.store.swap(&charter_key(), &state::write(&charter), Some(&self.tag))? {
                Swap::Done(tag) => (self.charter, self.tag) = (charter, tag),
                Swap::Lost => self.reload()?,
            }
        }
        Err(RepositoryError::Contended { tries: TRIES })
    }

    fn reload(&mut self) -> Result<(), RepositoryError> {
        let path = charter_key();
        let Some(object) = self.store.get(&path, LIMIT)? else {
            return Err(RepositoryError::NoRepository(self.store.location().to_string()));
        };
        (self.charter, self.tag) = (state::parse(path.as_str(), &object.bytes)?, object.tag);
        Ok(())
    }
}

fn charter_key() -> Key {
    key(&format!("{STATE}/repository.json"))
}
