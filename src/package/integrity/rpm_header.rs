//! The form of an RPM's two headers, as far as no digest shows that it was changed.

use super::Findings;
use crate::package::reader::rpm_data_size;

/// Before the index: magic, version, reserved, number of entries, size of the data.
const INTRO: usize = 16;
/// An index entry, and the trailer of a region, which has the form of one.
const ENTRY: u32 = 16;
/// The tags that say what belongs to a header, and may not be changed (rpm's `docs/manual/hregions.md`).
const REGION_SIGNATURES: u32 = 62;
const REGION: u32 = 63;
/// Room for signatures to come.
const RESERVED_SPACE: u32 = 1008;
const BYTES: u32 = 7;

/// The tags of the signature header with their types (rpm's `include/rpm/rpmtag.h`): the region, sizes and digests, old
/// and new signatures, room.
const SIGNATURE_TAGS: [(u32, u32); 30] = [
    (REGION_SIGNATURES, BYTES),
    (257, 4),
    (259, BYTES),
    (261, BYTES),
    (262, BYTES),
    (263, BYTES),
    (264, 6),
    (265, 6),
    (266, 8),
    (267, BYTES),
    (268, BYTES),
    (269, 6),
    (270, 5),
    (271, 5),
    (273, 6),
    (274, 8),
    (275, 4),
    (276, 8),
    (277, 4),
    (278, 8),
    (279, 6),
    (1000, 4),
    (1001, BYTES),
    (1002, BYTES),
    (1003, BYTES),
    (1004, BYTES),
    (1005, BYTES),
    (1006, BYTES),
    (1007, 4),
    (RESERVED_SPACE, BYTES),
];
/// Those that a later rpm may add, and the one that it uses for the room of all that follow.
const LATER_TAGS: std::ops::RangeInclusive<u32> = 280..=300;
const RESERVED: u32 = 999;

/// Checks that the header is one region: tags outside of it would be covered by no digest and no signature.
pub(super) fn check(header: &[u8], findings: &mut Findings) {
    match region(header, REGION) {
        Ok(Region::Whole) => {}
        Ok(Region::None) => findings.fault("header: does not begin with its region"),
        Err(cause) => findings.fault(format!("header: {cause}")),
    }
}

/// Checks the signature header with the padding behind it, which no digest covers: every bit of it belongs to a tag that
/// rpm knows, or is zero.
pub(super) fn check_signatures(header: &[u8], findings: &mut Findings) {
    let mut fault = |cause: String| findings.fault(format!("signature header: {cause}"));
    // Packages from before rpm 4 have no region.
    if let Err(cause) = region(header, REGION_SIGNATURES) {
        fault(cause.to_owned());
    }
    let (entries, size) = (word(header, 8), word(header, 12));
    let begin = INTRO + (entries * ENTRY) as usize;
    let data = header.get(begin..).unwrap_or_default();
    let mut is_used = vec![false; data.len()];
    for at in (INTRO..begin).step_by(ENTRY as usize) {
        let [tag, kind, offset, count] = [0, 4, 8, 12].map(|field| word(header, at + field));
        let is_known = SIGNATURE_TAGS.contains(&(tag, kind)) || LATER_TAGS.contains(&tag) || tag == RESERVED;
        if !is_known {
            fault(format!("the tag {tag} of type {kind} has no meaning there"));
        }
        let offset = offset as usize;
        let rest = data.get(offset..).unwrap_or_default();
        let used = rpm_data_size(kind, count as usize, rest).unwrap_or_default();
        is_used[offset.min(data.len())..][..used].fill(true);
        if tag == RESERVED_SPACE && !is_zero(&rest[..used]) {
            fault("the room for signatures is not empty".to_owned());
        }
    }
    let is_clean = data.iter().zip(&is_used).all(|(byte, is_used)| *is_used || *byte == 0);
    if !is_clean || data.len() < size as usize {
        fault("something stands between its tags".to_owned());
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Region {
    /// All of the header.
    Whole,
    /// The header does not begin with one.
    None,
}

fn region(header: &[u8], tag: u32) -> Result<Region, &'static str> {
    let (entries, data) = (word(header, 8), word(header, 12));
    let [first, kind, offset, size] = [0, 4, 8, 12].map(|at| word(header, INTRO + at));
    if first != tag {
        return Ok(Region::None);
    }
    let store = INTRO + entries as usize * ENTRY as usize;
    let trailer = store.saturating_add(offset as usize);
    let [last, last_kind, back, last_size] = [0, 4, 8, 12].map(|at| word(header, trailer.saturating_add(at)));
    let is_region = (kind, size) == (BYTES, ENTRY) && (last, last_kind, last_size) == (tag, BYTES, ENTRY);
    let covered = 0_u32.wrapping_sub(back);
    if !is_region || covered % ENTRY != 0 {
        return Err("its region has no end");
    }
    let is_whole = covered / ENTRY == entries && offset.checked_add(ENTRY) == Some(data);
    if is_whole { Ok(Region::Whole) } else { Err("its region does not cover it") }
}

/// Reads a big-endian number; zero behind the end.
fn word(bytes: &[u8], at: usize) -> u32 {
    let bytes = at.checked_add(4).and_then(|end| bytes.get(at..end)).unwrap_or_default();
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of one region and one tag in it.
    fn header(region: u32, edit: impl Fn(&mut Vec<u32>)) -> Vec<u8> {
        let mut words = vec![0x8ead_e801, 0, 2, 20, region, 7, 4, 16, 1000, 4, 0, 1, 0x6162_6300];
        words.extend([region, 7, 0_u32.wrapping_sub(32), 16]);
        edit(&mut words);
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn a_header_is_one_region_to_its_end() {
        type Edit = fn(&mut Vec<u32>);
        assert_eq!(region(&header(63, |_| {}), REGION), Ok(Region::Whole));
        let (no_end, uncovered) = (Err("its region has no end"), Err("its region does not cover it"));
        let edits: [(Edit, _); 7] = [
            (|words| words[4] = 1000, Ok(Region::None)),
            (|words| words[5] = 6, no_end),
            (|words| words[6] = 0, no_end),
            (|words| words[6] = u32::MAX, no_end),
            (|words| words[13] = 62, no_end),
            (|words| words[15] = 0_u32.wrapping_sub(16), uncovered),
            (|words| words[3] = 24, uncovered),
        ];
        for (edit, verdict) in edits {
            assert_eq!(region(&header(63, edit), REGION), verdict);
        }
        assert_eq!(region(&[], REGION), Ok(Region::None));
    }

    #[test]
    fn every_bit_of_a_signature_header_means_something() {
        let faults = |edit: fn(&mut Vec<u32>)| {
            let mut findings = Findings::default();
            check_signatures(&header(62, edit), &mut findings);
            findings.faults.join(", ")
        };
        assert_eq!(faults(|_| {}), "");
        assert_eq!(faults(|words| words.push(0)), "");
        for (edit, words) in [
            ((|words| words.push(1)) as fn(&mut Vec<u32>), "something stands between its tags"),
            (|words| words[8] = 1010, "the tag 1010 of type 4 has no meaning there"),
            (|words| words[9] = 3, "the tag 1000 of type 3 has no meaning there"),
            (|words| (words[8], words[9], words[11]) = (1008, 7, 4), "the room for signatures is not empty"),
            (|words| words[4] = 0x0100_003e, "the tag 16777278 of type 7 has no meaning there"),
        ] {
            assert!(faults(edit).contains(words), "{words}: {}", faults(edit));
        }
    }
}
