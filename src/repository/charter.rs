//! What a repository says of itself: its name, its shapes, its channels.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::channel::Channel;
use super::error::RepositoryError;
use super::generation::Reason;
use super::keyring::{Keyring, Trusted};
use super::layout::{CERTIFICATE, KEYRING, key};
use super::settings::{PublicUrl, Settings};
use super::state::{self, FORM};
use super::store::{Key, STATE, Store, Swap, Tag};
use crate::sign::{Certificate, KeyError, Signers};
use crate::source_date::SourceDate;

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
    /// The certificates that clients are given.
    pub keyring: Keyring,
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
    pub fn new(name: &str, description: &str, settings: Settings, keyring: Keyring) -> Result<Self, BadCharter> {
        for (text, what) in [(name, "name of a repository"), (description, "description of a repository")] {
            let bad =
                text.is_empty() || text.len() > MAX_LINE || text.trim() != text || text.chars().any(char::is_control);
            if bad {
                let shown = text.chars().take(60).flat_map(char::escape_default).collect();
                return Err(BadCharter(shown, what));
            }
        }
        let (name, description) = (name.to_owned(), description.to_owned());
        Ok(Self { form: FORM, name, description, settings, keyring, channels: Vec::new() })
    }

    /// Returns the charter of a copy in another place, which has only some of the channels.
    pub(super) fn moved(&self, url: PublicUrl, channels: &BTreeSet<Channel>) -> Self {
        let mut moved = self.clone();
        moved.settings.url = Some(url);
        moved.channels.retain(|name| name.parse().is_ok_and(|channel| channels.contains(&channel)));
        moved
    }

    /// Returns the charter of a repository of the same name and keys that has no channels yet.
    pub(super) fn emptied(&self) -> Self {
        Self { channels: Vec::new(), ..self.clone() }
    }

    /// Returns the charter and the certificates as files.
    pub(super) fn files(&self) -> Result<Vec<(Key, Vec<u8>)>, RepositoryError> {
        let mut files = vec![(charter_key(), state::write(self))];
        files.extend(key_files(&self.keyring)?);
        Ok(files)
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

    /// Returns the name as one word, see [`word`].
    pub fn word(&self) -> String {
        word(&self.name)
    }
}

/// Returns the name of a repository as one word, for names of files and packages: letters in lower case, digits and hyphens.
pub fn word(name: &str) -> String {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let word = parts.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    // Policy 5.6.1: names of packages have two characters at least.
    if word.len() < 2 { "repository".to_owned() } else { word }
}

/// A repository.
#[derive(Debug)]
pub struct Repository {
    store: Store,
    charter: Charter,
    tag: Tag,
}

