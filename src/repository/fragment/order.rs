//! The order of packages in index files, and of versions.

use std::cmp::Ordering;

use super::Fragment;
use crate::format::Format;

/// Compares versions as package managers of the format do.
pub fn compare_versions(format: Format, one: &str, other: &str) -> Ordering {
    match format {
        Format::Deb => compare_deb_versions(one, other),
        Format::Rpm => rpm_version::rpm_evr_compare(one, other),
    }
}

/// Compares versions as dpkg does: epoch, upstream version, revision (Policy 5.6.12).
pub fn compare_deb_versions(one: &str, other: &str) -> Ordering {
    let ((epoch, rest), (other_epoch, other_rest)) = (split_epoch(one), split_epoch(other));
    let ((version, revision), (other_version, other_revision)) = (split_revision(rest), split_revision(other_rest));
    compare_numbers(epoch.as_bytes(), other_epoch.as_bytes())
        .then_with(|| compare_parts(version, other_version))
        .then_with(|| compare_parts(revision, other_revision))
}

/// Returns a version without its epoch and its revision or release: what upstream calls it, in the spelling of packages.
pub fn upstream_version(version: &str) -> &str {
    split_revision(split_epoch(version).1).0
}

fn split_epoch(version: &str) -> (&str, &str) {
    version.split_once(':').unwrap_or(("", version))
}

fn split_revision(version: &str) -> (&str, &str) {
    version.rsplit_once('-').unwrap_or((version, ""))
}

/// Compares by turns what is no digit and what is.
fn compare_parts(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = after_common(one.as_bytes(), other.as_bytes());
    while !one.is_empty() || !other.is_empty() {
        let (text, other_text) =
            (take(&mut one, |byte| !byte.is_ascii_digit()), take(&mut other, |byte| !byte.is_ascii_digit()));
        let (number, other_number) = (take(&mut one, u8::is_ascii_digit), take(&mut other, u8::is_ascii_digit));
        let ordering = compare_texts(text, other_text).then_with(|| compare_numbers(number, other_number));
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    Ordering::Equal
}

/// Returns what is left behind the beginning that both have; a number that goes on is not cut. Versions and paths that are
/// compared with each other mostly differ near their ends.
fn after_common<'a>(one: &'a [u8], other: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let common = one.iter().zip(other).take_while(|(byte, same)| byte == same).count();
    let digits = one[..common].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    (&one[common - digits..], &other[common - digits..])
}

/// Takes the longest beginning of bytes that all are `wanted`.
fn take<'a>(bytes: &mut &'a [u8], wanted: impl Fn(&u8) -> bool) -> &'a [u8] {
    let end = bytes.iter().position(|byte| !wanted(byte)).unwrap_or(bytes.len());
    let (taken, rest) = bytes.split_at(end);
    *bytes = rest;
    taken
}

/// `~` comes before the end, the end before letters, letters before everything else.
fn compare_texts(one: &[u8], other: &[u8]) -> Ordering {
    let weight = |byte: Option<&u8>| match byte {
        Some(b'~') => (0, 0),
        None => (1, 0),
        Some(byte) if byte.is_ascii_alphabetic() => (2, *byte),
        Some(byte) => (3, *byte),
    };
    let longest = one.len().max(other.len());
    let at = |bytes: &[u8], place: usize| weight(bytes.get(place));
    (0..longest)
        .map(|place| at(one, place).cmp(&at(other, place)))
        .find(|found| *found != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}

/// Compares numbers of any length.
fn compare_numbers(one: &[u8], other: &[u8]) -> Ordering {
    let significant = |bytes: &[u8]| bytes.iter().position(|byte| *byte != b'0').unwrap_or(bytes.len());
    let (one, other) = (&one[significant(one)..], &other[significant(other)..]);
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

impl Fragment {
    /// Compares places in an index file: name, version, architecture; then the bytes, so that the order is one.
    pub fn compare_places(&self, other: &Self) -> Ordering {
        self.format()
            .cmp(&other.format())
            .then_with(|| self.name().cmp(other.name()))
            .then_with(|| compare_versions(self.format(), self.version(), other.version()))
            .then_with(|| self.arch().cmp(other.arch()))
            .then_with(|| self.sha256().cmp(other.sha256()))
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn versions_are_in_the_order_of_dpkg() {
        let ordered = [
            "~~", "~~a", "~", "0", "00.1", "1~rc.1", "1~rc.1-1", "1", "1a", "1+b", "1.2-1", "1.2-1.1", "1.2.1-1",
            "1.10", "1:0.1", "2:0",
        ];
        for pair in ordered.windows(2) {
            assert_eq!(compare_deb_versions(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare_deb_versions(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        for (one, same) in [("0:1", "1"), ("1.01", "1.1"), ("1-0", "1"), ("007", "7")] {
            assert_eq!(compare_deb_versions(one, same), Ordering::Equal, "{one} {same}");
        }
    }

    proptest! {
        #[test]
        fn versions_are_in_the_order_of_another_implementation(
            one in "([0-2]:)?[0-9][0-9a-c.+~]{0,6}(-[0-9a-c.+~]{1,4})?", other in "([0-2]:)?[0-9][0-9a-c.+~]{0,6}(-[0-9a-c.+~]{1,4})?"
        ) {
            let parse = |text: &str| text.parse::<debversion::Version>().unwrap();
            prop_assert_eq!(compare_deb_versions(&one, &other), parse(&one).cmp(&parse(&other)), "{} {}", one, other);
        }
    }
}
