//! Index files: texts that are hashed as they come and compressed piece by piece.
//!
//! A gzip file is a row of members, cut where the packages themselves say it, so that a package more changes one member
//! or two. Who keeps the table of the members ([`Members`]) and the file gets the others back without any work.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use flate2::bufread::MultiGzDecoder;
use libdeflater::{CompressionLvl, Compressor};
use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
use liblzma::write::XzEncoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::compression::Compression;
use crate::digest::Digest;

/// A member ends behind the first package beyond so many bytes whose digest says so …
const MIN_MEMBER: usize = 256 << 10;
/// … and at the latest here.
const MAX_MEMBER: usize = 1 << 20;
/// The history of the xz encoder, which takes eleven times as much memory. Packages are sorted, so that what is alike is
/// never far away.
const XZ_DICTIONARY: u32 = 1 << 20;

/// The digest of bytes and their number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// The SHA-256.
    pub sha256: Digest,
    /// The number of bytes.
    pub size: u64,
}

impl Measure {
    /// Measures bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self { sha256: Digest::sha256(bytes), size: bytes.len() as u64 }
    }
}

/// An index file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFile {
    /// Its path, from the folder of the file that lists it.
    pub path: String,
    /// What it is.
    pub stored: Measure,
    /// What it unpacks to; the same if it is not compressed.
    pub open: Measure,
    /// The bytes; none if it is only listed, and never fetched.
    pub bytes: Option<Vec<u8>>,
    /// The members of a gzip file.
    pub members: Members,
}

impl IndexFile {
    /// Makes one of compressed bytes.
    pub(super) fn packed(path: String, bytes: Vec<u8>, open: Measure) -> Self {
        Self { path, stored: Measure::of(&bytes), open, bytes: Some(bytes), members: Members::default() }
    }

    /// Makes one of a text.
    pub(super) fn plain(path: String, bytes: Vec<u8>) -> Self {
        let open = Measure::of(&bytes);
        Self { path, stored: open.clone(), open, bytes: Some(bytes), members: Members::default() }
    }

    /// One that is listed and not served.
    pub(super) fn listed(path: String, open: Measure) -> Self {
        Self { path, stored: open.clone(), open, bytes: None, members: Members::default() }
    }

    /// Returns the path under which apt asks for it by its digest.
    pub fn by_hash(&self) -> String {
        let (folder, _) = self.path.rsplit_once('/').unwrap_or_default();
        let slash = if folder.is_empty() { "" } else { "/" };
        format!("{folder}{slash}by-hash/SHA256/{}", self.stored.sha256.hex())
    }
}

/// What a gzip file is put together from, in order: the digest of each member's text and the number of its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Members(Vec<(Digest, u64)>);

impl Members {
    /// Whether nothing of the file can be used again: it is no gzip file.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// An earlier gzip file and its members. Both are believed: a head names the manifest that names them by their digests,
/// and one of the repository's keys has signed it.
#[derive(Debug, Clone, Default)]
pub struct Earlier {
    bytes: Vec<u8>,
    places: BTreeMap<Digest, std::ops::Range<usize>>,
}

impl Earlier {
    /// Takes a file and its table. One that does not fit the other is as good as none.
    pub fn new(bytes: Vec<u8>, members: &Members) -> Self {
        let mut places = BTreeMap::new();
        let mut at: usize = 0;
        for (digest, size) in &members.0 {
            let end = usize::try_from(*size).ok().and_then(|size| at.checked_add(size));
            let Some(end) = end.filter(|end| *end <= bytes.len()) else { return Self::default() };
            places.insert(digest.clone(), at..end);
            at = end;
        }
        if at == bytes.len() { Self { bytes, places } } else { Self::default() }
    }

    fn member(&self, text: &Digest) -> Option<&[u8]> {
        self.places.get(text).and_then(|place| self.bytes.get(place.clone()))
    }
}

/// A text on its way into an index file.
pub(super) struct IndexWriter {
    open: Sha256,
    size: u64,
    packer: Packer,
}

impl std::fmt::Debug for IndexWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexWriter").field("size", &self.size).finish_non_exhaustive()
    }
}

enum Packer {
    Plain(Vec<u8>),
    Gzip(Box<Gzip>),
    Xz(Box<XzEncoder<Vec<u8>>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, Vec<u8>>>),
}

impl Packer {
    fn new(compression: Compression, earlier: Earlier) -> io::Result<Self> {
        Ok(match compression {
            Compression::None => Self::Plain(Vec::new()),
            Compression::Gzip(level) => Self::Gzip(Box::new(Gzip::new(level, earlier)?)),
            Compression::Xz(level) => Self::Xz(Box::new(xz(level)?)),
            Compression::Zstd(level) => {
                let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), level)?;
                encoder.include_checksum(true)?;
                Self::Zstd(Box::new(encoder))
            }
        })
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(out) => out.write_all(text),
            Self::Gzip(gzip) => {
                gzip.text.extend_from_slice(text);
                Ok(())
            }
            Self::Xz(encoder) => encoder.write_all(text),
            Self::Zstd(encoder) => encoder.write_all(text),
        }
    }

    fn finish(self) -> io::Result<(Vec<u8>, Members)> {
        Ok(match self {
            Self::Plain(out) => (out, Members::default()),
            Self::Gzip(mut gzip) => {
                // A file without any member would be no gzip file.
                if !gzip.text.is_empty() || gzip.members.0.is_empty() {
                    gzip.cut()?;
                }
                (gzip.out, gzip.members)
            }
            Self::Xz(encoder) => (encoder.finish()?, Members::default()),
            Self::Zstd(encoder) => (encoder.finish()?, Members::default()),
        })
    }
}

