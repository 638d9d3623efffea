//! The certificates that clients of a repository are given, and what each of them is for.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::sign::{Certificate, KeyError, Signer, Signers};

/// A certificate with what it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trusted {
    /// The fingerprint of its primary key, for people: the certificate is what counts.
    fingerprint: String,
    /// What it is for.
    pub role: Role,
    /// The certificate; ASCII armor in the charter.
    #[serde(with = "armor")]
    pub certificate: Certificate,
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It signs index files, and may sign packages.
    Everything,
    /// It signs index files and nothing else.
    Index,
    /// It may sign packages.
    Packages,
    /// It signed everything once; packages that it signed are still shown.
    Former,
}

impl Role {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::Index => "index",
            Self::Packages => "packages",
            Self::Former => "former",
        }
    }

    /// Whether it signs index files.
    pub fn is_for_index(self) -> bool {
        matches!(self, Self::Everything | Self::Index)
    }

    /// Whether it may sign packages.
    pub fn is_for_packages(self) -> bool {
        self != Self::Index
    }
}

/// The certificates of a repository: those that sign index files come first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Keyring(Vec<Trusted>);

impl Keyring {
    /// Makes the keyring of a new repository that the keys of `index` sign. Where `packages` has certificates, those may
    /// sign packages and the others may not.
    pub fn new(index: &[Certificate], packages: &[Certificate]) -> Self {
        let role = if packages.is_empty() { Role::Everything } else { Role::Index };
        let index = index.iter().map(|certificate| Trusted::new(certificate, role));
        let mut keyring = Self(index.collect());
        for certificate in packages {
            keyring.trust(certificate);
        }
        keyring
    }

    /// Checks one that anybody may have written: every certificate is there once, under its own fingerprint.
    pub(super) fn check(&self) -> Result<(), String> {
        let mut seen = HashSet::new();
        for one in &self.0 {
            let fingerprint = one.certificate.fingerprint();
            if one.fingerprint != fingerprint {
                return Err(format!("the certificate of {fingerprint} is called something else"));
            }
            if !seen.insert(fingerprint) {
                return Err(format!("the certificate of {fingerprint} is there twice"));
            }
        }
        Ok(())
    }

    /// Returns those that apt believes: it takes an index file of any key that it is given, and no package for its own.
    #[must_use]
    pub fn for_apt(&self) -> Self {
        Self(self.0.iter().filter(|one| one.role.is_for_index()).cloned().collect())
    }

    /// Returns each certificate with what it is for.
    pub fn iter(&self) -> impl Iterator<Item = &Trusted> {
        self.0.iter()
    }

    /// Returns all certificates.
    pub fn certificates(&self) -> Vec<Certificate> {
        self.select(|_| true)
    }

    /// Returns those that sign index files.
    pub fn of_index(&self) -> Vec<Certificate> {
        self.select(Role::is_for_index)
    }

    /// Returns those that may sign packages.
    pub fn of_packages(&self) -> Vec<Certificate> {
        self.select(Role::is_for_packages)
    }

    fn select(&self, is_wanted: impl Fn(Role) -> bool) -> Vec<Certificate> {
        self.0.iter().filter(|one| is_wanted(one.role)).map(|one| one.certificate.clone()).collect()
    }

    /// Lets a certificate sign packages, or renews it.
    pub(super) fn trust(&mut self, certificate: &Certificate) {
        match self.find(certificate.fingerprint()) {
            Some(known) => {
                known.certificate = certificate.clone();
                known.role = if known.role.is_for_index() { Role::Everything } else { Role::Packages };
            }
            None => self.0.push(Trusted::new(certificate, Role::Packages)),
        }
    }

    /// Takes a certificate away, unless it signs index files.
    pub(super) fn distrust(&mut self, fingerprint: &str) {
        self.0.retain(|one| one.fingerprint != fingerprint || one.role.is_for_index());
    }

