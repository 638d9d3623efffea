//! Channels: what a machine subscribes to.

use std::fmt;
use std::str::FromStr;

/// One channel of a repository, as KEP-1731 has them: how far its packages have come, and of which minor release of
/// Kubernetes they are. Displays as `stable/v1.36`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel {
    stage: Stage,
    /// Major and minor; none in a rolling channel.
    minor: Option<(u32, u32)>,
}

/// How far the packages of a channel have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Releases.
    Stable,
    /// Releases that somebody still tries.
    Staging,
    /// Alphas, betas and candidates.
    Prerelease,
    /// Builds of a branch.
    Nightly,
    /// Releases of every minor, in one channel.
    Rolling,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 5] = [Self::Stable, Self::Staging, Self::Prerelease, Self::Nightly, Self::Rolling];

    /// Returns the name, the first part of a channel's.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Staging => "staging",
            Self::Prerelease => "prerelease",
            Self::Nightly => "nightly",
            Self::Rolling => "rolling",
        }
    }

    /// Whether package managers may take its packages without being told to. apt reads `NotAutomatic` of a Release
    /// file (sources.list(5), `apt_preferences(5)`).
    pub const fn is_automatic(self) -> bool {
        matches!(self, Self::Stable | Self::Rolling)
    }
}

impl Channel {
    /// Returns how far its packages have come.
    pub const fn stage(self) -> Stage {
        self.stage
    }

    /// Returns the minor release without its patch, `v1.36`; none of a rolling channel.
    pub fn minor(self) -> Option<String> {
        self.minor.map(|(major, minor)| format!("v{major}.{minor}"))
    }

    /// Returns the numbers of the minor release; none of a rolling channel.
    pub const fn numbers(self) -> Option<(u32, u32)> {
        self.minor
    }

    /// Returns the name as one word, for names that take no slash: `stable-v1.36`.
    pub fn word(self) -> String {
        self.to_string().replace('/', "-")
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minor() {
            Some(minor) => f.pad(&format!("{}/{minor}", self.stage.as_str())),
            None => f.pad(self.stage.as_str()),
        }
    }
}

/// Text that is no channel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no channel; channels are `stable/v1.36`, `staging/v1.36`, `prerelease/v1.37`, `nightly/v1.38`, `rolling`"
)]
pub struct BadChannel(String);

impl FromStr for Channel {
    type Err = BadChannel;

    /// Takes `stable/1.36` for `stable/v1.36`, too: people write both.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| BadChannel(text.chars().take(80).flat_map(char::escape_default).collect()))
    }
}

fn parse(text: &str) -> Option<Channel> {
    let (stage, minor) = match text.split_once('/') {
        Some((stage, minor)) => (stage, Some(minor)),
        None => (text, None),
    };
    let stage = Stage::ALL.into_iter().find(|known| known.as_str() == stage)?;
    let minor = match minor {
        Some(text) => {
            let (major, minor) = text.strip_prefix('v').unwrap_or(text).split_once('.')?;
            Some((number(major)?, number(minor)?))
        }
        None => None,
    };
    (minor.is_none() == (stage == Stage::Rolling)).then_some(Channel { stage, minor })
}

/// A number in its only spelling, so that no two names mean one channel.
fn number(text: &str) -> Option<u32> {
    let number: u32 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_read_back() {
        for name in ["stable/v1.36", "staging/v1.36", "prerelease/v1.37", "nightly/v1.38", "rolling"] {
            assert_eq!(name.parse::<Channel>().unwrap().to_string(), name);
        }
        let channel: Channel = "stable/1.36".parse().unwrap();
        assert_eq!((channel.to_string().as_str(), channel.word().as_str()), ("stable/v1.36", "stable-v1.36"));
        assert!(channel.stage().is_automatic() && !Stage::Staging.is_automatic());
    }

    #[test]
    fn what_is_no_channel_is_refused() {
        for bad in [
            "",
            "stable",
            "stable/",
            "stable/v1",
            "stable/v1.036",
            "stable/v1.36.2",
            "stable/v1.36/x",
            "stable/v+1.36",
            "rolling/v1.36",
            "Stable/v1.36",
            "testing/v1.36",
            "../v1.36",
        ] {
            assert!(bad.parse::<Channel>().is_err(), "{bad:?}");
        }
    }
}
