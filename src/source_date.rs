//! The one time that a build knows: that of its sources.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A time in whole seconds, which stands wherever a package holds a time
/// (<https://reproducible-builds.org/specs/source-date-epoch/>). It comes from a spec or from `SOURCE_DATE_EPOCH`, never
/// from a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceDate(u32);

/// Text that is no time of a source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSourceDate {
    /// Not a whole number of seconds.
    #[error("`{0}` is no source date; it is a whole number of seconds since 1970, at most 4294967295")]
    NotSeconds(String),
    /// Not a date of the calendar.
    #[error("`{0}` is no date; a date is written like `2019-12-07`")]
    NotADate(String),
}

impl SourceDate {
    /// Makes a time from seconds since 1970-01-01 00:00 UTC. RPM holds 32 bits.
    pub const fn from_epoch(seconds: u32) -> Self {
        Self(seconds)
    }

    /// Returns the seconds since 1970-01-01 00:00 UTC.
    pub const fn epoch(self) -> u32 {
        self.0
    }

    /// Returns the time so many seconds later, or the last one that there is.
    #[must_use]
    pub const fn later_by(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Parses `SOURCE_DATE_EPOCH`.
    pub fn parse_epoch(text: &str) -> Result<Self, BadSourceDate> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(seconds) if digits => Ok(Self(seconds)),
            _ => Err(BadSourceDate::NotSeconds(text.chars().take(40).flat_map(char::escape_default).collect())),
        }
    }

    /// Returns the time as Debian's changelogs write it: `Sat, 07 Dec 2019 00:00:00 +0000` (Policy 4.4).
    pub fn rfc2822(self) -> String {
        self.zoned().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
    }

    /// Returns the time as `Release` files write it: `Sat, 07 Dec 2019 00:00:00 UTC`. apt reads no other zone.
    pub fn release(self) -> String {
        self.zoned().strftime("%a, %d %b %Y %H:%M:%S UTC").to_string()
    }

    /// Returns the time as `updateinfo.xml` has it: `2019-12-07 00:00:00`.
    pub fn updateinfo(self) -> String {
        self.zoned().strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// Returns the date as spec files write it: `Sat Dec 07 2019`.
    pub fn spec_file(self) -> String {
        self.zoned().strftime("%a %b %d %Y").to_string()
    }

    fn zoned(self) -> jiff::Zoned {
        // 32 bits of seconds always lie inside jiff's range, which ends in the year 9999.
        Timestamp::from_second(i64::from(self.0)).unwrap_or_default().to_zoned(TimeZone::UTC)
    }
}

impl fmt::Display for SourceDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.zoned().strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    }
}

/// Parses the calendar date of a spec; the time is its midnight in UTC.
impl FromStr for SourceDate {
    type Err = BadSourceDate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadSourceDate::NotADate(text.chars().take(40).flat_map(char::escape_default).collect());
        if text.len() != "2019-12-07".len() {
            return Err(bad());
        }
        let date: Date = text.parse().map_err(|_| bad())?;
        let midnight = date.to_zoned(TimeZone::UTC).map_err(|_| bad())?;
        u32::try_from(midnight.timestamp().as_second()).map(Self).map_err(|_| bad())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_every_form() {
        let date: SourceDate = "2019-12-07".parse().unwrap();
        assert_eq!(date.epoch(), 1_575_676_800);
        assert_eq!(date.rfc2822(), "Sat, 07 Dec 2019 00:00:00 +0000");
        assert_eq!(date.spec_file(), "Sat Dec 07 2019");
        assert_eq!(date.release(), "Sat, 07 Dec 2019 00:00:00 UTC");
        assert_eq!(date.updateinfo(), "2019-12-07 00:00:00");
        assert_eq!(date.to_string(), "2019-12-07T00:00:00Z");
    }

    #[test]
    fn bad_times_are_refused() {
        for bad in ["", "-1", "+1", "1.5", "garbage", "4294967296", " 1"] {
            assert!(SourceDate::parse_epoch(bad).is_err(), "{bad:?}");
        }
        for bad in ["2019-13-01", "1960-01-01", "2019-12-07T00", "yesterday"] {
            assert!(bad.parse::<SourceDate>().is_err(), "{bad:?}");
        }
    }
}