    /// Lets more keys sign index files, besides those that do and did, or renews their certificates.
    pub(super) fn join(&mut self, signers: &Signers<'_>) {
        let apart = self.0.iter().any(|one| one.role == Role::Index);
        for one in self.0.iter_mut().filter(|one| one.role == Role::Former) {
            one.role = Role::Everything;
        }
        for certificate in signers.certificates() {
            match self.find(certificate.fingerprint()) {
                Some(known) => {
                    known.certificate = certificate.clone();
                    known.role = match known.role {
                        Role::Index => Role::Index,
                        _ => Role::Everything,
                    };
                }
                None => self.0.push(Trusted::new(certificate, if apart { Role::Index } else { Role::Everything })),
            }
        }
        self.sort();
    }

    /// Leaves index files to these keys alone. Others stay where they were trusted for packages that `is_used` knows of.
    pub(super) fn leave_to(&mut self, signers: &Signers<'_>, is_used: impl Fn(&Certificate) -> bool) {
        let signs = |one: &Trusted| signers.certificates().any(|each| each.fingerprint() == one.fingerprint);
        for one in self.0.iter_mut().filter(|one| !signs(one)) {
            if one.role == Role::Everything {
                one.role = Role::Former;
            }
        }
        self.0.retain(|one| match one.role {
            Role::Everything | Role::Packages => true,
            Role::Index => signs(one),
            Role::Former => is_used(&one.certificate),
        });
        self.sort();
    }

    fn find(&mut self, fingerprint: &str) -> Option<&mut Trusted> {
        self.0.iter_mut().find(|one| one.fingerprint == fingerprint)
    }

    /// Those that sign index files first, in the order in which they came.
    fn sort(&mut self) {
        self.0.sort_by_key(|one| !one.role.is_for_index());
    }

    /// Returns signers in the order of their signatures: those that clients have known for longer sign first. Of several
    /// signatures zypper looks at the first one whose key `repomd.xml.key` has, and at no other.
    #[must_use]
    pub fn ordered<'a>(&self, signers: &Signers<'a>) -> Signers<'a> {
        signers.sorted_by_key(|certificate| {
            let place = self.0.iter().position(|one| one.fingerprint == certificate.fingerprint());
            place.unwrap_or(self.0.len())
        })
    }

    /// Returns the one of some keys that signs the repository's own packages: of those that may the one that clients have
    /// known longest.
    pub fn packager<'a>(&self, signers: &Signers<'a>) -> Option<&'a dyn Signer> {
        let may = self.of_packages();
        let fingerprint = |signer: &&dyn Signer| signer.certificate().fingerprint().to_owned();
        self.ordered(signers).iter().find(|signer| may.iter().any(|one| one.fingerprint() == fingerprint(signer)))
    }

    /// Returns all certificates in ASCII armor, one block each: rpm imports one key of a block.
    pub fn to_armor(&self) -> Result<String, KeyError> {
        self.0.iter().map(|one| one.certificate.to_armor()).collect()
    }

    /// Returns the packets of all certificates, as apt holds them in files that do not end in `.asc`.
    pub fn to_bytes(&self) -> Result<Vec<u8>, KeyError> {
        let each = self.0.iter().map(|one| one.certificate.to_bytes()).collect::<Result<Vec<_>, _>>()?;
        Ok(each.concat())
    }
}

impl Trusted {
    fn new(certificate: &Certificate, role: Role) -> Self {
        Self { fingerprint: certificate.fingerprint().to_owned(), role, certificate: certificate.clone() }
    }
}

/// Certificates in a text.
mod armor {
    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use crate::sign::Certificate;

    pub(super) fn serialize<S: Serializer>(certificate: &Certificate, serializer: S) -> Result<S::Ok, S::Error> {
        certificate.to_armor().map_err(S::Error::custom)?.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Certificate, D::Error> {
        let armor = String::deserialize(deserializer)?;
        Certificate::parse_one(armor.as_bytes()).map_err(D::Error::custom)
    }
}
