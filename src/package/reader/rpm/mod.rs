//! RPM packages (the RPM file format, versions 4 and 6).

mod cpio;
mod files;
mod header;
mod payload;
mod scripts;
mod table;
mod tags;

pub(in crate::package) use header::{needed as data_size, read as metadata};
pub(in crate::package) use payload::{Payload, read as payload};
pub(super) use table::read as head;
pub use table::{RpmHead, RpmHeader, WrongType};

use std::io::{Read, Seek, SeekFrom};

use fs_err::File;
use rpm::{Dependency, DependencyFlags, IndexSignatureTag, IndexTag, PackageMetadata};

use super::error::{Fault, excerpt};
use super::inspection::{Change, Compression, Inspection, InstalledSize, Member, PackageFile, Relations, Signature};
use crate::format::Format;

/// Reads the headers of an RPM.
pub(in crate::package) fn read(file: &mut File, identity: PackageFile) -> Result<(Inspection, PackageMetadata), Fault> {
    let package = header::read(file, identity.size)?;
    let members = members(&package, identity.size);
    let text = |tag| tags::text(&package, tag);
    let required =
        |tag: IndexTag, name: &str| text(tag)?.ok_or_else(|| Fault::malformed("header", format!("no tag `{name}`")));
    let files = files::read(&package)?;
    let version = required(IndexTag::RPMTAG_VERSION, "VERSION")?;
    let version = match tags::number(&package, IndexTag::RPMTAG_EPOCH)? {
        Some(epoch) => format!("{epoch}:{version}"),
        None => version,
    };
    let size = size(&package)?;
    let inspection = Inspection {
        format: Format::Rpm,
        format_version: format_version(&package)?,
        name: required(IndexTag::RPMTAG_NAME, "NAME")?,
        version,
        revision: text(IndexTag::RPMTAG_RELEASE)?,
        arch: arch(&package)?,
        summary: text(IndexTag::RPMTAG_SUMMARY)?,
        description: text(IndexTag::RPMTAG_DESCRIPTION)?,
        license: text(IndexTag::RPMTAG_LICENSE)?,
        maintainer: text(IndexTag::RPMTAG_PACKAGER)?,
        vendor: text(IndexTag::RPMTAG_VENDOR)?,
        homepage: text(IndexTag::RPMTAG_URL)?,
        section: text(IndexTag::RPMTAG_GROUP)?,
        priority: None,
        installed_size: InstalledSize { bytes: size.unwrap_or_default(), declared: size.map(|size| size.to_string()) },
        build_time: tags::number(&package, IndexTag::RPMTAG_BUILDTIME)?,
        // rpm-rs writes `(none)`, which is how librpm prints an absent tag.
        source: text(IndexTag::RPMTAG_SOURCERPM)?.filter(|source| source != "(none)"),
        payload_compression: compression(&package, file)?,
        control_compression: None,
        fields: tags::others(&package)?,
        relations: relations(&package)?,
        scripts: scripts::scripts(&package)?,
        triggers: scripts::triggers(&package)?,
        changelog: changelog(&package)?,
        conffiles: files.iter().filter(|file| file.flags.contains(&"config")).map(|file| file.path.clone()).collect(),
        conffiles_removed: Vec::new(),
        files,
        signatures: signatures(&package),
        members,
        control_members: Vec::new(),
        file: identity,
    };
    Ok((inspection, package))
}

/// Says what the rpm library found, fit for a message: it quotes bytes of the package.
fn cause(error: &rpm::Error) -> String {
    let text = error.to_string();
    let shown: String = text.chars().take(200).flat_map(char::escape_debug).collect();
    if text.chars().count() > 200 { shown + "…" } else { shown }
}

fn fault(error: &rpm::Error) -> Fault {
    Fault::malformed("header", cause(error))
}

/// Returns `RPMTAG_RPMFORMAT`, which format 4 does not have.
fn format_version(package: &PackageMetadata) -> Result<String, Fault> {
    Ok(tags::number(package, IndexTag::RPMTAG_RPMFORMAT)?.unwrap_or(4).to_string())
}

fn arch(package: &PackageMetadata) -> Result<String, Fault> {
    if package.is_source_package() {
        return Ok("src".to_owned());
    }
    let arch = tags::text(package, IndexTag::RPMTAG_ARCH)?;
    arch.ok_or_else(|| Fault::malformed("header", "no tag `ARCH`"))
}

fn size(package: &PackageMetadata) -> Result<Option<u64>, Fault> {
    match tags::number(package, IndexTag::RPMTAG_LONGSIZE)? {
        Some(size) => Ok(Some(size)),
        None => tags::number(package, IndexTag::RPMTAG_SIZE),
    }
}

