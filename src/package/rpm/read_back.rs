//! What was written, read again from the file by the crate's reader and compared with the image.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read as _, Seek as _};

use rpm::{FileEntry, FileFlags, FileType, Header, HeaderEntry, IndexTag, PackageMetadata, PackageReader, Scriptlet};
use sha2::{Digest as _, Sha256};

use super::scriptlet::{INTERPRETER, MOMENTS, section};
use super::{build, relations};
use crate::digest::Digest;
use crate::format::Format;
use crate::image::{Content, Entry, Moment, PackageImage, Role};
use crate::package::packer::Packed;
use crate::package::{Packer, Texts, WriteError};
use crate::relation::RelationKind;

/// What should have been written.
pub(super) struct Check<'a> {
    pub(super) image: &'a PackageImage,
    pub(super) texts: &'a Texts,
    pub(super) packer: &'a Packer<'a>,
}

impl Check<'_> {
    /// Checks every digest of the file, and that it holds the image: names, relations, scriptlets, each entry with its
    /// bytes. Bytes that are not those that were verified are the fault of an input.
    pub(super) fn run(&self, packed: &Packed, file: &mut File) -> Result<(), WriteError> {
        file.rewind()?;
        let mut reader = BufReader::new(&mut *file);
        let metadata = PackageMetadata::parse(&mut reader).map_err(unreadable)?;
        metadata.verify_digests().map_err(unreadable)?;
        let payload = metadata.header.get_entry_data_as_string(IndexTag::RPMTAG_PAYLOADSHA256).map_err(unreadable)?;
        let mut hasher = Sha256::new();
        let size = io::copy(&mut reader, &mut hasher)?;
        same("payload digest", hex::encode(hasher.finalize()).as_str(), payload)?;
        same("payload size", &packed.size, &size)?;
        identity(self.image, &metadata)?;
        relations_hold(self.image, &metadata)?;
        scriptlets_hold(self.texts, &metadata)?;
        self.payload_holds(&metadata, packed, file)
    }

    /// Reads the payload with the crate's reader. It gets a header that says that nothing is compressed, and the payload
    /// unpacked: large files were compared block by block on the way, and are not unpacked once more.
    fn payload_holds(&self, found: &PackageMetadata, packed: &Packed, file: &File) -> Result<(), WriteError> {
        let at = found.get_package_segment_offsets().payload;
        let unpacked = self.packer.unpack(packed, file, at).map_err(|error| unreadable(error.into()))?;
        let begin = uncompressed(found).map_err(unreadable)?;
        let mut missing: BTreeMap<&str, &Entry> =
            self.image.entries(Format::Rpm).map(|entry| (entry.path.as_str(), entry)).collect();
        let mut reader =
            PackageReader::parse(BufReader::new(Cursor::new(begin).chain(unpacked))).map_err(unreadable)?;
        let mut buffer = vec![0; 1 << 16];
        while let Some(mut held) = reader.next_file().map_err(unreadable)? {
            let path = held.metadata.path();
            let entry = path.to_str().and_then(|path| missing.remove(path));
            let entry = entry.ok_or_else(|| WriteError::ReadBack(format!("holds {} besides", path.display())))?;
            entry_holds(self.image, entry, &held.metadata)?;
            let mut hasher = Sha256::new();
            loop {
                match held.read(&mut buffer)? {
                    0 => break,
                    read => hasher.update(&buffer[..read]),
                }
            }
            held.finish()?;
            bytes_hold(entry, &held.metadata, &hex::encode(hasher.finalize()))?;
        }
        match missing.keys().next() {
            None => Ok(()),
            Some(path) => Err(WriteError::ReadBack(format!("lacks {path}"))),
        }
    }
}

