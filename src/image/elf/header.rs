//! The headers of an ELF file (System V gABI, chapters 4 and 5).

use std::io::Read;
use std::path::Path;

use fs_err::File;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::read::{ReadCache, ReadRef};
use object::{Endianness, elf};

use super::needs::{self, Needed};
use super::{ElfError, Machine};
use crate::arch::ElfIdentity;

/// What the later steps need, free of class and byte order.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) machine: Machine,
    pub(super) interpreter: Option<String>,
    pub(super) needed: Vec<Needed>,
    /// Whether symbols can be found through `DT_GNU_HASH` alone.
    pub(super) has_only_gnu_hash: bool,
    /// What is loaded.
    pub(super) segments: Vec<Segment>,
    /// Where the section `.go.buildinfo` lies in the file.
    pub(super) go_build_info: Option<(u64, u64)>,
}

/// A `PT_LOAD` segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub(super) address: u64,
    pub(super) offset: u64,
    pub(super) size: u64,
    pub(super) is_writable: bool,
}

/// Why headers cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderFault {
    /// They contradict themselves.
    #[error(transparent)]
    Malformed(#[from] object::read::Error),
    /// The dynamic section, the version needs or the name of the interpreter is larger than any program has it.
    #[error("a table of {0} bytes is larger than the limit of {MAX_TABLE}")]
    TooLarge(u64),
    /// The program is dynamic, but the section headers that say what it needs are gone.
    #[error("the program is dynamic and has no section for that")]
    NoDynamicSection,
}

/// The tables of the largest programs have some kilobytes.
const MAX_TABLE: u64 = 256 << 10;

type Result<T> = std::result::Result<T, HeaderFault>;

/// Reads the headers of the file at `path`.
pub(super) fn read(path: &Path) -> std::result::Result<Header, ElfError> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut start = Vec::new();
    file.by_ref().take(512).read_to_end(&mut start)?;
    if !start.starts_with(&elf::ELFMAG) {
        return Err(ElfError::NotElf { path: path.to_owned(), what: what_else(&start) });
    }
    let is_64 = start.get(4) == Some(&elf::ELFCLASS64.0);
    let ident_and_header = if is_64 { 64 } else { 52 };
    if size < ident_and_header {
        return Err(ElfError::Truncated { path: path.to_owned(), size, needed: ident_and_header });
    }
    let cache = ReadCache::new(file);
    let fault = |source| ElfError::Headers { path: path.to_owned(), source };
    let needed = if is_64 {
        extent::<elf::FileHeader64<Endianness>, _>(&cache)
    } else {
        extent::<elf::FileHeader32<Endianness>, _>(&cache)
    }
    .map_err(fault)?;
    if needed > size {
        return Err(ElfError::Truncated { path: path.to_owned(), size, needed });
    }
    if is_64 {
        parse::<elf::FileHeader64<Endianness>, _>(&cache)
    } else {
        parse::<elf::FileHeader32<Endianness>, _>(&cache)
    }
    .map_err(fault)
}

/// Says what a file is that is no ELF file, by its first bytes.
fn what_else(start: &[u8]) -> &'static str {
    match start {
        [] => "empty",
        [b'#', b'!', ..] => "a script",
        [b'M', b'Z', ..] => "a Windows program (PE)",
        [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => {
            "a macOS program (Mach-O)"
        }
        [0x1f, 0x8b, ..] => "a gzip file",
        [b'P', b'K', 3, 4, ..] => "a zip file",
        _ if start.trim_ascii_start().starts_with(b"<") => "a web page",
        _ if start.is_ascii() => "a text",
        _ => "something unknown",
    }
}

/// Returns the file size that the headers ask for.
fn extent<'data, H, R>(data: R) -> Result<u64>
where
    H: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    let header = H::parse(data)?;
    let endian = header.endian()?;
    let table = |offset: u64, size: u16, count: u16| {
        if count == 0 { 0 } else { offset.saturating_add(u64::from(size) * u64::from(count)) }
    };
    let programs = table(header.e_phoff(endian).into(), header.e_phentsize(endian), header.e_phnum(endian));
    let sections = table(header.e_shoff(endian).into(), header.e_shentsize(endian), header.e_shnum(endian));
    let mut needed = programs.max(sections);
    if programs <= data.len().unwrap_or(0) {
        for segment in header.program_headers(endian, data)? {
            let (offset, size) = segment.file_range(endian);
            needed = needed.max(offset.saturating_add(size));
        }
    }
    Ok(needed)
}

fn parse<'data, H, R>(data: R) -> Result<Header>
where
    H: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    let header = H::parse(data)?;
    let endian = header.endian()?;
    let machine = Machine(ElfIdentity {
        machine: header.e_machine(endian).0,
        is_64: header.is_class_64(),
        is_little_endian: header.is_little_endian(),
    });
    let (mut segments, mut interpreter, mut is_dynamic) = (Vec::new(), None, false);
    for segment in header.program_headers(endian, data)? {
        let (offset, size) = segment.file_range(endian);
        match segment.p_type(endian) {
            elf::PT_LOAD => {
                let is_writable = segment.p_flags(endian).0 & elf::PF_W.0 != 0;
                segments.push(Segment { address: segment.p_vaddr(endian).into(), offset, size, is_writable });
            }
            elf::PT_INTERP => {
                check_size(size)?;
                interpreter = segment.interpreter(endian, data)?.map(|name| String::from_utf8_lossy(name).into_owned());
            }
            elf::PT_DYNAMIC => is_dynamic = true,
            _ => {}
        }
    }
    let sections = header.sections(endian, data)?;
    let mut has_dynamic_section = false;
    for section in sections.iter() {
        let kind = section.sh_type(endian);
        has_dynamic_section |= kind == elf::SHT_DYNAMIC;
        if matches!(kind, elf::SHT_DYNAMIC | elf::SHT_GNU_VERNEED) {
            check_size(section.sh_size(endian).into())?;
        }
    }
    if is_dynamic && !has_dynamic_section {
        return Err(HeaderFault::NoDynamicSection);
    }
    let go_build_info =
        sections.section_by_name(endian, b".go.buildinfo").and_then(|(_, section)| section.file_range(endian));
    let needs = needs::read(endian, data, &sections)?;
    Ok(Header {
        machine,
        interpreter,
        needed: needs.needed,
        has_only_gnu_hash: needs.has_only_gnu_hash,
        segments,
        go_build_info,
    })
}

fn check_size(size: u64) -> Result<()> {
    if size > MAX_TABLE { Err(HeaderFault::TooLarge(size)) } else { Ok(()) }
}