impl Repository {
    /// Makes a repository where there is none.
    pub fn init(store: Store, charter: Charter) -> Result<Self, RepositoryError> {
        let path = charter_key();
        if store.get(&path, LIMIT)?.is_some() {
            return Err(RepositoryError::Exists(store.location().to_string()));
        }
        // The charter first: of two that make one here, the other one writes nothing.
        let Swap::Done(tag) = store.swap(&path, &state::write(&charter), None)? else {
            return Err(RepositoryError::Exists(store.location().to_string()));
        };
        write_keys(&store, &charter.keyring)?;
        let made = Self { store, charter, tag };
        made.show_site()?;
        Ok(made)
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

    /// Lets the keys of certificates sign packages, or renews certificates.
    pub fn trust(&mut self, certificates: &[Certificate]) -> Result<(), RepositoryError> {
        self.amend_keys(|keyring| certificates.iter().for_each(|certificate| keyring.trust(certificate)))
    }

    /// Takes a certificate away, by the fingerprint of its primary key. Clients keep what they were given.
    pub fn distrust(&mut self, fingerprint: &str) -> Result<(), RepositoryError> {
        let find = |one: &&Trusted| one.certificate.fingerprint() == fingerprint;
        match self.charter.keyring.iter().find(find) {
            None => return Err(RepositoryError::NoKey(fingerprint.to_owned())),
            Some(one) if one.role.is_for_index() => return Err(RepositoryError::KeySigns(fingerprint.to_owned())),
            Some(_) => {}
        }
        self.amend_keys(|keyring| keyring.distrust(fingerprint))
    }

    /// Changes the keyring, and then what clients fetch of it.
    pub(super) fn amend_keys(&mut self, change: impl Fn(&mut Keyring)) -> Result<(), RepositoryError> {
        self.amend(|charter| change(&mut charter.keyring))?;
        self.show_keys()
    }

    /// Writes the certificates that clients fetch, as the charter has them. Returns when nobody has changed it meanwhile.
    pub fn show_keys(&mut self) -> Result<(), RepositoryError> {
        for _ in 0..TRIES {
            let keyring = self.charter.keyring.clone();
            write_keys(&self.store, &keyring)?;
            self.reload()?;
            if self.charter.keyring == keyring {
                return Ok(());
            }
        }
        Err(RepositoryError::Contended { tries: TRIES })
    }

    /// Whether these are the keys that sign index files: all of them, and no other, with the certificates that clients
    /// have. Where the repository is signed anew by other keys, those that go need not sign.
    pub(super) fn admit(
        &self,
        signers: &Signers<'_>,
        date: SourceDate,
        reason: &Reason,
    ) -> Result<(), RepositoryError> {
        let own = self.charter.keyring.of_index();
        let named = |mut all: Vec<&str>| {
            all.sort_unstable();
            all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>()
        };
        let known = named(own.iter().map(Certificate::fingerprint).collect());
        let given = named(signers.certificates().map(Certificate::fingerprint).collect());
        let is_own = match reason {
            Reason::Resign => given.iter().all(|one| known.contains(one)),
            _ => known == given,
        };
        if !is_own {
            return Err(RepositoryError::OtherKeys { known, given });
        }
        let is_fit = |fingerprint: &str| {
            own.iter().flat_map(|one| one.keys(date.epoch())).any(|key| key.fingerprint == fingerprint && key.is_fit())
        };
        match signers.iter().find(|signer| !is_fit(signer.fingerprint())) {
            None => Ok(()),
            Some(signer) => Err(RepositoryError::OldCertificate(signer.fingerprint().to_owned())),
        }
    }

    /// Chooses settings anew. They hold from the next publication on.
    pub fn configure(&mut self, settings: &Settings) -> Result<(), RepositoryError> {
        self.amend(|charter| settings.clone_into(&mut charter.settings))
    }

    /// Adds a channel to the charter, unless it stands there.
    pub(super) fn register(&mut self, channel: Channel) -> Result<(), RepositoryError> {
        let name = channel.to_string();
        if !self.charter.channels.contains(&name) {
            // Whoever made the repository may have been killed before the certificates were there.
            self.show_keys()?;
        }
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

    /// Reads the charter again.
    pub(super) fn reload(&mut self) -> Result<(), RepositoryError> {
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

/// Writes the certificates as clients fetch them, where they are other ones.
fn write_keys(store: &Store, keyring: &Keyring) -> Result<(), RepositoryError> {
    for (key, bytes) in key_files(keyring)? {
        if store.get(&key, LIMIT)?.is_none_or(|there| there.bytes != bytes) {
            store.replace(&key, &bytes)?;
        }
    }
    Ok(())
}

fn key_files(keyring: &Keyring) -> Result<[(Key, Vec<u8>); 2], RepositoryError> {
    let failed = |error: KeyError| RepositoryError::Index { file: CERTIFICATE.to_owned(), cause: error.to_string() };
    let armor = keyring.to_armor().map_err(failed)?.into_bytes();
    Ok([(key(CERTIFICATE), armor), (key(KEYRING), keyring.to_bytes().map_err(failed)?)])
}
