//! Secret keys out of files, used in this process.

use std::fmt;
use std::io::Read;

use pgp::composed::{Deserializable as _, DetachedSignature, SignedPublicKey, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{SecretKey, SecretSubkey, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{KeyDetails, Password, S2kParams, SecretParams, SigningKey, StringToKey, Timestamp};

use super::{Certificate, KeyError, KeyState, SignError, Signature, Signer};
use crate::source_date::SourceDate;

/// A secret key that may still need a passphrase.
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
    state: KeyState,
    certificate: Certificate,
}

impl LockedKey {
    /// Reads a key, armored or binary, and chooses which of its keys signs: the newest subkey that may sign at `now`,
    /// in seconds since 1970, and whose secret half is there; without any the primary key.
    pub fn parse(bytes: &[u8], now: u32) -> Result<Self, KeyError> {
        let malformed = |error: pgp::errors::Error| KeyError::Malformed(error.to_string());
        let (keys, _) = SignedSecretKey::from_reader_many_buf(bytes).map_err(malformed)?;
        let mut keys = keys.take(2);
        let key = match (keys.next(), keys.next()) {
            (Some(Ok(key)), None) => key,
            (Some(Ok(_)), Some(_)) => return Err(KeyError::Several),
            (Some(Err(error)), _) => return Err(malformed(error)),
            (None, _) if Certificate::parse(bytes).is_ok() => return Err(KeyError::Public),
            (None, _) => return Err(KeyError::Malformed("nothing in it".to_owned())),
        };
        let certificate = Certificate::new(SignedPublicKey::from(key.clone()));
        let states = certificate.keys(now);
        let find = |fingerprint: String| states.iter().find(|state| state.fingerprint == fingerprint);
        let subkeys = key.secret_subkeys.into_iter().filter(|subkey| is_here(subkey.key.secret_params()));
        let subkeys = subkeys.map(|subkey| Secret::Subkey(Box::new(subkey.key)));
        let primary = Some(key.primary_key).filter(|key| is_here(key.secret_params()));
        let candidates = primary.map(|key| Secret::Primary(Box::new(key))).into_iter().chain(subkeys);
        let fit = candidates.filter_map(|secret| Some((find(secret.fingerprint())?.clone(), secret)));
        let fit = fit.filter(|(state, _)| state.faults.is_empty());
        let chosen = fit.max_by_key(|(state, secret)| (matches!(secret, Secret::Subkey(_)), state.created));
        match chosen {
            Some((state, secret)) => Ok(Self { secret, state, certificate }),
            None => Err(KeyError::Unfit(states)),
        }
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
        match &self.secret {
            Secret::Primary(key) => key.secret_params().is_encrypted(),
            Secret::Subkey(key) => key.secret_params().is_encrypted(),
        }
    }

    /// Opens the key, and signs something to see that it works.
    pub fn unlock(mut self, passphrase: &[u8]) -> Result<KeyFile, KeyError> {
        let password = Password::from(passphrase);
        let opened = match &mut self.secret {
            Secret::Primary(key) => key.remove_password(&password),
            Secret::Subkey(key) => key.remove_password(&password),
        };
        opened.map_err(|_| KeyError::Passphrase(self.state.fingerprint.clone()))?;
        let key = KeyFile { secret: self.secret, state: self.state, certificate: self.certificate };
        let broken = |cause: String| KeyError::Broken { fingerprint: key.state.fingerprint.clone(), cause };
        let date = SourceDate::from_epoch(key.state.bound);
        let probe = key.detached(&mut &b"kubepkg"[..], date).map_err(|error| broken(error.to_string()))?;
        key.certificate.verify(&probe, &b"kubepkg"[..]).map_err(|error| broken(error.to_string()))?;
        Ok(key)
    }
}

impl Secret {
    fn fingerprint(&self) -> String {
        match self {
            Self::Primary(key) => format!("{:X}", key.fingerprint()),
            Self::Subkey(key) => format!("{:X}", key.fingerprint()),
        }
    }
}

/// Whether the file holds the secret half. gpg leaves a stub where it exports subkeys alone, or where the half is on a
/// card (GnuPG, doc/DETAILS, "GNU extensions to the S2K algorithm").
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

    fn detached(&self, message: &mut dyn Read, date: SourceDate) -> Result<Signature, SignError> {
        let time = Timestamp::from_secs(self.state.signing_time(date));
        match &self.secret {
            Secret::Primary(key) => sign(&**key, message, time),
            Secret::Subkey(key) => sign(&**key, message, time),
        }
    }
}

/// Signs with SHA-512, which clients of ten years read and those of the next ten will.
fn sign(key: &(impl SigningKey + KeyDetails), message: &mut dyn Read, time: Timestamp) -> Result<Signature, SignError> {
    let refused = |error: pgp::errors::Error| SignError::Refused(error.to_string());
    let mut config = SignatureConfig::v4(SignatureType::Binary, key.algorithm(), HashAlgorithm::Sha512);
    config.hashed_subpackets = vec![
        Subpacket::regular(SubpacketData::IssuerFingerprint(key.fingerprint())).map_err(refused)?,
        Subpacket::regular(SubpacketData::SignatureCreationTime(time)).map_err(refused)?,
    ];
    config.unhashed_subpackets =
        vec![Subpacket::regular(SubpacketData::IssuerKeyId(key.legacy_key_id())).map_err(refused)?];
    let packet = config.sign(key, &Password::empty(), message).map_err(refused)?;
    Ok(Signature(DetachedSignature::new(packet)))
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
