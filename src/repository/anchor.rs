//! What is known of a repository before it is read: the keys of which one must have signed what it says of itself.
//!
//! Whoever can write to a store can put another charter there, with certificates of their own. A charter proves itself only
//! to those who know a key that signs the repository: publishers, who have one, and whoever was told a fingerprint.

use std::fmt;
use std::str::FromStr;

use super::charter::Charter;
use super::error::RepositoryError;
use crate::sign::{Certificate, Signatures, Signers, VerifyError};

/// The fingerprint of a primary key, in upper-case hexadecimal digits (RFC 9580, 5.5.4): 40 of version 4, 64 of version 6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Returns the digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Fingerprint {
    type Err = BadFingerprint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: String = text.chars().filter(|c| *c != ' ').collect();
        let digits = digits.strip_prefix("0x").unwrap_or(&digits).to_ascii_uppercase();
        let is_one = [40, 64].contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_one { Ok(Self(digits)) } else { Err(BadFingerprint(text.chars().take(80).collect())) }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Text that is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is no fingerprint: it takes all 40 hexadecimal digits, as `kubepkg key show` and the repository's page have them",
    .0.escape_default()
)]
pub struct BadFingerprint(String);

/// The keys that are known. Where there is none, a repository is only asked to agree with itself.
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    fingerprints: Vec<Fingerprint>,
    certificates: Vec<Certificate>,
}

impl Anchors {
    /// Adds a key of which the fingerprint is known.
    #[must_use]
    pub fn and_fingerprint(mut self, fingerprint: Option<&Fingerprint>) -> Self {
        self.fingerprints.extend(fingerprint.cloned());
        self
    }

    /// Adds keys of which the certificates are known.
    #[must_use]
    pub fn and_certificates(mut self, certificates: &[Certificate]) -> Self {
        self.certificates.extend_from_slice(certificates);
        self
    }

    /// Adds the keys of a publisher.
    #[must_use]
    pub fn and_signers(mut self, signers: &Signers<'_>) -> Self {
        self.certificates.extend(signers.certificates().cloned());
        self
    }

    /// Whether no key is known.
    pub fn is_empty(&self) -> bool {
        self.fingerprints.is_empty() && self.certificates.is_empty()
    }

    /// Checks that one of the known keys signs the repository, and has signed what `charter` says. Without any, all keys of
    /// the charter that sign the repository must have.
    pub(super) fn vouch(&self, charter: &Charter) -> Result<(), RepositoryError> {
        let refused = |cause| RepositoryError::Unsigned { object: super::charter::charter_key().to_string(), cause };
        let own = charter.keyring.of_index();
        if own.is_empty() {
            return Err(refused(VerifyError::Malformed("no key signs the repository".to_owned())));
        }
        let message = charter.message()?;
        let signatures = Signatures::parse(charter.signatures().as_bytes()).map_err(refused)?;
        let verify = |one: &Certificate| signatures.verify(std::slice::from_ref(one), message.as_bytes());
        if self.is_empty() {
            return own.iter().try_for_each(|one| verify(one).map(drop)).map_err(refused);
        }
        let known = self.among(&own);
        let Some(first) = known.first() else {
            let fingerprints = |all: &[Certificate]| all.iter().map(|one| one.fingerprint().to_owned()).collect();
            let known = fingerprints(&own);
            return Err(if self.fingerprints.is_empty() {
                RepositoryError::OtherKeys { known, given: fingerprints(&self.certificates) }
            } else {
                let named = self.fingerprints.iter().map(ToString::to_string).collect();
                RepositoryError::ForeignCharter { known, named }
            });
        };
        if known.iter().any(|one| verify(one).is_ok()) { Ok(()) } else { verify(first).map(drop).map_err(refused) }
    }

    /// Returns those of a charter's certificates that are known. What its owner knows of a key counts, such as that it is
    /// revoked; of others the charter's copy does.
    fn among(&self, own: &[Certificate]) -> Vec<Certificate> {
        let known = self.certificates.iter().filter(|one| own.iter().any(|two| two.fingerprint() == one.fingerprint()));
        let named = own.iter().filter(|one| {
            self.fingerprints.iter().any(|named| named.0 == one.fingerprint())
                && !self.certificates.iter().any(|two| two.fingerprint() == one.fingerprint())
        });
        known.chain(named).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_as_people_copy_them() {
        let digits = "0123456789ABCDEF0123456789ABCDEF01234567";
        for text in [digits, &digits.to_lowercase(), "0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567"] {
            assert_eq!(text.parse::<Fingerprint>().unwrap().as_str(), digits, "{text}");
        }
        for text in ["", "89ABCDEF", "0123456789ABCDEF", &digits[1..], "0123456789ABCDEF0123456789ABCDEF0123456x"] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }
}
