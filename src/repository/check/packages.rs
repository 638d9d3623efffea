//! Whether machines that get the certificates by a package get those that they need.
//!
//! A change of keys leaves the newest package behind until there is another one. As long as some key in it signs the
//! repository, machines read on and get the next one: that is worth a word, and wrong is what leaves them with nothing.

use std::collections::{BTreeSet, HashSet};

use super::keys::{NO_KEY, finding};
use crate::format::Format;
use crate::package::reader::walk;
use crate::repository::channel::Channel;
use crate::repository::charter::Repository;
use crate::repository::client::Finding;
use crate::repository::error::RepositoryError;
use crate::repository::fragment::{Fragment, compare_versions};
use crate::repository::generation::{Entry, Generation};
use crate::repository::keyring::{Keyring, Trusted};
use crate::repository::keyring_package::package_name;
use crate::repository::resign::is_among;
use crate::sign::{Certificate, KeyError, KeyState, MAX_KEY_FILE};
use crate::source_date::SourceDate;

/// What is to be said of the packages of certificates that channels show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyringPackages {
    /// What leaves machines with a repository, or a package, that they cannot read, or with a key that is nobody's.
    pub wrong: Vec<Finding>,
    /// What is of before the last change of keys, and lets machines read on.
    pub behind: Vec<Finding>,
    /// The channels where another package would mend it.
    pub channels: BTreeSet<Channel>,
}

impl KeyringPackages {
    /// Takes what is not known yet: one package may be shown by several channels.
    fn add(&mut self, more: Self) {
        for (known, more) in [(&mut self.wrong, more.wrong), (&mut self.behind, more.behind)] {
            for finding in more {
                if !known.contains(&finding) {
                    known.push(finding);
                }
            }
        }
    }
}

/// What the certificates in a package are compared with.
struct Needs<'a> {
    repository: &'a Repository,
    generation: &'a Generation,
    /// Those that machines of the package's format should have.
    keyring: Keyring,
    now: SourceDate,
}

impl Repository {
    /// Looks at the newest packages of certificates of all channels: machines trust what is in them.
    pub fn check_keyring_packages(&self, now: SourceDate) -> Result<KeyringPackages, RepositoryError> {
        let keyring = self.charter_now()?.keyring;
        let name = package_name(self.charter());
        let mut found = KeyringPackages::default();
        for channel in self.published()? {
            let generation = self.named(channel)?.1;
            for format in Format::ALL {
                let of = generation.packages.iter().filter(|entry| entry.format == format && entry.name == name);
                let newest = of.max_by(|one, other| compare_versions(format, &one.version, &other.version));
                let Some(entry) = newest else { continue };
                let keyring = match format {
                    Format::Deb => keyring.for_apt(),
                    Format::Rpm => keyring.clone(),
                };
                let needs = Needs { repository: self, generation: &generation, keyring, now };
                let of_one = needs.look(entry)?;
                if of_one != KeyringPackages::default() {
                    found.channels.insert(channel);
                    found.add(of_one);
                }
            }
        }
        Ok(found)
    }
}

impl Needs<'_> {
    /// Reads the certificates of a package, and compares them.
    fn look(&self, entry: &Entry) -> Result<KeyringPackages, RepositoryError> {
        let (path, mut found, mut files) = (entry.path.as_str(), KeyringPackages::default(), Vec::new());
        self.repository.store().each_file(&[(entry.path.clone(), entry.size)], |_, stored| {
            let Some(stored) = stored else { return Ok(()) };
            let read = walk(stored.path(), &mut |file, content| {
                let is_certificate = file.path.contains("/keyrings/") || file.path.contains("/rpm-gpg/");
                if is_certificate && file.size <= MAX_KEY_FILE {
                    let mut bytes = Vec::new();
                    content.read_to_end(&mut bytes)?;
                    files.push(Certificate::parse(&bytes));
                }
                Ok(())
            });
            found.wrong.extend(read.err().map(|error| finding(path, &error.to_string())));
            Ok(())
        })?;
        if files.is_empty() && found.wrong.is_empty() {
            found.wrong.push(finding(path, "holds no certificates"));
        }
        // The same certificates lie in a deb twice, armored and not.
        for given in files {
            found.add(self.compare(path, given)?);
        }
        Ok(found)
    }

    fn compare(
        &self,
        path: &str,
        given: Result<Vec<Certificate>, KeyError>,
    ) -> Result<KeyringPackages, RepositoryError> {
        let mut found = KeyringPackages::default();
        let given = match given {
            Ok(given) => given,
            Err(error) => {
                found.wrong.push(finding(path, &error.to_string()));
                return Ok(found);
            }
        };
        let of = |fingerprint: &str| given.iter().find(|one| one.fingerprint() == fingerprint);
        let reads = |one: &Trusted| {
            let held = of(one.certificate.fingerprint());
            one.role.is_for_index() && held.is_some_and(|held| held.keys(self.now.epoch()).iter().any(KeyState::is_fit))
        };
        if !self.keyring.iter().any(reads) {
            found.wrong.push(finding(path, "holds no key that signs the repository: whoever trusts it reads nothing"));
        }
        for one in self.keyring.iter() {
            let fingerprint = one.certificate.fingerprint();
            match of(fingerprint) {
                Some(held) if *held == one.certificate => {}
                Some(_) => {
                    let cause = format!("holds another certificate of the key {fingerprint}");
                    found.behind.push(finding(path, &cause));
                }
                None if one.role.is_for_index() || !self.has_signed(&one.certificate)? => {
                    found.behind.push(finding(path, &format!("does not hold the key {fingerprint}")));
                }
                None => {
                    let cause = format!(
                        "does not hold the key {fingerprint}, by which {} has packages",
                        self.generation.channel
                    );
                    found.wrong.push(finding(path, &cause));
                }
            }
        }
        let is_known =
            |one: &&Certificate| self.keyring.iter().any(|two| two.certificate.fingerprint() == one.fingerprint());
        for one in given.iter().filter(|one| !is_known(one)) {
            let fingerprint = one.fingerprint();
            if self.signed_before(fingerprint) {
                found.behind.push(finding(path, &format!("holds the key {fingerprint}, which signs no more")));
            } else {
                found.wrong.push(finding(path, &format!("holds the key {fingerprint}, {NO_KEY}")));
            }
        }
        Ok(found)
    }

    /// Whether the channel shows an RPM that a key has signed.
    fn has_signed(&self, certificate: &Certificate) -> Result<bool, RepositoryError> {
        let shelf = self.repository.fragments(self.generation)?;
        let issuers: HashSet<String> = shelf.fragments().flat_map(Fragment::signers).cloned().collect();
        Ok(is_among(certificate, &issuers))
    }

    /// Whether a key signed what the channel showed before. Whoever signs a repository now says what it was before.
    fn signed_before(&self, fingerprint: &str) -> bool {
        let mut found = false;
        let walked = self.repository.walk(self.generation.channel, |shown| {
            found = shown.generation.signers.iter().any(|signer| signer == fingerprint);
            !found
        });
        walked.is_ok() && found
    }
}
