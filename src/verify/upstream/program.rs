//! The programs of a package, unpacked one by one.

use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use crate::digest::{UpstreamDigests, UpstreamHasher};
use crate::package::reader::{self, ReadError};

/// A program (ELF) of a package.
pub(super) struct Program {
    /// Where it would be installed.
    pub(super) path: String,
    /// Where it lies now.
    pub(super) file: PathBuf,
    pub(super) digests: UpstreamDigests,
}

impl Program {
    /// Returns its file name.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

const ELF: &[u8] = b"\x7fELF";

/// Unpacks all programs into `folder`, under numbers: names from a package are not trusted.
pub(super) fn unpack(package: &Path, folder: &Path) -> Result<Vec<Program>, ReadError> {
    let mut programs: Vec<Program> = Vec::new();
    reader::walk(package, &mut |entry, content| {
        let mut start = Vec::new();
        content.take(ELF.len() as u64).read_to_end(&mut start)?;
        if start != ELF {
            return Ok(());
        }
        let file = folder.join(programs.len().to_string());
        let digests = copy(&mut start.chain(content), &file)?;
        programs.push(Program { path: entry.path.clone(), file, digests });
        Ok(())
    })?;
    Ok(programs)
}

fn copy(content: &mut dyn Read, to: &Path) -> io::Result<UpstreamDigests> {
    let mut out = fs_err::File::create(to)?;
    let mut hasher = UpstreamHasher::default();
    let mut buffer = vec![0; 128 << 10];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                out.write_all(&buffer[..count])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