/// Returns everything before the payload, as it would be were the payload not compressed.
fn uncompressed(metadata: &PackageMetadata) -> Result<Vec<u8>, rpm::Error> {
    let mut metadata = metadata.clone();
    let left_out = [IndexTag::RPMTAG_HEADERIMMUTABLE, IndexTag::RPMTAG_PAYLOADCOMPRESSOR].map(u32::from);
    let entries = metadata.header.get_all_entries()?.into_iter().filter(|(tag, _)| !left_out.contains(tag));
    let entries = entries.map(|(tag, data)| HeaderEntry::new(tag, data));
    metadata.header = Header::from_entries(entries, IndexTag::RPMTAG_HEADERIMMUTABLE);
    let mut bytes = Vec::new();
    metadata.write(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(error: rpm::Error) -> WriteError {
    match error {
        rpm::Error::Io(error) => WriteError::Io(error),
        other => WriteError::ReadBack(format!("is not readable: {other}")),
    }
}

fn same<T: PartialEq + Display + ?Sized>(what: &str, wanted: &T, found: &T) -> Result<(), WriteError> {
    if wanted == found {
        return Ok(());
    }
    Err(WriteError::ReadBack(format!("has `{found}` as its {what}, not `{wanted}`")))
}

fn identity(image: &PackageImage, found: &PackageMetadata) -> Result<(), WriteError> {
    let metadata = &image.metadata;
    let texts = [
        ("name", metadata.name.as_str(), found.get_name()),
        ("version", &metadata.version.package(), found.get_version()),
        ("release", metadata.rpm_revision.as_str(), found.get_release()),
        ("architecture", metadata.arch.rpm(), found.get_arch()),
        ("licence", &metadata.license, found.get_license()),
        ("summary", &metadata.summary, found.get_summary()),
    ];
    for (what, wanted, held) in texts {
        same(what, wanted, held.map_err(unreadable)?)?;
    }
    same("build time", &u64::from(image.date.epoch()), &found.get_build_time().map_err(unreadable)?)
}

fn relations_hold(image: &PackageImage, found: &PackageMetadata) -> Result<(), WriteError> {
    for kind in RelationKind::ALL {
        let held = match kind {
            RelationKind::Requires => found.get_requires(),
            RelationKind::Recommends => found.get_recommends(),
            RelationKind::Suggests => found.get_suggests(),
            RelationKind::Conflicts | RelationKind::Breaks => found.get_conflicts(),
            RelationKind::Replaces => found.get_obsoletes(),
            RelationKind::Provides => found.get_provides(),
        }
        .map_err(unreadable)?;
        if let Some(lost) = relations::dependencies(image, kind).iter().find(|wanted| !held.contains(wanted)) {
            let field = kind.field(Format::Rpm);
            return Err(WriteError::ReadBack(format!("does not have `{field}: {lost}`")));
        }
    }
    Ok(())
}

fn scriptlets_hold(texts: &Texts, found: &PackageMetadata) -> Result<(), WriteError> {
    for moment in MOMENTS {
        let held = match moment {
            Moment::BeforeInstall => found.get_pre_install_script(),
            Moment::AfterInstall => found.get_post_install_script(),
            Moment::BeforeRemove => found.get_pre_uninstall_script(),
            Moment::AfterRemove => found.get_post_uninstall_script(),
        };
        let wanted = texts.get(section(moment)).map(|text| Scriptlet::new(text).prog(vec![INTERPRETER]));
        if held.ok() != wanted {
            return Err(WriteError::ReadBack(format!("has another %{} scriptlet", section(moment))));
        }
    }
    Ok(())
}

fn entry_holds(image: &PackageImage, entry: &Entry, found: &FileEntry<'_>) -> Result<(), WriteError> {
    let (file_type, mode, target) = match &entry.content {
        Content::Directory => (FileType::Dir, entry.mode.bits(), ""),
        Content::Link(target) => (FileType::SymbolicLink, 0o777, target.as_str()),
        Content::Artifact(_) | Content::Member(_) | Content::Text(_) => (FileType::Regular, entry.mode.bits(), ""),
    };
    let flags = match entry.role {
        _ if file_type == FileType::Dir => FileFlags::empty(),
        Role::Plain => FileFlags::empty(),
        Role::Config => FileFlags::CONFIG,
        Role::ConfigKept => FileFlags::CONFIG | FileFlags::NOREPLACE,
        Role::Doc => FileFlags::DOC,
        Role::License => FileFlags::LICENSE,
    };
    let of = |what: &str| format!("{what} of {}", entry.path);
    if file_type != found.file_type() {
        return Err(WriteError::ReadBack(format!("holds {} as something else", entry.path)));
    }
    same(&of("mode"), &format!("{mode:04o}"), &format!("{:04o}", found.permissions()))?;
    same(&of("user"), entry.owner.user.as_str(), found.user())?;
    same(&of("group"), entry.owner.group.as_str(), found.group())?;
    same(&of("target"), target, found.linkto().unwrap_or_default())?;
    same(&of("flags"), &flags.bits(), &found.flags().bits())?;
    same(&of("time"), &image.date.epoch(), &found.modified_at().0)
}

/// Compares the digests of the bytes in the payload with the header's and with the image's.
fn bytes_hold(entry: &Entry, found: &FileEntry<'_>, payload: &str) -> Result<(), WriteError> {
    let header = found.digest().map(|digest| digest.as_hex().to_owned()).unwrap_or_default();
    let what = format!("digest of {}", entry.path);
    if let Some((path, digests)) = build::input(entry) {
        let verified = digests.sha256.hex();
        return if verified == header && verified == payload {
            Ok(())
        } else {
            Err(WriteError::InputChanged(path.to_owned()))
        };
    }
    match &entry.content {
        Content::Text(bytes) => {
            let wanted = Digest::sha256(bytes);
            same(&what, wanted.hex(), &header)?;
            same(&what, wanted.hex(), payload)
        }
        Content::Link(target) => same(&what, Digest::sha256(target).hex(), payload),
        Content::Directory => same(&what, Digest::sha256("").hex(), payload),
        Content::Artifact(_) | Content::Member(_) => Ok(()),
    }
}
