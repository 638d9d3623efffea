//! RSA by aws-lc, which TLS brings along: the library of OpenPGP takes ten times as long for a signature, and a repository
//! has ten thousand packages.

use std::fmt;
use std::io;

use aws_lc_rs::digest::{Algorithm, Digest, SHA256, SHA384, SHA512};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaEncoding, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::errors::{Error, Result};
use pgp::ser::Serialize;
use pgp::types::{
    Fingerprint, KeyDetails, KeyId, KeyVersion, Mpi, Password, PlainSecretParams, PublicParams, SecretParams,
    SignatureBytes, SigningKey, Timestamp, VerifyingKey,
};
use rsa::pkcs8::EncodePrivateKey as _;
use rsa::traits::PublicKeyParts as _;
use rsa::{BigUint, RsaPrivateKey, RsaPublicKey};
use zeroize::Zeroizing;

/// A key that does as the one inside, and faster where that is of RSA.
#[derive(Debug)]
pub(super) struct Fast<'k, K, S = ()> {
    key: &'k K,
    secret: S,
}

/// A secret key of RSA that signs.
pub(super) struct Secret(KeyPair);

impl<'k, K> Fast<'k, K> {
    /// Takes a public key.
    pub(super) fn new(key: &'k K) -> Self {
        Self { key, secret: () }
    }
}

impl<'k, K> Fast<'k, K, &'k Secret> {
    /// Takes a key with its secret half.
    pub(super) fn signing(key: &'k K, secret: &'k Secret) -> Self {
        Self { key, secret }
    }
}

impl<K: KeyDetails, S: fmt::Debug> KeyDetails for Fast<'_, K, S> {
    fn version(&self) -> KeyVersion {
        self.key.version()
    }

    fn legacy_key_id(&self) -> KeyId {
        self.key.legacy_key_id()
    }

    fn fingerprint(&self) -> Fingerprint {
        self.key.fingerprint()
    }

    fn algorithm(&self) -> PublicKeyAlgorithm {
        self.key.algorithm()
    }

    fn created_at(&self) -> Timestamp {
        self.key.created_at()
    }

    fn legacy_v3_expiration_days(&self) -> Option<u16> {
        self.key.legacy_v3_expiration_days()
    }

    fn public_params(&self) -> &PublicParams {
        self.key.public_params()
    }
}

impl<K: Serialize, S> Serialize for Fast<'_, K, S> {
    fn to_writer<W: io::Write>(&self, writer: &mut W) -> Result<()> {
        self.key.to_writer(writer)
    }

    fn write_len(&self) -> usize {
        self.key.write_len()
    }
}

impl<K: VerifyingKey> VerifyingKey for Fast<'_, K> {
    fn verify(&self, hash: HashAlgorithm, digest: &[u8], signature: &SignatureBytes) -> Result<()> {
        match (Public::of(self.public_params()), Scheme::of(hash), signature) {
            (Some(key), Some(scheme), SignatureBytes::Mpis(parts)) if parts.len() == 1 => {
                let verified = key.verify(&scheme, digest, parts[0].as_ref());
                verified.map_err(|_| failed("no signature of this key"))
            }
            _ => self.key.verify(hash, digest, signature),
        }
    }
}

impl<K: SigningKey> SigningKey for Fast<'_, K, &Secret> {
    fn sign(&self, password: &Password, hash: HashAlgorithm, digest: &[u8]) -> Result<SignatureBytes> {
        let Some(scheme) = Scheme::of(hash) else { return self.key.sign(password, hash, digest) };
        let signature = self.secret.sign(&scheme, digest).map_err(|_| failed("the key does not sign"))?;
        Ok(SignatureBytes::Mpis(vec![Mpi::from_slice(&signature)]))
    }

    fn hash_alg(&self) -> HashAlgorithm {
        self.key.hash_alg()
    }
}

fn failed(cause: &str) -> Error {
    Error::from(io::Error::other(cause))
}

/// A digest, and how RSA signs it (PKCS #1 version 1.5; RFC 9580, 5.2.2).
struct Scheme {
    digest: &'static Algorithm,
    verifies: &'static RsaParameters,
    signs: &'static dyn RsaEncoding,
}

impl Scheme {
    fn of(hash: HashAlgorithm) -> Option<Self> {
        let (digest, verifies, signs): (_, _, &dyn RsaEncoding) = match hash {
            HashAlgorithm::Sha256 => (&SHA256, &RSA_PKCS1_2048_8192_SHA256, &RSA_PKCS1_SHA256),
            HashAlgorithm::Sha384 => (&SHA384, &RSA_PKCS1_2048_8192_SHA384, &RSA_PKCS1_SHA384),
            HashAlgorithm::Sha512 => (&SHA512, &RSA_PKCS1_2048_8192_SHA512, &RSA_PKCS1_SHA512),
            _ => return None,
        };
        Some(Self { digest, verifies, signs })
    }
}

