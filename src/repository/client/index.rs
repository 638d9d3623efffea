//! Index files that a signed text names by digest and size.

use std::io::Read as _;

use sha2::{Digest as _, Sha512};

use super::{Root, Variants};
use crate::digest::{Algorithm, Digest};
use crate::package::reader::Codec;
use crate::repository::store::{Key, StoreError};

/// Bytes that an index file may have as it is stored.
pub(super) const MAX_STORED: u64 = 512 << 20;
/// Bytes that an index file may have once it is unpacked.
pub(super) const MAX_OPEN: u64 = 2 << 30;

/// What is known of a file before it is fetched.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) digest: Digest,
    /// Where it is not told, whatever is not too large.
    pub(super) size: Option<u64>,
}

impl Known {
    /// Says what is wrong with bytes, if anything is.
    pub(super) fn check(&self, bytes: &[u8]) -> Result<(), String> {
        match self.size {
            Some(size) if size != bytes.len() as u64 => {
                Err(format!("has {} bytes, and should have {size}", bytes.len()))
            }
            _ if digest(self.digest.algorithm(), bytes) != self.digest => Err(match self.digest.algorithm() {
                Algorithm::Sha256 => "has another SHA-256".to_owned(),
                Algorithm::Sha512 => "has another SHA-512".to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

/// Hashes bytes in memory.
pub(super) fn digest(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    match algorithm {
        Algorithm::Sha256 => Digest::sha256(bytes),
        Algorithm::Sha512 => {
            let hex = hex::encode(Sha512::digest(bytes));
            Digest::from_hex(algorithm, &hex).unwrap_or_else(|error| unreachable!("a digest: {error}"))
        }
    }
}

/// A file with its names: the one that never changes first, where there is one.
pub(super) struct Index<'a> {
    pub(super) names: Vec<Key>,
    /// The name that says how it is compressed.
    pub(super) name: &'a str,
    /// What it is called without an end for its compression.
    pub(super) stem: &'a str,
    pub(super) known: Known,
}

/// How an index file was found.
pub(super) enum Found {
    /// As it should be, unpacked.
    Whole(Vec<u8>),
    /// It is not there.
    Absent,
    /// It is wrong.
    Wrong(String),
}

impl Index<'_> {
    /// Fetches the file by the first of its names under which it is, and unpacks it.
    pub(super) fn read(&self, root: Root<'_>) -> Result<Found, StoreError> {
        let Some(codec) = Codec::of_member(self.name, self.stem) else {
            return Ok(Found::Wrong("has a compression that is not read here".to_owned()));
        };
        let limit = self.known.size.unwrap_or(MAX_STORED);
        if limit > MAX_STORED {
            return Ok(Found::Wrong(format!("has more than {MAX_STORED} bytes")));
        }
        for name in &self.names {
            let object = match root.store().get(name, limit) {
                Ok(None) => continue,
                Ok(Some(object)) => object,
                Err(error) if matches!(error.cause, crate::repository::store::Cause::TooLarge(_)) => {
                    return Ok(Found::Wrong(format!("has more than {limit} bytes")));
                }
                Err(error) => return Err(error),
            };
            return Ok(match self.known.check(&object.bytes).and_then(|()| unpack(codec, &object.bytes)) {
                Ok(bytes) => Found::Whole(bytes),
                Err(cause) => Found::Wrong(cause),
            });
        }
        Ok(Found::Absent)
    }
}

fn unpack(codec: Codec, stored: &[u8]) -> Result<Vec<u8>, String> {
    let mut open = Vec::new();
    let decoder = codec.decoder(stored).map_err(|error| format!("cannot be unpacked: {error}"))?;
    let read = decoder.take(MAX_OPEN + 1).read_to_end(&mut open);
    read.map_err(|error| format!("cannot be unpacked: {error}"))?;
    if open.len() as u64 > MAX_OPEN {
        return Err(format!("unpacks to more than {MAX_OPEN} bytes"));
    }
    Ok(open)
}

impl Variants {
    /// Whether so many that were read do.
    pub(super) fn is_enough(self, read: usize) -> bool {
        self == Self::One && read > 0
    }

    /// Which names are tried together, until there is a file: all, or each for itself.
    pub(super) fn tries(self, names: Vec<Key>) -> Vec<Vec<Key>> {
        match self {
            Self::One => vec![names],
            Self::All => names.into_iter().map(|name| vec![name]).collect(),
        }
    }
}
