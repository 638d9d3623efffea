//! The two headers of an RPM as tables of tags, whose texts are bytes: what they are encoded in, nobody says.

use std::io::Read;

use rpm::LEAD_SIZE;

use super::super::error::Fault;
use super::header::{Headers, headers};
use crate::digest::Digest;

const INTRO: usize = 16;
const ENTRY: usize = 16;

/// The types of data (the RPM file format, 3.4.2.1).
const INT16: u32 = 3;
const INT32: u32 = 4;
const INT64: u32 = 5;
const STRING: u32 = 6;
const BINARY: u32 = 7;
const STRINGS: u32 = 8;
const TRANSLATED: u32 = 9;

/// One header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpmHeader {
    entries: Vec<Entry>,
    /// Magic, index and data.
    bytes: Vec<u8>,
    /// Where the data begins.
    store: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    tag: u32,
    kind: u32,
    offset: usize,
    count: usize,
}

impl RpmHeader {
    /// Reads a header that [`headers`] has checked.
    pub(in crate::package) fn new(bytes: &[u8]) -> Self {
        let word =
            |at: usize| bytes.get(at..at + 4).map_or(0, |word| word.iter().fold(0, |n, b| n << 8 | u32::from(*b)));
        let index = word(8) as usize;
        let entry = |at: usize| Entry {
            tag: word(at),
            kind: word(at + 4),
            offset: word(at + 8) as usize,
            count: word(at + 12) as usize,
        };
        let entries = (0..index).map(|number| entry(INTRO + number * ENTRY)).collect();
        let store = INTRO + index * ENTRY;
        let end = (store + word(12) as usize).min(bytes.len());
        Self { entries, store: store.min(end), bytes: bytes[..end].to_vec() }
    }

    /// Returns the header as it stands in the file: what signatures are made of.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn find(&self, tag: u32, kinds: &[u32]) -> Result<Option<Entry>, WrongType> {
        match self.entries.iter().find(|entry| entry.tag == tag) {
            Some(entry) if kinds.contains(&entry.kind) => Ok(Some(*entry)),
            Some(entry) => Err(WrongType { tag, kind: entry.kind }),
            None => Ok(None),
        }
    }

    fn data(&self, entry: Entry) -> &[u8] {
        self.bytes.get(self.store.saturating_add(entry.offset)..).unwrap_or_default()
    }

    /// Whether a tag is there, of whatever type.
    pub fn has(&self, tag: u32) -> bool {
        self.entries.iter().any(|entry| entry.tag == tag)
    }

    /// Returns the texts of a tag; none if it is absent.
    pub fn texts(&self, tag: u32) -> Result<Vec<&[u8]>, WrongType> {
        let Some(entry) = self.find(tag, &[STRING, STRINGS, TRANSLATED])? else { return Ok(Vec::new()) };
        let count = if entry.kind == STRING { 1 } else { entry.count };
        Ok(self.data(entry).split(|byte| *byte == 0).take(count).collect())
    }

    /// Returns the only text of a tag, or the first, which is the untranslated one.
    pub fn text(&self, tag: u32) -> Result<Option<&[u8]>, WrongType> {
        let Some(entry) = self.find(tag, &[STRING, STRINGS, TRANSLATED])? else { return Ok(None) };
        Ok(self.data(entry).split(|byte| *byte == 0).next())
    }

    /// Returns the numbers of a tag; none if it is absent.
    pub fn numbers(&self, tag: u32) -> Result<Vec<u64>, WrongType> {
        let Some(entry) = self.find(tag, &[INT16, INT32, INT64])? else { return Ok(Vec::new()) };
        let size = match entry.kind {
            INT16 => 2,
            INT32 => 4,
            _ => 8,
        };
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        Ok(self.data(entry).chunks_exact(size).take(entry.count).map(number).collect())
    }

    /// Returns the first number of a tag.
    pub fn number(&self, tag: u32) -> Result<Option<u64>, WrongType> {
        Ok(self.numbers(tag)?.first().copied())
    }

    /// Returns the bytes of a binary tag.
    pub fn binary(&self, tag: u32) -> Result<Option<&[u8]>, WrongType> {
        let Some(entry) = self.find(tag, &[BINARY])? else { return Ok(None) };
        Ok(self.data(entry).get(..entry.count))
    }
}

/// A tag whose data is of another type than the format says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("tag {tag} has data of the type {kind}")]
pub struct WrongType {
    /// The tag.
    pub tag: u32,
    /// The type that is there.
    pub kind: u32,
}

/// Both headers of an RPM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpmHead {
    /// The signature header.
    pub signature: RpmHeader,
    /// The header.
    pub header: RpmHeader,
    /// Where the header begins in the file, in bytes.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// The SHA-256 of the payload behind it, as it is in the file.
    pub payload: Digest,
}

/// Reads lead and headers out of a file of `length` bytes, and the file to its end.
pub(in super::super) fn read(file: &mut impl Read, length: u64) -> Result<RpmHead, Fault> {
    let Headers { bytes, header } = headers(file, length)?;
    let (payload, _) = Digest::sha256_of(file).map_err(|source| Fault::unpack("payload", source))?;
    let (before, own) = bytes.split_at(header);
    Ok(RpmHead {
        signature: RpmHeader::new(before.get(LEAD_SIZE as usize..).unwrap_or_default()),
        header: RpmHeader::new(own),
        start: header as u64,
        end: bytes.len() as u64,
        payload,
    })
}
