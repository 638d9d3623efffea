//! Single tags of the header, whatever their type.

use std::collections::BTreeMap;

use rpm::{IndexData, IndexTag, PackageMetadata};

use super::super::error::Fault;
use super::super::inspection::text_of;

/// Tags that are shown under their own names, since no field of the inspection holds them.
const OTHERS: [IndexTag; 29] = [
    IndexTag::RPMTAG_AUTOINSTALLED,
    IndexTag::RPMTAG_BUGURL,
    IndexTag::RPMTAG_BUILDHOST,
    IndexTag::RPMTAG_COOKIE,
    IndexTag::RPMTAG_DISTRIBUTION,
    IndexTag::RPMTAG_DISTTAG,
    IndexTag::RPMTAG_DISTURL,
    IndexTag::RPMTAG_ENCODING,
    IndexTag::RPMTAG_EXCLUDEARCH,
    IndexTag::RPMTAG_EXCLUSIVEARCH,
    IndexTag::RPMTAG_MODULARITYLABEL,
    IndexTag::RPMTAG_OPTFLAGS,
    IndexTag::RPMTAG_OS,
    IndexTag::RPMTAG_PAYLOADFLAGS,
    IndexTag::RPMTAG_PAYLOADFORMAT,
    IndexTag::RPMTAG_PAYLOADSHA256,
    IndexTag::RPMTAG_PAYLOADSHA256ALT,
    IndexTag::RPMTAG_PAYLOADSIZE,
    IndexTag::RPMTAG_PAYLOAD_SHA3_256,
    IndexTag::RPMTAG_PAYLOAD_SHA512,
    IndexTag::RPMTAG_PLATFORM,
    IndexTag::RPMTAG_PREFIXES,
    IndexTag::RPMTAG_RPMVERSION,
    IndexTag::RPMTAG_SOURCELICENSE,
    IndexTag::RPMTAG_SOURCENEVR,
    IndexTag::RPMTAG_SOURCEPACKAGE,
    IndexTag::RPMTAG_TRANSLATIONURL,
    IndexTag::RPMTAG_UPSTREAMRELEASES,
    IndexTag::RPMTAG_VCS,
];

/// Returns a text tag; the first text, which is the untranslated one, of several.
pub(super) fn text(package: &PackageMetadata, tag: IndexTag) -> Result<Option<String>, Fault> {
    Ok(match entry(package, tag)? {
        Some(IndexData::StringTag(text)) => Some(text),
        Some(IndexData::StringArray(texts) | IndexData::I18NString(texts)) => texts.into_iter().next(),
        None => None,
        Some(other) => return Err(wrong_type(tag, &other)),
    })
}

/// Returns a numeric tag.
pub(super) fn number(package: &PackageMetadata, tag: IndexTag) -> Result<Option<u64>, Fault> {
    match entry(package, tag)? {
        Some(IndexData::Int32(numbers)) => Ok(numbers.first().map(|number| u64::from(*number))),
        Some(IndexData::Int64(numbers)) => Ok(numbers.first().copied()),
        None => Ok(None),
        Some(other) => Err(wrong_type(tag, &other)),
    }
}

/// Returns the other tags as text.
pub(super) fn others(package: &PackageMetadata) -> Result<BTreeMap<String, String>, Fault> {
    let mut others = BTreeMap::new();
    for tag in OTHERS {
        if let Some(data) = entry(package, tag)? {
            others.insert(name(tag), display(&data));
        }
    }
    Ok(others)
}

/// Returns a tag with its type, or nothing where it is absent.
pub(super) fn entry(package: &PackageMetadata, tag: IndexTag) -> Result<Option<IndexData>, Fault> {
    match package.header.entry(tag) {
        Ok(data) => Ok(Some(data)),
        Err(rpm::Error::TagNotFound(_)) => Ok(None),
        Err(error) => Err(super::fault(&error)),
    }
}

fn name(tag: IndexTag) -> String {
    format!("{tag:?}").trim_start_matches("RPMTAG_").to_owned()
}

fn wrong_type(tag: IndexTag, data: &IndexData) -> Fault {
    Fault::malformed("header", format!("tag `{}` has the type `{data}`", name(tag)))
}

fn display(data: &IndexData) -> String {
    fn joined<T: ToString>(items: &[T]) -> String {
        items.iter().map(T::to_string).collect::<Vec<_>>().join(" ")
    }
    match data {
        IndexData::Null => String::new(),
        IndexData::StringTag(text) => text.clone(),
        IndexData::StringArray(texts) | IndexData::I18NString(texts) => texts.join("\n"),
        IndexData::Int16(numbers) => joined(numbers),
        IndexData::Int32(numbers) => joined(numbers),
        IndexData::Int64(numbers) => joined(numbers),
        IndexData::Int8(numbers) => joined(numbers),
        IndexData::Char(bytes) => text_of(bytes),
        IndexData::Bin(bytes) => hex::encode(bytes),
    }
}
