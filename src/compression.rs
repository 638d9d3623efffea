//! Compression of packages: how it is asked for. Each writer applies it.

use std::fmt;
use std::str::FromStr;

/// A codec and its level. Displays as `xz:6`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// None.
    None,
    /// gzip by libdeflate, level 1 to 12.
    Gzip(u32),
    /// xz, level 0 to 9.
    Xz(u32),
    /// Zstandard, level 1 to 19. Not read by dpkg before Debian 12 nor by rpm before 4.14.
    Zstd(i32),
}

impl Compression {
    /// Whether what is so compressed can be put together from blocks that were compressed apart.
    pub const fn has_blocks(self) -> bool {
        matches!(self, Self::Gzip(_) | Self::Xz(_))
    }

    /// Returns about how much memory one compressor takes, in MiB: what liblzma's encoder asks for by level, and what
    /// zstd was measured with.
    pub const fn memory(self) -> u32 {
        match self {
            Self::None | Self::Gzip(_) | Self::Xz(0..=1) => 16,
            Self::Xz(2..=3) => 40,
            Self::Xz(4) => 56,
            Self::Xz(5..=6) => 110,
            Self::Xz(7) => 200,
            Self::Xz(8) => 380,
            Self::Xz(_) => 700,
            Self::Zstd(level) if level < 12 => 100,
            Self::Zstd(_) => 200,
        }
    }
}

/// xz:6 is read by every supported target (Debian 10, Ubuntu 18.04, RHEL 7, SLE 12).
impl Default for Compression {
    fn default() -> Self {
        Self::Xz(XZ)
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.pad("none"),
            Self::Gzip(level) => f.pad(&format!("gzip:{level}")),
            Self::Xz(level) => f.pad(&format!("xz:{level}")),
            Self::Zstd(level) => f.pad(&format!("zstd:{level}")),
        }
    }
}

/// Names for three points of the curve, measured in `benches/README.md`.
const PRESETS: [(&str, Compression); 3] =
    [("fast", Compression::Xz(1)), ("default", Compression::Xz(6)), ("small", Compression::Xz(9))];
/// libdeflate's levels 7 to 9 are smaller than zlib's 9; the first of them takes a third of its time.
const GZIP: u32 = 7;
const XZ: u32 = 6;
const ZSTD: u32 = 8;

impl FromStr for Compression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = |what: String| {
            let presets = "`fast`, `default` or `small`";
            format!("{what}; compression is {presets}, or `none`, `gzip[:1-12]`, `xz[:0-9]` or `zstd[:1-19]`")
        };
        if let Some((_, preset)) = PRESETS.iter().find(|(name, _)| *name == text) {
            return Ok(*preset);
        }
        let (codec, level) = match text.split_once(':') {
            Some((codec, level)) => (codec, Some(level)),
            None => (text, None),
        };
        let level = |default: u32, range: std::ops::RangeInclusive<u32>| match level.map(str::parse::<u32>) {
            None => Ok(default),
            Some(Ok(level)) if range.contains(&level) => Ok(level),
            Some(_) => Err(bad(format!("`{}` has no such level", text.escape_default()))),
        };
        match codec {
            "none" if text == "none" => Ok(Self::None),
            "gzip" | "gz" => Ok(Self::Gzip(level(GZIP, 1..=12)?)),
            "xz" => Ok(Self::Xz(level(XZ, 0..=9)?)),
            "zstd" | "zst" => Ok(Self::Zstd(i32::try_from(level(ZSTD, 1..=19)?).unwrap_or_default())),
            _ => Err(bad(format!("unknown compression `{}`", text.escape_default()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_checked_per_codec() {
        for (text, read) in [
            ("xz", "xz:6"),
            ("xz:0", "xz:0"),
            ("gzip:1", "gzip:1"),
            ("zst:19", "zstd:19"),
            ("none", "none"),
            ("fast", "xz:1"),
            ("default", "xz:6"),
            ("small", "xz:9"),
            ("gzip:12", "gzip:12"),
        ] {
            assert_eq!(text.parse::<Compression>().unwrap().to_string(), read);
        }
        for text in ["zstd:99", "gzip:0", "gzip:13", "fast:1", "xz:fast", "none:1", "lzma", "", "xz:-1", "xz:"] {
            assert!(text.parse::<Compression>().is_err(), "{text}");
        }
    }
}
