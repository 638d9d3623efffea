//! The compressions that dpkg and rpm have ever read, and a limit on what comes out of them.

use std::cell::RefCell;
use std::io::{self, BufRead, Cursor, Read};

use flate2::bufread::GzDecoder;

use super::inspection::Compression;

/// Memory that an xz or lzma stream may ask for: eight times what level 9 needs.
const MAX_DICTIONARY_BYTES: u64 = 512 << 20;

/// A codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    None,
    Gzip,
    Xz,
    Zstd,
    Bzip2,
    Lzma,
}

impl Codec {
    /// Returns the codec of a deb's member (deb(5)) such as `data.tar.xz`, or nothing if it is not `stem` with a known extension.
    pub(crate) fn of_member(name: &str, stem: &str) -> Option<Self> {
        match name.strip_prefix(stem)? {
            "" => Some(Self::None),
            ".gz" => Some(Self::Gzip),
            ".xz" => Some(Self::Xz),
            ".zst" => Some(Self::Zstd),
            ".bz2" => Some(Self::Bzip2),
            ".lzma" => Some(Self::Lzma),
            _ => None,
        }
    }

    /// Returns the codec of an RPM's payload, by the name that the inspection reports.
    pub(super) fn of_payload(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            "gzip" => Some(Self::Gzip),
            "xz" => Some(Self::Xz),
            "zstd" => Some(Self::Zstd),
            "bzip2" => Some(Self::Bzip2),
            "lzma" => Some(Self::Lzma),
            _ => None,
        }
    }

    /// Returns how it is reported. A deb does not say the level.
    pub(super) fn compression(self) -> Compression {
        let codec = match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Lzma => "lzma",
        };
        Compression { codec: codec.to_owned(), level: None }
    }

    /// Unpacks `input`.
    pub(crate) fn decoder<'a>(self, input: impl BufRead + 'a) -> io::Result<Box<dyn Read + 'a>> {
        use liblzma::bufread::XzDecoder;
        use liblzma::stream::{CONCATENATED, Stream};
        Ok(match self {
            Self::None => Box::new(input),
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
            Self::Xz => {
                Box::new(XzDecoder::new_stream(input, Stream::new_stream_decoder(MAX_DICTIONARY_BYTES, CONCATENATED)?))
            }
            Self::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(input)?),
            Self::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
            Self::Lzma => Box::new(XzDecoder::new_stream(input, Stream::new_lzma_decoder(MAX_DICTIONARY_BYTES)?)),
        })
    }
}

/// Unpacks a gzip file that lies in memory, as far as `limit` bytes and one more.
///
/// The window is that of the file before: a repository reads thousands of small packages, and among the facts that it keeps
/// of each a new window would leave a hole every time.
pub(super) fn gunzip(packed: Vec<u8>, limit: u64) -> io::Result<Vec<u8>> {
    thread_local! {
        static DECODER: RefCell<GzDecoder<Cursor<Vec<u8>>>> = RefCell::new(GzDecoder::new(Cursor::default()));
    }
    DECODER.with_borrow_mut(|decoder| {
        let (mut unpacked, mut input) = (Vec::new(), Cursor::new(packed));
        loop {
            decoder.reset(input);
            decoder.by_ref().take(limit + 1 - unpacked.len() as u64).read_to_end(&mut unpacked)?;
            input = decoder.reset(Cursor::default());
            // RFC 1952, 2.2: a file is one member or several.
            if unpacked.len() as u64 > limit || input.position() == input.get_ref().len() as u64 {
                return Ok(unpacked);
            }
        }
    })
}

/// A reader that fails once it has given `limit` bytes and there are more.
pub(super) struct Limited<R> {
    inner: R,
    left: u64,
    exceeded: bool,
}

impl<R: Read> Limited<R> {
    pub(super) fn new(inner: R, limit: u64) -> Self {
        Self { inner, left: limit, exceeded: false }
    }

    /// Whether an error came from the limit. The error itself may have been wrapped by then.
    pub(super) fn exceeded(&self) -> bool {
        self.exceeded
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !buffer.is_empty() {
            self.exceeded = self.inner.read(&mut [0])? > 0;
            return if self.exceeded { Err(io::Error::other("too many bytes")) } else { Ok(0) };
        }
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.inner.read(&mut buffer[..room])?;
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_files_have_members_and_a_limit() {
        let pack = |text: &[u8]| {
            let mut encoder = flate2::bufread::GzEncoder::new(text, flate2::Compression::fast());
            let mut packed = Vec::new();
            encoder.read_to_end(&mut packed).unwrap();
            packed
        };
        let both = [pack(b"one"), pack(b"two")].concat();
        assert_eq!(gunzip(both.clone(), 6).unwrap(), b"onetwo");
        assert_eq!(gunzip(both.clone(), 4).unwrap(), b"onetw");
        assert!(gunzip(both[..both.len() - 1].to_vec(), 6).is_err());
        assert!(gunzip([both.clone(), b"more".to_vec()].concat(), 60).is_err());
        // What was wrong with one is forgotten with the next.
        assert_eq!(gunzip(both, 6).unwrap(), b"onetwo");
    }

    #[test]
    fn the_limit_is_what_may_pass() {
        let mut exact = Limited::new(&b"abc"[..], 3);
        assert_eq!(io::read_to_string(&mut exact).unwrap(), "abc");
        assert!(!exact.exceeded());
        let mut more = Limited::new(&b"abcd"[..], 3);
        assert!(io::read_to_string(&mut more).is_err() && more.exceeded());
    }
}
