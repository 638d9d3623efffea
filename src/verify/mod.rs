//! What can be known of a package file, whoever made it.
//!
//! [`verify`] checks a package against itself and then asks questions: is it signed by one of these keys
//! ([`Signatures`]), do its papers agree with it ([`Papers`]), is it the same as another ([`SameAs`]), are its programs what
//! upstream published ([`Upstream`]), does it come out again of what its provenance says ([`Rebuild`]).
//! Every answer is a [`Finding`]; nothing ends early, so that a reader sees all that is wrong at once.

mod finding;
mod papers;
mod rebuild;
mod same;
mod signatures;
mod upstream;

use std::path::Path;

pub use finding::{Check, Finding, Identity, Outcome, Report};
pub use papers::{Papers, Presence};
pub use rebuild::Rebuild;
pub use same::{Extent, SameAs, compare};
pub use signatures::Signatures;
pub use upstream::Upstream;

use crate::event::chain;
use crate::package::integrity::{self, Findings};
use crate::package::reader::{Inspection, ReadError};

/// How many faults one line tells.
const TOLD: usize = 5;

/// Something to find out about a package beside whether it agrees with itself.
pub trait Question {
    /// Finds it out. The package could be read to its end.
    fn ask(&self, package: &Path, inspection: &Inspection) -> Vec<Finding>;

    /// Finds out what can be told of a package whose structure is damaged; nothing where nothing can.
    fn ask_of_damaged(&self, _package: &Path, _inspection: &Inspection) -> Vec<Finding> {
        Vec::new()
    }
}

/// Checks a package against itself and asks all questions about it.
pub fn verify(package: &Path, questions: &[&dyn Question]) -> Report {
    let path = package.to_owned();
    let examination = match integrity::examine(package) {
        Ok(examination) => examination,
        Err(error) => return Report { path, identity: None, findings: vec![unreadable(Check::Structure, &error)] },
    };
    let is_damaged = !examination.structure.faults.is_empty();
    let mut findings = vec![of(Check::Structure, examination.structure)];
    let Some(inspection) = &examination.inspection else { return Report { path, identity: None, findings } };
    if examination.digests != Findings::default() {
        findings.push(of(Check::Digests, examination.digests));
    }
    for question in questions {
        let ask = if is_damaged { Question::ask_of_damaged } else { Question::ask };
        findings.extend(ask(*question, package, inspection));
    }
    Report { path, identity: Some(Identity::of(inspection)), findings }
}

/// Tells findings of one kind in one line.
fn of(check: Check, findings: Findings) -> Finding {
    let Findings { agreed, faults, notes } = findings;
    let (outcome, told) = match (faults.is_empty(), agreed.is_empty()) {
        (false, _) => (Outcome::Bad, &faults),
        (true, false) => (Outcome::Good, &agreed),
        (true, true) => (Outcome::Unchecked, &notes),
    };
    let mut text = list(told);
    if outcome == Outcome::Good && !notes.is_empty() {
        text = format!("{text}; {}", list(&notes));
    }
    Finding::new(check, outcome, text).with("faults", faults).with("notes", notes)
}

/// Joins what there is to tell, up to a limit.
fn list(told: &[String]) -> String {
    let mut text = told.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", ");
    if let more @ 1.. = told.len().saturating_sub(TOLD) {
        text = format!("{text}, and {more} more");
    }
    text
}

/// Tells that a file cannot be read.
fn unreadable(check: Check, error: &ReadError) -> Finding {
    let outcome = match error {
        ReadError::Io(_) | ReadError::NotAPackage(_) => Outcome::Unreadable,
        _ => Outcome::Bad,
    };
    Finding::new(check, outcome, chain(error))
}
