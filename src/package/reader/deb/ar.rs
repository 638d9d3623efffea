//! The outer archive of a deb: common ar, without its extensions (deb(5)).

use std::io::{ErrorKind, Read, Seek, SeekFrom};

use super::super::error::{Fault, excerpt};
use super::super::inspection::text_of;

/// `!<arch>\n`.
const MAGIC: u64 = 8;
const HEADER: usize = 60;
const MAX_MEMBERS: u64 = 1000;

/// Where a member lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::package) struct ArMember {
    pub(in crate::package) name: String,
    pub(in crate::package) time: u64,
    pub(in crate::package) start: u64,
    pub(in crate::package) size: u64,
}

/// Reads the headers of all members. Every member lies inside the `length` bytes of the file.
pub(in crate::package) fn members(file: &mut (impl Read + Seek), length: u64) -> Result<Vec<ArMember>, Fault> {
    let mut members = Vec::new();
    let mut at = MAGIC;
    while at < length {
        let place = format!("ar header at byte {at}");
        if members.len() as u64 == MAX_MEMBERS {
            return Err(Fault::limit(place, MAX_MEMBERS, "members"));
        }
        let mut header = [0; HEADER];
        file.seek(SeekFrom::Start(at)).map_err(|source| Fault::unpack(&place, source))?;
        file.read_exact(&mut header).map_err(|source| Fault::unpack(&place, source))?;
        let start = at + HEADER as u64;
        let member = member(&header, start, &place)?;
        if member.size > length - start {
            return Err(Fault::truncated(format!("member `{}`", excerpt(&member.name))));
        }
        at = start + member.size;
        if member.size % 2 == 1 {
            pad(file, at, &member.name)?;
            at += 1;
        }
        members.push(member);
    }
    Ok(members)
}

/// Reads the byte between a member of odd size and the next, which `ar` writes behind the last one too.
fn pad(file: &mut (impl Read + Seek), at: u64, name: &str) -> Result<(), Fault> {
    let place = format!("behind member `{}`", excerpt(name));
    let mut byte = [0];
    let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut byte));
    read.map_err(|source| Fault::unpack(&place, source))?;
    if byte == *b"\n" { Ok(()) } else { Err(Fault::malformed(place, "no newline")) }
}

/// Calls `each` for every member, in order, while `input` is read once from its first byte to its last. What `each`
/// leaves of the content is skipped.
pub(super) fn walk(
    input: &mut dyn Read,
    length: u64,
    mut each: impl FnMut(&ArMember, &mut dyn Read) -> Result<(), Fault>,
) -> Result<(), Fault> {
    skip(input, MAGIC, "ar archive")?;
    let (mut at, mut count) = (MAGIC, 0);
    while at < length {
        let place = format!("ar header at byte {at}");
        if count == MAX_MEMBERS {
            return Err(Fault::limit(place, MAX_MEMBERS, "members"));
        }
        let mut header = [0; HEADER];
        input.read_exact(&mut header).map_err(|source| Fault::unpack(&place, source))?;
        let start = at + HEADER as u64;
        let member = member(&header, start, &place)?;
        let place = format!("member `{}`", excerpt(&member.name));
        if member.size > length.saturating_sub(start) {
            return Err(Fault::truncated(place));
        }
        let mut content = (&mut *input).take(member.size);
        each(&member, &mut content)?;
        let left = content.limit();
        skip(input, left, &place)?;
        at = start + member.size + member.size % 2;
        if member.size % 2 == 1 && at <= length {
            skip(input, 1, &place)?;
        }
        count += 1;
    }
    Ok(())
}

/// Reads bytes that nobody needs.
fn skip(input: &mut dyn Read, count: u64, place: &str) -> Result<(), Fault> {
    let skipped = std::io::copy(&mut input.take(count), &mut std::io::sink());
    let skipped = skipped.map_err(|source| Fault::unpack(place, source))?;
    if skipped == count { Ok(()) } else { Err(Fault::truncated(place)) }
}

fn member(header: &[u8; HEADER], start: u64, place: &str) -> Result<ArMember, Fault> {
    if &header[58..] != b"`\n" {
        return Err(Fault::malformed(place, "no ar header"));
    }
    let name = text_of(header[..16].trim_ascii_end());
    let name = name.strip_suffix('/').unwrap_or(&name).to_owned();
    let number = |what: &str, field: &[u8]| {
        decimal(field)
            .ok_or_else(|| Fault::malformed(place, format!("{what} `{}` is no number", excerpt(&text_of(field)))))
    };
    Ok(ArMember { name, time: number("time", &header[16..28])?, start, size: number("size", &header[48..58])? })
}

/// Reads an unsigned number: no sign, no blank inside. At most 12 digits, so it cannot overflow.
fn decimal(field: &[u8]) -> Option<u64> {
    let digits = field.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Reads a whole small member.
pub(in crate::package) fn content(
    file: &mut (impl Read + Seek),
    member: &ArMember,
    limit: u64,
) -> Result<Vec<u8>, Fault> {
    let place = || format!("member `{}`", excerpt(&member.name));
    if member.size > limit {
        return Err(Fault::limit(place(), limit, "bytes"));
    }
    let mut bytes = Vec::new();
    let read = file.seek(SeekFrom::Start(member.start)).and_then(|_| file.take(member.size).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 == member.size => Ok(bytes),
        Ok(_) => Err(Fault::unpack(place(), ErrorKind::UnexpectedEof.into())),
        Err(source) => Err(Fault::unpack(place(), source)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<ArMember>, String> {
        members(&mut Cursor::new(bytes), bytes.len() as u64).map_err(|fault| fault.of("x.deb".as_ref()).to_string())
    }

    fn archive(size: &str) -> Vec<u8> {
        format!("!<arch>\n{:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\nabc\n", "one/", 7, 0, 0, "100644").into_bytes()
    }

    #[test]
    fn sizes_are_plain_numbers_within_the_file() {
        let one = ArMember { name: "one".to_owned(), time: 7, start: 68, size: 3 };
        assert_eq!(read(&archive("3")), Ok(vec![one]));
        for (size, cause) in [
            ("-1", "`x.deb`: ar header at byte 8: size `-1        ` is no number"),
            ("+3", "`x.deb`: ar header at byte 8: size `+3        ` is no number"),
            ("", "`x.deb`: ar header at byte 8: size `          ` is no number"),
            ("9999999999", "`x.deb`: member `one`: ends early"),
            ("5", "`x.deb`: member `one`: ends early"),
        ] {
            assert_eq!(read(&archive(size)).unwrap_err(), cause);
        }
        assert_eq!(read(&archive("3")[..40]).unwrap_err(), "`x.deb`: ar header at byte 8: ends early");
        assert_eq!(read(&archive("1")).unwrap_err(), "`x.deb`: behind member `one`: no newline");
    }

    #[test]
    fn the_number_of_members_is_limited() {
        let mut bytes = b"!<arch>\n".to_vec();
        for _ in 0..=MAX_MEMBERS {
            bytes.extend(format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", "x", 0, 0, 0, 0, 0).bytes());
        }
        assert!(read(&bytes).unwrap_err().ends_with("more than 1000 members"));
    }
}
