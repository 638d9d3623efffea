//! Signatures of finished packages, put on, taken off and checked; everything else stays as it is, byte for byte.
//!
//! | format | where | of what |
//! |---|---|---|
//! | deb | `_gpgorigin`, the last member of the outer archive, armored (debsig-verify(1)) | the contents of `debian-binary`, `control.tar` and `data.tar`, one behind the other |
//! | rpm | `RPMSIGTAG_RSA` or, of any other algorithm, `RPMSIGTAG_DSA` of the signature header; those of `RPMSIGTAG_OPENPGP` (rpm 6) are read, too | the header, which holds the digest of the payload |

mod deb;
mod policy;
mod rpm;

use std::io::{self, Read as _, Write};
use std::path::Path;

use fs_err::{File, OpenOptions};
use sha2::{Digest as _, Sha256};

pub use policy::{PolicyFile, policy};

use super::reader::Fault;
use super::reader::{Head, ReadError, Scan};
use crate::sign::{Certificate, SignError, Signature, Signer, VerifyError};
use crate::source_date::SourceDate;

/// Why a package was not signed, or is not what its signature says.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// It is no package.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The key does not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The signature proves nothing.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// There is no signature.
    #[error("not signed")]
    Unsigned,
    /// The signature is good, and what it covers does not fit the rest.
    #[error("{0}")]
    Differs(String),
    /// Something cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A package, as far as signatures go.
enum Package {
    Deb(deb::Deb),
    Rpm(Box<rpm::Rpm>),
}

impl Package {
    fn open(path: &Path) -> Result<Self, SigningError> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut magic = Vec::new();
        (&mut file).take(deb::MAGIC.len() as u64).read_to_end(&mut magic)?;
        let read = if magic == deb::MAGIC {
            deb::Deb::read(file, length).map(Self::Deb)
        } else if magic.starts_with(&::rpm::RPM_MAGIC) {
            rpm::Rpm::read(file, length).map(|rpm| Self::Rpm(Box::new(rpm)))
        } else {
            return Err(ReadError::NotAPackage(path.to_owned()).into());
        };
        Ok(read.map_err(|fault: Fault| fault.of(path))?)
    }

    /// Copies the package with `signature` in place of those that it has.
    fn copy(&self, signature: Option<&Signature>, to: &Path) -> Result<std::fs::File, SigningError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let mut out = options.open(to)?.into_parts().0;
        self.write(signature, &mut out)?;
        Ok(out)
    }

    fn write(&self, signature: Option<&Signature>, out: &mut impl Write) -> Result<(), SigningError> {
        match self {
            Self::Deb(deb) => deb.copy(signature, out),
            Self::Rpm(rpm) => rpm.copy(signature, out),
        }
    }

    /// Returns the time of the package, which its signature gets.
    fn date(&self) -> SourceDate {
        match self {
            Self::Deb(deb) => deb.date(),
            Self::Rpm(rpm) => rpm.date(),
        }
    }

    fn signed(&self, signer: &dyn Signer) -> Result<Signature, SigningError> {
        Ok(match self {
            Self::Deb(deb) => signer.detached(&mut deb.message()?, self.date())?,
            Self::Rpm(rpm) => signer.detached(&mut rpm.message(), self.date())?,
        })
    }

    fn signatures(&self) -> Result<Vec<Signature>, SigningError> {
        match self {
            Self::Deb(deb) => deb.signatures(),
            Self::Rpm(rpm) => rpm.signatures(),
        }
    }

    fn verify(&self, certificates: &[Certificate]) -> Result<String, SigningError> {
        let fingerprint = by_one_of(certificates, &self.signatures()?, |certificate, signature| match self {
            Self::Deb(deb) => certificate.verify(signature, deb.message()?),
            Self::Rpm(rpm) => certificate.verify(signature, rpm.message()),
        })?;
        if let Self::Rpm(rpm) = self {
            rpm.check_payload()?;
        }
        Ok(fingerprint)
    }
}

/// Checks all signatures of a package, each by the certificate that knows its key. Those of keys that are not at hand say
/// nothing, as rpm 6 has it; of the others each must be good.
fn by_one_of(
    certificates: &[Certificate],
    signatures: &[Signature],
    verify: impl Fn(&Certificate, &Signature) -> Result<String, VerifyError>,
) -> Result<String, SigningError> {
    let (mut good, mut verdict) = (None, Err(SigningError::Unsigned));
    for signature in signatures {
        let mut verdicts = certificates.iter().map(|certificate| verify(certificate, signature));
        match verdicts.find(|verdict| !matches!(verdict, Err(VerifyError::UnknownKey(_)))) {
            Some(Ok(fingerprint)) => good = good.or(Some(fingerprint)),
            Some(Err(error)) => return Err(error.into()),
            None => verdict = Err(VerifyError::UnknownKey(signature.issuer()).into()),
        }
    }
    good.map_or(verdict, Ok)
}

/// Copies `package` to `to` with one signature, in place of all that it has, and reads that back. Returns the new file.
pub fn sign(package: &Path, signer: &dyn Signer, to: &Path) -> Result<std::fs::File, SigningError> {
    let from = Package::open(package)?;
    let signature = from.signed(signer)?;
    let out = from.copy(Some(&signature), to)?;
    let by = verify(to, std::slice::from_ref(signer.certificate()))?;
    if by == signer.fingerprint() {
        return Ok(out);
    }
    let fingerprint = signer.fingerprint();
    Err(SigningError::Differs(format!("the signature is read back as one of {by}, not of {fingerprint}")))
}

/// Copies `package` to `to` without its signatures, and returns the new file.
pub fn remove(package: &Path, to: &Path) -> Result<std::fs::File, SigningError> {
    Package::open(package)?.copy(None, to)
}

/// Checks the signature of a package, and that the rest is what it covers. Returns the fingerprint of the key.
pub fn verify(package: &Path, certificates: &[Certificate]) -> Result<String, SigningError> {
    Package::open(package)?.verify(certificates)
}

/// Does the same for a package that was read to its end: nobody reads an RPM again.
pub fn verify_scan(package: &Path, scan: &Scan, certificates: &[Certificate]) -> Result<String, SigningError> {
    match &scan.head {
        Head::Rpm(head) => rpm::verify(package, head, certificates),
        Head::Deb(head) if head.is_signed => verify(package, certificates),
        Head::Deb(_) => Err(SigningError::Unsigned),
    }
}

/// Returns who signed a package, as its first signature says: a fingerprint or a key id. Nothing is checked.
pub fn issuer(package: &Path) -> Result<Option<String>, SigningError> {
    Ok(Package::open(package)?.signatures()?.first().map(Signature::issuer))
}

/// Returns the SHA-256, in hexadecimal, of a package without its signatures: the same before and after signing, whoever
/// signs.
pub fn unsigned_digest(package: &Path) -> Result<String, SigningError> {
    let mut hasher = Sha256::new();
    Package::open(package)?.write(None, &mut hasher)?;
    Ok(hex::encode(hasher.finalize()))
}
