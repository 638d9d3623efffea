//! From an archive to its compressed form, and back for the check of what was written.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek as _, SeekFrom, Take, Write};
use std::num::NonZero;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::archive::{Archive, Piece};
use super::{Compression, WriteError};
use crate::block::{Blocks, Code, Compressed, LargeFile, Recipe, Record};
use crate::format::Format;
use crate::image::{Content, PackageImage};

/// How much of small files one block holds.
const HEADERS: usize = 1 << 24;
/// The bytes of one job of zstd's encoder: fixed, so that its output does not depend on the number of threads.
const ZSTD_JOB: u32 = 16 << 20;
/// How far zstd looks back, as a power of two: what levels 17 to 19 do, and every reader takes (RFC 8878, 3.1.1.1.2).
const ZSTD_WINDOW_LOG: u32 = 23;

/// Compresses archives for packages of one architecture.
#[derive(Debug, Clone, Copy)]
pub struct Packer<'a> {
    compression: Compression,
    recipe: Option<Recipe>,
    blocks: &'a Blocks,
    /// How many threads zstd may use.
    threads: NonZero<u32>,
}

/// A compressed archive: what stands where in it.
#[derive(Debug)]
pub(super) struct Packed {
    segments: Vec<Segment>,
    /// The number of bytes.
    pub(super) size: u64,
}

#[derive(Debug)]
enum Segment {
    /// Bytes that are known: head or tail of the stream.
    Fixed(Vec<u8>),
    /// A block of headers and small files.
    Headers(Record),
    /// The blocks of a large file.
    File(LargeFile, Arc<Compressed>),
    /// All of a stream that has no blocks.
    Stream(u64),
}

impl<'a> Packer<'a> {
    /// Returns what compresses programs of this `code`.
    pub fn new(compression: Compression, code: Code, blocks: &'a Blocks, threads: NonZero<u32>) -> Self {
        Self { compression, recipe: Recipe::new(compression, code), blocks, threads }
    }

    /// Returns how it compresses.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Writes the archive compressed.
    pub(super) fn pack(&self, archive: &Archive, out: &mut dyn Write) -> Result<Packed, WriteError> {
        if let Some(recipe) = self.recipe {
            return self.pack_blocks(recipe, archive, out);
        }
        let mut out = Counted { inner: out, count: 0 };
        self.pack_stream(archive, &mut out)?;
        Ok(Packed { segments: vec![Segment::Stream(out.count)], size: out.count })
    }

    fn pack_stream(&self, archive: &Archive, out: &mut dyn Write) -> Result<(), WriteError> {
        use zstd::zstd_safe::CParameter;
        let Compression::Zstd(level) = self.compression else { return archive.copy_to(out) };
        let mut encoder = zstd::Encoder::new(out, level)?;
        encoder.include_checksum(true)?;
        // One worker writes the same bytes as many, but others than none.
        encoder.set_parameter(CParameter::NbWorkers(self.threads.get()))?;
        encoder.set_parameter(CParameter::JobSize(ZSTD_JOB))?;
        // The levels below 17 look back less than that; at no cost in time it makes programs some 0.8 % smaller.
        encoder.set_parameter(CParameter::WindowLog(ZSTD_WINDOW_LOG))?;
        archive.copy_to(&mut encoder)?;
        encoder.finish()?;
        Ok(())
    }

    fn pack_blocks(&self, recipe: Recipe, archive: &Archive, out: &mut dyn Write) -> Result<Packed, WriteError> {
        let (mut segments, mut records) = (vec![Segment::Fixed(recipe.head().to_vec())], Vec::new());
        out.write_all(recipe.head())?;
        for piece in archive.pieces() {
            match piece {
                Piece::Bytes(bytes) => {
                    for raw in bytes.chunks(HEADERS) {
                        let block = recipe.for_headers().compress(raw)?;
                        out.write_all(&block.bytes)?;
                        records.push(block.record);
                        segments.push(Segment::Headers(block.record));
                    }
                }
                Piece::File(file) => {
                    let blocks = self.blocks.get(file, recipe)?;
                    io::copy(&mut blocks.open()?, out)?;
                    records.extend(blocks.records());
                    segments.push(Segment::File(file.clone(), blocks));
                }
            }
        }
        let tail = recipe.tail(&records);
        out.write_all(&tail)?;
        segments.push(Segment::Fixed(tail));
        let size = segments.iter().map(Segment::size).sum();
        Ok(Packed { segments, size })
    }

