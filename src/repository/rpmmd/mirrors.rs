//! The list of mirrors (yum.conf(5), `mirrorlist`): by it dnf gets at one whole state of a repository.
//!
//! `repomd.xml` and its signature are two files, and a client or a cache may have one of before a publication and one of
//! after it. The list is one file. What its first line names fits together for ever: a folder with a `repomd.xml`, its
//! signature and what these name, but without packages, of which its `primary` says by URLs where they are. The second line
//! is the repository itself, for who does not understand that, or asks for index files of a state that is shown no more.

use std::fmt;

/// Where the list lies, from the root of the repository.
pub const LIST: &str = "mirrorlist";
/// The folder of states that never change.
pub const SNAPSHOTS: &str = "snapshots";

/// What the list says: two URLs, each with a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirrors {
    /// The state.
    pub snapshot: String,
    /// The repository, from whose packages the state is.
    pub base: String,
}

impl Mirrors {
    /// Makes the list of a state for a repository at `base`; the folder of the state is `name`.
    pub fn new(base: &str, name: &str) -> Self {
        let base = format!("{}/", base.trim_end_matches('/'));
        Self { snapshot: format!("{base}{SNAPSHOTS}/{name}/"), base }
    }

    /// Reads a list; none if it is no such one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let (snapshot, base) = (lines.next()?.to_owned(), lines.next()?.to_owned());
        (lines.next().is_none() && snapshot.starts_with(&base) && base.ends_with('/'))
            .then_some(Self { snapshot, base })
    }
}

impl fmt::Display for Mirrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}", self.snapshot, self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_back() {
        let list = Mirrors::new("https://example.org/core:/rpm", "abc");
        assert_eq!(list.to_string(), "https://example.org/core:/rpm/snapshots/abc/\nhttps://example.org/core:/rpm/\n");
        assert_eq!(Mirrors::parse(&list.to_string()), Some(list));
        for bad in ["", "https://a/\n", "https://a/\nhttps://b/\n", "https://a/b/\nhttps://a/\nhttps://c/\n"] {
            assert_eq!(Mirrors::parse(bad), None, "{bad:?}");
        }
    }
}