fn xz(level: u32) -> io::Result<XzEncoder<Vec<u8>>> {
    let mut options = LzmaOptions::new_preset(level)?;
    options.dict_size(XZ_DICTIONARY);
    let mut filters = Filters::new();
    filters.lzma2(&options);
    Ok(XzEncoder::new_stream(Vec::new(), Stream::new_stream_encoder(&filters, Check::Crc64)?))
}

struct Gzip {
    compressor: Compressor,
    /// Of the member that is not full yet.
    text: Vec<u8>,
    out: Vec<u8>,
    members: Members,
    earlier: Earlier,
}

impl Gzip {
    fn new(level: u32, earlier: Earlier) -> io::Result<Self> {
        let level = i32::try_from(level).ok().and_then(|level| CompressionLvl::new(level).ok());
        let level = level.ok_or_else(|| io::Error::other("libdeflate has no such level"))?;
        let (out, members) = (Vec::new(), Members::default());
        Ok(Self { compressor: Compressor::new(level), text: Vec::new(), out, members, earlier })
    }

    /// Ends the member.
    fn cut(&mut self) -> io::Result<()> {
        let digest = Digest::sha256(&self.text);
        let before = self.out.len();
        if let Some(member) = self.earlier.member(&digest) {
            self.out.extend_from_slice(member);
        } else {
            self.out.resize(before + self.compressor.gzip_compress_bound(self.text.len()), 0);
            let packed = self.compressor.gzip_compress(&self.text, &mut self.out[before..]);
            self.out.truncate(before + packed.map_err(|error| io::Error::other(error.to_string()))?);
        }
        self.text.clear();
        self.members.0.push((digest, (self.out.len() - before) as u64));
        Ok(())
    }
}

impl IndexWriter {
    pub(super) fn new(compression: Compression, earlier: Earlier) -> io::Result<Self> {
        Ok(Self { open: Sha256::new(), size: 0, packer: Packer::new(compression, earlier)? })
    }

    /// Adds text that is of no package.
    pub(super) fn push(&mut self, text: &str) -> io::Result<()> {
        self.open.update(text);
        self.size += text.len() as u64;
        self.packer.write(text.as_bytes())
    }

    /// Adds the text of a package, whose digest says whether a member may end behind it.
    pub(super) fn push_package(&mut self, text: &str, package: &Digest) -> io::Result<()> {
        self.push(text)?;
        if let Packer::Gzip(gzip) = &mut self.packer
            && ((gzip.text.len() >= MIN_MEMBER && package.hex().starts_with('0')) || gzip.text.len() >= MAX_MEMBER)
        {
            gzip.cut()?;
        }
        Ok(())
    }

    pub(super) fn finish(self, path: String) -> io::Result<IndexFile> {
        let open = Measure { sha256: Digest::of_hasher(self.open), size: self.size };
        let (bytes, members) = self.packer.finish()?;
        Ok(IndexFile { members, ..IndexFile::packed(path, bytes, open) })
    }
}

/// Compresses the text of a gzip file in another way.
pub(super) fn repack(gzip: &[u8], compression: Compression) -> io::Result<Vec<u8>> {
    let mut text = MultiGzDecoder::new(gzip);
    let mut packer = Packer::new(compression, Earlier::default())?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match text.read(&mut buffer)? {
            0 => return Ok(packer.finish()?.0),
            count => packer.write(&buffer[..count])?,
        }
    }
}

/// Returns what is behind the name of a file that is so compressed.
pub(super) const fn extension(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "",
        Compression::Gzip(_) => ".gz",
        Compression::Xz(_) => ".xz",
        Compression::Zstd(_) => ".zst",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(texts: &[&str], earlier: Earlier) -> IndexFile {
        let mut index = IndexWriter::new(Compression::Gzip(6), earlier).unwrap();
        for text in texts {
            index.push(text).unwrap();
        }
        index.finish("x".to_owned()).unwrap()
    }

    #[test]
    fn a_file_of_nothing_is_one_of_its_compression() {
        let empty = index(&[], Earlier::default());
        assert_eq!(
            (empty.open.size, repack(empty.bytes.as_deref().unwrap(), Compression::None).unwrap().len()),
            (0, 0)
        );
        assert!(empty.stored.size > 0);
    }

    #[test]
    fn a_member_is_taken_as_it_is_however_it_was_compressed() {
        let mut slow = Gzip::new(1, Earlier::default()).unwrap();
        slow.text.extend_from_slice(b"kubelet\n");
        slow.cut().unwrap();
        let again = index(&["kubelet\n"], Earlier::new(slow.out.clone(), &slow.members));
        assert_eq!(again.bytes.as_deref(), Some(&slow.out[..]));
        // A table that fits another file is as good as none.
        let fresh = index(&["kubelet\n"], Earlier::default());
        let long = [&slow.out[..], b"\0"].concat();
        assert_eq!(index(&["kubelet\n"], Earlier::new(long, &slow.members)), fresh);
    }
}