    /// Checks what was packed, which begins at `at` of `file`, and returns it as the bytes of the archive. Every stored
    /// byte is looked at. The blocks of a large file were unpacked when they were made, so that only their digest is
    /// compared, and the file itself is read for them; that it still is the one that was verified is left to the caller,
    /// who compares the digest of every file in the archive.
    pub(super) fn unpack(&self, packed: &Packed, file: &File, at: u64) -> io::Result<Unpacked> {
        let mut file = file.try_clone()?;
        file.seek(SeekFrom::Start(at))?;
        let left = packed.segments.iter().map(|segment| self.check(segment, &mut file)).collect::<Result<_, _>>()?;
        Ok(Unpacked { left, now: Box::new(io::empty()) })
    }

    fn check(&self, segment: &Segment, file: &mut File) -> io::Result<Part> {
        match segment {
            Segment::Fixed(wanted) => {
                if stored(file, wanted.len() as u64)? != *wanted {
                    return Err(differs("its frame"));
                }
                Ok(Part::Bytes(Vec::new()))
            }
            Segment::Headers(record) => {
                let Some(recipe) = self.recipe else { return Err(differs("its codec")) };
                let mut stream = recipe.head().to_vec();
                stream.extend(stored(file, record.stored)?);
                stream.extend(recipe.tail(&[*record]));
                let mut raw = Vec::new();
                recipe.unpack(Cursor::new(stream)).take(record.raw + 1).read_to_end(&mut raw)?;
                if raw.len() as u64 == record.raw { Ok(Part::Bytes(raw)) } else { Err(differs("a block of headers")) }
            }
            Segment::File(large, blocks) => {
                let mut hasher = Sha256::new();
                let copied = io::copy(&mut file.take(blocks.stored()), &mut hasher)?;
                if copied != blocks.stored() || hex::encode(hasher.finalize()) != blocks.sha256().hex() {
                    return Err(differs(&format!("the blocks of {}", large.path.display())));
                }
                Ok(Part::File(large.clone()))
            }
            Segment::Stream(size) => Ok(Part::Stream(self.compression, file.try_clone()?.take(*size))),
        }
    }
}

impl Segment {
    fn size(&self) -> u64 {
        match self {
            Self::Fixed(bytes) => bytes.len() as u64,
            Self::Headers(record) => record.stored,
            Self::File(_, blocks) => blocks.stored(),
            Self::Stream(size) => *size,
        }
    }
}

/// The bytes of an archive that was packed and checked.
pub(super) struct Unpacked {
    left: VecDeque<Part>,
    now: Box<dyn Read>,
}

/// Where the next bytes come from.
enum Part {
    Bytes(Vec<u8>),
    File(LargeFile),
    Stream(Compression, Take<File>),
}

impl Part {
    fn open(self) -> io::Result<Box<dyn Read>> {
        Ok(match self {
            Self::Bytes(bytes) => Box::new(Cursor::new(bytes)),
            Self::File(file) => Box::new(fs_err::File::open(&file.path)?.take(file.size)),
            Self::Stream(Compression::Zstd(_), stored) => Box::new(zstd::Decoder::new(stored)?),
            Self::Stream(_, stored) => Box::new(stored),
        })
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.now.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let Some(next) = self.left.pop_front() else { return Ok(0) };
            self.now = next.open()?;
        }
    }
}

fn stored(file: &mut File, size: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(size).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == size { Ok(bytes) } else { Err(differs("its end")) }
}

fn differs(what: &str) -> io::Error {
    io::Error::other(format!("{what} differ from what was written"))
}

/// Counts what passes.
struct Counted<'w> {
    inner: &'w mut dyn Write,
    count: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.count += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Runs a test with a packer for programs of any machine.
#[cfg(test)]
pub(super) fn with_packer<T>(compression: Compression, test: impl FnOnce(&Packer<'_>) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    let blocks = Blocks::open(folder.path(), folder.path(), u64::MAX, Arc::new(crate::event::Silent)).unwrap();
    test(&Packer::new(compression, Code::Any, &blocks, NonZero::<u32>::MIN))
}

/// Returns the large files of a package, each once.
pub fn large_files(image: &PackageImage, format: Format) -> Vec<LargeFile> {
    let mut files: Vec<LargeFile> = Vec::new();
    for entry in image.entries(format) {
        let file = match &entry.content {
            Content::Artifact(artifact) => LargeFile::new(artifact.path(), artifact.digests()),
            Content::Member(member) => LargeFile::new(&member.path, &member.digests),
            Content::Text(_) | Content::Link(_) | Content::Directory => None,
        };
        files.extend(file.filter(|file| !files.contains(file)));
    }
    files
}
