//! Versions as Kubernetes writes them, and ranges of them.
//!
//! The order is krel's, not that of `semver::VersionReq`: a pre-release is a number like any other and falls into a
//! range by comparison, so `1.30.0-alpha.1` lies in `>=1.28.0 <1.30.0`. A post-release CI build (`1.36.1-4+sha`,
//! four commits after the tag) is later than the release, although semantic versioning reads `-4` as earlier.

mod channel;

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

pub use channel::{Channel, Track};

/// A version of an upstream project: `1.36.2`, `1.31.0-rc.1`, `1.38.0-alpha.2.97+8eb85c40f2b1ca`, `1.36.1-4+sha`.
/// Displays without a leading `v`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    stage: Stage,
    build: String,
}

/// Where a version stands in relation to the release of the same three numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Stage {
    /// Before it: `alpha.2`, `rc.1`.
    Before(Vec<Identifier>),
    /// The release itself.
    Release,
    /// So many commits after it.
    After(u64),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Identifier {
    Number(u64),
    Word(String),
}

impl Version {
    /// Makes the release of three numbers.
    pub const fn new(major: u64, minor: u64, patch: u64) -> Self {
        Self { major, minor, patch, stage: Stage::Release, build: String::new() }
    }

    /// Returns the first number.
    pub const fn major(&self) -> u64 {
        self.major
    }

    /// Returns the second number.
    pub const fn minor(&self) -> u64 {
        self.minor
    }

    /// Returns the third number.
    pub const fn patch(&self) -> u64 {
        self.patch
    }

    /// Returns what kind of build this is. The number of dots says nothing: `1.30.0-11+sha` is a CI build.
    pub const fn channel(&self) -> Channel {
        match (&self.stage, self.build.is_empty()) {
            (_, false) | (Stage::After(_), _) => Channel::Nightly,
            (Stage::Before(_), true) => Channel::Prerelease,
            (Stage::Release, true) => Channel::Release,
        }
    }

    /// Returns the version as packages carry it. A pre-release is joined by `~`, which sorts before anything, even the
    /// end, in dpkg and rpm alike; a post-release by `+`, which sorts after the end and before the next patch. No `-`
    /// is left, which rpm forbids and dpkg takes for the revision.
    pub fn package(&self) -> String {
        let mut text = format!("{}.{}.{}", self.major, self.minor, self.patch);
        match &self.stage {
            Stage::Before(identifiers) => text = text + "~" + &join(identifiers).replace('-', "."),
            Stage::Release => {}
            Stage::After(commits) => text = format!("{text}+{commits}"),
        }
        if !self.build.is_empty() {
            let separator = if matches!(self.stage, Stage::After(_)) { "." } else { "+" };
            text = text + separator + &self.build.replace('-', ".");
        }
        text
    }
}

fn join(identifiers: &[Identifier]) -> String {
    identifiers.iter().map(ToString::to_string).collect::<Vec<_>>().join(".")
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Word(word) => word.fmt(f),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{}.{}.{}", self.major, self.minor, self.patch);
        match &self.stage {
            Stage::Before(identifiers) => text = text + "-" + &join(identifiers),
            Stage::Release => {}
            Stage::After(commits) => text = format!("{text}-{commits}"),
        }
        if !self.build.is_empty() {
            text = text + "+" + &self.build;
        }
        f.pad(&text)
    }
}

impl Ord for Stage {
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |stage: &Self| match stage {
            Self::Before(_) => 0,
            Self::Release => 1,
            Self::After(_) => 2,
        };
        match (self, other) {
            (Self::Before(mine), Self::Before(theirs)) => mine.cmp(theirs),
            (Self::After(mine), Self::After(theirs)) => mine.cmp(theirs),
            _ => rank(self).cmp(&rank(other)),
        }
    }
}

impl PartialOrd for Stage {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| self.stage.cmp(&other.stage))
            .then_with(|| self.build.cmp(&other.build))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no version; a version is written like `1.36.2`, `1.36.0-rc.1` or `1.38.0-alpha.2.97+8eb85c40f2b1ca`", given.escape_default())]
pub struct BadVersion {
    given: String,
}

impl FromStr for Version {
    type Err = BadVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| BadVersion { given: text.chars().take(80).collect() })
    }
}

/// No version that upstream ever made comes near; a longer one is not worth an allocation.
const MAX_LEN: usize = 128;

fn parse(text: &str) -> Option<Version> {
    let text = text.strip_prefix('v').unwrap_or(text);
    if text.len() > MAX_LEN {
        return None;
    }
    let (text, build) = match text.split_once('+') {
        Some((text, build)) => (text, words(build)?.join(".")),
        None => (text, String::new()),
    };
    let (numbers, stage) = match text.split_once('-') {
        Some((numbers, stage)) => (numbers, parse_stage(stage)?),
        None => (text, Stage::Release),
    };
    let mut numbers = numbers.split('.').map(number);
    let (major, minor, patch) = (numbers.next()??, numbers.next()??, numbers.next()??);
    numbers.next().is_none().then_some(Version { major, minor, patch, stage, build })
}

