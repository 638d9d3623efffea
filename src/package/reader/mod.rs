//! Reads any deb or RPM, ours or not, of any compression, and says what it holds.
//!
//! A package is hostile until read: sizes are limited, nothing is unpacked to disk, no script is run, and no bytes
//! make this module panic. It is not the read-back of our own writers, which is done by other code on purpose.

mod deb;
mod error;
mod inspection;
mod rpm;
mod scan;

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use fs_err::File;
use sha2::{Digest as _, Sha256};

pub(super) use self::deb::{ArMember, content as ar_content, members as ar_members};
pub(super) use self::rpm::metadata as rpm_metadata;
pub(super) use error::Fault;

pub use self::deb::DebHead;
pub use self::rpm::{RpmHead, RpmHeader, WrongType};
pub use error::ReadError;
pub use inspection::{
    Change, Compression, Entry, EntryKind, Inspection, InstalledSize, Member, PackageFile, Relations, Script,
    Signature, Trigger,
};
pub use scan::{FileList, Head, Scan, scan};

/// Files that a package may have.
pub const MAX_FILES: u64 = 1_000_000;

/// Bytes that a deb's control archive may have once unpacked.
pub const MAX_CONTROL_BYTES: u64 = 16 << 20;

/// Bytes that a deb's file archive may have once unpacked. They are read and thrown away.
pub const MAX_DATA_BYTES: u64 = 64 << 30;

/// Bytes that all file names and link targets of a deb may have together.
pub const MAX_NAME_BYTES: u64 = 256 << 20;

/// Bytes that the data of an RPM header may have (rpm's own limit, `HEADER_DATA_MAX`).
pub const MAX_HEADER_BYTES: u64 = 256 << 20;

/// Reads the package in `path`. Its format is told from its first bytes, whatever its name.
pub fn open(path: &Path) -> Result<Inspection, ReadError> {
    let mut file = File::open(path)?;
    let identity = identify(&mut file, path)?;
    let mut magic = [0; 8];
    let given = usize::try_from(identity.size).unwrap_or(magic.len()).min(magic.len());
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut magic[..given])?;
    file.seek(SeekFrom::Start(0))?;
    let read = if &magic == b"!<arch>\n" {
        deb::read(&mut file, identity)
    } else if magic.starts_with(&::rpm::RPM_MAGIC) {
        rpm::read(&mut file, identity)
    } else {
        return Err(ReadError::NotAPackage(path.to_path_buf()));
    };
    read.map_err(|fault: Fault| fault.of(path))
}

/// Hashes the file.
fn identify(file: &mut File, path: &Path) -> Result<PackageFile, ReadError> {
    let mut hasher = Sha256::new();
    let size = std::io::copy(file, &mut hasher)?;
    Ok(PackageFile {
        path: inspection::text_of(path.as_os_str().as_encoded_bytes()),
        size,
        sha256: hex::encode(hasher.finalize()),
    })
}
