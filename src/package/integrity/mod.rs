//! What a package file says of itself, checked against itself: its structure, and every digest and size that it holds.
//!
//! | format | structure | digests |
//! |---|---|---|
//! | deb | ar, both tar archives and their compression to the last byte; control fields; names | `md5sums` against `data.tar` (deb-md5sums(5)) |
//! | rpm | lead, signature header, header and its region, payload to the last byte; every file against the header; names | of the header, the payload, both, and every file (rpm's `docs/manual/format_v4.md`) |
//!
//! Nobody vouches for any of it: whoever changes a package can change its digests too. Signatures are
//! [`super::signing`]'s.

mod armor;
mod deb;
mod digests;
mod names;
mod rpm;
mod rpm_header;

use std::path::Path;

use super::reader::{self, Fault, Inspection, ReadError};
use crate::format::Format;

/// How many faults of one kind are kept.
const KEPT: usize = 100;

/// What was found in a package.
#[derive(Debug)]
pub struct Examination {
    /// What it says and holds, as far as it could be read.
    pub inspection: Option<Inspection>,
    /// The parts and how they fit.
    pub structure: Findings,
    /// The digests and sizes that the package holds.
    pub digests: Findings,
}

/// What was found of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// What agrees.
    pub agreed: Vec<String>,
    /// What is wrong, with its place.
    pub faults: Vec<String>,
    /// What is odd, and harms nobody.
    pub notes: Vec<String>,
}

impl Findings {
    fn agree(&mut self, what: impl Into<String>) {
        self.agreed.push(what.into());
    }

    fn fault(&mut self, what: impl Into<String>) {
        if self.faults.len() < KEPT {
            self.faults.push(what.into());
        }
    }

    fn note(&mut self, what: impl Into<String>) {
        if self.notes.len() < KEPT {
            self.notes.push(what.into());
        }
    }

    /// Compares a digest or size with the one that the package declares.
    fn compare(&mut self, what: &str, declared: &str, found: &str) {
        if declared.eq_ignore_ascii_case(found) {
            self.agree(what);
        } else {
            let declared = reader::excerpt(declared);
            self.fault(format!("{what} is {found}, and the package says {declared}"));
        }
    }
}

/// Reads a package to its last byte and checks it against itself. What breaks the format is a fault of the structure; an
/// error is that the file cannot be read, or is no package.
pub fn examine(path: &Path) -> Result<Examination, ReadError> {
    let (mut file, identity, format) = reader::begin(path)?;
    let mut examination =
        Examination { inspection: None, structure: Findings::default(), digests: Findings::default() };
    let examined = match format {
        Format::Deb => deb::examine(&mut file, identity, &mut examination),
        Format::Rpm => rpm::examine(&mut file, identity, &mut examination),
    };
    match examined.map_err(|fault: Fault| fault.place_and_cause()) {
        Ok(()) => {}
        Err(Ok(fault)) => examination.structure.fault(fault),
        Err(Err(error)) => return Err(error.into()),
    }
    if let Some(inspection) = &examination.inspection {
        names::check(inspection, &mut examination.structure);
    }
    Ok(examination)
}

/// Counts files, directories and links.
fn entries(number: usize) -> String {
    if number == 1 { "1 entry".to_owned() } else { format!("{number} entries") }
}
