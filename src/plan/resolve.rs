//! From what a user writes for a version to a version, or to the marker that holds it.

use std::str::FromStr;

use url::Url;

use crate::spec::Distribution;
use crate::template::{TemplateError, render_text};
use crate::version::{BadVersion, Channel, Version};

/// The longest version marker, in bytes. They hold one version.
pub const MARKER_LIMIT: u64 = 256;

/// What a user writes for a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionSelector {
    /// A version: `1.36.2`, `v1.36.2`.
    Exact(Version),
    /// A marker that upstream moves: `stable`, `latest-1.36`, `ci/latest`; `1.36` is `stable-1.36`.
    Marker {
        /// The folder: `release` or `ci`.
        track: &'static str,
        /// The name: `stable-1.36`.
        name: String,
    },
}

/// Text that selects no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is neither a version nor a marker", given.escape_default())]
pub struct BadSelector {
    given: String,
}

/// What a marker should not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the version marker {url} holds no version")]
pub struct BadMarker {
    url: String,
    #[source]
    source: BadVersion,
}

impl VersionSelector {
    /// Returns the newest version of a channel.
    pub fn newest(channel: Channel) -> Self {
        let (track, name) = match channel {
            Channel::Release => ("release", "stable"),
            Channel::Prerelease => ("release", "latest"),
            Channel::Nightly => ("ci", "latest"),
        };
        Self::Marker { track, name: name.to_owned() }
    }

    /// Returns the marker's URL; `None` for a version that stands for itself.
    pub fn marker_url(&self, distribution: &Distribution) -> Result<Option<Url>, TemplateError> {
        let Self::Marker { track, name } = self else { return Ok(None) };
        let data = serde_json::json!({"track": track, "marker": name});
        let text = render_text("markers of distribution.yaml", &distribution.markers, &data)?;
        // `spec::check` has parsed the URL with other values, which are plain path segments as these are.
        Ok(Url::parse(&text).ok())
    }
}

/// Reads the body of a marker. Redirects and portals answer with web pages, which are no version.
pub fn read_marker(url: &Url, body: &str) -> Result<Version, BadMarker> {
    body.trim().parse().map_err(|source| BadMarker { url: url.to_string(), source })
}

impl FromStr for VersionSelector {
    type Err = BadSelector;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(version) = text.parse() {
            return Ok(Self::Exact(version));
        }
        let (track, name) = match text.strip_prefix("ci/") {
            Some(name) => ("ci", name),
            None => ("release", text),
        };
        let bare = text.strip_prefix('v').unwrap_or(text);
        if is_minor(bare) {
            return Ok(Self::Marker { track: "release", name: format!("stable-{bare}") });
        }
        let is_marker = ["stable", "latest"].iter().any(|word| {
            name.strip_prefix(word).is_some_and(|rest| match rest.strip_prefix('-') {
                None => rest.is_empty(),
                Some(number) => is_minor(number) || is_number(number),
            })
        });
        let is_ci_branch = track == "ci"
            && name.strip_prefix("k8s-").is_some_and(|rest| {
                !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            });
        if is_marker || is_ci_branch {
            return Ok(Self::Marker { track, name: name.to_owned() });
        }
        Err(BadSelector { given: text.chars().take(80).collect() })
    }
}

fn is_number(text: &str) -> bool {
    (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_minor(text: &str) -> bool {
    text.split_once('.').is_some_and(|(major, minor)| is_number(major) && is_number(minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_markers_are_told_apart() {
        let marker = |text: &str| match text.parse().unwrap() {
            VersionSelector::Marker { track, name } => format!("{track}/{name}"),
            VersionSelector::Exact(version) => version.to_string(),
        };
        for (text, meant) in [
            ("v1.36.2", "1.36.2"),
            ("1.36", "release/stable-1.36"),
            ("v1.36", "release/stable-1.36"),
            ("stable", "release/stable"),
            ("stable-1", "release/stable-1"),
            ("latest-1.36", "release/latest-1.36"),
            ("ci/latest", "ci/latest"),
            ("ci/k8s-master", "ci/k8s-master"),
        ] {
            assert_eq!(marker(text), meant, "{text}");
        }
        for text in ["", "1", "newest", "stable-", "stable-1.36.2", "k8s-master", "ci/../x", "ci/", "latest/1"] {
            assert!(text.parse::<VersionSelector>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_marker_holds_one_version_and_nothing_else() {
        let url = Url::parse("https://example.org/stable.txt").unwrap();
        assert_eq!(read_marker(&url, "v1.36.2").unwrap().to_string(), "1.36.2");
        for body in ["", "<html>", "v1.36.2\nv1.36.3", "v1.36"] {
            assert!(read_marker(&url, body).is_err(), "{body}");
        }
    }
}
