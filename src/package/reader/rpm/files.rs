//! The file list of an RPM, which is a table with one tag a column.

use rpm::{FileEntry, FileFlags, FileType, IndexTag, PackageMetadata};

use super::super::error::Fault;
use super::super::inspection::{Entry, EntryKind};
use super::fault;

const FLAGS: [(FileFlags, &str); 10] = [
    (FileFlags::CONFIG, "config"),
    (FileFlags::NOREPLACE, "noreplace"),
    (FileFlags::MISSINGOK, "missingok"),
    (FileFlags::DOC, "doc"),
    (FileFlags::LICENSE, "license"),
    (FileFlags::README, "readme"),
    (FileFlags::GHOST, "ghost"),
    (FileFlags::ARTIFACT, "artifact"),
    (FileFlags::PUBKEY, "pubkey"),
    (FileFlags::SPECFILE, "specfile"),
];

/// Lists the files.
pub(super) fn read(package: &PackageMetadata) -> Result<Vec<Entry>, Fault> {
    if package.header.entry_is_present(IndexTag::RPMTAG_OLDFILENAMES) {
        return Err(Fault::malformed("header", "whole file names, as before format 4 (rpm 4.0), are not read"));
    }
    let files = package.get_file_entries().map_err(|error| fault(&error))?;
    Ok(files.iter().map(entry).collect())
}

fn entry(file: &FileEntry<'_>) -> Entry {
    let kind = match file.file_type() {
        FileType::Regular => EntryKind::File,
        FileType::Dir => EntryKind::Directory,
        FileType::SymbolicLink => EntryKind::Symlink,
        FileType::CharacterDevice => EntryKind::Character,
        FileType::BlockDevice => EntryKind::Block,
        FileType::Fifo => EntryKind::Fifo,
        FileType::Socket => EntryKind::Socket,
        _ => EntryKind::Unknown,
    };
    Entry {
        path: format!("{}{}", file.dirname(), file.basename()),
        kind,
        mode: u32::from(file.permissions()),
        owner: file.user().to_owned(),
        group: file.group().to_owned(),
        size: if kind == EntryKind::File { file.size() as u64 } else { 0 },
        mtime: u64::from(u32::from(file.modified_at())),
        target: file.linkto().map(str::to_owned),
        digest: file.digest().map(|digest| format!("{}:{}", algorithm(digest.algorithm()), digest.as_hex())),
        flags: FLAGS.iter().filter(|(flag, _)| file.flags().contains(*flag)).map(|(_, name)| *name).collect(),
        capabilities: file.caps().filter(|caps| !caps.is_empty()).map(str::to_owned),
    }
}

fn algorithm(algorithm: rpm::DigestAlgorithm) -> &'static str {
    match algorithm {
        rpm::DigestAlgorithm::Md5 => "md5",
        rpm::DigestAlgorithm::Sha2_224 => "sha224",
        rpm::DigestAlgorithm::Sha2_256 => "sha256",
        rpm::DigestAlgorithm::Sha2_384 => "sha384",
        rpm::DigestAlgorithm::Sha2_512 => "sha512",
        rpm::DigestAlgorithm::Sha3_256 => "sha3-256",
        rpm::DigestAlgorithm::Sha3_512 => "sha3-512",
    }
}
