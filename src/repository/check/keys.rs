//! Whether clients are given the certificates of the keyring, and no other, wherever they get them.

use std::collections::BTreeSet;

use super::roots;
use crate::repository::channel::Channel;
use crate::repository::charter::Repository;
use crate::repository::client::{Finding, Kind};
use crate::repository::error::RepositoryError;
use crate::repository::keyring::Keyring;
use crate::repository::layout::{CERTIFICATE, KEYRING, key};
use crate::repository::rpmmd::KEY;
use crate::repository::site;
use crate::repository::store::{Cause, Key, StoreError};
use crate::sign::{Certificate, MAX_KEY_FILE};

/// Bytes that a page may have.
const MAX_PAGE: u64 = 64 << 20;
/// Digits of a fingerprint of version 4.
const DIGITS: usize = 40;

/// What of the keyring has to be in a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// All of it.
    All,
    /// The keys that sign index files: others come with the packages that they signed.
    Index,
}

/// What there is under a name.
enum Look {
    Nothing,
    /// More than anybody would write there, which is wrong.
    TooLarge(Finding),
    File(Vec<u8>),
}

impl Look {
    /// Returns the bytes of a file that need not be there.
    fn or_tell(self, found: &mut Vec<Finding>) -> Option<Vec<u8>> {
        match self {
            Self::Nothing => None,
            Self::TooLarge(wrong) => {
                found.push(wrong);
                None
            }
            Self::File(bytes) => Some(bytes),
        }
    }
}

impl Repository {
    /// Compares the certificates that the repository gives to its clients with its keyring: files of keys, the key beside
    /// `repomd.xml`, what is embedded in apt's sources, and fingerprints on pages.
    pub fn check_keys(&self) -> Result<Vec<Finding>, RepositoryError> {
        let keyring = self.charter_now()?.keyring;
        let mut found = Vec::new();
        for (file, keyring) in [(CERTIFICATE, keyring.clone()), (KEYRING, keyring.for_apt())] {
            match self.read_limited(&key(file), MAX_KEY_FILE)? {
                Look::Nothing => found.push(finding(file, "is not there")),
                Look::TooLarge(wrong) => found.push(wrong),
                Look::File(bytes) => found.extend(compare(file, Certificate::parse(&bytes), &keyring, Need::All)),
            }
        }
        self.check_page(site::PAGE, &keyring, &mut found)?;
        for channel in self.published()? {
            let generation = self.named(channel)?.1;
            for (folder, _) in roots(&generation).into_iter().filter(|(_, kind)| *kind == Kind::RpmMd) {
                let path = format!("{folder}/{KEY}");
                // zypper asks for it, and does without.
                let Some(bytes) = self.read_limited(&key(&path), MAX_KEY_FILE)?.or_tell(&mut found) else { continue };
                found.extend(compare(&path, Certificate::parse(&bytes), &keyring, Need::Index));
            }
            self.check_sources(channel, &keyring, &mut found)?;
            self.check_page(&site::page_path(channel), &keyring, &mut found)?;
        }
        Ok(found)
    }

    /// Reads a file that anybody may have written.
    fn read_limited(&self, path: &Key, limit: u64) -> Result<Look, RepositoryError> {
        match self.store().get(path, limit) {
            Ok(object) => Ok(object.map_or(Look::Nothing, |object| Look::File(object.bytes))),
            Err(StoreError { cause: Cause::TooLarge(limit), .. }) => {
                Ok(Look::TooLarge(finding(path.as_str(), &format!("has more than {limit} bytes"))))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// apt's sources with certificates in them.
    fn check_sources(
        &self,
        channel: Channel,
        keyring: &Keyring,
        found: &mut Vec<Finding>,
    ) -> Result<(), RepositoryError> {
        for path in site::sources(self.charter(), channel) {
            let Some(bytes) = self.read_limited(&path, MAX_PAGE)?.or_tell(found) else { continue };
            // A blank before each line, and a dot on empty ones (sources.list(5)).
            let text = String::from_utf8_lossy(&bytes).replace("\n .\n", "\n\n").replace("\n ", "\n");
            if text.contains("-----BEGIN PGP") {
                let given = Certificate::parse(text.as_bytes());
                found.extend(compare(path.as_str(), given, &keyring.for_apt(), Need::All));
            }
        }
        Ok(())
    }

    /// The fingerprints that people compare.
    fn check_page(&self, path: &str, keyring: &Keyring, found: &mut Vec<Finding>) -> Result<(), RepositoryError> {
        let Some(bytes) = self.read_limited(&key(path), MAX_PAGE)?.or_tell(found) else { return Ok(()) };
        if site::is_foreign(&bytes) {
            return Ok(());
        }
        let named = fingerprints(&String::from_utf8_lossy(&bytes));
        let known: BTreeSet<String> = keyring.iter().map(|one| one.certificate.fingerprint().to_owned()).collect();
        found.extend(named.difference(&known).map(|one| finding(path, &format!("names the key {one}, {NO_KEY}"))));
        found.extend(known.difference(&named).map(|one| finding(path, &format!("does not name the key {one}"))));
        Ok(())
    }
}

pub(super) const NO_KEY: &str = "which is none of the repository";

pub(super) fn finding(file: &str, cause: &str) -> Finding {
    Finding { file: file.to_owned(), cause: cause.to_owned() }
}

/// Says what is wrong with certificates that clients are given.
fn compare(
    file: &str,
    given: Result<Vec<Certificate>, crate::sign::KeyError>,
    keyring: &Keyring,
    need: Need,
) -> Vec<Finding> {
    let given = match given {
        Ok(given) => given,
        Err(error) => return vec![finding(file, &error.to_string())],
    };
    let mut found = Vec::new();
    for one in &given {
        let fingerprint = one.fingerprint();
        let known = keyring.iter().find(|known| known.certificate.fingerprint() == fingerprint);
        if known.is_none() {
            found.push(finding(file, &format!("holds the key {fingerprint}, {NO_KEY}")));
        } else if known.is_some_and(|known| known.certificate != *one) {
            found.push(finding(file, &format!("holds another certificate of the key {fingerprint}")));
        }
    }
    for known in keyring.iter().filter(|known| need == Need::All || known.role.is_for_index()) {
        let fingerprint = known.certificate.fingerprint();
        if !given.iter().any(|one| one.fingerprint() == fingerprint) {
            found.push(finding(file, &format!("does not hold the key {fingerprint}")));
        }
    }
    found
}

/// Returns the fingerprints in a page, which stand there in groups of four digits.
fn fingerprints(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut run = String::new();
    for c in text.chars().chain(['\n']) {
        match c {
            '0'..='9' | 'A'..='F' => run.push(c),
            ' ' | '\u{a0}' => {}
            _ => {
                if run.len() == DIGITS {
                    found.insert(std::mem::take(&mut run));
                }
                run.clear();
            }
        }
    }
    found
}
