//! Processor architectures, in upstream's spelling (Go's `GOARCH`).

use std::fmt;
use std::str::FromStr;

/// One architecture that Kubernetes or a vendor builds for. Displays as upstream spells it in its paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arch {
    /// x86-64.
    Amd64,
    /// 64-bit Arm.
    Arm64,
    /// 32-bit Arm, version 7 with hardware floating point.
    Arm,
    /// 32-bit x86.
    I386,
    /// 64-bit `LoongArch`.
    Loong64,
    /// 64-bit little-endian POWER.
    Ppc64le,
    /// 64-bit RISC-V.
    Riscv64,
    /// IBM Z.
    S390x,
    /// None: packages of texts, which go with every architecture. Upstream builds nothing for it, and nobody asks for it.
    Independent,
}

/// What identifies an architecture inside an ELF header (`e_machine`, class and byte order; System V gABI).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElfIdentity {
    /// The `e_machine` number.
    pub machine: u16,
    /// Whether the class is ELFCLASS64.
    pub is_64: bool,
    /// Whether the byte order is ELFDATA2LSB.
    pub is_little_endian: bool,
}

impl Arch {
    /// Every architecture that there are programs for, sorted by its upstream spelling.
    pub const ALL: [Self; 8] =
        [Self::I386, Self::Amd64, Self::Arm, Self::Arm64, Self::Loong64, Self::Ppc64le, Self::Riscv64, Self::S390x];

    /// Returns upstream's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
            Self::Arm => "arm",
            Self::I386 => "386",
            Self::Loong64 => "loong64",
            Self::Ppc64le => "ppc64le",
            Self::Riscv64 => "riscv64",
            Self::S390x => "s390x",
            Self::Independent => "all",
        }
    }

    /// Returns Debian's spelling (Policy 11.1, `dpkg-architecture -L`).
    pub const fn deb(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
            Self::Arm => "armhf",
            Self::I386 => "i386",
            Self::Loong64 => "loong64",
            Self::Ppc64le => "ppc64el",
            Self::Riscv64 => "riscv64",
            Self::S390x => "s390x",
            Self::Independent => "all",
        }
    }

    /// Returns RPM's spelling. 32-bit Arm is `armv7hl`: `armhfp` names repositories, and packages so marked do
    /// not install (kubernetes/release#520).
    pub const fn rpm(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64",
            Self::Arm64 => "aarch64",
            Self::Arm => "armv7hl",
            Self::I386 => "i686",
            Self::Loong64 => "loongarch64",
            Self::Ppc64le => "ppc64le",
            Self::Riscv64 => "riscv64",
            Self::S390x => "s390x",
            Self::Independent => "noarch",
        }
    }

    /// Returns what an ELF file for this architecture says of itself.
    pub const fn elf(self) -> ElfIdentity {
        let (machine, is_64, is_little_endian) = match self {
            Self::Amd64 => (62, true, true),
            Self::Arm64 => (183, true, true),
            Self::Arm => (40, false, true),
            Self::I386 => (3, false, true),
            Self::Loong64 => (258, true, true),
            Self::Ppc64le => (21, true, true),
            Self::Riscv64 => (243, true, true),
            Self::S390x => (22, true, false),
            // `EM_NONE`: no program is for it.
            Self::Independent => (0, true, true),
        };
        ElfIdentity { machine, is_64, is_little_endian }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An architecture that kubepkg does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown architecture `{given}`; known are {}", known())]
pub struct UnknownArch {
    /// What was given.
    pub given: String,
    /// The upstream spelling that was probably meant.
    pub meant: Option<Arch>,
}

fn known() -> String {
    Arch::ALL.map(|arch| format!("`{arch}`")).join(", ")
}

impl FromStr for Arch {
    type Err = UnknownArch;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(arch) = Self::ALL.into_iter().find(|arch| arch.as_str() == text) {
            return Ok(arch);
        }
        let meant = Self::ALL.into_iter().find(|arch| arch.deb() == text || arch.rpm() == text).or(match text {
            "x64" | "x86-64" => Some(Self::Amd64),
            "i386" | "x86" => Some(Self::I386),
            "armhfp" | "armv7" | "armv7l" => Some(Self::Arm),
            _ => None,
        });
        Err(UnknownArch { given: text.to_owned(), meant })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_arch_reads_back_and_the_list_is_sorted() {
        for arch in Arch::ALL {
            assert_eq!(arch.to_string().parse::<Arch>(), Ok(arch));
        }
        assert!(Arch::ALL.windows(2).all(|pair| pair[0].as_str() < pair[1].as_str()));
    }

    #[test]
    fn other_spellings_are_refused_and_point_at_upstreams() {
        let error = "aarch64".parse::<Arch>().unwrap_err();
        assert_eq!(error.meant, Some(Arch::Arm64));
        assert_eq!("pentium9".parse::<Arch>().unwrap_err().meant, None);
    }
}
