//! What is chosen for a repository, and may be chosen anew: it holds from the next publication on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::package::reader::FileList;

/// How a repository presents what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where clients find it; none where nobody has said it.
    pub url: Option<PublicUrl>,
    /// The shapes in which apt finds it.
    pub shapes: Vec<Shape>,
    /// What apt's index files are served in besides gzip.
    pub apt: Vec<Packed>,
    /// What the files of rpm-md are served in.
    pub rpm: RpmPacked,
    /// Whether apt-file finds the files in packages.
    pub contents: Contents,
    /// Days for which clients believe a `Release` file (`Valid-Until`); for ever without it.
    pub valid_days: Option<u16>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: None,
            shapes: Shape::ALL.to_vec(),
            apt: vec![Packed::Xz],
            rpm: RpmPacked::Gzip,
            contents: Contents::Absent,
            valid_days: None,
        }
    }
}

impl Settings {
    /// Whether a deb is unpacked for the names of its files.
    pub fn file_list(&self) -> FileList {
        match self.contents {
            Contents::Absent => FileList::Unwanted,
            Contents::Written => FileList::Wanted,
        }
    }
}

/// Declares an enumeration of words, which parse and display.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name {
            $($(#[$word_doc])* $variant),+
        }

        impl $name {
            /// Every one.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// Returns the word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let known = Self::ALL.into_iter().find(|known| known.as_str() == text);
                known.ok_or_else(|| format!("takes {}", [$(concat!("`", $word, "`")),+].join(", ")))
            }
        }
    };
}

words! {
    /// A shape in which apt finds a repository (sources.list(5)).
    Shape {
        /// `dists/SUITE`, with a folder for each component and architecture.
        Dists = "dists",
        /// One folder for all, as pkgs.k8s.io has it.
        Flat = "flat",
    }
}

words! {
    /// A compression that not every apt reads, besides gzip.
    Packed {
        /// apt 0.7 and later.
        Xz = "xz",
        /// apt 1.6 and later.
        Zstd = "zstd",
    }
}

words! {
    /// The compression of rpm-md's files.
    RpmPacked {
        /// Every client reads it.
        Gzip = "gzip",
        /// A tenth smaller; zypper of SLE 12 and of the first SLE 15 does not read it.
        Zstd = "zstd",
    }
}

words! {
    /// Whether there are `Contents` files (Debian's repository format, 1.5).
    Contents {
        /// There are none.
        Absent = "no",
        /// One for each architecture; publishing has to unpack every deb for it.
        Written = "yes",
    }
}

/// Where clients find a repository: `https://packages.example.org/kubernetes`, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicUrl(String);

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl PublicUrl {
    /// Whether a web server answers there, and no folder of the client's machine is meant.
    pub fn is_served(&self) -> bool {
        !self.0.starts_with("file:")
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = "takes the URL under which clients find the repository: `https://packages.example.org/kubernetes`";
        let url = Url::parse(text).map_err(|error| format!("{bad}; this is none: {error}"))?;
        let is_plain = url.username().is_empty() && url.password().is_none();
        let is_place = url.query().is_none() && url.fragment().is_none() && (url.has_host() || url.scheme() == "file");
        if !matches!(url.scheme(), "https" | "http" | "file") || !is_plain || !is_place {
            return Err(bad.to_owned());
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PublicUrl> for String {
    fn from(url: PublicUrl) -> Self {
        url.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_those_that_clients_can_be_told() {
        for good in ["https://packages.example.org/kubernetes/", "http://127.0.0.1:8080", "file:///srv/repo"] {
            assert_eq!(good.parse::<PublicUrl>().unwrap().to_string(), good.trim_end_matches('/'));
        }
        for bad in
            ["packages.example.org", "s3://bucket", "https://me:secret@example.org", "https://example.org/?a", ""]
        {
            let error = bad.parse::<PublicUrl>().unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn settings_read_back() {
        let settings = Settings { url: Some("https://example.org".parse().unwrap()), ..Settings::default() };
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
        assert_eq!("zstd".parse(), Ok(RpmPacked::Zstd));
        assert!("bzip2".parse::<Packed>().unwrap_err().contains("`xz`"));
    }
}
