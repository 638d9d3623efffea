//! What a repository says of itself: its name, its shapes, its channels.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::anchor::Anchors;
use super::channel::Channel;
use super::error::RepositoryError;
use super::keyring::Keyring;
use super::layout::{CERTIFICATE, KEYRING, key};
use super::settings::{PublicUrl, Settings};
use super::state::{self, FORM, StateError};
use super::store::{Key, Store, Swap, Tag};
use crate::digest::Digest;
use crate::sign::{KeyError, SignError, Signers};
use crate::source_date::SourceDate;

/// Where the charter is, below the root of the repository.
pub const CHARTER: &str = ".kubepkg/repository.json";
/// Bytes that the charter may have.
const LIMIT: u64 = 1 << 20;

/// The charter of a repository, the first file that is written and the first that is read.
///
/// The keys of the repository sign what others believe of it: its name, its keyring, and for how long index files are good.
/// How it presents itself and which channels it has is not signed: whoever can write to the store can hide them anyway, and
/// each channel has a signed head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charter {
    form: u32,
    /// How often what is signed was changed, from 1: heads name it, so that an older charter is known for one.
    number: u64,
    /// `Origin` and `Label` of apt's Release files. apt asks its user before it accepts another one, so it never changes.
    pub name: String,
    /// `Description` of apt's Release files: a line.
    pub description: String,
    /// How it presents what it holds.
    pub settings: Settings,
    /// The certificates that clients are given.
    pub keyring: Keyring,
    /// Signatures of [`Charter::message`], in one ASCII armor.
    signatures: String,
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
    /// Makes the charter of a new repository, which nobody has signed yet.
    pub fn new(name: &str, description: &str, settings: Settings, keyring: Keyring) -> Result<Self, BadCharter> {
        let (name, description) = (name.to_owned(), description.to_owned());
        let (channels, signatures) = (Vec::new(), String::new());
        let charter = Self { form: FORM, number: 1, name, description, settings, keyring, signatures, channels };
        charter.check_lines()?;
        Ok(charter)
    }

    fn check_lines(&self) -> Result<(), BadCharter> {
        for (text, what) in [(&self.name, "name of a repository"), (&self.description, "description of a repository")] {
            let bad =
                text.is_empty() || text.len() > MAX_LINE || text.trim() != text || text.chars().any(char::is_control);
            if bad {
                let shown = text.chars().take(60).flat_map(char::escape_default).collect();
                return Err(BadCharter(shown, what));
            }
        }
        Ok(())
    }

    /// Reads a charter that anybody may have written. Whether it is signed by whom it should be, [`Anchors`] say.
    fn parse(bytes: &[u8]) -> Result<Self, StateError> {
        let path = charter_key();
        let charter: Self = state::parse(path.as_str(), bytes)?;
        let malformed = |cause: String| StateError::Malformed { object: path.to_string(), cause };
        charter.check_lines().map_err(|error| malformed(error.to_string()))?;
        charter.keyring.check().map_err(malformed)?;
        let mut seen = HashSet::new();
        match charter.channels.iter().find(|name| name.parse::<Channel>().is_err() || !seen.insert(*name)) {
            Some(bad) => Err(malformed(format!("`{}` is no channel, or there twice", bad.escape_default()))),
            None => Ok(charter),
        }
    }

    /// What is signed: text with a line for each fact.
    pub(super) fn message(&self) -> Result<String, RepositoryError> {
        let Self { number, name, description, settings, keyring, .. } = self;
        let days = settings.valid_days.unwrap_or_default();
        let mut text =
            format!("kubepkg repository\nnumber {number}\nname {name}\ndescription {description}\nvalid-days {days}\n");
        for one in keyring.iter() {
            let bytes = one.certificate.to_bytes().map_err(unwritable)?;
            let (fingerprint, digest) = (one.certificate.fingerprint(), Digest::sha256(&bytes));
            // Memory takes everything.
            let _ = writeln!(text, "{} {fingerprint} {}", one.role.as_str(), digest.hex());
        }
        Ok(text)
    }

    /// Returns how often what is signed was changed, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn signatures(&self) -> &str {
        &self.signatures
    }

    /// Returns it signed by keys.
    fn signed(self, signers: &Signers<'_>, date: SourceDate) -> Result<Self, RepositoryError> {
        let armor = self.keyring.ordered(signers).detached(self.message()?.as_bytes(), date)?.to_armor();
        Ok(Self { signatures: armor.map_err(SignError::Refused)?, ..self })
    }

    /// Returns it as what comes after `before`: signed anew, where something else is to be believed.
    pub(super) fn after(
        mut self,
        before: &Self,
        sign: Option<(&Signers<'_>, SourceDate)>,
    ) -> Result<Self, RepositoryError> {
        if self.message()? == before.message()? {
            return Ok(self);
        }
        let Some((signers, date)) = sign else { return Err(RepositoryError::NeedsKey) };
        self.number += 1;
        self.signed(signers, date)
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

    /// Reads the charter as it is now, with what tells whether it is still the same.
    fn read(store: &Store, anchors: &Anchors) -> Result<(Self, Tag), RepositoryError> {
        let Some(object) = store.get(&charter_key(), LIMIT)? else {
            return Err(RepositoryError::NoRepository(store.location().to_string()));
        };
        let charter = Self::parse(&object.bytes)?;
        anchors.vouch(&charter)?;
        Ok((charter, object.tag))
    }

    /// Returns the channels that were ever published to, sorted by name.
    pub fn channels(&self) -> Vec<Channel> {
        self.channels.iter().filter_map(|name| name.parse().ok()).collect()
    }

    /// Whether it has a channel.
    pub(super) fn has(&self, channel: Channel) -> bool {
        self.channels.contains(&channel.to_string())
    }

    /// Adds a channel, unless it is there.
    pub(super) fn add(&mut self, channel: Channel) {
        if !self.has(channel) {
            self.channels.push(channel.to_string());
            self.channels.sort();
        }
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
    anchors: Anchors,
    pub(super) charter: Charter,
    pub(super) tag: Tag,
}

impl Repository {
    /// Makes a repository where there is none, signed by its keys.
    pub fn init(
        store: Store,
        charter: Charter,
        signers: &Signers<'_>,
        date: SourceDate,
    ) -> Result<Self, RepositoryError> {
        Self::found(store, charter.signed(signers, date)?, Anchors::default().and_signers(signers))
    }

    /// Makes a repository with a charter that was signed elsewhere.
    pub(super) fn found(store: Store, charter: Charter, anchors: Anchors) -> Result<Self, RepositoryError> {
        let path = charter_key();
        if store.get(&path, LIMIT)?.is_some() {
            return Err(RepositoryError::Exists(store.location().to_string()));
        }
        // The charter first: of two that make one here, the other one writes nothing.
        let Swap::Done(tag) = store.swap(&path, &state::write(&charter), None)? else {
            return Err(RepositoryError::Exists(store.location().to_string()));
        };
        write_keys(&store, &charter.keyring)?;
        let made = Self { store, anchors, charter, tag };
        made.show_site()?;
        Ok(made)
    }

    /// Opens the repository in a store, which one of the known keys has signed.
    pub fn open(store: Store, anchors: Anchors) -> Result<Self, RepositoryError> {
        let (charter, tag) = Charter::read(&store, &anchors)?;
        Ok(Self { store, anchors, charter, tag })
    }

    /// Returns where it is kept.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Leaves everything but the store.
    pub fn into_store(self) -> Store {
        self.store
    }

    /// Takes keys for those of the repository, too.
    pub(super) fn know(&mut self, signers: &Signers<'_>) {
        self.anchors = std::mem::take(&mut self.anchors).and_signers(signers);
    }

    /// Returns what is known of its keys.
    pub(super) fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// Returns what it says of itself.
    pub fn charter(&self) -> &Charter {
        &self.charter
    }

    /// Returns what it says of itself by now.
    pub(super) fn charter_now(&self) -> Result<Charter, RepositoryError> {
        Ok(Charter::read(&self.store, &self.anchors)?.0)
    }

    /// Returns the channels that were ever published to, sorted by name.
    pub fn channels(&self) -> Vec<Channel> {
        self.charter.channels()
    }

    /// Reads the charter again.
    pub(super) fn reload(&mut self) -> Result<(), RepositoryError> {
        (self.charter, self.tag) = Charter::read(&self.store, &self.anchors)?;
        Ok(())
    }
}

/// Returns where the charter is.
pub(super) fn charter_key() -> Key {
    key(CHARTER)
}

/// Writes the certificates as clients fetch them, where they are other ones.
pub(super) fn write_keys(store: &Store, keyring: &Keyring) -> Result<(), RepositoryError> {
    for (key, bytes) in key_files(keyring)? {
        if store.get(&key, LIMIT)?.is_none_or(|there| there.bytes != bytes) {
            store.replace(&key, &bytes)?;
        }
    }
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
fn unwritable(error: KeyError) -> RepositoryError {
    RepositoryError::Index { file: CERTIFICATE.to_owned(), cause: error.to_string() }
}

fn key_files(keyring: &Keyring) -> Result<[(Key, Vec<u8>); 2], RepositoryError> {
    let armor = keyring.to_armor().map_err(unwritable)?.into_bytes();
    Ok([(key(CERTIFICATE), armor), (key(KEYRING), keyring.for_apt().to_bytes().map_err(unwritable)?)])
}
