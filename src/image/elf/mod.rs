//! What the bytes of a program really are: for which machine, what they need, which version they hold. The file is read
//! in pieces; a kubelet of 120 MB is never in memory.

mod go;
mod header;
mod needs;
mod sections;
mod text;
mod version;

use std::path::{Path, PathBuf};

pub use self::go::{GoBuild, Module};
pub use self::header::HeaderFault;
pub use self::needs::Needed;
pub use self::sections::{Section, Sections};
pub use self::version::{VersionEvidence, check_version, stated_versions};
use crate::arch::{Arch, ElfIdentity};
use crate::version::Version;

/// Why a file is not the program that was expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ElfError {
    /// The file cannot be read.
    #[error("the program cannot be read")]
    Io(#[from] std::io::Error),
    /// The file is something else.
    #[error("`{path}` is {what}, not a Linux program (ELF)", path = path.display())]
    NotElf {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        what: &'static str,
    },
    /// The file ends before its headers say so.
    #[error("`{path}` is cut off: it has {size} bytes and its headers speak of {needed}", path = path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Its size.
        size: u64,
        /// The size that its headers ask for.
        needed: u64,
    },
    /// The headers contradict themselves or exceed a limit.
    #[error("the ELF headers of `{path}` cannot be used", path = path.display())]
    Headers {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: HeaderFault,
    },
    /// The program is for another machine.
    #[error("`{path}` is a program for {found}, not for {wanted}", path = path.display())]
    OtherArch {
        /// The file.
        path: PathBuf,
        /// The architecture that it should be for.
        wanted: Arch,
        /// What it is for.
        found: Machine,
    },
    /// The program says that it is another version.
    #[error("`{path}` does not hold version {wanted}; it holds {}", found.join(", "), path = path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// The version that it should be.
        wanted: Version,
        /// Versions that it names instead, the likeliest first.
        found: Vec<String>,
    },
    /// The program names no version of its own.
    #[error("`{path}` does not say that it is version {wanted}, and names no other", path = path.display())]
    NoVersion {
        /// The file.
        path: PathBuf,
        /// The version that it should be.
        wanted: Version,
    },
}

/// The machine that a program is for. Displays as the architecture, or as the header's numbers where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine(pub ElfIdentity);

impl Machine {
    /// Returns the architecture, if it is one that kubepkg knows.
    pub fn arch(self) -> Option<Arch> {
        Arch::ALL.into_iter().find(|arch| arch.elf() == self.0)
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(arch) = self.arch() {
            return write!(f, "{arch}");
        }
        let bits = if self.0.is_64 { 64 } else { 32 };
        let order = if self.0.is_little_endian { "little" } else { "big" };
        write!(f, "ELF machine {} ({bits}-bit, {order}-endian)", self.0.machine)
    }
}

/// What the headers of a program say.
#[derive(Debug, Clone)]
pub struct Elf {
    path: PathBuf,
    header: header::Header,
}

impl Elf {
    /// Reads the headers of a program or library, having checked that the file is an ELF file and has its full length.
    pub fn read(path: &Path) -> Result<Self, ElfError> {
        Ok(Self { path: path.to_owned(), header: header::read(path)? })
    }

    /// Returns the machine that the program is for.
    pub fn machine(&self) -> Machine {
        self.header.machine
    }

    /// Checks that the program is for `arch`.
    pub fn check_arch(&self, arch: Arch) -> Result<(), ElfError> {
        if self.header.machine.0 == arch.elf() {
            return Ok(());
        }
        Err(ElfError::OtherArch { path: self.path.clone(), wanted: arch, found: self.header.machine })
    }

    /// Returns the dynamic linker that the program asks for (`PT_INTERP`); static programs have none.
    pub fn interpreter(&self) -> Option<&str> {
        self.header.interpreter.as_deref()
    }

    /// Returns the libraries that the program needs, in its order; static programs need none.
    pub fn needed(&self) -> &[Needed] {
        &self.header.needed
    }

    /// Returns the needed libraries that glibc does not bring.
    pub fn needed_beside_glibc(&self) -> impl Iterator<Item = &Needed> {
        self.needed().iter().filter(|needed| !needed.is_glibc())
    }

    /// Returns the lowest glibc that has every symbol version that the program needs, as major and minor number.
    pub fn glibc_at_least(&self) -> Option<(u32, u32)> {
        needs::glibc_at_least(self.needed())
    }

    /// Returns what RPM's own dependency generator (`elfdeps --requires`) would have an RPM require for this program,
    /// sorted.
    pub fn rpm_requires(&self) -> Vec<String> {
        let mut requires: Vec<String> =
            self.needed().iter().flat_map(|needed| needed.rpm_requires(self.header.machine.0)).collect();
        if self.header.has_only_gnu_hash {
            requires.push("rtld(GNU_HASH)".to_owned());
        }
        requires.sort();
        requires.dedup();
        requires
    }

    /// Returns the build information that the Go linker left, if there is any that can be read.
    pub fn go_build(&self) -> Result<Option<GoBuild>, ElfError> {
        Ok(go::read(&self.path, &self.header)?)
    }
}

#[cfg(test)]
mod tests;
