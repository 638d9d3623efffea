//! What somebody did to a program.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use fs_err::File;

use crate::event::count;
use crate::image::elf::{Elf, ElfError, GoBuild, Section, Sections};

/// How many items of a list are told.
const TOLD: usize = 6;

/// How a program differs from the one that upstream published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Difference {
    /// Its end is missing.
    CutOff { size: u64, published: u64 },
    /// Something stands behind its end.
    Longer { size: u64, published: u64 },
    /// What is loaded is the same; symbols, debug information or the layout are not.
    Stripped { missing: Vec<String>, added: Vec<String> },
    /// It is the same build, and somebody changed it.
    Changed { at: u64, place: String },
    /// It comes out of another build.
    Rebuilt { how: Vec<String> },
    /// It cannot be taken apart.
    Damaged { at: u64, cause: String },
}

impl Difference {
    /// Compares a program with the published one, from which it differs.
    pub(super) fn find(program: &Path, published: &Path) -> io::Result<Self> {
        let sizes = [program, published].map(|path| fs_err::metadata(path).map(|metadata| metadata.len()));
        let [Ok(size), Ok(wanted)] = sizes else { return Err(io::ErrorKind::NotFound.into()) };
        let at = first_difference(program, published)?;
        if at == size.min(wanted) {
            let published = wanted;
            return Ok(if size < wanted { Self::CutOff { size, published } } else { Self::Longer { size, published } });
        }
        match Pair::read(program, published) {
            Ok(pair) => pair.compare(at, size == wanted),
            Err(ElfError::Io(error)) => Err(error),
            Err(error) => Ok(Self::Damaged { at, cause: super::chain(&error) }),
        }
    }

    /// Returns the verdict in one word, for programs.
    pub(super) fn verdict(&self) -> &'static str {
        match self {
            Self::CutOff { .. } => "cut-off",
            Self::Longer { .. } | Self::Changed { .. } => "changed",
            Self::Stripped { .. } => "stripped",
            Self::Rebuilt { .. } => "rebuilt",
            Self::Damaged { .. } => "damaged",
        }
    }

    /// Returns what differs, item by item.
    pub(super) fn list(&self) -> Vec<String> {
        match self {
            Self::Stripped { missing, added } => {
                let missing = missing.iter().map(|name| format!("without {name}"));
                missing.chain(added.iter().map(|name| format!("with {name}"))).collect()
            }
            Self::Rebuilt { how } => how.clone(),
            other => vec![other.to_string()],
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutOff { size, published } => write!(f, "cut off after {size} of {published} bytes"),
            Self::Longer { size, published } => write!(f, "{} bytes are appended", size - published),
            Self::Stripped { missing, added } if missing.is_empty() && added.is_empty() => {
                write!(f, "stripped: code and data are the same, laid out anew")
            }
            Self::Stripped { .. } => write!(f, "stripped: code and data are the same, {}", told(&self.list())),
            Self::Changed { at, place } => write!(f, "changed after it was built: first at byte {at}, in {place}"),
            Self::Rebuilt { how } => write!(f, "rebuilt: {}", told(how)),
            Self::Damaged { at, cause } => write!(f, "damaged from byte {at} on: {cause}"),
        }
    }
}

fn told(items: &[String]) -> String {
    let mut text = items.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", ");
    if let more @ 1.. = items.len().saturating_sub(TOLD) {
        text = format!("{text}, and {more} more");
    }
    text
}

/// Returns where two files begin to differ; the length of the shorter one where they do not before.
fn first_difference(one: &Path, other: &Path) -> io::Result<u64> {
    let mut files = [one, other].map(|path| File::open(path).map(|file| BufReader::with_capacity(128 << 10, file)));
    let [Ok(one), Ok(other)] = &mut files else { return Err(io::ErrorKind::NotFound.into()) };
    let mut at = 0;
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let length = left.len().min(right.len());
        if let Some(place) = left.iter().zip(right).position(|(left, right)| left != right) {
            return Ok(at + place as u64);
        }
        if length == 0 {
            return Ok(at);
        }
        at += length as u64;
        one.consume(length);
        other.consume(length);
    }
}

/// One of the two programs.
struct Side {
    file: File,
    elf: Elf,
    sections: Sections,
    build: Option<GoBuild>,
}

impl Side {
    fn read(path: &Path) -> Result<Self, ElfError> {
        let elf = Elf::read(path)?;
        Ok(Self { file: File::open(path)?, sections: elf.sections()?, build: elf.go_build()?, elf })
    }

    fn section(&self, name: &str) -> Option<&Section> {
        self.sections.list.iter().find(|section| section.name == name)
    }

    /// Says in which part of the file a byte lies.
    fn place(&self, at: u64) -> String {
        let holds = |section: &&Section| at >= section.offset && at - section.offset < section.size;
        match self.sections.list.iter().find(holds) {
            Some(section) => format!("`{}`", section.name),
            None if at < 64 => "the ELF header".to_owned(),
            None => "what lies between the sections".to_owned(),
        }
    }
}

struct Pair {
    mine: Side,
    theirs: Side,
}

impl Pair {
    fn read(program: &Path, published: &Path) -> Result<Self, ElfError> {
        Ok(Self { mine: Side::read(program)?, theirs: Side::read(published)? })
    }

