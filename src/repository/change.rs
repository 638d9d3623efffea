//! Changes of channels that bring no new packages: promotions, rollbacks, new dates. No bytes of packages are moved.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::rc::Rc;
use std::str::FromStr;

use super::channel::Channel;
use super::charter::Repository;
use super::error::RepositoryError;
use super::fragment::upstream_version;
use super::generation::{Entry, Generation, Reason};
use super::pack::Shelf;
use super::projection::{self, Fresh};
use super::publish::{Change, Outcome, Publisher};
use super::store::Key;
use crate::digest::Digest;

/// What a channel is to show, by the file names of its packages.
pub type Wanted = BTreeMap<String, Digest>;

/// Packages of a channel: those of a name, or of a name and a version. Displays as `kubelet=1.36.2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    name: String,
    version: Option<String>,
}

impl Pick {
    /// Whether a package is one of them. A version without its revision is that of all revisions.
    fn is(&self, entry: &Entry) -> bool {
        let is_version = |version: &String| entry.version == *version || upstream_version(&entry.version) == version;
        entry.name == self.name && self.version.as_ref().is_none_or(is_version)
    }
}

impl fmt::Display for Pick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{}={version}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Text that picks nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("takes the name of a package, or `NAME=VERSION`")]
pub struct BadPick;

impl FromStr for Pick {
    type Err = BadPick;

    /// Takes `v1.36.2` for `1.36.2`, too.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, version) = match text.split_once('=') {
            Some((name, version)) => (name, Some(version.strip_prefix('v').unwrap_or(version).to_owned())),
            None => (text, None),
        };
        let is_empty = name.is_empty() || version.as_ref().is_some_and(String::is_empty);
        if is_empty { Err(BadPick) } else { Ok(Self { name: name.to_owned(), version }) }
    }
}

/// Packages of some channels, with what is known of them.
#[derive(Debug)]
pub struct Found {
    pub(super) packages: Vec<Entry>,
    pub(super) fragments: Rc<Shelf>,
}

impl Found {
    /// Returns what a channel shows with these besides.
    pub(super) fn beside(&self, shown: &[Entry]) -> Vec<Entry> {
        let known: HashSet<&Entry> = shown.iter().collect();
        let new = self.packages.iter().filter(|entry| !known.contains(entry));
        shown.iter().chain(new).cloned().collect()
    }

    fn change(&self, packages: Vec<Entry>, reason: &Reason) -> Change {
        Change::new(packages, Rc::clone(&self.fragments), reason.clone())
    }
}

impl Repository {
    /// Returns what a channel shows, or the `picks` of it.
    pub fn pick(&self, from: Channel, picks: &[Pick]) -> Result<Found, RepositoryError> {
        let source = self.shown(from)?.generation;
        let fragments = self.fragments(&source)?;
        let mut packages = source.packages;
        if let Some(pick) = picks.iter().find(|pick| !packages.iter().any(|entry| pick.is(entry))) {
            return Err(RepositoryError::NotShown { channel: from, pick: pick.to_string() });
        }
        packages.retain(|entry| picks.is_empty() || picks.iter().any(|pick| pick.is(entry)));
        Ok(Found { packages, fragments })
    }

    /// Adds what was picked from `from` to `to`.
    pub fn promote(
        &mut self,
        found: &Found,
        (from, to): (Channel, Channel),
        publisher: &Publisher<'_>,
    ) -> Result<Outcome, RepositoryError> {
        let reason = Reason::Promote { from: from.to_string() };
        self.advance(to, publisher, |shown| Ok((found.change(found.beside(shown), &reason), Vec::new())))
    }

