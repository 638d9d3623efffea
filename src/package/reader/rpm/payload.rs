//! The payload of an RPM, file by file against what the header says.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};

use fs_err::File;
use rpm::{IndexTag, PackageMetadata};
use sha2::{Digest as _, Sha256};

use super::super::MAX_DATA_BYTES;
use super::super::codec::{Codec, Limited};
use super::super::error::{Fault, excerpt};
use super::super::inspection::{Entry, EntryKind, Inspection, text_of};
use super::super::visit::{Visit, hand_over};
use super::cpio::{Archive, Member, Named};
use super::{fault, tags};

const PLACE: &str = "payload";
/// The bytes of a symbolic link's target; Linux takes 4096.
const MAX_TARGET: u64 = 64 << 10;

/// What the payload is once unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::package) struct Payload {
    /// The number of bytes.
    pub(in crate::package) size: u64,
    /// Their SHA-256, in hexadecimal.
    pub(in crate::package) sha256: String,
}

/// Reads the payload to its end, and hands its files to `visit`. Every file of it must be in the header with the same
/// type, permissions and size, and every file of the header must be there once.
pub(in crate::package) fn read(
    file: &mut File,
    package: &PackageMetadata,
    inspection: &Inspection,
    visit: &mut Visit<'_>,
) -> Result<Payload, Fault> {
    let format = tags::text(package, IndexTag::RPMTAG_PAYLOADFORMAT)?.unwrap_or_else(|| "cpio".to_owned());
    if format != "cpio" {
        return Err(Fault::malformed(PLACE, format!("payloads of format `{}` are not read", excerpt(&format))));
    }
    let name = &inspection.payload_compression.codec;
    let codec = Codec::of_payload(name)
        .ok_or_else(|| Fault::malformed(PLACE, format!("the compression `{}` is not known", excerpt(name))))?;
    let unpack = |source| Fault::unpack(PLACE, source);
    file.seek(SeekFrom::Start(package.get_package_segment_offsets().payload)).map_err(unpack)?;
    let decoder = codec.decoder(BufReader::with_capacity(64 << 10, file)).map_err(unpack)?;
    let mut limited = Limited::new(decoder, MAX_DATA_BYTES);
    let mut hashing = Hashing { bytes: &mut limited, hasher: Sha256::new(), size: 0 };
    let inodes = inodes(package)?;
    let walked = Walk::new(&inspection.files, &inodes).run(&mut hashing, visit);
    let payload = Payload { size: hashing.size, sha256: hex::encode(hashing.hasher.finalize()) };
    if limited.exceeded() {
        return Err(Fault::limit(PLACE, MAX_DATA_BYTES, "bytes"));
    }
    walked.map(|()| payload)
}

/// Returns what names of one file share, file by file.
fn inodes(package: &PackageMetadata) -> Result<Vec<u32>, Fault> {
    match package.header.get_entry_data_as_u32_array(IndexTag::RPMTAG_FILEINODES) {
        Ok(inodes) => Ok(inodes),
        Err(rpm::Error::TagNotFound(_)) => Ok(Vec::new()),
        Err(error) => Err(fault(&error)),
    }
}

struct Hashing<R> {
    bytes: R,
    hasher: Sha256,
    size: u64,
}

impl<R: io::Read> io::Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.size += count as u64;
        Ok(count)
    }
}

struct Walk<'a> {
    files: &'a [Entry],
    places: BTreeMap<&'a str, usize>,
    inodes: &'a [u32],
    /// The last file of each inode.
    last: BTreeMap<u32, usize>,
    met: Vec<bool>,
    /// Files that were met by one of their names, under which they have no content, by what the names share.
    names: BTreeMap<u32, Vec<usize>>,
}

impl<'a> Walk<'a> {
    fn new(files: &'a [Entry], inodes: &'a [u32]) -> Self {
        let places = files.iter().enumerate().map(|(place, file)| (file.path.trim_start_matches('/'), place));
        let last = inodes.iter().enumerate().map(|(place, inode)| (*inode, place)).collect();
        let (met, names) = (vec![false; files.len()], BTreeMap::new());
        Self { files, places: places.collect(), inodes, last, met, names }
    }

    fn run(mut self, bytes: impl io::Read, visit: &mut Visit<'_>) -> Result<(), Fault> {
        let unpack = |source| Fault::unpack(PLACE, source);
        let mut archive = Archive::new(bytes);
        while let Some(member) = archive.next().map_err(unpack)? {
            let (place, named) = match member {
                Member::Named(named) => (self.place_of(&named)?, Some(named)),
                Member::Numbered(place) => (self.numbered(place)?, None),
            };
            self.meet(place, named.as_ref(), &mut archive, visit)?;
        }
        if !archive.finish().map_err(unpack)? {
            return Err(Fault::malformed(PLACE, "goes on after its end"));
        }
        self.check_complete()
    }

