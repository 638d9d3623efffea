//! The header: the `rpm` crate lays it out, and what it cannot know, since it never sees the payload, is put in here.

use std::collections::HashMap;
use std::path::Path;

use rpm::{
    BuildConfig, CompressionWithLevel, FileOptions, FileOptionsBuilder, Header, HeaderEntry, IndexData,
    IndexSignatureTag, IndexTag, PackageBuilder, PackageMetadata, RpmFormat, Scriptlet, SignatureHeaderBuilder,
    Timestamp,
};

use super::payload::Payload;
use super::scriptlet::{INTERPRETER, section};
use super::{field, refused, relations};
use crate::digest::Digests;
use crate::format::Format;
use crate::image::{Content, Entry, Moment, PackageImage, Role};
use crate::package::{Compression, Texts, WriteError};

/// Seconds of a day; changelogs count whole ones, and rpmbuild puts each entry at noon.
const DAY: u32 = 24 * 60 * 60;
/// The most bytes that the files of a package may have: more need tags and an archive that rpm before 4.12 cannot read.
const MAX_SIZE: u64 = u32::MAX as u64;

/// What the header says of the payload. Every value takes the same room in the header, so that one can be written, the
/// payload behind it, and then the true one over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seal {
    /// The SHA-256 of the payload, in hexadecimal digits.
    pub(super) sha256: String,
    /// Its size in bytes.
    pub(super) size: u64,
}

impl Seal {
    /// Returns a value that only takes the room.
    pub(super) fn placeholder() -> Self {
        Self { sha256: "0".repeat(64), size: 0 }
    }
}

/// Lays out the header with everything but the seal.
pub(super) fn metadata(
    image: &PackageImage,
    texts: &Texts,
    compression: Compression,
) -> Result<PackageMetadata, WriteError> {
    let mut builder = preamble(image, compression);
    relations::add(&mut builder, image, compression);
    scriptlets(&mut builder, texts);
    for entry in image.entries(Format::Rpm) {
        add_entry(&mut builder, image, entry)?;
    }
    Ok(builder.build().map_err(refused)?.metadata)
}

/// Starts with what the package says of itself. It has no build host. Its group is Debian's section.
fn preamble(image: &PackageImage, compression: Compression) -> PackageBuilder {
    let metadata = &image.metadata;
    // It compresses nothing but stand-ins; the tags say what the payload will be.
    let compression = match compression {
        Compression::None => CompressionWithLevel::None,
        Compression::Gzip(level) => CompressionWithLevel::Gzip(level.min(9)),
        Compression::Xz(level) => CompressionWithLevel::Xz(level),
        Compression::Zstd(level) => CompressionWithLevel::Zstd(level),
    };
    let (version, arch) = (metadata.version.package(), metadata.arch.rpm());
    let mut builder = PackageBuilder::new(metadata.name.as_str(), &version, &metadata.license, arch, &metadata.summary);
    builder
        .using_config(BuildConfig::v4().compression(compression).source_date(Timestamp(image.date.epoch())))
        .release(metadata.rpm_revision.as_str())
        .description(field::description(image))
        .url(&metadata.homepage)
        .packager(&metadata.maintainer)
        .group(&metadata.section)
        .add_changelog_entry(
            format!("{} - {}", metadata.maintainer, metadata.full_version(Format::Rpm)),
            changelog(image),
            Timestamp((image.date.epoch() / DAY * DAY).saturating_add(DAY / 2)),
        );
    if let Some(vendor) = &metadata.vendor {
        builder.vendor(vendor);
    }
    builder
}

/// Returns the text of the one entry that the changelog has.
pub(super) fn changelog(image: &PackageImage) -> String {
    format!("- Package of version {}.", image.metadata.version)
}

fn scriptlets(builder: &mut PackageBuilder, texts: &Texts) {
    for moment in super::scriptlet::MOMENTS {
        let Some(text) = texts.get(section(moment)) else { continue };
        let scriptlet = Scriptlet::new(text).prog(vec![INTERPRETER]);
        match moment {
            Moment::BeforeInstall => builder.pre_install_script(scriptlet),
            Moment::AfterInstall => builder.post_install_script(scriptlet),
            Moment::BeforeRemove => builder.pre_uninstall_script(scriptlet),
            Moment::AfterRemove => builder.post_uninstall_script(scriptlet),
        };
    }
}

fn add_entry(builder: &mut PackageBuilder, image: &PackageImage, entry: &Entry) -> Result<(), WriteError> {
    let path = entry.path.as_str();
    let options = |options: FileOptionsBuilder| {
        let owner = &entry.owner;
        let options = options.user(&owner.user).group(&owner.group).modified_at(Timestamp(image.date.epoch()));
        match entry.role {
            Role::Plain => options,
            Role::Config => options.config(),
            Role::ConfigKept => options.config().noreplace(),
            Role::Doc => options.doc(),
            Role::License => options.license(),
        }
    };
    let file = || options(FileOptions::new(path).permissions(entry.mode.bits()));
    match &entry.content {
        Content::Text(bytes) => builder.with_file_contents(bytes.as_slice(), file()),
        Content::Directory => builder.with_dir_entry(options(FileOptions::dir(path).permissions(entry.mode.bits()))),
        Content::Link(target) => builder.with_symlink(options(FileOptions::symlink(path, target))),
        // Size and digest come with the seal.
        Content::Artifact(_) | Content::Member(_) => builder.with_file_contents([], file()),
    }
    .map(drop)
    .map_err(refused)
}