/// A public key of a size that aws-lc takes.
struct Public {
    length: usize,
    der: PublicKeyX509Der<'static>,
}

impl Public {
    fn of(params: &PublicParams) -> Option<Self> {
        let key = key_of(params)?;
        let (n, e) = (key.n().to_bytes_be(), key.e().to_bytes_be());
        let is_taken = (256..=1024).contains(&n.len());
        let der = is_taken.then(|| RsaPublicKeyComponents { n: &n, e: &e }.as_der().ok()).flatten()?;
        Some(Self { length: n.len(), der })
    }

    fn verify(&self, scheme: &Scheme, digest: &[u8], signature: &[u8]) -> std::result::Result<(), Unspecified> {
        // OpenPGP writes numbers without the zeros before them.
        let missing = self.length.checked_sub(signature.len()).ok_or(Unspecified)?;
        let padded = [&vec![0; missing], signature].concat();
        let digest = Digest::import_less_safe(digest, scheme.digest)?;
        UnparsedPublicKey::new(scheme.verifies, self.der.as_ref()).verify_digest(&digest, &padded)
    }
}

impl Secret {
    /// Takes the secret half of a key that needs no password any more; none of another algorithm, and none that aws-lc
    /// does not take.
    pub(super) fn of(public: &PublicParams, secret: &SecretParams) -> Option<Self> {
        let SecretParams::Plain(PlainSecretParams::RSA(secret)) = secret else { return None };
        let key = key_of(public)?;
        let (d, p, q, _) = secret.to_bytes();
        let [d, p, q] = [d, p, q].map(|part| BigUint::from_bytes_be(&Zeroizing::new(part)));
        let key = RsaPrivateKey::from_components(key.n().clone(), key.e().clone(), d, vec![p, q]).ok()?;
        KeyPair::from_pkcs8(key.to_pkcs8_der().ok()?.as_bytes()).ok().map(Self)
    }

    fn sign(&self, scheme: &Scheme, digest: &[u8]) -> std::result::Result<Vec<u8>, Unspecified> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0.sign_digest(scheme.signs, &Digest::import_less_safe(digest, scheme.digest)?, &mut signature)?;
        Ok(signature)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").finish_non_exhaustive()
    }
}

fn key_of(params: &PublicParams) -> Option<&RsaPublicKey> {
    match params {
        PublicParams::RSA(params) => Some(&params.key),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use pgp::crypto::Signer as _;
    use pgp::crypto::rsa::SecretKey;
    use pgp::types::RsaPublicParams;
    use rand::rngs::OsRng;
    use sha2::{Digest as _, Sha512};

    use super::*;

    fn pair() -> (SecretKey, PublicParams, Secret) {
        let secret = SecretKey::generate(OsRng, 2048).unwrap();
        let public = PublicParams::RSA(RsaPublicParams::from(&secret));
        let own = Secret::of(&public, &SecretParams::Plain(PlainSecretParams::RSA(secret.clone()))).unwrap();
        (secret, public, own)
    }

    #[test]
    fn signatures_are_those_of_the_other_library_and_of_one_key_and_message() {
        let (scheme, (theirs, params, own)) = (Scheme::of(HashAlgorithm::Sha512).unwrap(), pair());
        let public = Public::of(&params).unwrap();
        let digest = Sha512::digest("kubelet");
        let signature = own.sign(&scheme, &digest).unwrap();
        let expected = theirs.sign(HashAlgorithm::Sha512, &digest).unwrap();
        assert_eq!(SignatureBytes::Mpis(vec![Mpi::from_slice(&signature)]), expected);
        public.verify(&scheme, &digest, &signature).unwrap();
        let (other, weaker) = (Sha512::digest("kubeadm"), Scheme::of(HashAlgorithm::Sha256).unwrap());
        assert!(public.verify(&scheme, &other, &signature).is_err());
        assert!(public.verify(&weaker, &digest[..32], &signature).is_err());
        assert!(public.verify(&scheme, &digest, &[&[0], &*signature].concat()).is_err());
        assert!(Public::of(&pair().1).unwrap().verify(&scheme, &digest, &signature).is_err());
    }

    #[test]
    fn numbers_may_be_short() {
        let (scheme, (_, params, own)) = (Scheme::of(HashAlgorithm::Sha512).unwrap(), pair());
        let short = (0..100_000_u32).find_map(|number| {
            let digest = Sha512::digest(number.to_be_bytes());
            let signature = Mpi::from_slice(&own.sign(&scheme, &digest).unwrap());
            (signature.as_ref().len() < 256).then_some((digest, signature))
        });
        let (digest, signature) = short.unwrap();
        Public::of(&params).unwrap().verify(&scheme, &digest, signature.as_ref()).unwrap();
    }
}
