//! The provenance of a package that is signed anew, or no longer signed: the same statement about the new file.

use std::path::Path;

use super::{Envelope, ProvenanceError, Recorded, SealError, of_file, open, path_beside};
use crate::digest::Digest;
use crate::sign::Signer;

/// Why the provenance beside a package is not renewed.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    /// It cannot be read, or is not about the package.
    #[error(transparent)]
    Read(#[from] ProvenanceError),
    /// It was not signed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Returns the line that belongs beside `package` once its file has the SHA-256 `new` in place of `old`; nothing where
/// there is no provenance. Whoever signed what was there, only the new signature counts.
pub fn renewed(
    package: &Path,
    old: &Digest,
    new: &Digest,
    signer: Option<&dyn Signer>,
) -> Result<Option<String>, RenewError> {
    let path = path_beside(package);
    if !path.exists() {
        return Ok(None);
    }
    let envelopes = open(&path)?;
    let statement = of_file(&envelopes, old)?.statement();
    let date = Recorded::read(statement)?.date();
    Ok(Some(Envelope::seal(statement.about(new), signer, date)?.to_line()?))
}
