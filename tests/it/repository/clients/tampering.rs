//! What somebody does to a repository who can write there and has no key.

use kubepkg::repository::store::{Key, Store};

use super::Place;

const LIMIT: u64 = 1 << 20;

/// The files of a repository in the eyes of one package manager.
pub(super) struct Files {
    /// What is signed.
    pub(super) signed: &'static str,
    /// Where the signature is.
    pub(super) signature: &'static str,
    /// The folder of the index files of packages, and a part of their names.
    pub(super) index: (&'static str, &'static str),
    /// The folder of the files that change.
    pub(super) mutable: &'static str,
    /// The folder of packages.
    pub(super) packages: &'static str,
}

/// Something that is not as the publisher made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The text that is signed.
    SignedIndex,
    /// The signature.
    Signature,
    /// The index files of packages.
    Index,
    /// A package.
    Package,
    /// The key: it is another one than the machine trusts.
    Key,
}

impl Change {
    /// Those that somebody makes who can write to the repository.
    pub(super) const OF_FILES: [Self; 4] = [Self::SignedIndex, Self::Signature, Self::Index, Self::Package];
}

fn read(store: &Store, key: &Key) -> Vec<u8> {
    store.get(key, LIMIT).unwrap().unwrap_or_else(|| panic!("{key}")).bytes
}

/// Files as they were, to be put back.
pub(super) struct Saved(Vec<(Key, Vec<u8>)>);

impl Saved {
    /// Everything below the folder of files that change.
    pub(super) fn of_mutable(place: &Place, files: &Files) -> Self {
        let store = place.store();
        let listed = store.list(files.mutable).unwrap().into_iter().map(|found| found.key);
        let names = listed.filter(|key| {
            let name = key.as_str().rsplit('/').next().unwrap();
            !key.as_str().contains("/by-hash/")
                && ["InRelease", "Release", "Packages", "repomd"].iter().any(|start| name.starts_with(start))
        });
        Self(names.map(|key| (key.clone(), read(&store, &key))).collect())
    }

    pub(super) fn put_back(&self, place: &Place) {
        let store = place.store();
        self.0.iter().for_each(|(key, bytes)| store.replace(key, bytes).unwrap());
    }
}

/// Changes the bytes of every file that matches, and returns those that were there.
fn change_all(store: &Store, folder: &str, is_meant: impl Fn(&str) -> bool, change: impl Fn(&mut Vec<u8>)) -> Saved {
    let listed = store.list(folder).unwrap().into_iter().map(|found| found.key);
    let meant: Vec<Key> = listed.filter(|key| is_meant(key.as_str())).collect();
    assert!(!meant.is_empty(), "nothing to change in {folder}");
    let mut saved = Vec::new();
    for key in meant {
        let before = read(store, &key);
        let mut after = before.clone();
        change(&mut after);
        assert_ne!(before, after, "{key}");
        store.replace(&key, &after).unwrap();
        saved.push((key, before));
    }
    Saved(saved)
}

fn replace_text(bytes: &mut Vec<u8>, old: &str, new: &str) {
    *bytes = String::from_utf8(std::mem::take(bytes)).unwrap().replacen(old, new, 1).into_bytes();
}

/// Does it, and returns what was there before.
pub(super) fn tamper(place: &Place, files: &Files, change: Change) -> Saved {
    let store = place.store();
    let only = |path: &'static str| move |name: &str| name == path;
    let flip_in_the_middle = |bytes: &mut Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    };
    match change {
        Change::SignedIndex => change_all(&store, files.mutable, only(files.signed), |bytes| {
            replace_text(bytes, "\nOrigin: Example", "\nOrigin: Elsewhere");
            replace_text(bytes, "<revision>1", "<revision>2");
        }),
        Change::Signature => change_all(&store, files.mutable, only(files.signature), |bytes| {
            // A bit of the last number, without the check sum of the armor, which would tell it sooner.
            let mut lines: Vec<String> = String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect();
            lines.retain(|line| !line.starts_with('='));
            let last = lines.iter().rposition(|line| !line.is_empty() && !line.starts_with('-')).unwrap();
            let letter = lines[last].remove(0);
            lines[last].insert(0, if letter == 'A' { 'B' } else { 'A' });
            *bytes = (lines.join("\n") + "\n").into_bytes();
        }),
        Change::Index => change_all(
            &store,
            files.index.0,
            |name| name.contains(files.index.1) || name.rsplit('/').next().unwrap().starts_with("Packages"),
            flip_in_the_middle,
        ),
        Change::Package => change_all(
            &store,
            files.packages,
            |name| name.contains("kubectl") && (name.contains("amd64") || name.contains("x86_64")),
            flip_in_the_middle,
        ),
        Change::Key => unreachable!("no change of a file"),
    }
}
