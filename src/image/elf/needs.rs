//! What a dynamic program needs of the system that it is installed on.

use object::Endianness;
use object::elf;
use object::read::ReadRef;
use object::read::elf::{FileHeader, SectionTable};

use crate::arch::ElfIdentity;

/// A library that a program needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// Its name (`DT_NEEDED`): `libc.so.6`.
    pub library: String,
    /// The symbol versions that it must have (`.gnu.version_r`), in the program's order: `GLIBC_2.34`.
    pub versions: Vec<String>,
}

/// Libraries that are glibc under other names, without what follows `.so`.
const GLIBC: [&str; 15] = [
    "libBrokenLocale",
    "libanl",
    "libc",
    "libc_malloc_debug",
    "libdl",
    "libm",
    "libmvec",
    "libnss_compat",
    "libnss_dns",
    "libnss_files",
    "libpthread",
    "libresolv",
    "librt",
    "libthread_db",
    "libutil",
];

impl Needed {
    /// Whether glibc brings the library.
    pub fn is_glibc(&self) -> bool {
        let stem = self.library.split(".so").next().unwrap_or_default();
        GLIBC.contains(&stem) || is_dynamic_linker(&self.library)
    }

    /// Returns the library's capabilities as RPM spells them. A library without `.so` in its name that is no dynamic
    /// linker is left out, as elfdeps does.
    pub(super) fn rpm_requires(&self, identity: ElfIdentity) -> Vec<String> {
        if !self.library.contains(".so") && !is_dynamic_linker(&self.library) {
            return Vec::new();
        }
        let library = &self.library;
        let mark = if identity.is_64 { "(64bit)" } else { "" };
        let plain = if identity.is_64 { format!("{library}(){mark}") } else { library.clone() };
        self.versions.iter().map(|version| format!("{library}({version}){mark}")).chain([plain]).collect()
    }
}

fn is_dynamic_linker(library: &str) -> bool {
    ["ld-", "ld.", "ld64-", "ld64."].iter().any(|prefix| library.starts_with(prefix))
}

/// Returns the highest `GLIBC_x.y` among the needs. A third number (`GLIBC_2.2.5`) is dropped: those are older than
/// anything that is still in use.
pub(super) fn glibc_at_least(needed: &[Needed]) -> Option<(u32, u32)> {
    let versions = needed.iter().filter(|needed| needed.is_glibc()).flat_map(|needed| &needed.versions);
    versions
        .filter_map(|version| {
            // Packed relative relocations came with this one (glibc 2.36, NEWS).
            if version == "GLIBC_ABI_DT_RELR" {
                return Some((2, 36));
            }
            let mut numbers = version.strip_prefix("GLIBC_")?.split('.').map(str::parse);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        })
        .max()
}

/// The dynamic needs of a file.
#[derive(Debug, Default)]
pub(super) struct Needs {
    pub(super) needed: Vec<Needed>,
    pub(super) has_only_gnu_hash: bool,
}

/// Reads the dynamic section and the version needs; a static program has neither.
pub(super) fn read<'data, H, R>(
    endian: Endianness,
    data: R,
    sections: &SectionTable<'data, H, R>,
) -> object::read::Result<Needs>
where
    H: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    let mut needs = Needs::default();
    let (mut gnu_hash, mut sysv_hash) = (false, false);
    let table = sections.dynamic_table(endian, data)?;
    for entry in &table {
        match entry.tag {
            elf::DT_NEEDED => {
                let library = text(table.string(entry)?);
                needs.needed.push(Needed { library, versions: Vec::new() });
            }
            elf::DT_GNU_HASH => gnu_hash = true,
            elf::DT_HASH => sysv_hash = true,
            _ => {}
        }
    }
    needs.has_only_gnu_hash = gnu_hash && !sysv_hash;
    if let Some((mut libraries, strings)) = sections.gnu_verneed(endian, data)? {
        let strings = sections.strings(endian, data, strings)?;
        while let Some((library, mut versions)) = libraries.next()? {
            let library = text(library.file(endian, strings)?);
            let position = needs.needed.iter().position(|needed| needed.library == library);
            let position = position.unwrap_or_else(|| {
                needs.needed.push(Needed { library, versions: Vec::new() });
                needs.needed.len() - 1
            });
            while let Some(version) = versions.next()? {
                needs.needed[position].versions.push(text(version.name(endian, strings)?));
            }
        }
    }
    Ok(needs)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
