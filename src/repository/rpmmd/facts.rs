//! What the headers of an RPM say, in the order and under the rules of `createrepo_c`.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;

use super::tags::{self, RelationTags};
use super::xml::decode;
use crate::format::Format;
use crate::package::reader::{RpmHead, WrongType};
use crate::repository::fragment::{BadField, Comparison};

/// Bits of relation flags: `RPMSENSE_LESS`, `_GREATER`, `_EQUAL`.
const SENSE: u64 = 0xe;
/// `RPMSENSE_POSTTRANS`, `_PREREQ`, `_PRETRANS`, `_SCRIPT_PRE`, `_SCRIPT_POST`: has to be there before it is installed.
const PRE: u64 = 0x20 | 0x40 | 0x80 | 0x200 | 0x400;

/// A relation as rpm-md writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) sense: Option<Sense>,
    pub(super) version: String,
    pub(super) pre: bool,
}

/// `LT`, `GT` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sense {
    pub(super) word: &'static str,
    pub(super) comparison: Comparison,
}

impl Sense {
    fn of(flags: u64) -> Option<Self> {
        let (word, comparison) = match flags & SENSE {
            2 => ("LT", Comparison::Below),
            4 => ("GT", Comparison::Above),
            8 => ("EQ", Comparison::Exactly),
            10 => ("LE", Comparison::AtMost),
            12 => ("GE", Comparison::AtLeast),
            _ => return None,
        };
        Some(Self { word, comparison })
    }
}

impl Entry {
    /// Returns it as a fragment keeps it.
    fn spelled(&self) -> String {
        match self.sense {
            Some(sense) if !self.version.is_empty() => {
                format!("{} {} {}", self.name, sense.comparison.sign(Format::Rpm), self.version)
            }
            _ => self.name.clone(),
        }
    }
}

/// A file as rpm-md knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) path: String,
    /// `dir`, `ghost`, or nothing.
    pub(super) kind: Option<&'static str>,
}

impl File {
    /// Whether `primary` lists it, so that clients find it without the whole list.
    pub(super) fn is_primary(&self) -> bool {
        is_primary(&self.path)
    }
}

fn is_primary(path: &str) -> bool {
    path.starts_with("/etc/") || path == "/usr/lib/sendmail" || path.contains("bin/")
}

/// One entry of the changelog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) author: String,
    pub(super) time: u64,
    pub(super) text: String,
}

/// Everything that rpm-md says of a package but for its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::repository) struct Facts {
    pub(in crate::repository) name: String,
    pub(in crate::repository) arch: String,
    pub(super) epoch: u64,
    pub(super) version: String,
    pub(super) release: String,
    /// The texts of [`TEXTS`], in its order.
    pub(super) texts: [String; TEXTS.len()],
    pub(super) built: u64,
    pub(super) installed: u64,
    pub(super) archive: u64,
    pub(super) range: (u64, u64),
    pub(super) files: Vec<File>,
    /// By the elements of `primary`, in its order.
    pub(super) relations: Vec<(&'static str, Vec<Entry>)>,
    pub(super) changelog: Vec<Change>,
    pub(super) signers: Vec<String>,
}

/// The texts of `primary`, first those of the package, then from the sixth on those of its `format`.
pub(super) const TEXTS: [(&str, u32); 9] = [
    ("summary", tags::SUMMARY),
    ("description", tags::DESCRIPTION),
    ("packager", tags::PACKAGER),
    ("url", tags::URL),
    ("rpm:license", tags::LICENSE),
    ("rpm:vendor", tags::VENDOR),
    ("rpm:group", tags::GROUP),
    ("rpm:buildhost", tags::BUILDHOST),
    ("rpm:sourcerpm", tags::SOURCERPM),
];

fn wrong(error: WrongType) -> BadField {
    BadField::new("header", error.to_string())
}

/// Returns a text of the header, empty if it is absent.
fn text(head: &RpmHead, what: &str, tag: u32) -> Result<String, BadField> {
    decode(what, head.header.text(tag).map_err(wrong)?.unwrap_or_default())
}

impl Facts {
    /// Reads them out of the headers.
    pub(in crate::repository) fn new(head: &RpmHead) -> Result<Self, BadField> {
        let required = |what: &str, tag| match text(head, what, tag)? {
            text if text.is_empty() => Err(BadField::missing(what)),
            text => Ok(text),
        };
        let number = |tag| head.header.number(tag).map_err(wrong);
        let arch = match number(tags::SOURCEPACKAGE)? {
            Some(1..) => "src".to_owned(),
            _ => required("ARCH", tags::ARCH)?,
        };
        let mut texts = [const { String::new() }; TEXTS.len()];
        for (slot, (what, tag)) in texts.iter_mut().zip(TEXTS) {
            *slot = text(head, what, tag)?;
        }
        let files = files(head)?;
        Ok(Self {
            name: required("NAME", tags::NAME)?,
            arch,
            epoch: number(tags::EPOCH)?.unwrap_or_default(),
            version: required("VERSION", tags::VERSION)?,
            release: required("RELEASE", tags::RELEASE)?,
            texts,
            built: number(tags::BUILDTIME)?.unwrap_or_default(),
            installed: number(tags::LONGSIZE)?.or(number(tags::SIZE)?).unwrap_or_default(),
            archive: archive_size(head)?,
            range: (head.start, head.end),
            relations: relations(head, &files)?,
            files,
            changelog: changelog(head)?,
            signers: signers(head)?,
        })
    }