/// Returns the file on disk that an entry takes its content from, with what was verified of it.
pub(super) fn input(entry: &Entry) -> Option<(&Path, &Digests)> {
    match &entry.content {
        Content::Artifact(artifact) => Some((artifact.path(), artifact.digests())),
        Content::Member(member) => Some((&member.path, &member.digests)),
        Content::Text(_) | Content::Link(_) | Content::Directory => None,
    }
}

/// Completes the header and closes it again. The crate sets two tags as it likes: the build time, which is the clock's
/// where the source date lies in the future, and the source package, which is the text `(none)`. What the stand-ins of
/// large files left is replaced by what is true of them.
pub(super) fn seal(
    mut package: PackageMetadata,
    image: &PackageImage,
    payload: &Payload,
    seal: &Seal,
) -> Result<PackageMetadata, WriteError> {
    let metadata = &image.metadata;
    let files = Files::of(&package, image)?;
    let source = format!("{}-{}.src.rpm", metadata.name, metadata.full_version(Format::Rpm));
    let truths: HashMap<u32, IndexData> = [
        (IndexTag::RPMTAG_BUILDTIME, IndexData::Int32(vec![image.date.epoch()])),
        (IndexTag::RPMTAG_SOURCERPM, IndexData::StringTag(source)),
        (IndexTag::RPMTAG_SIZE, IndexData::Int32(vec![files.size])),
        (IndexTag::RPMTAG_FILESIZES, IndexData::Int32(files.sizes)),
        (IndexTag::RPMTAG_FILEDIGESTS, IndexData::StringArray(files.digests)),
        (IndexTag::RPMTAG_PAYLOADSHA256, IndexData::StringArray(vec![seal.sha256.clone()])),
        (IndexTag::RPMTAG_PAYLOADSHA256ALT, IndexData::StringArray(vec![payload.sha256.clone()])),
    ]
    .into_iter()
    .map(|(tag, data)| (u32::from(tag), data))
    .collect();
    let region = u32::from(IndexTag::RPMTAG_HEADERIMMUTABLE);
    let entries = package.header.get_all_entries().map_err(refused)?.into_iter().filter(|(tag, _)| *tag != region);
    let entries = entries.map(|(tag, data)| HeaderEntry::new(tag, truths.get(&tag).cloned().unwrap_or(data)));
    package.header = Header::from_entries(entries, IndexTag::RPMTAG_HEADERIMMUTABLE);
    let header = package.header_bytes().map_err(refused)?;
    let signature = SignatureHeaderBuilder::new()
        // No room for a signature: a package that was signed and unsigned again is the one that was never signed.
        .reserved_space(None)
        .format(RpmFormat::V4)
        .calculate_digests(&header)
        .set_content_length(header.len() as u64 + seal.size)
        .build()
        .map_err(refused)?;
    package.signature = with_archive_size(&signature, payload.archive.size())?;
    Ok(package)
}

/// Adds the size of the payload before compression, which the crate does not know, and by which rpm2cpio tells whether it
/// got everything.
fn with_archive_size(
    signature: &Header<IndexSignatureTag>,
    size: u64,
) -> Result<Header<IndexSignatureTag>, WriteError> {
    let region = u32::from(IndexSignatureTag::HEADER_SIGNATURES);
    let (tag, data) = match u32::try_from(size) {
        Ok(size) => (IndexSignatureTag::RPMSIGTAG_PAYLOADSIZE, IndexData::Int32(vec![size])),
        Err(_) => (IndexSignatureTag::RPMSIGTAG_LONGARCHIVESIZE, IndexData::Int64(vec![size])),
    };
    let entries = signature.get_all_entries().map_err(refused)?.into_iter().filter(|(tag, _)| *tag != region);
    let entries = entries.chain([(u32::from(tag), data)]).map(|(tag, data)| HeaderEntry::new(tag, data));
    Ok(Header::from_entries(entries, IndexSignatureTag::HEADER_SIGNATURES))
}

/// What the header says of the files, in its order.
struct Files {
    /// The sum of the sizes.
    size: u32,
    sizes: Vec<u32>,
    digests: Vec<String>,
}

impl Files {
    fn of(package: &PackageMetadata, image: &PackageImage) -> Result<Self, WriteError> {
        let inputs: HashMap<&Path, &Digests> = image
            .entries(Format::Rpm)
            .filter_map(|entry| Some((Path::new(entry.path.as_str()), input(entry)?.1)))
            .collect();
        let mut files = Self { size: 0, sizes: Vec::new(), digests: Vec::new() };
        let mut total = 0_u64;
        for held in package.get_file_entries().map_err(refused)? {
            let digests = inputs.get(held.path().as_path());
            let size = digests.map_or(held.size() as u64, |digests| digests.size);
            total = total.saturating_add(size);
            files.sizes.push(u32::try_from(size).unwrap_or(u32::MAX));
            files.digests.push(match digests {
                Some(digests) => digests.sha256.hex().to_owned(),
                None => held.digest().map(|digest| digest.as_hex().to_owned()).unwrap_or_default(),
            });
        }
        if total > MAX_SIZE {
            let cause = format!("{total} bytes are more than the {MAX_SIZE} that every rpm can read");
            return Err(WriteError::Field { field: "the size of all files".to_owned(), cause });
        }
        files.size = u32::try_from(total).unwrap_or(u32::MAX);
        Ok(files)
    }
}
