//! Checks the two headers of an RPM before the `rpm` crate sees them: it slices and allocates by what the index says,
//! so a hostile index would make it panic or ask for more memory than there is.

use std::io::{Cursor, Read};

use rpm::{HEADER_MAGIC, IndexTag, LEAD_SIZE, PackageMetadata};

use super::super::error::Fault;
use super::super::{MAX_FILES, MAX_HEADER_BYTES};

/// Entries of one header (rpm's own limit, `HEADER_TAGS_MAX`).
const MAX_TAGS: u64 = 65_535;
const INTRO: usize = 16;
const ENTRY: usize = 16;

/// Reads lead, signature header and header, each of which lies inside the `length` bytes of the file.
pub(in crate::package) fn read(file: &mut impl Read, length: u64) -> Result<PackageMetadata, Fault> {
    let bytes = headers(file, length)?.bytes;
    PackageMetadata::parse(&mut Cursor::new(bytes)).map_err(|error| Fault::malformed("header", super::cause(&error)))
}

/// The beginning of an RPM, whose index is good.
pub(super) struct Headers {
    /// Lead, signature header, padding, header.
    pub(super) bytes: Vec<u8>,
    /// Where the header begins.
    pub(super) header: usize,
}

/// Reads lead and headers, and checks their index.
pub(super) fn headers(file: &mut impl Read, length: u64) -> Result<Headers, Fault> {
    let mut bytes = Vec::new();
    take(file, &mut bytes, u64::from(LEAD_SIZE), length, "lead")?;
    let signature = section(file, &mut bytes, length, "signature header")?;
    let padding = (8 - signature % 8) % 8;
    take(file, &mut bytes, padding, length, "signature header")?;
    let header = bytes.len();
    section(file, &mut bytes, length, "header")?;
    Ok(Headers { bytes, header })
}

/// Appends `count` bytes of the file to `bytes`. Nothing is allocated for bytes that the file does not have.
fn take(file: &mut impl Read, bytes: &mut Vec<u8>, count: u64, length: u64, place: &str) -> Result<(), Fault> {
    let before = bytes.len() as u64;
    if count > length.saturating_sub(before) {
        return Err(Fault::truncated(place));
    }
    file.take(count).read_to_end(bytes).map_err(|source| Fault::unpack(place, source))?;
    if bytes.len() as u64 == before + count { Ok(()) } else { Err(Fault::truncated(place)) }
}

/// Appends one header to `bytes` and returns the size of its data.
fn section(file: &mut impl Read, bytes: &mut Vec<u8>, length: u64, place: &str) -> Result<u64, Fault> {
    let start = bytes.len();
    take(file, bytes, INTRO as u64, length, place)?;
    if !bytes[start..].starts_with(&HEADER_MAGIC) {
        return Err(Fault::malformed(place, "no header magic"));
    }
    let (entries, data) = (word(&bytes[start + 8..]), word(&bytes[start + 12..]));
    if u64::from(entries) > MAX_TAGS {
        return Err(Fault::limit(place, MAX_TAGS, "tags"));
    }
    if u64::from(data) > MAX_HEADER_BYTES {
        return Err(Fault::limit(place, MAX_HEADER_BYTES, "bytes"));
    }
    take(file, bytes, u64::from(entries) * ENTRY as u64 + u64::from(data), length, place)?;
    let (index, store) = bytes[start + INTRO..].split_at(entries as usize * ENTRY);
    check(index, store, place)?;
    Ok(u64::from(data))
}

/// Checks every entry: its data lies in the store, and all together need no more than the store has, since entries do
/// not overlap (`hdrblobVerifyInfo` of rpm).
fn check(index: &[u8], store: &[u8], place: &str) -> Result<(), Fault> {
    let mut left = store.len();
    for entry in index.chunks_exact(ENTRY) {
        let [tag, kind, offset, count] = [0, 4, 8, 12].map(|at| word(&entry[at..]));
        let bad = |cause: &str| Fault::malformed(place, format!("tag {tag}: {cause}"));
        let data = store.get(offset as usize..).ok_or_else(|| bad("its offset is outside of the header"))?;
        if i32::try_from(offset).is_err() {
            return Err(bad("its offset is negative"));
        }
        if [IndexTag::RPMTAG_BASENAMES as u32, IndexTag::RPMTAG_OLDFILENAMES as u32].contains(&tag)
            && u64::from(count) > MAX_FILES
        {
            return Err(Fault::limit(place, MAX_FILES, "files"));
        }
        let needed = needed(kind, count as usize, data).ok_or_else(|| bad("its data is outside of the header"))?;
        left = left.checked_sub(needed).ok_or_else(|| bad("its data overlaps that of another tag"))?;
    }
    Ok(())
}

