//! Package formats, and how each spells what both have.

use std::fmt;
use std::str::FromStr;

use crate::arch::Arch;
use crate::path::PackageName;
use crate::version::Version;

/// A package format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Debian's (deb(5)).
    Deb,
    /// RPM's, version 4.
    Rpm,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Deb, Self::Rpm];

    /// Returns the name, which is the file extension too.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Rpm => "rpm",
        }
    }

    /// Returns this format's spelling of `arch`.
    pub const fn arch(self, arch: Arch) -> &'static str {
        match self {
            Self::Deb => arch.deb(),
            Self::Rpm => arch.rpm(),
        }
    }

    /// Returns the conventional file name: `kubelet_1.17.0-1_arm64.deb` (dpkg-name(1)),
    /// `kubelet-1.17.0-1.aarch64.rpm` (NEVRA).
    pub fn file_name(self, name: &PackageName, version: &Version, revision: &Revision, arch: Arch) -> String {
        let (version, arch) = (version.package(), self.arch(arch));
        match self {
            Self::Deb => format!("{name}_{version}-{revision}_{arch}.deb"),
            Self::Rpm => format!("{name}-{version}-{revision}.{arch}.rpm"),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| format!("unknown format `{text}`; known are `deb` and `rpm`"))
    }
}

/// The revision of a package: Debian's revision, RPM's release (Policy 5.6.12; `RPMTAG_RELEASE`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(String);

impl Revision {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Revision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let good = (1..=64).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.~".contains(&byte));
        if good {
            Ok(Self(text.to_owned()))
        } else {
            let shown: String = text.chars().take(80).flat_map(char::escape_default).collect();
            Err(format!(
                "`{shown}` is no revision; it takes letters, digits and `+ . ~` and begins with a letter or digit"
            ))
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_the_conventional_ones() {
        let (name, version, revision) =
            ("kubelet".parse().unwrap(), "1.31.0-rc.1".parse().unwrap(), "1.1".parse().unwrap());
        let file = |format: Format, arch| format.file_name(&name, &version, &revision, arch);
        assert_eq!(file(Format::Deb, Arch::Ppc64le), "kubelet_1.31.0~rc.1-1.1_ppc64el.deb");
        assert_eq!(file(Format::Rpm, Arch::Arm), "kubelet-1.31.0~rc.1-1.1.armv7hl.rpm");
    }

    #[test]
    fn revisions_hold_no_separator() {
        assert!("00".parse::<Revision>().is_ok() && "1.1~bpo12+1".parse::<Revision>().is_ok());
        for bad in ["", "1-2", "1 2", "1\n", "~1", "1:2", "1_2"] {
            assert!(bad.parse::<Revision>().is_err(), "{bad:?}");
        }
    }
}