    /// Finds the packages of a list: in what channels show, or else in what they showed, so that an earlier list can be
    /// applied again.
    pub fn find(&self, wanted: &Wanted) -> Result<Found, RepositoryError> {
        let (mut packages, mut shelf, mut search) = (Vec::new(), Shelf::default(), Search { left: wanted.clone() });
        let channels = self.published()?;
        for channel in &channels {
            let generation = self.shown(*channel)?.generation;
            let found = search.take(&generation);
            if !found.is_empty() {
                shelf.join(&*self.fragments(&generation)?);
            }
            packages.extend(found);
        }
        for channel in channels {
            if search.left.is_empty() {
                break;
            }
            let mut older = Vec::new();
            self.walk(channel, |shown| {
                let found = search.take(&shown.generation);
                if !found.is_empty() {
                    older.push((shown.generation, found));
                }
                !search.left.is_empty()
            })?;
            for (generation, found) in older {
                shelf.join(&*self.fragments(&generation)?);
                packages.extend(self.kept(found)?);
            }
        }
        match search.left.pop_first() {
            None => Ok(Found { packages, fragments: Rc::new(shelf) }),
            Some((file, sha256)) => Err(RepositoryError::NoPackage { file, sha256 }),
        }
    }

    /// Returns packages that no channel shows any more, if nobody has deleted one.
    fn kept(&self, found: Vec<Entry>) -> Result<Vec<Entry>, RepositoryError> {
        let paths: Vec<Key> = found.iter().map(|entry| entry.path.clone()).collect();
        let gone = self.store().sizes(&paths)?.into_iter().position(|size| size.is_none());
        match gone.map(|place| &found[place]) {
            None => Ok(found),
            Some(entry) => {
                Err(RepositoryError::NoPackage { file: file_name(entry).to_owned(), sha256: entry.sha256.clone() })
            }
        }
    }

    /// Makes a channel show what a list says and nothing else; `list` names the list in the history.
    pub fn apply(
        &mut self,
        channel: Channel,
        found: &Found,
        list: &str,
        publisher: &Publisher<'_>,
    ) -> Result<Outcome, RepositoryError> {
        let reason = Reason::Promote { from: list.to_owned() };
        self.advance(channel, publisher, |_| Ok((found.change(found.packages.clone(), &reason), Vec::new())))
    }

    /// Makes a channel show again what generation `to` showed: a new generation, since clients never go back.
    pub fn rollback(
        &mut self,
        channel: Channel,
        to: u64,
        publisher: &Publisher<'_>,
    ) -> Result<Outcome, RepositoryError> {
        let old = self.generation(channel, to)?.generation;
        let fragments = self.fragments(&old)?;
        self.advance(channel, publisher, |_| {
            let change = Change::new(old.packages.clone(), Rc::clone(&fragments), Reason::Rollback { to });
            Ok((change, Vec::new()))
        })
    }

    /// Signs what a channel shows again, with a new date and perhaps another key.
    pub fn refresh(&mut self, channel: Channel, publisher: &Publisher<'_>) -> Result<Outcome, RepositoryError> {
        self.shown(channel)?;
        self.advance(channel, publisher, |shown| {
            let change = Change::new(shown.to_vec(), Rc::default(), Reason::Refresh);
            Ok((change, Vec::new()))
        })
    }

    /// Writes what clients fetch again, as the channel's head wants it. A run that was killed may have left some of it
    /// as it was before. Returns whether anything was wrong.
    pub fn repair(&self, channel: Channel) -> Result<bool, RepositoryError> {
        let shown = self.shown(channel)?.generation;
        let is_complete = projection::is_complete(self.store(), &shown)?;
        if !is_complete {
            projection::write(self.store(), channel, &Fresh::default())?;
        }
        Ok(!is_complete)
    }

    /// Returns what is known of the packages of a generation.
    pub(super) fn fragments(&self, generation: &Generation) -> Result<Rc<Shelf>, RepositoryError> {
        let by = format!("generation {} of {}", generation.number, generation.channel);
        Ok(Rc::new(Shelf::read(self.store(), &generation.packs, &by)?))
    }
}

/// Packages of a list that were not found yet.
struct Search {
    left: Wanted,
}

impl Search {
    /// Takes what a generation has of them.
    fn take(&mut self, generation: &Generation) -> Vec<Entry> {
        let is_wanted = |entry: &&Entry| self.left.get(file_name(entry)) == Some(&entry.sha256);
        let found: Vec<Entry> = generation.packages.iter().filter(is_wanted).cloned().collect();
        for entry in &found {
            self.left.remove(file_name(entry));
        }
        found
    }
}

/// Returns the name of a package's file.
pub fn file_name(entry: &Entry) -> &str {
    entry.path.as_str().rsplit('/').next().unwrap_or_default()
}
