//! `Release`, the signed index of an apt repository.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::stanza::Stanza;
use crate::digest::{Algorithm, Digest};
use crate::repository::fragment::excerpt;
use crate::source_date::SourceDate;

/// Files that one Release file may list. Debian's lists some thousand.
const MAX_FILES: usize = 200_000;

/// What a Release file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// `Suite`.
    pub suite: Option<String>,
    /// `Codename`.
    pub codename: Option<String>,
    /// `Date`.
    pub date: Option<SourceDate>,
    /// `Valid-Until`.
    pub valid_until: Option<SourceDate>,
    /// Whether files are found by their digests.
    pub by_hash: bool,
    /// `Architectures`.
    pub architectures: Vec<String>,
    /// `Components`.
    pub components: Vec<String>,
    /// The files, by their paths as they stand there.
    pub files: BTreeMap<String, ReleaseFile>,
    /// Whether there are digests that can be forged and no others.
    pub is_weak: bool,
}

/// A file, as a Release file lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseFile {
    /// The strongest digest: SHA-512 or SHA-256.
    pub digest: Digest,
    /// The size in bytes.
    pub size: u64,
}

impl Release {
    /// Reads it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim_end().is_empty()).collect();
        let stanza = Stanza::parse(&lines)?;
        let words = |name: &str| -> Vec<String> {
            let lines = stanza.lines(name).unwrap_or_default();
            lines.iter().flat_map(|line| line.split_ascii_whitespace()).map(str::to_owned).collect()
        };
        let text = |name: &str| stanza.get(name).filter(|text| !text.is_empty()).map(str::to_owned);
        let time = |name: &str| match stanza.get(name) {
            None => Ok(None),
            Some(text) => {
                time(text).map(Some).ok_or_else(|| format!("`{name}` is `{}`, which apt does not read", excerpt(text)))
            }
        };
        let mut release = Self {
            suite: text("Suite"),
            codename: text("Codename"),
            date: time("Date")?,
            valid_until: time("Valid-Until")?,
            by_hash: stanza.get("Acquire-By-Hash").is_some_and(|word| word.eq_ignore_ascii_case("yes")),
            architectures: words("Architectures"),
            components: words("Components"),
            ..Self::default()
        };
        // The strongest last: it stays.
        for (name, algorithm) in [("SHA256", Algorithm::Sha256), ("SHA512", Algorithm::Sha512)] {
            for line in stanza.lines(name).unwrap_or_default().iter().filter(|line| !line.trim().is_empty()) {
                let (path, file) = file(line, algorithm).map_err(|cause| format!("`{name}`: {cause}"))?;
                if release.files.len() == MAX_FILES {
                    return Err(format!("it lists more than {MAX_FILES} files"));
                }
                let earlier = release.files.insert(path, file.clone());
                let differs = |earlier: &ReleaseFile| {
                    earlier.size != file.size
                        || (earlier.digest.algorithm() == algorithm && earlier.digest != file.digest)
                };
                if earlier.as_ref().is_some_and(differs) {
                    return Err(format!("`{name}` lists one file twice, and not as the same: `{}`", excerpt(line)));
                }
            }
        }
        let weak = ["MD5Sum", "SHA1"].iter().any(|name| stanza.lines(name).is_some());
        release.is_weak = release.files.is_empty() && weak;
        Ok(release)
    }
}

/// Reads ` DIGEST SIZE PATH`.
fn file(line: &str, algorithm: Algorithm) -> Result<(String, ReleaseFile), String> {
    let mut words = line.split_ascii_whitespace();
    let (Some(hex), Some(size), Some(path), None) = (words.next(), words.next(), words.next(), words.next()) else {
        return Err(format!("`{}` is no digest, size and path", excerpt(line)));
    };
    let digest = Digest::from_hex(algorithm, hex).map_err(|error| error.to_string())?;
    let size = size.parse().map_err(|_| format!("`{}` is no size", excerpt(size)))?;
    Ok((path.to_owned(), ReleaseFile { digest, size }))
}

/// Reads a time as apt does: RFC 1123 in UTC, or that of asctime(3), which has no zone.
fn time(text: &str) -> Option<SourceDate> {
    const ZONES: [&str; 5] = [" UTC", " GMT", " Z", " +0000", " -0000"];
    let without_zone = ZONES.iter().find_map(|zone| text.strip_suffix(zone));
    let read = match without_zone {
        Some(text) => DateTime::strptime("%a, %d %b %Y %H:%M:%S", text),
        None => DateTime::strptime("%a %b %e %H:%M:%S %Y", text),
    };
    let time = read.ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
    u32::try_from(time.as_second()).ok().map(SourceDate::from_epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn times_are_read_as_apt_reads_them() {
        let at = Some(SourceDate::from_epoch(1_795_379_258));
        for good in [
            "Sun, 22 Nov 2026 20:27:38 UTC",
            "Sun, 22 Nov 2026 20:27:38 GMT",
            "Sun, 22 Nov 2026 20:27:38 +0000",
            "Sun Nov 22 20:27:38 2026",
        ] {
            assert_eq!(time(good), at, "{good}");
        }
        assert_eq!(time("Tue Nov  3 00:00:00 2026"), time("Tue, 03 Nov 2026 00:00:00 UTC"));
        for bad in
            ["Sun, 22 Nov 2026 20:27:38 +0200", "Sun, 22 Nov 2026 20:27:38", "2026-11-22", "", "Sun, 32 Nov 2026"]
        {
            assert_eq!(time(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_strongest_digest_counts_and_weak_ones_alone_do_not() {
        let line = |hex: &str| format!(" {hex}  0 Packages\n");
        let sha512 = "c".repeat(128);
        let both = format!("Origin: A\nSHA256:\n{}SHA512:\n{}", line(DIGEST), line(&sha512));
        let release = Release::parse(&both).unwrap();
        assert_eq!(release.files["Packages"].digest.hex(), sha512);
        let weak =
            Release::parse(&format!("MD5Sum:\n{}SHA1:\n{}", line(&"a".repeat(32)), line(&"a".repeat(40)))).unwrap();
        assert!(weak.is_weak && weak.files.is_empty());
        assert!(!release.is_weak);
    }

    #[test]
    fn what_is_no_release_is_refused() {
        for bad in [
            " continued\n",
            "no field\n",
            "Suite: a\nsuite: b\n",
            "Date: yesterday\n",
            "SHA256:\n abc 1 x\n",
            &format!("SHA256:\n {DIGEST} 1 x y\n"),
            &format!("SHA256:\n {DIGEST} -1 x\n"),
            &format!("SHA256:\n {DIGEST} 1 x\n {DIGEST} 2 x\n"),
        ] {
            assert!(Release::parse(bad).is_err(), "{bad}");
        }
    }
}
