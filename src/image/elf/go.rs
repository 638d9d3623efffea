//! The build information that the Go linker leaves in a program (Go's `debug/buildinfo` and `runtime/debug`).

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use fs_err::File;

use super::header::{Header, Segment};

/// How a Go program was built.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GoBuild {
    /// The compiler: `go1.22.2`.
    pub go_version: String,
    /// The main package's import path.
    pub package: String,
    /// The main package's module. Its version is `(devel)` where the linker did not know it.
    pub module: Option<Module>,
    /// The other modules.
    pub dependencies: Vec<Module>,
    /// Build settings, such as `-ldflags` and `CGO_ENABLED`.
    pub settings: Vec<(String, String)>,
}

/// A Go module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Its path.
    pub path: String,
    /// Its version with the leading `v`; `(devel)` where the linker did not know it.
    pub version: String,
    /// What this stands in place of, by a `replace` of the main module: path and version.
    pub replaces: Option<(String, String)>,
}

const MAGIC: &[u8] = b"\xff Go buildinf:";
/// The header: magic, pointer size, flags, padding.
const HEADER: usize = 32;
/// kubelet's is 10 kB.
const MAX_LEN: u64 = 4 << 20;
/// The linker puts marks of this length around the module information.
const GUARD: usize = 16;

/// Reads the build information; what cannot be made out is none.
pub(super) fn read(path: &Path, header: &Header) -> std::io::Result<Option<GoBuild>> {
    let writable = header.segments.iter().find(|segment| segment.is_writable);
    let Some((offset, size)) = header.go_build_info.or(writable.map(|segment| (segment.offset, segment.size))) else {
        return Ok(None);
    };
    let mut file = File::open(path)?;
    let bytes = read_at(&mut file, offset, size.min(MAX_LEN))?;
    // The linker aligns it to 16.
    let mut starts = (0..bytes.len().saturating_sub(HEADER - 1)).step_by(16);
    let Some(start) = starts.find(|start| bytes[*start..].starts_with(MAGIC)) else { return Ok(None) };
    let info = &bytes[start..];
    let strings = if info[15] & 2 == 0 {
        Pointers { file: &mut file, segments: &header.segments, size: info[14], is_big_endian: info[15] & 1 != 0 }
            .strings(info)?
    } else {
        inline(&info[HEADER..])
    };
    Ok(strings.map(|(go_version, modules)| parse(&go_version, &modules)))
}

fn read_at(file: &mut File, offset: u64, size: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset))?;
    file.take(size).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Since Go 1.18: both strings, each after its length as a varint.
fn inline(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (go_version, rest) = counted(bytes)?;
    let (modules, _) = counted(rest)?;
    Some((go_version.to_vec(), modules.to_vec()))
}

fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mut len, mut rest) = (0_usize, bytes);
    for shift in [0, 7, 14, 21] {
        let (byte, after) = rest.split_first()?;
        rest = after;
        len |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return rest.split_at_checked(len);
        }
    }
    None
}

/// Before Go 1.18: the addresses of two string headers.
struct Pointers<'a> {
    file: &'a mut File,
    segments: &'a [Segment],
    size: u8,
    is_big_endian: bool,
}

