//! Fewer versions in a channel: the newest ones of each package stay.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use super::channel::Channel;
use super::charter::Repository;
use super::error::RepositoryError;
use super::fragment::{Fragment, compare_versions};
use super::gate::{self, Components};
use super::generation::{Entry, Reason};
use super::pack::Shelf;
use super::publish::{Change, Outcome, Publisher};

impl Repository {
    /// Returns what [`Repository::prune`] would take out of a channel. Nothing is written.
    pub fn prunable(
        &self,
        channel: Channel,
        keep: usize,
        components: &Components,
    ) -> Result<Vec<Entry>, RepositoryError> {
        let shown = self.shown(channel)?.generation.packages;
        let kept: HashSet<Entry> = remaining(&shown, keep, &*self.known(channel)?, components).into_iter().collect();
        Ok(shown.into_iter().filter(|entry| !kept.contains(entry)).collect())
    }

    /// Makes a channel show the newest `keep` versions of each package, architecture and minor release, and whatever those
    /// require of older ones. Their bytes stay until they are garbage.
    pub fn prune(
        &mut self,
        channel: Channel,
        keep: usize,
        publisher: &Publisher<'_>,
    ) -> Result<Outcome, RepositoryError> {
        let fragments = self.known(channel)?;
        self.advance(channel, publisher, |shown| {
            let packages = remaining(shown, keep, &fragments, publisher.components);
            Ok((Change::new(packages, Rc::default(), Reason::Prune { keep }), Vec::new()))
        })
    }

    fn known(&self, channel: Channel) -> Result<Rc<Shelf>, RepositoryError> {
        self.fragments(&self.shown(channel)?.generation)
    }
}

/// Returns the packages that stay. What somebody published meanwhile, of which nothing is known here, stays too.
fn remaining(shown: &[Entry], keep: usize, fragments: &Shelf, components: &Components) -> Vec<Entry> {
    let mut groups: BTreeMap<_, Vec<&Entry>> = BTreeMap::new();
    for entry in shown {
        let minor = minor(&entry.version);
        groups.entry((entry.format.as_str(), &entry.name, &entry.arch, minor)).or_default().push(entry);
    }
    let (mut kept, mut rest) = (Vec::new(), Vec::new());
    for group in groups.values_mut() {
        group.sort_by(|one, other| compare_versions(one.format, &other.version, &one.version));
        let (newest, older) = group.split_at(keep.min(group.len()));
        kept.extend_from_slice(newest);
        rest.extend_from_slice(older);
    }
    // What stays may require something older: until nothing does.
    loop {
        let known = |entries: &[&Entry]| -> Vec<&Fragment> {
            entries.iter().filter_map(|entry| fragments.get(&entry.sha256)).collect()
        };
        let missing = gate::completing(&known(&kept), &known(&rest), components);
        let (back, older): (Vec<&Entry>, Vec<&Entry>) = rest
            .into_iter()
            .partition(|entry| missing.contains(&entry.sha256) || fragments.get(&entry.sha256).is_none());
        kept.extend(&back);
        rest = older;
        if back.is_empty() {
            return kept.into_iter().cloned().collect();
        }
    }
}

/// The minor release of a version: `1.36` of `1.36.2-1.1`.
fn minor(version: &str) -> String {
    let version = version.split_once(':').map_or(version, |(_, version)| version);
    let numbers = version.split(|c: char| !c.is_ascii_digit()).take(2);
    numbers.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minors_are_those_of_every_spelling() {
        for (version, expected) in [
            ("1.36.2-1.1", "1.36"),
            ("1.36.0~rc.1-1", "1.36"),
            ("2:1.9.1-1", "1.9"),
            ("2026.11.26-1", "2026.11"),
            ("7-1", "7.1"),
        ] {
            assert_eq!(minor(version), expected, "{version}");
        }
    }
}
