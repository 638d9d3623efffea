//! Reads any deb or RPM, ours or not, of any compression, and says what it holds.
//!
//! A package is hostile until read: sizes are limited, nothing is unpacked to disk, no script is run, and no bytes
//! make this module panic. It is not the read-back of our own writers, which is done by other code on purpose.

mod codec;
mod deb;
mod error;
mod inspection;
mod rpm;
mod scan;
mod visit;

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use fs_err::File;
use sha2::{Digest as _, Sha256};

pub(super) use self::deb::{ArMember, Md5Sums, ORIGIN, content as ar_content, members as ar_members, read as read_deb};
pub(super) use self::rpm::{
    Payload, data_size as rpm_data_size, metadata as rpm_metadata, payload as rpm_payload, read as read_rpm,
};
pub(crate) use codec::Codec;
pub(super) use error::Fault;

pub use self::deb::DebHead;
pub use self::rpm::{RpmHead, RpmHeader, WrongType};
pub use error::{ReadError, excerpt};
pub use inspection::{
    Change, Compression, Entry, EntryKind, Inspection, InstalledSize, Member, PackageFile, Relations, Script,
    Signature, Trigger,
};
pub use scan::{FileList, Head, Scan, scan, scan_from};
pub use visit::Visit;

use crate::format::Format;

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

/// Reads the package in `path`. Its format is told from its first bytes, whatever its name. The payload of an RPM is not
/// read.
pub fn open(path: &Path) -> Result<Inspection, ReadError> {
    let (mut file, identity, format) = begin(path)?;
    let read = match format {
        Format::Deb => deb::read(&mut file, identity, &mut |_, _| Ok(())).map(|(inspection, _)| inspection),
        Format::Rpm => rpm::read(&mut file, identity).map(|(inspection, _)| inspection),
    };
    read.map_err(|fault: Fault| fault.of(path))
}

/// Reads the package in `path` to its end, and hands every regular file to `visit`. An error of `visit` ends the
/// reading, and is [`ReadError::Io`].
pub fn walk(path: &Path, visit: &mut Visit<'_>) -> Result<Inspection, ReadError> {
    let (mut file, identity, format) = begin(path)?;
    let read = match format {
        Format::Deb => deb::read(&mut file, identity, visit).map(|(inspection, _)| inspection),
        Format::Rpm => rpm::read(&mut file, identity).and_then(|(inspection, metadata)| {
            rpm::payload(&mut file, &metadata, &inspection, visit)?;
            Ok(inspection)
        }),
    };
    read.map_err(|fault: Fault| fault.of(path))
}

/// Opens a package and tells its format.
pub(super) fn begin(path: &Path) -> Result<(File, PackageFile, Format), ReadError> {
    let mut file = File::open(path)?;
    let identity = identify(&mut file, path)?;
    let mut magic = [0; 8];
    let given = usize::try_from(identity.size).unwrap_or(magic.len()).min(magic.len());
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut magic[..given])?;
    file.seek(SeekFrom::Start(0))?;
    let format = if &magic == b"!<arch>\n" {
        Format::Deb
    } else if magic.starts_with(&::rpm::RPM_MAGIC) {
        Format::Rpm
    } else {
        return Err(ReadError::NotAPackage(path.to_path_buf()));
    };
    Ok((file, identity, format))
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