/// Returns how many bytes an entry of a type has, of `data` or more, or nothing if there are fewer.
pub(in crate::package) fn needed(kind: u32, count: usize, data: &[u8]) -> Option<usize> {
    let needed = match kind {
        0 => 0,
        1 | 2 | 7 => count,
        3 => count.checked_mul(2)?,
        4 => count.checked_mul(4)?,
        5 => count.checked_mul(8)?,
        6 if count == 1 => strings(1, data)?,
        8 | 9 => strings(count, data)?,
        _ => return None,
    };
    // An entry without items would still be handed out as a list, so an empty one is as wrong as a long one.
    (needed <= data.len() && (count > 0 || kind == 0)).then_some(needed)
}

/// Returns the length of `count` strings, each with the NUL that ends it.
fn strings(count: usize, data: &[u8]) -> Option<usize> {
    let mut ends = data.iter().enumerate().filter(|(_, byte)| **byte == 0).map(|(at, _)| at + 1);
    ends.nth(count.checked_sub(1)?)
}

/// Reads a big-endian number from the front.
fn word(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(words: [u32; 4]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    fn cause(entries: &[[u32; 4]], store: &[u8]) -> String {
        let index: Vec<u8> = entries.iter().flat_map(|words| entry(*words)).collect();
        check(&index, store, "header").map_or_else(|fault| fault.of("x.rpm".as_ref()).to_string(), |()| String::new())
    }

    #[test]
    fn an_index_that_points_outside_is_refused() {
        assert_eq!(cause(&[[1000, 6, 0, 1], [1003, 4, 4, 1]], b"abc\0\0\0\0\x01"), "");
        for (entry, error) in [
            ([1000, 6, 9, 1], "tag 1000: its offset is outside of the header"),
            ([1000, 6, u32::MAX, 1], "tag 1000: its offset is outside of the header"),
            ([1000, 6, 4, 1], "tag 1000: its data is outside of the header"),
            ([1000, 8, 0, 2], "tag 1000: its data is outside of the header"),
            ([1000, 4, 0, u32::MAX], "tag 1000: its data is outside of the header"),
            ([1000, 6, 0, 2], "tag 1000: its data is outside of the header"),
            ([1000, 4, 0, 0], "tag 1000: its data is outside of the header"),
            ([1000, 77, 0, 1], "tag 1000: its data is outside of the header"),
            ([1117, 8, 0, 1_000_001], "more than 1000000 files"),
        ] {
            assert_eq!(cause(&[entry], b"abc\0abcd"), format!("`x.rpm`: header: {error}"));
        }
        let twice = [[1000, 7, 0, 8], [1001, 7, 4, 4]];
        assert_eq!(cause(&twice, &[0; 8]), "`x.rpm`: header: tag 1001: its data overlaps that of another tag");
    }

    #[test]
    fn sizes_are_compared_with_the_file_before_anything_is_allocated() {
        let mut bytes = vec![0; LEAD_SIZE as usize];
        bytes.extend([0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0]);
        let read = |rest: [u32; 2]| {
            let bytes = [bytes.clone(), rest.iter().flat_map(|word| word.to_be_bytes()).collect()].concat();
            read(&mut &bytes[..], bytes.len() as u64).map_err(|fault| fault.of("x.rpm".as_ref()).to_string())
        };
        assert_eq!(read([70_000, 0]).unwrap_err(), "`x.rpm`: signature header: more than 65535 tags");
        assert_eq!(read([1, u32::MAX]).unwrap_err(), "`x.rpm`: signature header: more than 268435456 bytes");
        assert_eq!(read([1, 200_000_000]).unwrap_err(), "`x.rpm`: signature header: ends early");
    }
}
