//! Public keys, and what their self-signatures say of them.

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::sync::{Mutex, PoisonError};

use pgp::composed::{ArmorOptions, PublicOrSecret, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{PacketTrait as _, PubKeyInner, PublicKey, Signature as Packet, SignatureType};
use pgp::ser::Serialize as _;
use pgp::types::{KeyDetails, Tag};

use super::command::Public;
use super::rsa::Fast;
use super::signature::Moment;
use super::state::{newest, state};
use super::{Fault, Form, KeyError, KeyState, Signature, VerifyError};

/// Blocks of armored keys in one file.
const MAX_BLOCKS: usize = 1000;

/// Digits of a key id (RFC 9580, 5.5.4.1).
const KEY_ID: usize = 16;

/// A primary key with its users and subkeys (RFC 9580, 10.1).
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    key: SignedPublicKey,
    fingerprint: String,
    judged: Judged,
}

/// The times for which keys were judged, the last ones: a repository has thousands of packages of a few days, and each
/// judgement checks every self-signature.
#[derive(Default)]
struct Judged(Mutex<HashMap<u32, Vec<KeyState>>>);

impl Judged {
    const MAX: usize = 256;

    fn at(&self, time: u32, judge: impl FnOnce() -> Vec<KeyState>) -> Vec<KeyState> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= Self::MAX {
            known.clear();
        }
        known.entry(time).or_insert_with(judge).clone()
    }
}

/// What is known of a certificate is no part of it.
impl Clone for Judged {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Judged {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Judged {}

impl Certificate {
    /// Reads all certificates of a file, armored or binary. Of secret keys it takes the public halves.
    pub fn parse(bytes: &[u8]) -> Result<Vec<Self>, KeyError> {
        let mut certificates = Vec::new();
        for part in armored(bytes) {
            let (keys, _) = PublicOrSecret::from_reader_many_buf(part).map_err(KeyError::malformed)?;
            for key in keys {
                certificates.push(match key.map_err(KeyError::malformed)? {
                    PublicOrSecret::Public(key) => Self::new(key),
                    PublicOrSecret::Secret(key) => Self::new(key.to_public_key()),
                });
            }
        }
        if certificates.is_empty() { Err(KeyError::Malformed("nothing in it".to_owned())) } else { Ok(certificates) }
    }

    /// Reads the one certificate of a file.
    pub fn parse_one(bytes: &[u8]) -> Result<Self, KeyError> {
        let mut certificates = Self::parse(bytes)?;
        match certificates.pop() {
            Some(certificate) if certificates.is_empty() => Ok(certificate),
            _ => Err(KeyError::Several),
        }
    }

    pub(super) fn new(key: SignedPublicKey) -> Self {
        let fingerprint = format!("{:X}", key.primary_key.fingerprint());
        Self { key, fingerprint, judged: Judged::default() }
    }

    /// Returns the fingerprint of the primary key, in upper-case hexadecimal digits.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether one of its keys is that which a signature names: by its fingerprint, or by its key id, the last sixteen digits.
    pub fn has_key(&self, issuer: &str) -> bool {
        let subkeys = self.key.public_subkeys.iter().map(|subkey| format!("{:X}", subkey.key.fingerprint()));
        issuer.len() >= KEY_ID && subkeys.chain([self.fingerprint.clone()]).any(|own| own.ends_with(issuer))
    }

    /// Returns whom it belongs to, as it says.
    pub fn users(&self) -> impl Iterator<Item = String> {
        self.key.details.users.iter().map(|user| String::from_utf8_lossy(user.id.id()).into_owned())
    }

    /// Returns it in ASCII armor.
    pub fn to_armor(&self) -> Result<String, KeyError> {
        let options = ArmorOptions { headers: None, include_checksum: true };
        self.key.to_armored_string(options).map_err(KeyError::malformed)
    }

    /// Returns its packets, as apt and debsig-verify hold them.
    pub fn to_bytes(&self) -> Result<Vec<u8>, KeyError> {
        self.key.to_bytes().map_err(KeyError::malformed)
    }

    /// Returns the packet of one key alone, as a primary key: without a user, a purpose or any signature.
    pub fn key_packet(&self, fingerprint: &str) -> Result<Vec<u8>, KeyError> {
        let public = self.public(fingerprint);
        let key = public.details();
        let inner =
            PubKeyInner::new(key.version(), key.algorithm(), key.created_at(), None, key.public_params().clone());
        let packet = inner.and_then(PublicKey::from_inner).map_err(KeyError::malformed)?;
        let mut bytes = Vec::new();
        packet.to_writer_with_header(&mut bytes).map_err(KeyError::malformed)?;
        Ok(bytes)
    }

