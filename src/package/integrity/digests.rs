//! The algorithms that packages use, strong or not.

use std::io::{self, Read};

use md5::Md5;
use sha1::Sha1;
use sha2::digest::DynDigest;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use sha3::{Sha3_256, Sha3_512};

use super::Findings;
use crate::package::reader::{Entry, excerpt};

/// Returns what makes digests by the name that an inspection has for the algorithm.
pub(super) fn hasher(algorithm: &str) -> Option<Box<dyn DynDigest>> {
    Some(match algorithm {
        "md5" => Box::new(Md5::default()),
        "sha1" => Box::new(Sha1::default()),
        "sha224" => Box::new(Sha224::default()),
        "sha256" => Box::new(Sha256::default()),
        "sha384" => Box::new(Sha384::default()),
        "sha512" => Box::new(Sha512::default()),
        "sha3-256" => Box::new(Sha3_256::default()),
        "sha3-512" => Box::new(Sha3_512::default()),
        _ => return None,
    })
}

/// How people write an algorithm's name.
pub(super) fn name(algorithm: &str) -> String {
    match algorithm.strip_prefix("sha") {
        Some(bits) if bits.contains('-') => format!("SHA{bits}"),
        Some(bits) => format!("SHA-{bits}"),
        None => algorithm.to_ascii_uppercase(),
    }
}

/// Returns the digest of everything that a reader gives, in hexadecimal.
pub(super) fn of(mut hasher: Box<dyn DynDigest>, mut bytes: impl Read) -> io::Result<String> {
    let mut buffer = vec![0; 128 << 10];
    loop {
        match bytes.read(&mut buffer) {
            Ok(0) => return Ok(hex::encode(hasher.finalize())),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Compares files with the digests that the package declares for them.
#[derive(Debug, Default)]
pub(super) struct Files {
    agreed: usize,
    algorithm: String,
    without: Vec<String>,
    faults: Vec<String>,
}

impl Files {
    /// Reads one file.
    pub(super) fn check(&mut self, file: &Entry, content: &mut dyn Read) -> io::Result<()> {
        let Some((algorithm, declared)) = file.digest.as_deref().and_then(|digest| digest.split_once(':')) else {
            self.without.push(file.path.clone());
            return Ok(());
        };
        let path = excerpt(&file.path);
        let Some(hasher) = hasher(algorithm) else {
            self.faults.push(format!("`{path}` has a digest of the unknown kind `{}`", excerpt(algorithm)));
            return Ok(());
        };
        let found = of(hasher, content)?;
        if found.eq_ignore_ascii_case(declared) {
            self.agreed += 1;
            self.algorithm = name(algorithm);
        } else {
            let (name, declared) = (name(algorithm), excerpt(declared));
            self.faults.push(format!("`{path}` has the {name} {found}, and the package says {declared}"));
        }
        Ok(())
    }

    /// Tells what was found, and returns the files without a digest.
    pub(super) fn tell(self, findings: &mut Findings) -> Vec<String> {
        if self.agreed > 0 {
            findings.agree(format!("{} of {}", self.algorithm, crate::event::count(self.agreed, "file")));
        }
        self.faults.into_iter().for_each(|fault| findings.fault(fault));
        self.without
    }
}
