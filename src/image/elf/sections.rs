//! The parts of a program, to say in which of them two differ.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use fs_err::File;
use object::Endianness;
use object::elf;
use object::read::elf::{FileHeader, SectionHeader};
use object::read::{ReadCache, ReadRef};

use super::header::HeaderFault;
use super::{Elf, ElfError};

/// A section (System V gABI, chapter 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its name, with odd bytes replaced.
    pub name: String,
    /// Where it is loaded.
    pub address: u64,
    /// Where it lies in the file.
    pub offset: u64,
    /// How many bytes of the file it has.
    pub size: u64,
    /// Whether it is loaded (`SHF_ALLOC`). What is not, symbols and debug information, can be stripped.
    pub is_loaded: bool,
}

/// The sections and what identifies the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sections {
    /// All sections with a name, in their order.
    pub list: Vec<Section>,
    /// Go's build id, of the linker's inputs and its output.
    pub go_build_id: Option<String>,
    /// The build id of other linkers, in hexadecimal.
    pub gnu_build_id: Option<String>,
}

/// A note has some hundred bytes.
const MAX_NOTE: u64 = 4096;
/// The type of both notes in their own name spaces: `ELF_NOTE_GOBUILDID_TAG`, `NT_GNU_BUILD_ID`.
const GO_BUILD_ID: u32 = 4;
const GNU_BUILD_ID: u32 = 3;

impl Elf {
    /// Reads the sections.
    pub fn sections(&self) -> Result<Sections, ElfError> {
        let file = File::open(&self.path)?;
        let cache = ReadCache::new(file);
        let list = if self.header.machine.0.is_64 {
            list::<elf::FileHeader64<Endianness>, _>(&cache)
        } else {
            list::<elf::FileHeader32<Endianness>, _>(&cache)
        };
        let list = list.map_err(|source| ElfError::Headers { path: self.path.clone(), source })?;
        let note = |name: &str, owner: &[u8], kind| {
            let section = list.iter().find(|section| section.name == name && section.size <= MAX_NOTE);
            section.map_or(Ok(None), |section| {
                let bytes = read(&self.path, section)?;
                Ok::<_, ElfError>(note(&bytes, self.header.machine.0.is_little_endian, owner, kind))
            })
        };
        let go = note(".note.go.buildid", b"Go\0\0", GO_BUILD_ID)?;
        let gnu = note(".note.gnu.build-id", b"GNU\0", GNU_BUILD_ID)?;
        Ok(Sections {
            go_build_id: go.map(|id| String::from_utf8_lossy(&id).into_owned()),
            gnu_build_id: gnu.map(hex::encode),
            list,
        })
    }
}

fn list<'data, H, R>(data: R) -> Result<Vec<Section>, HeaderFault>
where
    H: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    let header = H::parse(data)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, data)?;
    let one = |section: &H::SectionHeader| {
        let name = sections.section_name(endian, section).ok()?;
        let (offset, size) = section.file_range(endian).unwrap_or_default();
        Some(Section {
            name: String::from_utf8_lossy(name).into_owned(),
            address: section.sh_addr(endian).into(),
            offset,
            size,
            is_loaded: section.sh_flags(endian).0 & elf::SHF_ALLOC.0 != 0,
        })
    };
    Ok(sections.iter().filter_map(one).filter(|section| !section.name.is_empty()).collect())
}

fn read(path: &Path, section: &Section) -> Result<Vec<u8>, ElfError> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(section.offset))?;
    file.take(section.size).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns what the first note of a section holds, if it is of this owner and type.
fn note(bytes: &[u8], is_little_endian: bool, owner: &[u8], kind: u32) -> Option<Vec<u8>> {
    let word = |at: usize| {
        let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(if is_little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    let (name, size) = (word(0)? as usize, word(4)? as usize);
    let begin = 12_usize.checked_add(name)?.checked_next_multiple_of(4)?;
    let is_it = word(8)? == kind && bytes.get(12..12_usize.checked_add(name)?) == Some(owner);
    bytes.get(begin..begin.checked_add(size)?).filter(|_| is_it).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_in_both_byte_orders() {
        let little =
            [&4_u32.to_le_bytes()[..], &3_u32.to_le_bytes(), &4_u32.to_le_bytes(), b"Go\0\0", b"abc\0"].concat();
        let big = [&4_u32.to_be_bytes()[..], &3_u32.to_be_bytes(), &4_u32.to_be_bytes(), b"Go\0\0", b"abc\0"].concat();
        assert_eq!(note(&little, true, b"Go\0\0", 4).as_deref(), Some(&b"abc"[..]));
        assert_eq!(note(&big, false, b"Go\0\0", 4).as_deref(), Some(&b"abc"[..]));
        assert_eq!(note(&little, true, b"GNU\0", 4), None);
        assert_eq!(note(&little, true, b"Go\0\0", 3), None);
        for end in 0..little.len() - 1 {
            assert_eq!(note(&little[..end], true, b"Go\0\0", 4), None, "{end}");
        }
        assert_eq!(note(&[0xff; 12], true, b"Go\0\0", 4), None);
    }
}
