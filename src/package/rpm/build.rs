//! The package in memory: header, and payload streamed from the inputs.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use rpm::{
    BuildConfig, CompressionWithLevel, FileOptions, FileOptionsBuilder, Header, HeaderEntry, IndexData, IndexTag,
    Package, PackageBuilder, RpmFormat, Scriptlet, SignatureHeaderBuilder, Timestamp,
};

use super::scriptlet::{INTERPRETER, section};
use super::{field, refused, relations};
use crate::digest::Digests;
use crate::format::Format;
use crate::image::{Content, Entry, Moment, PackageImage, Role};
use crate::package::{Compression, Texts, WriteError};

/// Seconds of a day; changelogs count whole ones, and rpmbuild puts each entry at noon.
const DAY: u32 = 24 * 60 * 60;

/// Makes the package. File contents pass through; the compressed payload stays in memory until it is written.
pub(super) fn package(image: &PackageImage, texts: &Texts, compression: Compression) -> Result<Package, WriteError> {
    let mut builder = preamble(image, compression);
    relations::add(&mut builder, image, compression);
    scriptlets(&mut builder, texts);
    let mut inputs = Inputs::default();
    for entry in image.entries(Format::Rpm) {
        add_entry(&mut builder, image, entry, &mut inputs)?;
    }
    // The crate names no file in its errors: a file that vanished or shrank under it is found by looking again.
    let package = builder.build().map_err(|error| match check_inputs(image) {
        Ok(()) => refused(error),
        Err(cause) => cause,
    })?;
    seal(package, image).map_err(refused)
}

/// Starts with what the package says of itself. It has no build host. Its group is Debian's section.
fn preamble(image: &PackageImage, compression: Compression) -> PackageBuilder {
    let metadata = &image.metadata;
    let compression = match compression {
        Compression::None => CompressionWithLevel::None,
        Compression::Gzip(level) => CompressionWithLevel::Gzip(level),
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

fn add_entry(
    builder: &mut PackageBuilder,
    image: &PackageImage,
    entry: &Entry,
    inputs: &mut Inputs,
) -> Result<(), WriteError> {
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
        Content::Artifact(artifact) => builder.with_file(inputs.look(artifact.path(), artifact.digests())?, file()),
        Content::Member(member) => builder.with_file(inputs.look(&member.path, &member.digests)?, file()),
    }
    .map(drop)
    .map_err(refused)
}

/// Files on disk by device and inode. The crate would make hard links of two inputs that are one file under two names,
/// as a cache may keep them; it does not if both have the same name.
#[derive(Default)]
struct Inputs(HashMap<(u64, u64), PathBuf>);

impl Inputs {
    fn look(&mut self, path: &Path, digests: &Digests) -> Result<&Path, WriteError> {
        let found = fs::metadata(path)?;
        if !found.is_file() || found.len() != digests.size {
            return Err(WriteError::InputChanged(path.to_owned()));
        }
        Ok(self.0.entry((found.dev(), found.ino())).or_insert_with(|| path.to_owned()))
    }
}

fn check_inputs(image: &PackageImage) -> Result<(), WriteError> {
    let mut inputs = Inputs::default();
    for entry in image.entries(Format::Rpm) {
        if let Some((path, digests)) = input(entry) {
            inputs.look(path, digests)?;
        }
    }
    Ok(())
}

/// Returns the file on disk that an entry takes its content from, with what was verified of it.
pub(super) fn input(entry: &Entry) -> Option<(&Path, &Digests)> {
    match &entry.content {
        Content::Artifact(artifact) => Some((artifact.path(), artifact.digests())),
        Content::Member(member) => Some((&member.path, &member.digests)),
        Content::Text(_) | Content::Link(_) | Content::Directory => None,
    }
}

/// Replaces two tags that the crate sets as it likes, then closes the header again: the build time, which is the clock's
/// where the source date lies in the future, and the source package, which is the text `(none)`.
fn seal(mut package: Package, image: &PackageImage) -> Result<Package, rpm::Error> {
    let metadata = &image.metadata;
    let source = format!("{}-{}.src.rpm", metadata.name, metadata.full_version(Format::Rpm));
    let region = u32::from(IndexTag::RPMTAG_HEADERIMMUTABLE);
    let build_time = u32::from(IndexTag::RPMTAG_BUILDTIME);
    let source_package = u32::from(IndexTag::RPMTAG_SOURCERPM);
    let entries = package.metadata.header.get_all_entries()?.into_iter().filter(|(tag, _)| *tag != region);
    let entries = entries.map(|(tag, data)| {
        let data = match tag {
            _ if tag == build_time => IndexData::Int32(vec![image.date.epoch()]),
            _ if tag == source_package => IndexData::StringTag(source.clone()),
            _ => data,
        };
        HeaderEntry::new(tag, data)
    });
    package.metadata.header = Header::from_entries(entries, IndexTag::RPMTAG_HEADERIMMUTABLE);
    let header = package.header_bytes()?;
    package.metadata.signature = SignatureHeaderBuilder::new()
        .format(RpmFormat::V4)
        .calculate_digests(&header)
        .set_content_length(header.len() as u64 + package.payload.len() as u64)
        .build()?;
    Ok(package)
}
