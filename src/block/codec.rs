//! The two codecs whose output can be put together from parts that were compressed apart. Zstandard's cannot: dpkg ends
//! at the end of the first frame.

use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;

use super::recipe::Recipe;
use super::{gzip, xz};

/// A codec with its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Codec {
    /// A member a part.
    Gzip(u32),
    /// A block a part.
    Xz(u32),
}

/// One block of an .xz file or member of a gzip file, in memory.
#[derive(Debug)]
pub struct Block {
    /// Its bytes, with the padding of the format.
    pub bytes: Vec<u8>,
    /// Its sizes.
    pub record: Record,
}

/// The sizes of a block, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// With padding.
    pub stored: u64,
    /// Without padding, as the index of an .xz file has it.
    pub unpadded: u64,
    /// What it unpacks to.
    pub raw: u64,
}

impl Recipe {
    /// Compresses bytes into one block.
    pub fn compress(self, raw: &[u8]) -> io::Result<Block> {
        match self.codec {
            Codec::Gzip(level) => gzip::member(level, raw),
            Codec::Xz(level) => xz::block(&self.filters(level, raw.len() as u64)?, raw),
        }
    }

    /// Returns what stands before the first block of a file.
    pub fn head(self) -> &'static [u8] {
        match self.codec {
            Codec::Gzip(_) => &[],
            Codec::Xz(_) => &xz::HEADER,
        }
    }

    /// Returns what stands behind the last block of a file with these blocks.
    pub fn tail(self, records: &[Record]) -> Vec<u8> {
        match self.codec {
            Codec::Gzip(_) => Vec::new(),
            Codec::Xz(_) => xz::tail(records),
        }
    }

    /// Unpacks a file of blocks.
    pub fn unpack<'a>(self, file: impl BufRead + 'a) -> Box<dyn Read + 'a> {
        match self.codec {
            Codec::Gzip(_) => Box::new(MultiGzDecoder::new(file)),
            Codec::Xz(_) => Box::new(XzDecoder::new(file)),
        }
    }
}
