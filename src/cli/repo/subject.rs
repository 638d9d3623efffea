//! Which repository, and which of its channels, in the words of a command line.

use crate::cli::diagnostic::Failure;
use crate::cli::publish::channel;
use crate::repository::channel::Channel;

/// A repository and channels of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) place: String,
    pub(super) channels: Vec<Channel>,
}

impl Subject {
    /// Takes apart what stands on the command line. Without `--repo` the first word is the repository, unless it is
    /// spelled like a channel: a folder of such a name is written `./stable/v1.36`.
    pub(super) fn new(words: &[String], option: Option<&str>, environment: Option<String>) -> Result<Self, Failure> {
        let (place, rest) = match (option, words) {
            (Some(place), words) => (Some(place.to_owned()), words),
            (None, [first, rest @ ..]) if channel(first).is_err() => (Some(first.clone()), rest),
            (None, words) => (environment, words),
        };
        let place = place.ok_or_else(|| {
            Failure::usage("no repository").hint("name one: `kubepkg repo check ./repo`, or an `https://` address")
        })?;
        let channels = rest.iter().map(|word| channel(word).map_err(|error| Failure::usage(error.to_string())));
        Ok(Self { place, channels: channels.collect::<Result<_, _>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_is_the_repository_unless_it_is_a_channel() {
        let subject = |line: &str, option: Option<&str>, environment: Option<&str>| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            let subject = Subject::new(&words, option, environment.map(str::to_owned)).ok()?;
            let channels: Vec<String> = subject.channels.iter().map(ToString::to_string).collect();
            Some(format!("{} {}", subject.place, channels.join(" ")).trim_end().to_owned())
        };
        for (line, option, environment, expected) in [
            ("./repo", None, None, Some("./repo")),
            ("./repo stable/v1.36 rolling", None, None, Some("./repo stable/v1.36 rolling")),
            ("https://h/r stable/v1.36", None, Some("elsewhere"), Some("https://h/r stable/v1.36")),
            ("stable/v1.36", None, Some("elsewhere"), Some("elsewhere stable/v1.36")),
            ("", None, Some("elsewhere"), Some("elsewhere")),
            ("stable/v1.36", Some("./repo"), None, Some("./repo stable/v1.36")),
            ("./stable/v1.36", None, None, Some("./stable/v1.36")),
            ("stable/v1.36", None, None, None),
            ("", None, None, None),
            ("./repo", Some("./other"), None, None),
            ("./repo stabel/v1.36", None, None, None),
        ] {
            assert_eq!(subject(line, option, environment).as_deref(), expected, "{line}");
        }
    }
}