fn parse_stage(text: &str) -> Option<Stage> {
    let identifiers = words(text)?
        .into_iter()
        .map(|word| {
            let all_digits = word.bytes().all(|byte| byte.is_ascii_digit());
            if all_digits { number(word).map(Identifier::Number) } else { Some(Identifier::Word(word.to_owned())) }
        })
        .collect::<Option<Vec<_>>>()?;
    Some(match identifiers[..] {
        [Identifier::Number(commits)] => Stage::After(commits),
        _ => Stage::Before(identifiers),
    })
}

/// Splits identifiers at their dots (semver 2.0.0, rules 9 and 10).
fn words(text: &str) -> Option<Vec<&str>> {
    let word_is_good =
        |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    text.split('.').map(|word| Some(word).filter(word_is_good)).collect()
}

fn number(text: &str) -> Option<u64> {
    let leading_zero = text.len() > 1 && text.starts_with('0');
    if leading_zero || !text.bytes().all(|byte| byte.is_ascii_digit()) { None } else { text.parse().ok() }
}

/// A range of versions, half open where it says `<`: `>=1.24.0 <1.24.2`, `=1.25.0`, `*`.
///
/// A range compares and nothing else: `<1.25.0` takes `1.25.0-alpha.1`, which is earlier, and `>=1.24.0` leaves
/// `1.24.0-rc.1` out. Whoever means a whole minor writes `>=1.24.0-alpha.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRange {
    text: String,
    /// The first version inside; `None` is no lower bound.
    from: Option<Version>,
    /// The first version that is no longer inside.
    until: Option<Bound>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Bound {
    /// The range ends before this version.
    Before(Version),
    /// The range ends with this version.
    With(Version),
}

impl VersionRange {
    /// Returns the range of all versions.
    pub fn all() -> Self {
        Self { text: "*".to_owned(), from: None, until: None }
    }

    /// Whether `version` lies in the range.
    pub fn contains(&self, version: &Version) -> bool {
        self.from.as_ref().is_none_or(|from| from <= version)
            && match &self.until {
                None => true,
                Some(Bound::Before(end)) => version < end,
                Some(Bound::With(end)) => version <= end,
            }
    }

    /// Whether some version lies in both ranges.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.starts_before_the_end_of(other) && other.starts_before_the_end_of(self)
    }

    fn starts_before_the_end_of(&self, other: &Self) -> bool {
        match (&self.from, &other.until) {
            (None, _) | (_, None) => true,
            (Some(from), Some(Bound::Before(end))) => from < end,
            (Some(from), Some(Bound::With(end))) => from <= end,
        }
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// Why text is no range of versions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadVersionRange {
    /// A bound that is no version.
    #[error(transparent)]
    Version(#[from] BadVersion),
    /// A bound with an operator that ranges do not have, or none.
    #[error("`{0}` is no bound; a range is `*`, `=V`, `>=V`, `<V` or `>=V <V`")]
    Operator(String),
    /// Two lower or two upper bounds.
    #[error("the range has two {0} bounds")]
    Twice(&'static str),
    /// Nothing can lie in it.
    #[error("no version lies in this range")]
    Empty,
}

impl FromStr for VersionRange {
    type Err = BadVersionRange;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut range = Self { text: text.trim().to_owned(), ..Self::all() };
        if range.text == "*" {
            return Ok(range);
        }
        if range.text.is_empty() {
            return Err(BadVersionRange::Operator(String::new()));
        }
        for bound in range.text.clone().split_whitespace() {
            let (from, until) = if let Some(version) = bound.strip_prefix(">=") {
                (Some(version.parse()?), None)
            } else if let Some(version) = bound.strip_prefix('<').filter(|rest| !rest.starts_with('=')) {
                (None, Some(Bound::Before(version.parse()?)))
            } else if let Some(version) = bound.strip_prefix('=') {
                let version: Version = version.parse()?;
                (Some(version.clone()), Some(Bound::With(version)))
            } else {
                return Err(BadVersionRange::Operator(bound.to_owned()));
            };
            if from.is_some() && range.from.is_some() {
                return Err(BadVersionRange::Twice("lower"));
            }
            if until.is_some() && range.until.is_some() {
                return Err(BadVersionRange::Twice("upper"));
            }
            range.from = range.from.or(from);
            range.until = range.until.or(until);
        }
        if range.starts_before_the_end_of(&range) { Ok(range) } else { Err(BadVersionRange::Empty) }
    }
}

#[cfg(test)]
mod tests;
