//! The compressors of a deb's members. Each gives the same bytes on every machine: one thread, one stream, no name and
//! no time.

use std::io::{self, Write};

use flate2::write::GzEncoder;
use flate2::{Compression as Level, GzBuilder};
use liblzma::write::XzEncoder;

use crate::package::Compression;

/// Compresses what is written to it.
pub(super) enum Compressor<W: Write> {
    None(W),
    Gzip(GzEncoder<W>),
    Xz(XzEncoder<W>),
    Zstd(zstd::Encoder<'static, W>),
}

/// Returns what dpkg-deb appends to the name of a member so compressed.
pub(super) fn extension(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "",
        Compression::Gzip(_) => ".gz",
        Compression::Xz(_) => ".xz",
        Compression::Zstd(_) => ".zst",
    }
}

/// Returns `bytes` as `gzip -9n` would: Policy 12.3 and 12.7 ask for that in documents.
pub(super) fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Level::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

impl<W: Write> Compressor<W> {
    /// Begins a stream into `out`.
    pub(super) fn begin(compression: Compression, out: W) -> io::Result<Self> {
        Ok(match compression {
            Compression::None => Self::None(out),
            Compression::Gzip(level) => Self::Gzip(GzBuilder::new().mtime(0).write(out, Level::new(level))),
            Compression::Xz(level) => Self::Xz(XzEncoder::new(out, level)),
            Compression::Zstd(level) => {
                let mut encoder = zstd::Encoder::new(out, level)?;
                encoder.include_checksum(true)?;
                Self::Zstd(encoder)
            }
        })
    }

    /// Ends the stream.
    pub(super) fn finish(self) -> io::Result<W> {
        match self {
            Self::None(out) => Ok(out),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Xz(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::None(out) => out.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Xz(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::None(out) => out.flush(),
            Self::Gzip(encoder) => encoder.flush(),
            Self::Xz(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_carry_neither_time_nor_name_and_say_that_they_are_as_small_as_can_be() {
        let bytes = gzip(b"kubelet (1.17.0-00)\n").unwrap();
        // RFC 1952: no flags, no time, XFL 2 for the slowest algorithm.
        assert_eq!(bytes[..9], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2]);
    }
}