    fn place_of(&self, named: &Named) -> Result<usize, Fault> {
        let text = text_of(&named.name);
        let name = text.strip_prefix("./").unwrap_or(&text).trim_start_matches('/');
        let place = self.places.get(name).copied();
        place.ok_or_else(|| Fault::malformed(PLACE, format!("`{}` is not in the header", excerpt(&text))))
    }

    fn numbered(&self, place: u32) -> Result<usize, Fault> {
        let place = usize::try_from(place).ok().filter(|place| *place < self.files.len());
        place.ok_or_else(|| Fault::malformed(PLACE, "a file that is not in the header"))
    }

    fn meet<R: io::Read>(
        &mut self,
        place: usize,
        named: Option<&Named>,
        archive: &mut Archive<R>,
        visit: &mut Visit<'_>,
    ) -> Result<(), Fault> {
        let file = &self.files[place];
        let bad = |cause: &str| Fault::malformed(format!("{PLACE}: `{}`", excerpt(&file.path)), cause);
        if std::mem::replace(&mut self.met[place], true) {
            return Err(bad("stands there twice"));
        }
        if named.is_some_and(|named| (kind_of(named.mode), named.mode & 0o7777) != (file.kind, file.mode)) {
            return Err(bad("has another type or other permissions than in the header"));
        }
        let inode = named.map_or_else(|| self.inodes.get(place).copied().unwrap_or_default(), |named| named.inode);
        if file.kind == EntryKind::File && self.is_other_name(place, named) {
            self.names.entry(inode).or_default().push(place);
            return Ok(());
        }
        let target = file.target.as_deref().unwrap_or_default();
        let wanted = match file.kind {
            EntryKind::File => file.size,
            // The target in the header is text already, in which odd bytes are longer.
            EntryKind::Symlink => named.map_or(target.len() as u64, |named| named.size),
            _ => 0,
        };
        if named.is_some_and(|named| named.size != wanted) {
            return Err(bad("has another size than in the header"));
        }
        if file.kind == EntryKind::Symlink {
            let mut found = Vec::new();
            let read = archive.content(wanted.min(MAX_TARGET)).read_to_end(&mut found);
            read.map_err(|source| Fault::unpack(PLACE, source))?;
            return if text_of(&found) == target { Ok(()) } else { Err(bad("has another target than in the header")) };
        }
        if file.kind == EntryKind::File {
            hand_over(file, &mut archive.content(wanted), PLACE, visit)?;
            self.settle(place, inode)?;
        }
        Ok(())
    }

    /// Whether a file is one of several names, of which the last alone has the content.
    fn is_other_name(&self, place: usize, named: Option<&Named>) -> bool {
        if let Some(named) = named {
            return named.links > 1 && named.size == 0 && self.files[place].size > 0;
        }
        let inode = self.inodes.get(place).filter(|inode| **inode != 0);
        inode.is_some_and(|inode| self.last.get(inode) != Some(&place))
    }

    /// Gives the other names of a file its content: what the header says of them must be the same.
    fn settle(&mut self, place: usize, inode: u32) -> Result<(), Fault> {
        let file = &self.files[place];
        for other in self.names.remove(&inode).unwrap_or_default().into_iter().map(|other| &self.files[other]) {
            if (other.size, &other.digest) != (file.size, &file.digest) {
                let place = format!("{PLACE}: `{}`", excerpt(&other.path));
                return Err(Fault::malformed(place, format!("is not the same as `{}`", excerpt(&file.path))));
            }
        }
        Ok(())
    }

    fn check_complete(self) -> Result<(), Fault> {
        let without_content = self.names.into_values().flatten().next();
        let unmet =
            || (0..self.files.len()).find(|place| !self.met[*place] && !self.files[*place].flags.contains(&"ghost"));
        match without_content.or_else(unmet).map(|place| &self.files[place]) {
            None => Ok(()),
            Some(file) => Err(Fault::malformed(PLACE, format!("`{}` is not there", excerpt(&file.path)))),
        }
    }
}

/// The type of a file by its mode (inode(7)).
fn kind_of(mode: u32) -> EntryKind {
    match mode & 0o170_000 {
        0o100_000 => EntryKind::File,
        0o040_000 => EntryKind::Directory,
        0o120_000 => EntryKind::Symlink,
        0o020_000 => EntryKind::Character,
        0o060_000 => EntryKind::Block,
        0o010_000 => EntryKind::Fifo,
        0o140_000 => EntryKind::Socket,
        _ => EntryKind::Unknown,
    }
}
