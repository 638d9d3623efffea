//! Public keys that check signatures of RSA with aws-lc, which TLS brings along: the library of OpenPGP takes twenty times as
//! long, and a repository has ten thousand packages.

use std::io;

use aws_lc_rs::digest::{Algorithm, Digest, SHA256, SHA384, SHA512};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::errors::{Error, Result};
use pgp::ser::Serialize as _;
use pgp::types::{Fingerprint, KeyDetails, KeyId, KeyVersion, Mpi, PublicParams, SignatureBytes, Timestamp, VerifyingKey};

/// A key that checks as the one inside does, and faster where it can.
#[derive(Debug)]
pub(super) struct Verifying<'k, K>(pub(super) &'k K);

impl<K: KeyDetails> KeyDetails for Verifying<'_, K> {
    fn version(&self) -> KeyVersion {
        self.0.version()
    }

    fn legacy_key_id(&self) -> KeyId {
        self.0.legacy_key_id()
    }

    fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint()
    }

    fn algorithm(&self) -> PublicKeyAlgorithm {
        self.0.algorithm()
    }

    fn created_at(&self) -> Timestamp {
        self.0.created_at()
    }

    fn legacy_v3_expiration_days(&self) -> Option<u16> {
        self.0.legacy_v3_expiration_days()
    }

    fn public_params(&self) -> &PublicParams {
        self.0.public_params()
    }
}

impl<K: VerifyingKey> VerifyingKey for Verifying<'_, K> {
    fn verify(&self, hash: HashAlgorithm, digest: &[u8], signature: &SignatureBytes) -> Result<()> {
        match (Rsa::of(self.public_params()), parameters(hash), signature) {
            (Some(key), Some(parameters), SignatureBytes::Mpis(parts)) if parts.len() == 1 => {
                let verified = key.verify(parameters, digest, parts[0].as_ref());
                verified.map_err(|_| Error::from(io::Error::other("no signature of this key")))
            }
            _ => self.0.verify(hash, digest, signature),
        }
    }
}

/// A digest, and how RSA signs it (PKCS #1 version 1.5, RFC 9580, 5.2.2).
type Parameters = (&'static Algorithm, &'static RsaParameters);

fn parameters(hash: HashAlgorithm) -> Option<Parameters> {
    Some(match hash {
        HashAlgorithm::Sha256 => (&SHA256, &RSA_PKCS1_2048_8192_SHA256),
        HashAlgorithm::Sha384 => (&SHA384, &RSA_PKCS1_2048_8192_SHA384),
        HashAlgorithm::Sha512 => (&SHA512, &RSA_PKCS1_2048_8192_SHA512),
        _ => return None,
    })
}

/// A public key of RSA, of a size that aws-lc takes.
struct Rsa {
    length: usize,
    der: PublicKeyX509Der<'static>,
}

impl Rsa {
    fn of(params: &PublicParams) -> Option<Self> {
        let PublicParams::RSA(params) = params else { return None };
        let bytes = params.to_bytes().ok()?;
        let mut rest = bytes.as_slice();
        let (modulus, exponent) = (Mpi::try_from_reader(&mut rest).ok()?, Mpi::try_from_reader(&mut rest).ok()?);
        let length = modulus.as_ref().len();
        let components = RsaPublicKeyComponents { n: modulus.as_ref(), e: exponent.as_ref() };
        (256..=1024).contains(&length).then(|| components.as_der().ok()).flatten().map(|der| Self { length, der })
    }

    fn verify(&self, (algorithm, parameters): Parameters, digest: &[u8], signature: &[u8]) -> std::result::Result<(), Unspecified> {
        // OpenPGP writes numbers without the zeros before them.
        let missing = self.length.checked_sub(signature.len()).ok_or(Unspecified)?;
        let padded = [&vec![0; missing], signature].concat();
        let digest = Digest::import_less_safe(digest, algorithm)?;
        UnparsedPublicKey::new(parameters, self.der.as_ref()).verify_digest(&digest, &padded)
    }
}
