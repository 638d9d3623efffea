//! Several keys that sign the same thing, so that readers who know one of them are content: while one key takes the place
//! of another.

use super::{Certificate, SignError, Signatures, Signer, cleartext};
use crate::source_date::SourceDate;

/// Keys that sign together, one or more, in the order of their signatures.
#[derive(Debug, Clone)]
pub struct Signers<'a>(Vec<&'a dyn Signer>);

impl<'a> Signers<'a> {
    /// Takes keys. One that is there already is left out.
    pub fn new(first: &'a dyn Signer, more: impl IntoIterator<Item = &'a dyn Signer>) -> Self {
        let mut signers = vec![first];
        for signer in more {
            let is_same = |known: &&dyn Signer| known.certificate().fingerprint() == signer.certificate().fingerprint();
            if !signers.iter().any(is_same) {
                signers.push(signer);
            }
        }
        Self(signers)
    }

    /// Returns the same keys in another order.
    #[must_use]
    pub fn sorted_by_key<K: Ord>(&self, mut key: impl FnMut(&Certificate) -> K) -> Self {
        let mut signers = self.0.clone();
        signers.sort_by_key(|signer| key(signer.certificate()));
        Self(signers)
    }

    /// Returns each key.
    pub fn iter(&self) -> impl Iterator<Item = &'a dyn Signer> {
        self.0.iter().copied()
    }

    /// Returns the certificate of each key.
    pub fn certificates(&self) -> impl Iterator<Item = &'a Certificate> {
        self.iter().map(Signer::certificate)
    }

    /// Returns detached signatures of bytes, one of each key (RFC 9580, 10.4).
    pub fn detached(&self, message: &[u8], date: SourceDate) -> Result<Signatures, SignError> {
        self.iter().map(|signer| signer.detached(&mut &*message, date)).collect()
    }

    /// Returns `text` inside a cleartext signature (RFC 9580, 7) with one signature of each key, as apt reads it in
    /// `InRelease`.
    pub fn cleartext(&self, text: &str, date: SourceDate) -> Result<String, SignError> {
        cleartext::sign(self.iter(), text, date)
    }
}