    /// Returns it without the subkeys that can never sign again: rpm 4.18 imports no certificate that has a revoked one.
    #[must_use]
    pub fn cleaned(&self, now: u32) -> Self {
        let mut key = self.key.clone();
        let gone = |state: &KeyState| state.faults.iter().any(|fault| matches!(fault, Fault::Revoked | Fault::Unbound));
        let states = self.keys(now);
        let mut subkeys = states.iter().skip(1);
        key.public_subkeys.retain(|_| !subkeys.next().is_some_and(gone));
        Self { key, fingerprint: self.fingerprint.clone(), judged: Judged::default() }
    }

    /// Returns the states of all its keys at `now`, in seconds since 1970: first of the primary key, then of the subkeys
    /// in their order.
    pub fn keys(&self, now: u32) -> Vec<KeyState> {
        self.judged.at(now, || self.judge(now))
    }

    fn judge(&self, now: u32) -> Vec<KeyState> {
        let primary = self.primary(now);
        let subkeys = self.key.public_subkeys.iter().map(|subkey| {
            let mut state = self.subkey(subkey, now);
            state.bound = state.bound.max(primary.bound);
            state.expires = state.expires.into_iter().chain(primary.expires).min();
            if primary.is_bad() {
                state.faults.push(Fault::Primary);
            }
            state
        });
        let subkeys: Vec<KeyState> = subkeys.collect();
        std::iter::once(primary).chain(subkeys).collect()
    }

    /// Chooses the key that signs: of those that may at `now` and whose secret half somebody `has`, the newest subkey;
    /// without any the primary key.
    pub(super) fn signing_key(&self, now: u32, has: impl Fn(&KeyState) -> bool) -> Result<KeyState, KeyError> {
        let states = self.keys(now);
        let fit = states.iter().enumerate().filter(|(_, state)| state.is_fit());
        let chosen = fit.clone().filter(|(_, state)| has(state)).max_by_key(|(nth, state)| (*nth > 0, state.created));
        match (chosen, fit.count()) {
            (Some((_, state)), _) => Ok(state.clone()),
            (None, 0) => Err(KeyError::Unfit(states)),
            (None, _) => Err(KeyError::NoSecret(states)),
        }
    }

    /// Returns the public half of the key with a fingerprint; of the primary key where there is none.
    pub(super) fn public(&self, fingerprint: &str) -> Public<'_> {
        let subkey =
            self.key.public_subkeys.iter().find(|subkey| format!("{:X}", subkey.key.fingerprint()) == fingerprint);
        subkey.map_or(Public::Primary(&self.key), Public::Subkey)
    }

    fn primary(&self, now: u32) -> KeyState {
        let (key, details) = (&self.key.primary_key, &self.key.details);
        let revoked = details.revocation_signatures.iter().any(|packet| packet.verify_key(&Fast::new(key)).is_ok());
        state(key, newest(self.of_users().map(|(_, packet)| packet).chain(self.of_primary())), revoked, now)
    }

    /// The self-signature of each user that was not taken back, with the user.
    pub(super) fn of_users(&self) -> impl Iterator<Item = (String, &Packet)> {
        let key = &self.key.primary_key;
        self.key.details.users.iter().filter_map(move |user| {
            let is_good = |packet: &&Packet| {
                packet.is_certification() && packet.verify_certification(&Fast::new(key), Tag::UserId, &user.id).is_ok()
            };
            let newest = newest(user.signatures.iter().filter(is_good))?;
            let name = String::from_utf8_lossy(user.id.id()).into_owned();
            (newest.typ() != Some(SignatureType::CertRevocation)).then_some((name, newest))
        })
    }

    /// The signature that the primary key made of itself.
    fn of_primary(&self) -> Option<&Packet> {
        let is_good = |packet: &&Packet| packet.verify_key(&Fast::new(&self.key.primary_key)).is_ok();
        newest(self.key.details.direct_signatures.iter().filter(is_good))
    }

    /// The newest valid binding of each subkey, with the subkey's fingerprint.
    pub(super) fn of_subkeys(&self) -> impl Iterator<Item = (String, &Packet)> {
        let of = |subkey: &'_ SignedPublicSubKey| format!("{:X}", subkey.key.fingerprint());
        self.key.public_subkeys.iter().filter_map(move |subkey| Some((of(subkey), self.binding(subkey)?)))
    }

