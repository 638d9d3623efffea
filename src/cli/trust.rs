//! Trust roots.

use std::io::Read as _;
use std::path::PathBuf;

use fs_err::File;

use super::diagnostic::Failure;
use super::exit::Exit;
use crate::fetch::{BadTrustRoot, TrustRoot};

/// The largest trust root, in bytes; that of sigstore's public instance has some 7 kB.
const LIMIT: u64 = 4 << 20;

/// Reads a trust root; that of sigstore's public instance where none is named.
pub(crate) fn root(path: Option<&PathBuf>) -> Result<TrustRoot, Failure> {
    let Some(path) = path else {
        return TrustRoot::production()
            .map_err(|error| Failure::bug(format!("the trust root inside kubepkg: {error}")));
    };
    let failed = |error: &dyn std::error::Error| {
        Failure::new(Exit::Usage, error)
            .hint("`--trust-root` takes a `trusted_root.json` of sigstore, or certificates in PEM")
    };
    let mut text = String::new();
    let file = File::open(path).map_err(|error| failed(&error))?;
    file.take(LIMIT + 1).read_to_string(&mut text).map_err(|error| failed(&error))?;
    if text.len() as u64 > LIMIT {
        return Err(Failure::usage(format!("{} is larger than the limit of {LIMIT} bytes", path.display())));
    }
    TrustRoot::parse(&text).map_err(|error: BadTrustRoot| failed(&Unusable { path: path.clone(), source: error }))
}

/// A file that is no trust root.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the trust root `{}`", path.display())]
struct Unusable {
    path: PathBuf,
    source: BadTrustRoot,
}
