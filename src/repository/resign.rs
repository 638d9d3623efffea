//! Other keys for a repository: how one key takes the place of another.
//!
//! First everybody gets the new certificates, then every channel is signed by the new keys, and then the others are let
//! go. Killed in the middle, the run is done again: the repository has the keys of both, and every channel is signed by
//! some of them.

use std::collections::HashSet;
use std::rc::Rc;

use super::amend::By;
use super::channel::Channel;
use super::charter::Repository;
use super::error::RepositoryError;
use super::fragment::Fragment;
use super::generation::Reason;
use super::keyring::Keyring;
use super::publish::{Change, Outcome, Publisher};
use crate::sign::Certificate;

/// How often others may publish with keys that go before this run gives up.
const TRIES: usize = 8;

/// Whether one of the keys must be one that clients know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// It must, and clients notice nothing.
    Required,
    /// None is: the keys that clients know are lost, or in the wrong hands.
    Waived,
}

impl Repository {
    /// Signs every channel anew with the publisher's keys, and makes these the repository's. Certificates of others stay
    /// as long as a channel shows packages that they signed.
    pub fn resign(
        &mut self,
        publisher: &Publisher<'_>,
        overlap: Overlap,
    ) -> Result<Vec<(Channel, Outcome)>, RepositoryError> {
        let signers = &publisher.signers;
        let known: Vec<String> =
            self.charter().keyring.of_index().iter().map(|one| one.fingerprint().to_owned()).collect();
        let is_known =
            signers.certificates().any(|one| known.iter().any(|fingerprint| fingerprint == one.fingerprint()));
        if !is_known && overlap == Overlap::Required {
            return Err(RepositoryError::NoOverlap(known));
        }
        if !is_known && self.anchors().is_empty() {
            // Whatever the keyring says would be signed: somebody has to know that it is the repository's.
            return Err(RepositoryError::Unknown(known));
        }
        self.know(signers);
        let hand = (signers, publisher.date);
        self.amend_keys(By::Successor(hand), |keyring| keyring.join(signers))?;
        let mut done = Vec::new();
        for channel in self.published()? {
            done.push((channel, self.sign_again(channel, publisher)?));
        }
        for _ in 0..TRIES {
            // Who published with other keys before the new ones joined may have come after this run in a channel.
            let late = self.signed_by_others(publisher)?;
            if late.is_empty() {
                let used = self.issuers()?;
                let leave = |keyring: &mut Keyring| keyring.leave_to(signers, |one| is_among(one, &used));
                self.amend_keys(By::Successor(hand), leave)?;
                return Ok(done);
            }
            for channel in late {
                self.sign_again(channel, publisher)?;
            }
        }
        Err(RepositoryError::Contended { tries: TRIES })
    }

    fn sign_again(&mut self, channel: Channel, publisher: &Publisher<'_>) -> Result<Outcome, RepositoryError> {
        self.advance(channel, publisher, |shown| {
            let change = Change::new(shown.to_vec(), Rc::default(), Reason::Resign);
            Ok((change, Vec::new()))
        })
    }

    /// Returns the channels that show what the publisher's keys have not signed.
    fn signed_by_others(&self, publisher: &Publisher<'_>) -> Result<Vec<Channel>, RepositoryError> {
        let own: HashSet<&str> = publisher.signers.certificates().map(Certificate::fingerprint).collect();
        let mut late = Vec::new();
        for channel in self.published()? {
            let signers = self.shown(channel)?.generation.signers;
            if signers.iter().map(String::as_str).collect::<HashSet<_>>() != own {
                late.push(channel);
            }
        }
        Ok(late)
    }

    /// Returns who signed the RPMs that channels show, as the signatures say: fingerprints or key ids.
    fn issuers(&self) -> Result<HashSet<String>, RepositoryError> {
        let mut issuers = HashSet::new();
        for channel in self.published()? {
            let generation = self.shown(channel)?.generation;
            let shelf = self.fragments(&generation)?;
            issuers.extend(shelf.fragments().flat_map(Fragment::signers).cloned());
        }
        Ok(issuers)
    }
}

/// Whether a certificate has the key of one of these signatures.
pub(super) fn is_among(certificate: &Certificate, issuers: &HashSet<String>) -> bool {
    issuers.iter().any(|issuer| certificate.has_key(issuer))
}
