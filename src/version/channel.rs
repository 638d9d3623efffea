//! Kinds of builds, and where upstream publishes them.

use std::fmt;
use std::str::FromStr;

/// What kind of build a version names; decides where upstream publishes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A release: `1.36.2`.
    Release,
    /// An alpha, beta or release candidate.
    Prerelease,
    /// A CI build.
    Nightly,
}

impl Channel {
    /// Every channel, in the order of their stability.
    pub const ALL: [Self; 3] = [Self::Release, Self::Prerelease, Self::Nightly];

    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Prerelease => "prerelease",
            Self::Nightly => "nightly",
        }
    }

    /// Returns where upstream publishes builds of this kind.
    pub const fn track(self) -> Track {
        match self {
            Self::Release | Self::Prerelease => Track::Release,
            Self::Nightly => Track::Ci,
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Channel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.as_str() == text)
            .ok_or_else(|| format!("unknown channel `{text}`; known are `release`, `prerelease`, `nightly`"))
    }
}

/// Where upstream publishes builds of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Track {
    /// Releases and pre-releases.
    Release,
    /// CI builds.
    Ci,
}

impl Track {
    /// Returns the name, which is that of a folder.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Ci => "ci",
        }
    }
}

impl FromStr for Track {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let track = [Self::Release, Self::Ci].into_iter().find(|track| track.as_str() == text);
        track.ok_or_else(|| format!("unknown track `{}`; known are `release`, `ci`", text.escape_default()))
    }
}
