//! What a channel is for: one minor release of Kubernetes, and releases where machines take what it shows by themselves.

use super::{Components, Refusal};
use crate::repository::channel::Channel;
use crate::repository::fragment::{Fragment, upstream_version};

/// Returns the packages with a version of Kubernetes that do not belong in a channel. Machines that follow `stable/v1.35`
/// would be upgraded by a whole minor release, or to a candidate.
///
/// A version that is none of Kubernetes is its packager's affair.
pub fn strays(subjects: &[&Fragment], channel: Channel, components: &Components) -> Vec<Refusal> {
    let of_kubernetes = subjects.iter().filter(|fragment| components.is_of_kubernetes(fragment.name()));
    of_kubernetes
        .filter_map(|fragment| {
            let version = upstream_version(fragment.version());
            let package = || fragment.key().to_string();
            match (channel.minor(), minor(version)) {
                (Some(own), Some(minor)) if own != minor => {
                    Some(Refusal::OtherMinor { package: package(), channel, minor: own })
                }
                // What sorts before its release, in dpkg and rpm alike.
                (_, Some(_)) if channel.stage().is_automatic() && version.contains('~') => {
                    Some(Refusal::NoRelease { package: package(), channel })
                }
                _ => None,
            }
        })
        .collect()
}

/// The minor release of a version, as channels spell it: `v1.36` of `1.36.2`.
fn minor(version: &str) -> Option<String> {
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
    Some(format!("v{}.{}", numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minors_are_those_of_channels() {
        for (version, expected) in [
            ("1.36.2", Some("v1.36")),
            ("1.37.0~rc.1", Some("v1.37")),
            ("1.36", Some("v1.36")),
            ("git", None),
            ("1", None),
        ] {
            assert_eq!(minor(version).as_deref(), expected, "{version}");
        }
    }
}
