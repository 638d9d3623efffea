//! Versions among the constants of a program.
//!
//! A string that the linker sets (`-X`) ends in a NUL, which Go's own constants do not: those lie packed, without
//! anything between them. What stands before it is whatever constant happens to lie there, quite often a floating-point
//! number, whose last byte is one of `?@ABC`. Lists of modules and paths hold many versions of other things; there a
//! tab, a slash, an underscore or `-` comes before the version.

use std::io::Read;

use memchr::{memchr_iter, memchr2, memrchr2};

use crate::version::Version;

/// A version that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The version.
    pub(super) version: Version,
    /// As it stands there.
    pub(super) text: String,
    /// In what.
    pub(super) place: Place,
}

/// Where a version was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// At the end of a constant.
    Constant,
    /// As a word with a `v` on a short line of text.
    Line,
}

/// A line that a program prints of itself; more is prose.
const MAX_LINE: usize = 80;
/// More than any version takes, and what stands before it.
const MAX_TAIL: usize = 160;
const CHUNK: usize = 256 << 10;

/// Calls `found` for each version in the bytes, until that returns `true` or the bytes end.
pub(super) fn scan(mut bytes: impl Read, mut found: impl FnMut(Candidate) -> bool) -> std::io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut carried = 0;
    loop {
        let read = match bytes.read(&mut buffer[carried..]) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let filled = carried + read;
        let ended = read == 0;
        let whole = if ended { filled } else { last_end(&buffer[..filled]) };
        let mut left = &buffer[..whole];
        while let Some((piece, behind)) = next_piece(left) {
            if candidates(piece).into_iter().any(&mut found) {
                return Ok(());
            }
            left = behind;
        }
        if ended {
            return Ok(());
        }
        // Of an endless piece only the tail is kept, long enough that it is no short line.
        let keep = (filled - whole).min(MAX_TAIL);
        buffer.copy_within(filled - keep..filled, 0);
        carried = keep;
    }
}

fn last_end(bytes: &[u8]) -> usize {
    memrchr2(0, b'\n', bytes).map_or(0, |at| at + 1)
}

/// Returns the first piece that may hold a version, and what lies behind it. Dots between digits are rare in programs,
/// and NULs are not, so that pieces are found by the former.
fn next_piece(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let dot = memchr_iter(b'.', bytes).find(|at| is_digit(at.wrapping_sub(1)) && is_digit(at + 1))?;
    let begin = last_end(&bytes[..dot]);
    let end = memchr2(0, b'\n', &bytes[dot..]).map_or(bytes.len(), |at| dot + at + 1);
    Some((&bytes[begin..end], &bytes[end..]))
}

/// Returns the versions in one piece, which ends in a NUL or newline but for the last of the file.
fn candidates(piece: &[u8]) -> Vec<Candidate> {
    let (text, is_line) = match piece {
        [text @ .., b'\n'] => (text, true),
        [text @ .., 0] | text => (text, false),
    };
    let mut found = Vec::new();
    if !is_line {
        found.extend(constant(text));
    }
    if text.len() <= MAX_LINE && text.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        let words = text.split(|byte| *byte == b' ').filter(|word| word.starts_with(b"v"));
        found.extend(words.filter_map(|word| candidate(word, Place::Line)));
    }
    found
}

/// Returns the version that a constant ends in.
fn constant(text: &[u8]) -> Option<Candidate> {
    let text = &text[text.len().saturating_sub(MAX_TAIL)..];
    let is_of_a_version = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-');
    let start = text.iter().rposition(|byte| !is_of_a_version(byte)).map_or(0, |position| position + 1);
    (start..text.len())
        .filter(|at| text[*at] == b'v' || text[*at].is_ascii_digit())
        .filter(|at| at.checked_sub(1).is_none_or(|before| may_precede(text[before])))
        .find_map(|at| candidate(&text[at..], Place::Constant))
}

/// Whether a version may begin after `byte`.
fn may_precede(byte: u8) -> bool {
    !matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'D'..=b'Z' | b'.' | b'+' | b'-' | b'_' | b'/' | b'\t')
}

fn candidate(word: &[u8], place: Place) -> Option<Candidate> {
    let text = str::from_utf8(word).ok()?;
    let version = text.parse().ok()?;
    Some(Candidate { version, text: text.to_owned(), place })
}
