//! Signed certificate timestamps: a certificate log's promise, inside a certificate, that it has it (RFC 6962).

use sigstore_verify::crypto::SigningScheme;
use sigstore_verify::types::{DerCertificate, Sha256Hash, SignatureBytes};
use x509_cert::Certificate;
use x509_cert::der::asn1::OctetStringRef;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _};

use super::error::SignatureError;
use super::root::TrustRoot;
use crate::digest::Digest;

/// The extension with the list of timestamps (RFC 6962, 3.3).
const LIST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.2");

/// A timestamp (RFC 6962, 3.2).
#[derive(Debug)]
struct Timestamp<'a> {
    log: [u8; 32],
    /// Milliseconds since 1970, in the order of the network.
    time: [u8; 8],
    extensions: &'a [u8],
    /// `SignatureAndHashAlgorithm` (RFC 5246, 7.4.1.4.1).
    algorithm: [u8; 2],
    signature: &'a [u8],
}

/// Checks that all timestamps of a certificate hold, and that there is one. `issuer_key` is the issuer's public key
/// (`SubjectPublicKeyInfo`).
pub(super) fn verify(leaf: &DerCertificate, issuer_key: &[u8], root: &TrustRoot) -> Result<(), SignatureError> {
    let bad = |cause: &str| SignatureError::Sct(cause.to_owned());
    let mut certificate =
        Certificate::from_der(leaf.as_bytes()).map_err(|error| SignatureError::malformed("certificate", &error))?;
    let extensions = certificate.tbs_certificate.extensions.take().unwrap_or_default();
    let (lists, others): (Vec<_>, Vec<_>) = extensions.into_iter().partition(|extension| extension.extn_id == LIST);
    let [list] = &lists[..] else { return Err(bad("it has no timestamp")) };
    // What the log signed is the certificate without the timestamps.
    certificate.tbs_certificate.extensions = Some(others);
    let logged = certificate.tbs_certificate.to_der().map_err(|error| bad(&error.to_string()))?;
    let list = OctetStringRef::from_der(list.extn_value.as_bytes()).map_err(|error| bad(&error.to_string()))?;
    let timestamps = timestamps(list.as_bytes()).ok_or_else(|| bad("the timestamps are malformed"))?;
    if timestamps.is_empty() {
        return Err(bad("it has no timestamp"));
    }
    timestamps.iter().try_for_each(|timestamp| holds(timestamp, &logged, issuer_key, root))
}

fn holds(timestamp: &Timestamp<'_>, logged: &[u8], issuer_key: &[u8], root: &TrustRoot) -> Result<(), SignatureError> {
    let bad = |cause: &str| SignatureError::Sct(cause.to_owned());
    let scheme = match timestamp.algorithm {
        [4, 3] => SigningScheme::EcdsaP256Sha256,
        [4, 1] => SigningScheme::RsaPkcs1Sha256,
        _ => return Err(bad("the timestamp is signed by an algorithm that logs do not use")),
    };
    let milliseconds = i64::try_from(u64::from_be_bytes(timestamp.time)).unwrap_or(i64::MAX);
    let time = jiff::Timestamp::from_millisecond(milliseconds).map_err(|_| bad("the timestamp is of no time"))?;
    let signed = signed_data(timestamp, logged, issuer_key).ok_or_else(|| bad("the certificate is too large"))?;
    let keys = root.log_keys(scheme).ok_or_else(|| bad("the log is not one of the trust root"))?;
    keys.verify_with_key_id_at(
        &Sha256Hash::new(timestamp.log),
        time,
        &signed,
        &SignatureBytes::new(timestamp.signature.to_vec()),
    )
    .map_err(|error| bad(&error.to_string()))
}

/// `digitally-signed struct` of a certificate that is yet without timestamps (RFC 6962, 3.2).
fn signed_data(timestamp: &Timestamp<'_>, logged: &[u8], issuer_key: &[u8]) -> Option<Vec<u8>> {
    let issuer = Digest::sha256(issuer_key).to_bytes();
    let size = u32::try_from(logged.len()).ok()?.to_be_bytes();
    let [0, size @ ..] = size else { return None };
    let extensions = u16::try_from(timestamp.extensions.len()).ok()?.to_be_bytes();
    // Version 1, a certificate's timestamp; then, after the time, an entry without timestamps.
    let parts: [&[u8]; 8] =
        [&[0, 0], &timestamp.time, &[0, 1], &issuer, &size, logged, &extensions, timestamp.extensions];
    Some(parts.concat())
}

/// `SignedCertificateTimestampList` (RFC 6962, 3.3); nothing where it is malformed.
fn timestamps(list: &[u8]) -> Option<Vec<Timestamp<'_>>> {
    let (mut list, rest) = vector(list)?;
    let mut timestamps = Vec::new();
    while !list.is_empty() {
        let (one, more) = vector(list)?;
        timestamps.push(timestamp(one)?);
        list = more;
    }
    rest.is_empty().then_some(timestamps)
}

fn timestamp(bytes: &[u8]) -> Option<Timestamp<'_>> {
    let (version, bytes) = bytes.split_first()?;
    let (log, bytes) = bytes.split_first_chunk()?;
    let (time, bytes) = bytes.split_first_chunk()?;
    let (extensions, bytes) = vector(bytes)?;
    let (algorithm, bytes) = bytes.split_first_chunk()?;
    let (signature, rest) = vector(bytes)?;
    let timestamp = Timestamp { log: *log, time: *time, extensions, algorithm: *algorithm, signature };
    (*version == 0 && rest.is_empty()).then_some(timestamp)
}

/// Splits off bytes behind their number in 16 bits (RFC 5246, 4.3).
fn vector(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (size, bytes) = bytes.split_first_chunk()?;
    bytes.split_at_checked(u16::from_be_bytes(*size).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Vec<u8> {
        let one = [&[0][..], &[7; 32], &[0; 8], &[0, 0], &[4, 3], &[0, 2], &[1, 2]].concat();
        [&[0, 51][..], &[0, 49], &one].concat()
    }

    #[test]
    fn a_list_has_its_timestamps() {
        let list = list();
        let [timestamp] = &timestamps(&list).unwrap()[..] else { panic!() };
        assert_eq!((timestamp.log, timestamp.algorithm, timestamp.signature), ([7; 32], [4, 3], &[1, 2][..]));
        assert!(timestamps(&[0, 0]).unwrap().is_empty());
    }

    #[test]
    fn no_part_of_a_list_and_nothing_longer_is_one() {
        let list = list();
        for end in 0..list.len() {
            assert!(timestamps(&list[..end]).is_none(), "{end}");
        }
        assert!(timestamps(&[&list[..], &[0]].concat()).is_none());
        for place in 0..list.len() {
            for value in 0..=255 {
                let mut damaged = list.clone();
                damaged[place] = value;
                let _ = timestamps(&damaged);
            }
        }
    }
}
