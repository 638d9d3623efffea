//! What decides the bytes of a block besides those of the file.

use liblzma::stream::{Filters, LzmaOptions};

use super::codec::Codec;
use crate::arch::Arch;
use crate::compression::Compression;

/// Changes with every setting below, so that blocks made with others are not used.
const SETTINGS: u32 = 2;
/// The most of a file that is compressed by itself, in bytes: the 24 MiB of `xz -T0` are too few parts of a kubectl to
/// keep cores busy, and these cost some 0.3 % of its size.
const PART: u64 = 16 << 20;
/// What the sizes of parts are multiples of, in bytes; filters count by four.
const GRAIN: u64 = 4096;

/// How large files are compressed. The same file by the same recipe gives the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Recipe {
    pub(super) codec: Codec,
    code: Code,
}

/// What the instructions of a program look like to a compressor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// No program, or one of which nothing is known.
    Any,
    /// x86, 32 or 64 bits. Its filter (BCJ), which makes targets of calls absolute, is in every liblzma since 5.0.
    X86,
    /// 32-bit Arm. Its filter is in every liblzma since 5.0.
    Arm,
    /// Instructions of four bytes. The filter for 64-bit Arm needs liblzma 5.4, which Debian 11, Ubuntu 22.04 and
    /// RHEL 9 do not have; contexts that count positions by four help too, and every liblzma reads them.
    Words,
}

impl Code {
    /// Returns what programs for an architecture are made of.
    pub const fn of(arch: Arch) -> Self {
        match arch {
            Arch::Amd64 | Arch::I386 => Self::X86,
            Arch::Arm => Self::Arm,
            Arch::Arm64 | Arch::Ppc64le | Arch::Loong64 => Self::Words,
            Arch::Riscv64 | Arch::S390x | Arch::Independent => Self::Any,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::X86 => "x86",
            Self::Arm => "arm",
            Self::Words => "words",
        }
    }
}

impl Recipe {
    /// Returns the recipe of a compression that has blocks.
    pub const fn new(compression: Compression, code: Code) -> Option<Self> {
        match compression {
            Compression::None | Compression::Zstd(_) => None,
            // The levels of deflate do not differ by what is compressed.
            Compression::Gzip(level) => Some(Self { codec: Codec::Gzip(level), code: Code::Any }),
            Compression::Xz(level) => Some(Self { codec: Codec::Xz(level), code }),
        }
    }

    /// Returns the recipe of what stands between large files.
    #[must_use]
    pub const fn for_headers(self) -> Self {
        Self { code: Code::Any, ..self }
    }

    /// Returns what tells blocks by this recipe from others of the same file.
    pub(super) fn name(self) -> String {
        let (codec, level) = match self.codec {
            Codec::Gzip(level) => ("gzip", level),
            Codec::Xz(level) => ("xz", level),
        };
        format!("{codec}{level}-{}-{SETTINGS}-{}", self.code.as_str(), env!("CARGO_PKG_VERSION"))
    }

    /// Returns how many bytes each part of a file of `size` bytes has but for the last one, which may have fewer. Several
    /// are about as long as each other and an even number, since one that is left over makes every other core wait.
    pub fn part(self, size: u64) -> u64 {
        // No fewer than the dictionary, lest it be made in vain.
        let most = match self.codec {
            Codec::Xz(8) => 2 * PART,
            Codec::Xz(9..) => 4 * PART,
            Codec::Gzip(_) | Codec::Xz(_) => PART,
        };
        match size.div_ceil(most) {
            0 | 1 => most,
            parts => size.div_ceil(parts.next_multiple_of(2)).next_multiple_of(GRAIN),
        }
    }

    /// Returns about how much memory one part takes while it is compressed, in MiB.
    pub fn memory(self) -> u32 {
        match self.codec {
            Codec::Gzip(_) => 48,
            // The encoder, and what goes in and out of it.
            Codec::Xz(level) => Compression::Xz(level).memory() + 24,
        }
    }

    /// Returns the filters of liblzma for `size` bytes.
    pub(super) fn filters(self, level: u32, size: u64) -> Result<Filters, liblzma::stream::Error> {
        let mut options = LzmaOptions::new_preset(level)?;
        if let Some(dictionary) = small_dictionary(level, size) {
            options.dict_size(dictionary);
        }
        let mut filters = Filters::new();
        match self.code {
            Code::Any => {}
            Code::X86 => drop(filters.x86()),
            Code::Arm => drop(filters.arm()),
            Code::Words => drop(options.literal_context_bits(2).literal_position_bits(2)),
        }
        filters.lzma2(&options);
        Ok(filters)
    }
}

/// Returns the dictionary of bytes that are fewer than the preset's (`lzma_lzma_preset`): a larger one would only be
/// memory that reader and writer fill with nothing.
fn small_dictionary(level: u32, size: u64) -> Option<u32> {
    const SMALLEST: u64 = 1 << 16;
    let preset: u64 = match level {
        0 => 1 << 18,
        1 => 1 << 20,
        2 => 1 << 21,
        3 | 4 => 1 << 22,
        5 | 6 => 1 << 23,
        7 => 1 << 24,
        8 => 1 << 25,
        _ => 1 << 26,
    };
    let enough = size.max(SMALLEST).next_power_of_two();
    if enough < preset { u32::try_from(enough).ok() } else { None }
}