impl Pointers<'_> {
    fn strings(&mut self, info: &[u8]) -> std::io::Result<Option<(Vec<u8>, Vec<u8>)>> {
        if !matches!(self.size, 4 | 8) {
            return Ok(None);
        }
        let width = usize::from(self.size);
        let (go_version, modules) =
            (self.number(&info[16..16 + width]), self.number(&info[16 + width..16 + 2 * width]));
        let go_version = self.string(go_version)?;
        let modules = self.string(modules)?.unwrap_or_default();
        Ok(go_version.map(|go_version| (go_version, modules)))
    }

    fn number(&self, bytes: &[u8]) -> u64 {
        let shift = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        if self.is_big_endian { bytes.iter().fold(0, shift) } else { bytes.iter().rev().fold(0, shift) }
    }

    /// Reads the string whose header, an address and a length, lies at `address`.
    fn string(&mut self, address: u64) -> std::io::Result<Option<Vec<u8>>> {
        let width = u64::from(self.size);
        let Some(header) = self.bytes(address, 2 * width)? else { return Ok(None) };
        let (data, len) = header.split_at(usize::from(self.size));
        let (data, len) = (self.number(data), self.number(len));
        if len > MAX_LEN { Ok(None) } else { self.bytes(data, len) }
    }

    /// Reads what is loaded at `address`.
    fn bytes(&mut self, address: u64, len: u64) -> std::io::Result<Option<Vec<u8>>> {
        let lies_in = |segment: &&Segment| {
            address >= segment.address && (address - segment.address).saturating_add(len) <= segment.size
        };
        let Some(segment) = self.segments.iter().find(lies_in) else { return Ok(None) };
        read_at(self.file, segment.offset + (address - segment.address), len).map(Some)
    }
}

/// Reads the lines of `runtime/debug.BuildInfo.String`.
fn parse(go_version: &[u8], modules: &[u8]) -> GoBuild {
    let mut build = GoBuild { go_version: String::from_utf8_lossy(go_version).into_owned(), ..GoBuild::default() };
    let inner = modules.get(GUARD..modules.len().saturating_sub(GUARD)).unwrap_or_default();
    for line in String::from_utf8_lossy(inner).lines() {
        let mut fields = line.split('\t');
        let kind = fields.next().unwrap_or_default();
        let (first, second) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        let module = || Module { path: first.to_owned(), version: second.to_owned(), replaces: None };
        match kind {
            "path" => first.clone_into(&mut build.package),
            "mod" => build.module = Some(module()),
            "dep" => build.dependencies.push(module()),
            // What replaces the module of the line before.
            "=>" => {
                if let Some(replaced) = build.dependencies.last_mut().or(build.module.as_mut()) {
                    let old = std::mem::replace(replaced, module());
                    replaced.replaces = Some((old.path, old.version));
                }
            }
            "build" => {
                if let Some((key, value)) = line["build\t".len()..].split_once('=') {
                    build.settings.push((key.to_owned(), unquote(value)));
                }
            }
            _ => {}
        }
    }
    build
}

/// Undoes Go's quotes; the escapes that build settings have are those of JSON.
fn unquote(value: &str) -> String {
    if let Some(raw) = value.strip_prefix('`').and_then(|value| value.strip_suffix('`')) {
        return raw.to_owned();
    }
    serde_json::from_str(value).unwrap_or_else(|_| value.to_owned())
}

impl GoBuild {
    /// Returns the variables that the linker set (`-ldflags=-X name=value`), where the build recorded them.
    pub fn linker_values(&self) -> Vec<(String, String)> {
        let flags = self.settings.iter().filter(|(key, _)| key == "-ldflags").flat_map(|(_, value)| words(value));
        let mut values = Vec::new();
        let mut expects_value = false;
        for word in flags {
            let flag = word.trim_start_matches('-');
            // `all=-X`, `PATTERN=-X`: the flags of some packages only.
            let is_flag = word.starts_with('-') || word.ends_with("=-X");
            let definition =
                if std::mem::take(&mut expects_value) { Some(word.as_str()) } else { flag.strip_prefix("X=") };
            if let Some((name, value)) = definition.and_then(|definition| definition.split_once('=')) {
                values.push((name.to_owned(), value.to_owned()));
            } else {
                expects_value = is_flag && (flag == "X" || flag.ends_with("=-X"));
            }
        }
        values
    }
}

/// Splits flags as the go command does: at blanks, with quotes that have no escapes.
fn words(flags: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in flags.chars() {
        match quote {
            Some(end) if c == end => quote = None,
            None if matches!(c, '\'' | '"') => quote = Some(c),
            None if c.is_ascii_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            _ => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}