    fn compare(mut self, at: u64, is_same_size: bool) -> io::Result<Difference> {
        let changed = |pair: &Self| Difference::Changed { at, place: pair.mine.place(at) };
        if self.has_same_code()? {
            let missing = names_only_in(&self.theirs, &self.mine);
            let added = names_only_in(&self.mine, &self.theirs);
            let is_stripped = !is_same_size || !missing.is_empty() || !added.is_empty();
            return Ok(if is_stripped { Difference::Stripped { missing, added } } else { changed(&self) });
        }
        let how = self.how_rebuilt();
        let ids = |side: &Side| (side.sections.go_build_id.clone(), side.sections.gnu_build_id.clone());
        let is_same_build = how.is_empty() && ids(&self.mine) == ids(&self.theirs);
        Ok(if is_same_build { changed(&self) } else { Difference::Rebuilt { how } })
    }

    /// Whether all that is loaded is the same. A program without sections has nothing that could be compared.
    fn has_same_code(&mut self) -> io::Result<bool> {
        let loaded = |side: &Side| -> Vec<Section> {
            side.sections.list.iter().filter(|section| section.is_loaded).cloned().collect()
        };
        let (mine, theirs) = (loaded(&self.mine), loaded(&self.theirs));
        let shape = |section: &Section| (section.name.clone(), section.address, section.size);
        if theirs.is_empty() || !mine.iter().map(shape).eq(theirs.iter().map(shape)) {
            return Ok(false);
        }
        for (mine, theirs) in mine.iter().zip(&theirs) {
            if !is_same(&mut self.mine.file, mine, &mut self.theirs.file, theirs)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Lists what is known of how the builds differ.
    fn how_rebuilt(&self) -> Vec<String> {
        let mut how = Vec::new();
        match (&self.mine.build, &self.theirs.build) {
            (Some(mine), Some(theirs)) => go_differences(mine, theirs, &mut how),
            (None, Some(_)) => how.push("without Go's build information".to_owned()),
            _ => {}
        }
        let interpreter = |side: &Side| side.elf.interpreter().map(str::to_owned);
        match (interpreter(&self.mine), interpreter(&self.theirs)) {
            (Some(_), None) => how.push("dynamically linked".to_owned()),
            (None, Some(_)) => how.push("statically linked".to_owned()),
            _ => {}
        }
        let ids = [
            ("Go build id", &self.mine.sections.go_build_id, &self.theirs.sections.go_build_id),
            ("build id", &self.mine.sections.gnu_build_id, &self.theirs.sections.gnu_build_id),
        ];
        for (name, mine, theirs) in ids {
            match (mine, theirs) {
                (Some(mine), Some(theirs)) if mine != theirs => how.push(format!("another {name}")),
                (Some(_), None) => how.push(format!("with a {name}")),
                (None, Some(_)) => how.push(format!("without a {name}")),
                _ => {}
            }
        }
        how
    }
}

fn names_only_in(one: &Side, other: &Side) -> Vec<String> {
    let names = one.sections.list.iter().map(|section| &section.name);
    names.filter(|name| other.section(name).is_none()).cloned().collect()
}

fn is_same(mine: &mut File, here: &Section, theirs: &mut File, there: &Section) -> io::Result<bool> {
    mine.seek(SeekFrom::Start(here.offset))?;
    theirs.seek(SeekFrom::Start(there.offset))?;
    let mut left = BufReader::with_capacity(128 << 10, mine.take(here.size));
    let mut right = BufReader::with_capacity(128 << 10, theirs.take(there.size));
    loop {
        let (one, other) = (left.fill_buf()?, right.fill_buf()?);
        let length = one.len().min(other.len());
        if one[..length] != other[..length] {
            return Ok(false);
        }
        if length == 0 {
            return Ok(one.len() == other.len());
        }
        left.consume(length);
        right.consume(length);
    }
}

/// Lists compiler, commit, settings and modules that differ.
fn go_differences(mine: &GoBuild, theirs: &GoBuild, how: &mut Vec<String>) {
    if mine.go_version != theirs.go_version {
        how.push(format!("{}, not {}", shown(&mine.go_version), shown(&theirs.go_version)));
    }
    if mine.package != theirs.package {
        how.push(format!("of `{}`, not `{}`", shown(&mine.package), shown(&theirs.package)));
    }
    let value = |build: &GoBuild, key: &str| {
        build.settings.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
    };
    let mut keys: Vec<&String> = mine.settings.iter().chain(&theirs.settings).map(|(key, _)| key).collect();
    // The commit says the most.
    keys.sort_by_key(|key| (*key != "vcs.revision", (*key).clone()));
    keys.dedup();
    for key in keys {
        let (mine, theirs) = (value(mine, key), value(theirs, key));
        if mine != theirs {
            let text = |value: Option<String>| value.map_or_else(|| "unset".to_owned(), |value| shown(&value));
            how.push(format!("{} is {}, not {}", shown(key), text(mine), text(theirs)));
        }
    }
    let modules = |build: &GoBuild| -> Vec<(String, String)> {
        build.dependencies.iter().map(|module| (module.path.clone(), module.version.clone())).collect()
    };
    let (mine, theirs) = (modules(mine), modules(theirs));
    let others = mine.iter().filter(|module| !theirs.contains(module)).count();
    if others > 0 {
        how.push(format!("other versions of {}", count(others, "module")));
    }
}

fn shown(text: &str) -> String {
    crate::package::reader::excerpt(text)
}