    fn binding<'k>(&self, subkey: &'k SignedPublicSubKey) -> Option<&'k Packet> {
        newest(self.packets(subkey, SignatureType::SubkeyBinding))
    }

    /// The valid signatures of one kind that stand behind a subkey.
    fn packets<'k>(&self, subkey: &'k SignedPublicSubKey, kind: SignatureType) -> impl Iterator<Item = &'k Packet> {
        let primary = &self.key.primary_key;
        subkey.signatures.iter().filter(move |packet| {
            packet.typ() == Some(kind) && packet.verify_subkey_binding(&Fast::new(primary), &subkey.key).is_ok()
        })
    }

    fn subkey(&self, subkey: &SignedPublicSubKey, now: u32) -> KeyState {
        let primary = &self.key.primary_key;
        let binding = self.binding(subkey);
        let is_revoked = self.packets(subkey, SignatureType::SubkeyRevocation).next().is_some();
        let mut state = state(&subkey.key, binding, is_revoked, now);
        // A signing subkey agrees to its certificate (RFC 9580, 5.2.1.9), or anybody could claim it.
        let back = binding.filter(|packet| packet.key_flags().sign()).map(Packet::embedded_signature);
        let agrees = |packet: &Packet| packet.verify_primary_key_binding(&Fast::new(&subkey.key), primary).is_ok();
        if back.is_some_and(|back| !back.is_some_and(agrees)) {
            state.faults.push(Fault::Unbound);
        }
        state
    }

    /// Checks a detached signature of `message` by one of the keys, and returns that one's fingerprint. The key must have
    /// been good when it signed, and must not be revoked.
    pub fn verify(&self, signature: &Signature, message: impl Read) -> Result<String, VerifyError> {
        self.verify_form(signature, Form::Binary, Moment::Ever, message)
    }

    /// Checks a signature of `message` in a form.
    pub(super) fn verify_form(
        &self,
        signature: &Signature,
        form: Form,
        moment: Moment,
        message: impl Read,
    ) -> Result<String, VerifyError> {
        let packet = &signature.0.signature;
        let config = packet.config().ok_or_else(|| VerifyError::Malformed("of an unknown version".to_owned()))?;
        if !matches!(config.hash_alg, HashAlgorithm::Sha256 | HashAlgorithm::Sha384 | HashAlgorithm::Sha512) {
            return Err(VerifyError::WeakDigest(config.hash_alg.to_string()));
        }
        if config.typ != form.signature_type() {
            return Err(VerifyError::Malformed(format!("of another kind ({:?})", config.typ)));
        }
        let made = packet.created().map(pgp::types::Timestamp::as_secs).unwrap_or_default();
        // All that it says of its issuer must be true, signed or not, as gpg has it.
        let names = |key: &dyn KeyDetails| {
            let (fingerprints, ids) = (packet.issuer_fingerprint(), packet.issuer_key_id());
            let says_something = !fingerprints.is_empty() || !ids.is_empty();
            says_something
                && fingerprints.iter().all(|fingerprint| **fingerprint == key.fingerprint())
                && ids.iter().all(|id| **id == key.legacy_key_id())
        };
        let bad = |_| VerifyError::Bad(signature.issuer());
        let place = if names(&self.key.primary_key) {
            packet.verify(&Fast::new(&self.key.primary_key), message).map_err(bad)?;
            0
        } else {
            let place = self.key.public_subkeys.iter().position(|subkey| names(&subkey.key));
            let place = place.ok_or_else(|| VerifyError::UnknownKey(signature.issuer()))?;
            packet.verify(&Fast::new(&self.key.public_subkeys[place].key), message).map_err(bad)?;
            place + 1
        };
        moment.check(signature, made)?;
        let state = self.keys(made).swap_remove(place);
        if state.is_fit() { Ok(state.fingerprint) } else { Err(VerifyError::Unfit(state)) }
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// Splits a file where blocks of armored keys begin; one that is not armored is one part.
fn armored(bytes: &[u8]) -> Vec<&[u8]> {
    const BEGIN: &[u8] = b"-----BEGIN PGP PUBLIC KEY BLOCK-----";
    let mut begins: Vec<usize> = memchr::memmem::find_iter(bytes, BEGIN).collect();
    begins.truncate(MAX_BLOCKS);
    if begins.len() < 2 {
        return vec![bytes];
    }
    let ends = begins.iter().skip(1).copied().chain([bytes.len()]);
    begins.iter().zip(ends).map(|(begin, end)| &bytes[*begin..end]).collect()
}
