//! Changes of the charter: keys that come and go, settings, channels.
//!
//! What the keys of the repository sign is signed anew, and at once the head of each channel, which names the charter that it
//! knows: an older charter that somebody puts back is older than what the heads say. Only then comes what can be completed
//! without a key. Of a run that was killed between the two, heads are left that know an older charter: the next command that
//! has the keys signs them ([`Repository::seal`]), and until then `repo repair` and `repo check` say so.

use super::anchor::Anchors;
use super::channel::Channel;
use super::charter::{Charter, Repository, charter_key, write_keys};
use super::error::RepositoryError;
use super::generation::Reason;
use super::head::Head;
use super::keyring::{Keyring, Trusted};
use super::settings::Settings;
use super::state;
use super::store::Swap;
use crate::sign::{Certificate, Signers};
use crate::source_date::SourceDate;

/// How often others may change the charter, or publish, while this run changes it.
const TRIES: usize = 100;

/// Who signs, and when.
pub type Hand<'a> = (&'a Signers<'a>, SourceDate);

/// Who changes a charter.
#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    /// Anybody who can write: nothing that is signed.
    Anybody,
    /// All keys of the repository.
    Owner(Hand<'a>),
    /// Keys that take the place of those, and one that is known.
    Successor(Hand<'a>),
}

impl Repository {
    /// Lets the keys of certificates sign packages, or renews certificates.
    pub fn trust(&mut self, certificates: &[Certificate], hand: Hand<'_>) -> Result<(), RepositoryError> {
        self.amend_keys(By::Owner(hand), |keyring| {
            for certificate in certificates {
                keyring.trust(certificate);
            }
        })
    }

    /// Takes a certificate away, by the fingerprint of its primary key. Clients keep what they were given.
    pub fn distrust(&mut self, fingerprint: &str, hand: Hand<'_>) -> Result<(), RepositoryError> {
        let find = |one: &&Trusted| one.certificate.fingerprint() == fingerprint;
        match self.charter.keyring.iter().find(find) {
            None => return Err(RepositoryError::NoKey(fingerprint.to_owned())),
            Some(one) if one.role.is_for_index() => return Err(RepositoryError::KeySigns(fingerprint.to_owned())),
            Some(_) => {}
        }
        self.amend_keys(By::Owner(hand), |keyring| keyring.distrust(fingerprint))
    }

    /// Changes the keyring, seals it, and then changes what clients fetch of it.
    pub(super) fn amend_keys(&mut self, by: By<'_>, change: impl Fn(&mut Keyring)) -> Result<(), RepositoryError> {
        self.amend(by, |charter| change(&mut charter.keyring))?;
        if let By::Owner(hand) | By::Successor(hand) = by {
            self.seal_heads(hand)?;
        }
        self.show_keys()?;
        // Pages name the certificates, and apt's sources have them in them.
        self.show_site().map(drop)
    }

    /// Returns the channels whose heads know an older charter: somebody could put that one back, and they would not tell.
    pub fn unsealed(&self) -> Result<Vec<Channel>, RepositoryError> {
        let number = self.charter.number();
        let mut behind = Vec::new();
        for channel in self.channels() {
            // Whoever signed it: nothing is believed of it here.
            if Head::read(self.store(), channel)?.is_some_and(|held| held.charter < number) {
                behind.push(channel);
            }
        }
        Ok(behind)
    }

    /// Signs the heads that a run which was killed did not come to.
    pub fn seal(&self, hand: Hand<'_>) -> Result<(), RepositoryError> {
        self.admit(hand.0, hand.1, &Reason::Refresh)?;
        self.seal_heads(hand)
    }

    /// Does the same by the way, after something else is done: what others changed meanwhile is theirs to complete.
    pub(super) fn seal_behind(&mut self, hand: Hand<'_>) -> Result<(), RepositoryError> {
        self.reload()?;
        if self.admit(hand.0, hand.1, &Reason::Refresh).is_err() {
            return Ok(());
        }
        for channel in self.channels() {
            match self.seal_head(channel, hand) {
                Ok(()) | Err(RepositoryError::ForeignHead { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Signs the heads anew that an older charter would still be good for. What channels show stays the same.
    fn seal_heads(&self, hand: Hand<'_>) -> Result<(), RepositoryError> {
        for channel in self.channels() {
            self.seal_head(channel, hand)?;
        }
        Ok(())
    }

    fn seal_head(&self, channel: Channel, hand: Hand<'_>) -> Result<(), RepositoryError> {
        let number = self.charter.number();
        for _ in 0..TRIES {
            match self.head(channel)? {
                Some(held) if held.charter < number => {
                    let head = Head::new(held.head.number, held.head.generation.clone());
                    let (signers, date) = hand;
                    let ordered = self.charter.keyring.ordered(signers);
                    if head.commit(self.store(), channel, Some(&held), number, (&ordered, date))?.is_some() {
                        return Ok(());
                    }
                }
                _ => return Ok(()),
            }
        }
        Err(RepositoryError::Busy { channel, tries: TRIES })
    }

    /// Writes the certificates that clients fetch, as the charter has them. Returns when nobody has changed it meanwhile.
    pub fn show_keys(&mut self) -> Result<(), RepositoryError> {
        for _ in 0..TRIES {
            let keyring = self.charter.keyring.clone();
            write_keys(self.store(), &keyring)?;
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
        if let Some(signer) = signers.iter().find(|signer| !is_fit(signer.fingerprint())) {
            return Err(RepositoryError::OldCertificate(signer.fingerprint().to_owned()));
        }
        // Whoever has the keys knows by them whether this is the keyring that they signed, whatever else was known.
        Anchors::default().and_signers(signers).vouch(&self.charter)
    }

    /// Chooses settings anew. They hold from the next publication on. For how long index files are good is signed, and
    /// takes the repository's keys.
    pub fn configure(&mut self, settings: &Settings, hand: Option<Hand<'_>>) -> Result<(), RepositoryError> {
        self.amend(hand.map_or(By::Anybody, By::Owner), |charter| settings.clone_into(&mut charter.settings))?;
        hand.map_or(Ok(()), |hand| self.seal_heads(hand))
    }

    /// Adds a channel to the charter, unless it stands there.
    pub(super) fn register(&mut self, channel: Channel) -> Result<(), RepositoryError> {
        if !self.charter.has(channel) {
            // Whoever made the repository may have been killed before the certificates were there.
            self.show_keys()?;
        }
        self.amend(By::Anybody, |charter| charter.add(channel))
    }

    /// Changes the charter, however often others are faster; writes nothing where nothing changes.
    fn amend(&mut self, by: By<'_>, change: impl Fn(&mut Charter)) -> Result<(), RepositoryError> {
        for _ in 0..TRIES {
            let hand = match by {
                By::Anybody => None,
                By::Owner(hand) => self.admit(hand.0, hand.1, &Reason::Refresh).map(|()| Some(hand))?,
                By::Successor(hand) => {
                    self.anchors().vouch(&self.charter)?;
                    Some(hand)
                }
            };
            let mut charter = self.charter.clone();
            change(&mut charter);
            if charter == self.charter {
                return Ok(());
            }
            let charter = charter.after(&self.charter, hand)?;
            match self.store().swap(&charter_key(), &state::write(&charter), Some(&self.tag))? {
                Swap::Done(tag) => (self.charter, self.tag) = (charter, tag),
                Swap::Lost => self.reload()?,
            }
        }
        Err(RepositoryError::Contended { tries: TRIES })
    }
}
