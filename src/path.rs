//! Paths and names from outside, once they have been found harmless.

use std::fmt;
use std::str::FromStr;

/// An absolute, normal path at which a package installs something: no `..`, no `//`, no trailing slash, nothing that
/// could break a line of `md5sums`, `conffiles` or a spec file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstallPath(String);

/// Why text cannot be a path, a name or a mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// It does not begin at the root.
    #[error("`{0}` is not absolute")]
    Relative(String),
    /// It has an empty, `.` or `..` component or ends in a slash.
    #[error("`{0}` is not in its normal form")]
    NotNormal(String),
    /// It has a character that some file of a package cannot hold.
    #[error("`{0}` has a character that packages cannot hold: white space, a control character, a quote or a glob")]
    Character(String),
    /// It is longer than any file system takes.
    #[error("a path of {0} bytes is longer than the limit of {MAX_LEN}")]
    TooLong(usize),
}

/// `PATH_MAX` of Linux, less the NUL.
const MAX_LEN: usize = 4095;

/// Checks the components of a path without its leading slash; `whole` is the path for messages.
fn check(path: &str, whole: &str) -> Result<(), BadPath> {
    let shown = || whole.chars().take(200).flat_map(char::escape_default).collect::<String>();
    if path.len() > MAX_LEN {
        return Err(BadPath::TooLong(path.len()));
    }
    if path.chars().any(|c| c.is_whitespace() || c.is_control() || "\"'`\\*?[]{}$%".contains(c)) {
        return Err(BadPath::Character(shown()));
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(BadPath::NotNormal(shown()));
    }
    Ok(())
}

impl InstallPath {
    /// Returns the path with its leading slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the path without its leading slash, as archives hold it.
    pub fn relative(&self) -> &str {
        &self.0[1..]
    }

    /// Returns the last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Returns the directory that it lies in; `None` where that is the root.
    pub fn parent(&self) -> Option<Self> {
        let (parent, _) = self.0.rsplit_once('/')?;
        (!parent.is_empty()).then(|| Self(parent.to_owned()))
    }

    /// Whether it lies in `directory`, at any depth.
    pub fn is_below(&self, directory: &str) -> bool {
        self.0.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
    }
}

impl FromStr for InstallPath {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let relative = text.strip_prefix('/').ok_or_else(|| BadPath::Relative(text.escape_default().to_string()))?;
        check(relative, text)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for InstallPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A relative, normal path: of a member in an archive, or of a template in its tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelativePath(String);

impl RelativePath {
    /// Returns the path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RelativePath {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with('/') {
            return Err(BadPath::NotNormal(text.escape_default().to_string()));
        }
        check(text, text)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Permission bits, 0o0000 to 0o7777. Displays as four octal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mode(u16);

impl Mode {
    /// What anyone may read and run.
    pub const EXECUTABLE: Self = Self(0o755);
    /// What anyone may read.
    pub const REGULAR: Self = Self(0o644);

    /// Returns the bits.
    pub const fn bits(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

/// Text that is no mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no mode; a mode is three or four octal digits in quotes, like \"0755\"")]
pub struct BadMode(String);

impl FromStr for Mode {
    type Err = BadMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let octal = matches!(text.len(), 3 | 4) && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
        match u16::from_str_radix(text, 8) {
            Ok(bits) if octal => Ok(Self(bits)),
            _ => Err(BadMode(text.chars().take(40).flat_map(char::escape_default).collect())),
        }
    }
}

/// The name of a component and of its package. Both formats take it: Debian Policy 5.6.7 (lower case, two characters
/// at least, first a letter or digit) is the stricter rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageName(String);

impl PackageName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Text that is no package name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no package name; it takes two or more of `a-z 0-9 + - .` and begins with a letter or digit")]
pub struct BadPackageName(String);

impl FromStr for PackageName {
    type Err = BadPackageName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let good = (2..=128).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte));
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadPackageName(text.chars().take(80).flat_map(char::escape_default).collect()))
        }
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn install_paths_are_absolute_normal_and_plain() {
        for good in ["/usr/bin/kubelet", "/etc/cni/net.d/.keep", "/opt/cni"] {
            assert_eq!(good.parse::<InstallPath>().unwrap().as_str(), good);
        }
        for bad in ["", "usr", "/", "//a", "/a/", "/a/../b", "/a/./b", "/a\nb", "/a b", "/a*", "/a%{b}"] {
            assert!(bad.parse::<InstallPath>().is_err(), "{bad:?}");
        }
        assert!(matches!(format!("/{}", "a".repeat(5000)).parse::<InstallPath>(), Err(BadPath::TooLong(_))));
    }

    #[test]
    fn parents_end_at_the_root() {
        let path: InstallPath = "/etc/kubernetes".parse().unwrap();
        let parent = path.parent().unwrap();
        assert_eq!((parent.as_str(), parent.parent()), ("/etc", None));
        assert!(path.is_below("/etc") && !path.is_below("/et"));
    }

    #[test]
    fn modes_are_octal_text() {
        assert_eq!("0755".parse::<Mode>().unwrap().bits(), 0o755);
        for bad in ["755.0", "0o755", "9", "0888", "+755", "07777777"] {
            assert!(bad.parse::<Mode>().is_err(), "{bad}");
        }
    }

    #[test]
    fn package_names_suit_both_formats() {
        assert!("cri-tools".parse::<PackageName>().is_ok());
        for bad in ["My_Pkg Name", "k", "-x", "Kubelet", "a/b", "a\nb"] {
            assert!(bad.parse::<PackageName>().is_err(), "{bad:?}");
        }
    }
}