    /// Returns `[EPOCH:]VERSION-RELEASE`.
    pub(in crate::repository) fn evr(&self) -> String {
        match self.epoch {
            0 => format!("{}-{}", self.version, self.release),
            epoch => format!("{epoch}:{}-{}", self.version, self.release),
        }
    }

    /// Returns the relations of one element as a fragment keeps them.
    pub(in crate::repository) fn related(&self, element: &str) -> Vec<String> {
        let found = self.relations.iter().filter(|(name, _)| *name == element);
        found.flat_map(|(_, entries)| entries).map(Entry::spelled).collect()
    }
}

/// The size of the payload once unpacked, which stands in the signature header.
fn archive_size(head: &RpmHead) -> Result<u64, BadField> {
    for (header, tag) in [
        (&head.signature, tags::SIG_LONGARCHIVESIZE),
        (&head.signature, tags::SIG_PAYLOADSIZE),
        (&head.header, tags::ARCHIVESIZE),
    ] {
        if let Some(size) = header.number(tag).map_err(wrong)? {
            return Ok(size);
        }
    }
    Ok(0)
}

fn files(head: &RpmHead) -> Result<Vec<File>, BadField> {
    let header = &head.header;
    if header.has(tags::OLDFILENAMES) {
        return Err(BadField::new("header", "whole file names, as before format 4 (rpm 4.0), are not read"));
    }
    let mut folders = Vec::new();
    for folder in header.texts(tags::DIRNAMES).map_err(wrong)? {
        folders.push(decode("DIRNAMES", folder)?);
    }
    let numbers = |tag| header.numbers(tag).map_err(wrong);
    let (indexes, modes, flags) = (numbers(tags::DIRINDEXES)?, numbers(tags::FILEMODES)?, numbers(tags::FILEFLAGS)?);
    let names = header.texts(tags::BASENAMES).map_err(wrong)?;
    if [indexes.len(), modes.len(), flags.len()] != [names.len(); 3] {
        return Err(BadField::new("header", "the columns of the file list are of different lengths"));
    }
    let mut files = Vec::with_capacity(names.len());
    for (number, name) in names.iter().enumerate() {
        let folder = usize::try_from(indexes[number]).ok().and_then(|index| folders.get(index));
        let folder = folder.ok_or_else(|| BadField::new("DIRINDEXES", "a folder that is not there"))?;
        let is_folder = modes[number] & 0o170_000 == 0o040_000;
        let kind = if is_folder { Some("dir") } else { (flags[number] & tags::GHOST != 0).then_some("ghost") };
        files.push(File { path: format!("{folder}{}", decode("BASENAMES", name)?), kind });
    }
    Ok(files)
}

/// Reads one kind of relation as it stands there.
fn entries(head: &RpmHead, tags: RelationTags) -> Result<Vec<(Entry, u64)>, BadField> {
    let names = head.header.texts(tags.names).map_err(wrong)?;
    let versions = head.header.texts(tags.versions).map_err(wrong)?;
    let flags = head.header.numbers(tags.flags).map_err(wrong)?;
    if [flags.len(), versions.len()] != [names.len(); 2] {
        return Err(BadField::new("header", format!("tag {}: names without flags or versions", tags.names)));
    }
    let mut entries = Vec::with_capacity(names.len());
    for ((name, version), flags) in names.iter().zip(&versions).zip(flags) {
        let (name, version) = (decode("relation", name)?, decode("relation", version)?);
        entries.push((Entry { name, sense: Sense::of(flags), version, pre: false }, flags));
    }
    Ok(entries)
}

fn relations(head: &RpmHead, files: &[File]) -> Result<Vec<(&'static str, Vec<Entry>)>, BadField> {
    let plain = |tags| -> Result<Vec<Entry>, BadField> {
        Ok(entries(head, tags)?.into_iter().map(|(entry, _)| entry).collect())
    };
    let provides = plain(tags::PROVIDES)?;
    let requires = requires(entries(head, tags::REQUIRES)?, &provides, files);
    Ok(vec![
        ("rpm:provides", provides),
        ("rpm:requires", requires),
        ("rpm:conflicts", plain(tags::CONFLICTS)?),
        ("rpm:obsoletes", plain(tags::OBSOLETES)?),
        ("rpm:suggests", plain(tags::SUGGESTS)?),
        ("rpm:enhances", plain(tags::ENHANCES)?),
        ("rpm:recommends", plain(tags::RECOMMENDS)?),
        ("rpm:supplements", plain(tags::SUPPLEMENTS)?),
    ])
}