/// Lists the sections of the file.
fn members(package: &PackageMetadata, size: u64) -> Vec<Member> {
    let at = package.get_package_segment_offsets();
    let member = |name: &str, start, end: u64| Member { name: name.to_owned(), size: end.saturating_sub(start) };
    vec![
        member("lead", at.lead, at.signature_header),
        member("signature", at.signature_header, at.header),
        member("header", at.header, at.payload),
        member("payload", at.payload, size),
    ]
}

/// Returns what the tags say of the payload, or what its first bytes are where they say nothing: no tag means gzip in
/// old packages and uncompressed in new ones.
fn compression(package: &PackageMetadata, file: &mut File) -> Result<Compression, Fault> {
    let flags = tags::text(package, IndexTag::RPMTAG_PAYLOADFLAGS)?.unwrap_or_default();
    let digits = flags.find(|c: char| !c.is_ascii_digit()).unwrap_or(flags.len());
    if let Some(codec) = tags::text(package, IndexTag::RPMTAG_PAYLOADCOMPRESSOR)? {
        return Ok(Compression { codec, level: flags[..digits].parse().ok() });
    }
    let mut magic = Vec::new();
    let start = SeekFrom::Start(package.get_package_segment_offsets().payload);
    let read = file.seek(start).and_then(|_| file.take(6).read_to_end(&mut magic));
    read.map_err(|source| Fault::unpack("payload", source))?;
    let codec = match &magic[..] {
        [0x1f, 0x8b, ..] => "gzip",
        [0xfd, b'7', b'z', b'X', b'Z', 0] => "xz",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd",
        [b'B', b'Z', b'h', ..] => "bzip2",
        [0x5d, 0, 0, ..] => "lzma",
        [b'0', b'7', b'0', b'7', ..] | [] => "none",
        _ => return Err(Fault::malformed("payload", format!("`{}` begins no payload", magic.escape_ascii()))),
    };
    Ok(Compression { codec: codec.to_owned(), level: None })
}

fn relations(package: &PackageMetadata) -> Result<Relations, Fault> {
    type Kind = Result<Vec<Dependency>, rpm::Error>;
    let read = |kind: Kind| kind.map_err(|error| fault(&error));
    let texts = |kind: Kind| Ok(read(kind)?.iter().map(Dependency::to_string).collect());
    let early = DependencyFlags::PREREQ | DependencyFlags::SCRIPT_PRE | DependencyFlags::PRETRANS;
    let (before, after): (Vec<_>, Vec<_>) =
        read(package.get_requires())?.into_iter().partition(|dependency| dependency.flags.intersects(early));
    Ok(Relations {
        requires: after.iter().map(Dependency::to_string).collect(),
        pre_requires: before.iter().map(Dependency::to_string).collect(),
        recommends: texts(package.get_recommends())?,
        suggests: texts(package.get_suggests())?,
        supplements: texts(package.get_supplements())?,
        enhances: texts(package.get_enhances())?,
        conflicts: texts(package.get_conflicts())?,
        breaks: Vec::new(),
        replaces: texts(package.get_obsoletes())?,
        provides: texts(package.get_provides())?,
    })
}

fn changelog(package: &PackageMetadata) -> Result<Vec<Change>, Fault> {
    let entries = package.get_changelog_entries().map_err(|error| fault(&error))?;
    let change =
        |entry: rpm::ChangelogEntry| Change { time: entry.timestamp, author: entry.name, text: entry.description };
    Ok(entries.into_iter().map(change).collect())
}

/// Lists the signature tags. The key id is that of the header signature; the old tags over header and payload come
/// from the same key.
fn signatures(package: &PackageMetadata) -> Vec<Signature> {
    const TAGS: [(IndexSignatureTag, &str); 5] = [
        (IndexSignatureTag::RPMSIGTAG_OPENPGP, "OPENPGP"),
        (IndexSignatureTag::RPMSIGTAG_RSA, "RSA"),
        (IndexSignatureTag::RPMSIGTAG_DSA, "DSA"),
        (IndexSignatureTag::RPMSIGTAG_PGP, "PGP"),
        (IndexSignatureTag::RPMSIGTAG_GPG, "GPG"),
    ];
    // A signature that the library cannot read is still one that is there.
    let read = package.signatures().unwrap_or_default();
    let key_id = |info: &rpm::signature::SignatureInfo| info.key_id().map(excerpt);
    let mut signatures = Vec::new();
    for (tag, name) in TAGS.into_iter().filter(|(tag, _)| package.signature.entry_is_present(*tag)) {
        let mut add = |key_id| signatures.push(Signature { name: name.to_owned(), key_id });
        match (tag, read.as_slice()) {
            (IndexSignatureTag::RPMSIGTAG_OPENPGP, infos @ [_, ..]) => infos.iter().for_each(|info| add(key_id(info))),
            (_, [info]) => add(key_id(info)),
            _ => add(None),
        }
    }
    signatures
}
