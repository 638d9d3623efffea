//! New keys: a primary key that only certifies, and a subkey that signs.

use pgp::composed::{ArmorOptions, KeyType, SignedKeyDetails, SignedSecretKey, SignedSecretSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::crypto::sym::SymmetricKeyAlgorithm;
use pgp::packet::{
    Features, KeyFlags, PubKeyInner, PublicKey, PublicSubkey, SecretKey, SecretSubkey, SignatureConfig, SignatureType,
    Subpacket, SubpacketData, UserId,
};
use pgp::types::{Duration, KeyDetails, KeyVersion, PacketHeaderVersion, Password, SignedUser, Tag, Timestamp};
use rand::rngs::OsRng;
use zeroize::Zeroizing;

use super::packet::config;
use super::{KeyError, KeyFile, LockedKey};

/// What a new key is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// RSA with so many bits; 4096 is read by every client, and by those that follow FIPS.
    Rsa(u32),
    /// Ed25519, in the form that gpg 2.2 and rpm 4.18 know (RFC 9580, 5.5.5.5).
    Ed25519,
}

impl KeyAlgorithm {
    fn key_type(self) -> (KeyType, PublicKeyAlgorithm) {
        match self {
            Self::Rsa(bits) => (KeyType::Rsa(bits), PublicKeyAlgorithm::RSA),
            Self::Ed25519 => (KeyType::Ed25519Legacy, PublicKeyAlgorithm::EdDSALegacy),
        }
    }
}

/// A key that is to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Whom it belongs to: `Name <mail>`.
    pub user: String,
    /// What it is made of.
    pub algorithm: KeyAlgorithm,
    /// When it is made, in seconds since 1970.
    pub created: u32,
    /// How many seconds it lasts; nothing where it does not end.
    pub lifetime: Option<u32>,
}

impl NewKey {
    /// Makes the key out of the system's randomness, and returns it in ASCII armor, locked with the passphrase where it
    /// is not empty, with what was read back of it.
    pub fn generate(&self, passphrase: &[u8]) -> Result<(Zeroizing<String>, KeyFile), KeyError> {
        let key = self.make(passphrase).map_err(KeyError::malformed)?;
        let options = ArmorOptions { headers: None, include_checksum: true };
        let armor = Zeroizing::new(key.to_armored_string(options).map_err(KeyError::malformed)?);
        let read_back = LockedKey::parse(armor.as_bytes(), self.created)?.unlock(passphrase)?;
        Ok((armor, read_back))
    }

    fn make(&self, passphrase: &[u8]) -> pgp::errors::Result<SignedSecretKey> {
        let (primary_public, primary_secret) = self.material()?;
        let primary_public = PublicKey::from_inner(primary_public)?;
        let mut primary = SecretKey::new(primary_public, primary_secret)?;
        let (subkey_public, subkey_secret) = self.material()?;
        let mut subkey = SecretSubkey::new(PublicSubkey::from_inner(subkey_public)?, subkey_secret)?;
        let user = UserId::from_str(PacketHeaderVersion::New, &self.user)?;
        let certified = self.certify(&primary, &user)?;
        let bound = self.bind(&primary, &subkey)?;
        if !passphrase.is_empty() {
            let password = Password::from(passphrase);
            primary.set_password(OsRng, &password)?;
            subkey.set_password(OsRng, &password)?;
        }
        let details =
            SignedKeyDetails::new(Vec::new(), Vec::new(), vec![SignedUser::new(user, vec![certified])], Vec::new());
        let subkey = SignedSecretSubKey::new(subkey, vec![bound]);
        Ok(SignedSecretKey::new(primary, details, Vec::new(), vec![subkey]))
    }

    fn material(&self) -> pgp::errors::Result<(PubKeyInner, pgp::types::SecretParams)> {
        let (kind, algorithm) = self.algorithm.key_type();
        let (public, secret) = kind.generate(OsRng)?;
        Ok((PubKeyInner::new(KeyVersion::V4, algorithm, self.time(), None, public)?, secret))
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_secs(self.created)
    }

    /// The user's self-signature, which holds for the primary key too (RFC 9580, 5.2.3.10).
    fn certify(&self, primary: &SecretKey, user: &UserId) -> pgp::errors::Result<pgp::packet::Signature> {
        let mut flags = KeyFlags::default();
        flags.set_certify(true);
        let mut features = Features::default();
        features.set_seipd_v1(true);
        let mut config = self.self_signature(primary, SignatureType::CertPositive, flags)?;
        let hashes = [HashAlgorithm::Sha512, HashAlgorithm::Sha384, HashAlgorithm::Sha256];
        let ciphers = [SymmetricKeyAlgorithm::AES256, SymmetricKeyAlgorithm::AES128];
        for data in [
            SubpacketData::IsPrimary(true),
            SubpacketData::PreferredHashAlgorithms(hashes.into_iter().collect()),
            SubpacketData::PreferredSymmetricAlgorithms(ciphers.into_iter().collect()),
            SubpacketData::Features(features),
        ] {
            config.hashed_subpackets.push(Subpacket::regular(data)?);
        }
        config.sign_certification(primary, primary.public_key(), &Password::empty(), Tag::UserId, user)
    }

    /// The binding of the subkey, with the subkey's consent in it (RFC 9580, 5.2.1.8 and 5.2.1.9).
    fn bind(&self, primary: &SecretKey, subkey: &SecretSubkey) -> pgp::errors::Result<pgp::packet::Signature> {
        let (none, primary_public, subkey_public) = (Password::empty(), primary.public_key(), subkey.public_key());
        let mut consent = config(subkey, SignatureType::KeyBinding, self.time())?;
        consent.unhashed_subpackets = vec![issuer(subkey)?];
        let consent = consent.sign_primary_key_binding(subkey, subkey_public, &none, primary_public)?;
        let mut flags = KeyFlags::default();
        flags.set_sign(true);
        let mut config = self.self_signature(primary, SignatureType::SubkeyBinding, flags)?;
        config.hashed_subpackets.push(Subpacket::regular(SubpacketData::EmbeddedSignature(Box::new(consent)))?);
        config.sign_subkey_binding(primary, primary_public, &none, subkey_public)
    }

    /// What both signatures of the primary key say.
    fn self_signature(
        &self,
        primary: &SecretKey,
        kind: SignatureType,
        flags: KeyFlags,
    ) -> pgp::errors::Result<SignatureConfig> {
        let mut config = config(primary, kind, self.time())?;
        // None is marked as critical: rpm 4.18 imports no certificate in which these are.
        config.hashed_subpackets.push(Subpacket::regular(SubpacketData::KeyFlags(flags))?);
        if let Some(lifetime) = self.lifetime {
            let end = SubpacketData::KeyExpirationTime(Duration::from_secs(lifetime));
            config.hashed_subpackets.push(Subpacket::regular(end)?);
        }
        config.unhashed_subpackets = vec![issuer(primary)?];
        Ok(config)
    }
}

fn issuer(key: &impl KeyDetails) -> pgp::errors::Result<Subpacket> {
    Subpacket::regular(SubpacketData::IssuerKeyId(key.legacy_key_id()))
}