/// Leaves out what a solver need not know: what rpm itself must be able to do, what the package brings itself, what was
/// said just before, and every version of the C library but the highest.
fn requires(all: Vec<(Entry, u64)>, provides: &[Entry], files: &[File]) -> Vec<Entry> {
    let own: BTreeSet<&str> = files.iter().filter(|file| file.is_primary()).map(|file| file.path.as_str()).collect();
    let provided: BTreeSet<_> =
        provides.iter().map(|entry| (&entry.name, entry.sense.map(|sense| sense.word), &entry.version)).collect();
    let mut last: BTreeMap<String, Entry> = BTreeMap::new();
    let (mut kept, mut libc): (Vec<Entry>, Option<Entry>) = (Vec::new(), None);
    for (mut entry, flags) in all {
        if entry.name.starts_with("rpmlib(")
            || own.contains(entry.name.as_str())
            || provided.contains(&(&entry.name, entry.sense.map(|sense| sense.word), &entry.version))
        {
            continue;
        }
        entry.pre = flags & PRE != 0;
        if last.get(&entry.name) == Some(&entry) {
            continue;
        }
        if entry.name.starts_with("libc.so.6") {
            if libc.as_ref().is_none_or(|highest| libc_rank(&entry.name) > libc_rank(&highest.name)) {
                libc = Some(entry);
            }
            continue;
        }
        last.insert(entry.name.clone(), entry.clone());
        kept.push(entry);
    }
    kept.extend(libc);
    kept
}

/// Ranks `libc.so.6` below `libc.so.6()(64bit)`, that below `libc.so.6(GLIBC_2.4)(64bit)`, and those by version.
fn libc_rank(name: &str) -> (u8, rpm_version::EvrSortKey) {
    let unversioned = |rank| (rank, rpm_version::EvrSortKey::parse(""));
    let Some((_, inner)) = name.split_once('(') else { return unversioned(0) };
    let Some((inner, _)) = inner.split_once(')') else { return unversioned(1) };
    match inner.find(|c: char| c.is_ascii_digit()) {
        _ if inner.is_empty() => unversioned(2),
        None => unversioned(3),
        Some(at) => (4, rpm_version::EvrSortKey::parse(&inner[at..])),
    }
}

/// As many entries of a changelog as rpm-md gets.
const MAX_CHANGES: usize = 10;

/// Reads the newest entries, oldest first. Of those with one time the newer get a later one, second by second: clients
/// tell entries apart by their times.
fn changelog(head: &RpmHead) -> Result<Vec<Change>, BadField> {
    let times = head.header.numbers(tags::CHANGELOGTIME).map_err(wrong)?;
    let authors = head.header.texts(tags::CHANGELOGNAME).map_err(wrong)?;
    let texts = head.header.texts(tags::CHANGELOGTEXT).map_err(wrong)?;
    let mut changes: Vec<Change> = Vec::new();
    let mut last = 0;
    for ((time, author), text) in times.iter().zip(authors).zip(texts).take(MAX_CHANGES) {
        let author = decode("CHANGELOGNAME", author)?.trim_end_matches(' ').to_owned();
        changes.push(Change { author, time: *time, text: decode("CHANGELOGTEXT", text)? });
        if last == *time {
            let mut taken = *time;
            for newer in changes.iter_mut().rev().skip(1).take_while(|newer| {
                let clashes = newer.time == taken;
                taken += u64::from(clashes);
                clashes
            }) {
                newer.time += 1;
            }
        }
        last = *time;
    }
    changes.reverse();
    Ok(changes)
}

/// Who signed, as the signatures say. One that cannot be read is still one that is there.
fn signers(head: &RpmHead) -> Result<Vec<String>, BadField> {
    let mut signers = Vec::new();
    for tag in tags::SIGNATURES {
        if let Some(packet) = head.signature.binary(tag).map_err(wrong)? {
            let issuer = crate::sign::Signature::parse(packet).map(|signature| signature.issuer());
            signers.push(issuer.unwrap_or_else(|_| "unknown".to_owned()));
        }
    }
    for text in head.signature.texts(tags::OPENPGP).map_err(wrong)? {
        let packet = base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default();
        let issuer = crate::sign::Signature::parse(&packet).map(|signature| signature.issuer());
        signers.push(issuer.unwrap_or_else(|_| "unknown".to_owned()));
    }
    signers.sort();
    signers.dedup();
    Ok(signers)
}
