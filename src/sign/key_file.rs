//! Secret keys out of files, used in this process.

use std::fmt;
use std::io::Read;

use pgp::composed::{PublicOrSecret, SignedSecretKey};
use pgp::packet::{SecretKey, SecretSubkey};
use pgp::types::{KeyDetails, Password, S2kParams, SecretParams, StringToKey, Timestamp};

use super::packet::sign;
use super::rsa::{self, Fast};
use super::{Certificate, Form, KeyError, KeyState, SignError, Signature, Signer, probe};
use crate::source_date::SourceDate;

/// A secret key that may still need a passphrase. The library overwrites secrets when they are dropped.
pub struct LockedKey {
    secret: Secret,
    state: KeyState,
    certificate: Certificate,
}

/// The key of a certificate that signs.
enum Secret {
    Primary(Box<SecretKey>),
    Subkey(Box<SecretSubkey>),
}

/// A secret key that signs. Its passphrase is needed once.
pub struct KeyFile {
    secret: Secret,
    rsa: Option<rsa::Secret>,
    state: KeyState,
    certificate: Certificate,
}

impl LockedKey {
    /// Reads a key, armored or binary, and chooses which of its keys signs: the newest subkey that may sign at `now`,
    /// in seconds since 1970, and whose secret half is there; without any the primary key.
    pub fn parse(bytes: &[u8], now: u32) -> Result<Self, KeyError> {
        let key = read(bytes)?;
        let certificate = Certificate::new(key.to_public_key());
        let subkeys = key.secret_subkeys.into_iter().map(|subkey| Secret::Subkey(Box::new(subkey.key)));
        let secrets = std::iter::once(Secret::Primary(Box::new(key.primary_key))).chain(subkeys);
        let mut secrets: Vec<Secret> = secrets.filter(|secret| is_here(secret.params())).collect();
        let place = |state: &KeyState| secrets.iter().position(|secret| secret.fingerprint() == state.fingerprint);
        let state = certificate.signing_key(now, |state| place(state).is_some())?;
        let place = place(&state).ok_or_else(|| KeyError::NoSecret(vec![state.clone()]))?;
        Ok(Self { secret: secrets.swap_remove(place), state, certificate })
    }

    /// Returns the key that will sign.
    pub fn state(&self) -> &KeyState {
        &self.state
    }

    /// Returns its certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Whether it needs a passphrase.
    pub fn is_locked(&self) -> bool {
        self.secret.params().is_encrypted()
    }

    /// Opens the key, and signs something to see that it works.
    pub fn unlock(mut self, passphrase: &[u8]) -> Result<KeyFile, KeyError> {
        let password = Password::from(passphrase);
        let opened = match &mut self.secret {
            Secret::Primary(key) => key.remove_password(&password),
            Secret::Subkey(key) => key.remove_password(&password),
        };
        opened.map_err(|_| KeyError::Passphrase(self.state.fingerprint.clone()))?;
        let rsa = self.secret.rsa();
        let key = KeyFile { secret: self.secret, rsa, state: self.state, certificate: self.certificate };
        probe(&key, &key.state)?;
        Ok(key)
    }
}

/// Reads the one secret key of a file.
fn read(bytes: &[u8]) -> Result<SignedSecretKey, KeyError> {
    let (keys, _) = PublicOrSecret::from_reader_many_buf(bytes).map_err(KeyError::malformed)?;
    let mut keys = keys.take(2);
    match (keys.next(), keys.next()) {
        (Some(Ok(PublicOrSecret::Secret(key))), None) => Ok(key),
        (Some(Ok(PublicOrSecret::Public(_))), None) => Err(KeyError::Public),
        (Some(Err(error)), _) | (Some(Ok(_)), Some(Err(error))) => Err(KeyError::malformed(error)),
        (Some(Ok(_)), Some(Ok(_))) => Err(KeyError::Several),
        (None, _) => Err(KeyError::Malformed("nothing in it".to_owned())),
    }
}

impl Secret {
    fn fingerprint(&self) -> String {
        match self {
            Self::Primary(key) => format!("{:X}", key.fingerprint()),
            Self::Subkey(key) => format!("{:X}", key.fingerprint()),
        }
    }

    fn rsa(&self) -> Option<rsa::Secret> {
        match self {
            Self::Primary(key) => rsa::Secret::of(key.public_params(), key.secret_params()),
            Self::Subkey(key) => rsa::Secret::of(key.public_params(), key.secret_params()),
        }
    }

    fn params(&self) -> &SecretParams {
        match self {
            Self::Primary(key) => key.secret_params(),
            Self::Subkey(key) => key.secret_params(),
        }
    }
}

/// Whether the file holds the secret half. gpg leaves a stub where it exports subkeys alone, or where the half is on a
/// card (`GnuPG`, doc/DETAILS, "GNU extensions to the S2K algorithm").
fn is_here(params: &SecretParams) -> bool {
    let SecretParams::Encrypted(encrypted) = params else { return true };
    let s2k = match encrypted.string_to_key_params() {
        S2kParams::Aead { s2k, .. } | S2kParams::Cfb { s2k, .. } | S2kParams::MalleableCfb { s2k, .. } => s2k,
        S2kParams::Unprotected | S2kParams::LegacyCfb { .. } => return true,
    };
    !matches!(s2k, StringToKey::Private { .. })
}

impl Signer for KeyFile {
    fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    fn fingerprint(&self) -> &str {
        &self.state.fingerprint
    }

    fn sign(&self, message: &mut dyn Read, form: Form, date: SourceDate) -> Result<Signature, SignError> {
        let time = Timestamp::from_secs(self.state.signing_time(date));
        match (&self.secret, &self.rsa) {
            (Secret::Primary(key), Some(rsa)) => sign(&Fast::signing(&**key, rsa), message, form, time),
            (Secret::Subkey(key), Some(rsa)) => sign(&Fast::signing(&**key, rsa), message, form, time),
            (Secret::Primary(key), None) => sign(&**key, message, form, time),
            (Secret::Subkey(key), None) => sign(&**key, message, form, time),
        }
    }
}

impl fmt::Debug for LockedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockedKey").field("state", &self.state).finish_non_exhaustive()
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile").field("state", &self.state).finish_non_exhaustive()
    }
}
