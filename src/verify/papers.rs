//! What the papers beside a package say of it, and who says so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Check, Finding, Outcome, Question, chain, list, unreadable};
use crate::digest::{Algorithm, Digest};
use crate::event::count;
use crate::package::reader::{self, Inspection, excerpt};
use crate::provenance::{self, Envelope, ProvenanceError, Recorded};
use crate::sbom::{self, Bill, BillError};
use crate::sign::{Certificate, VerifyError};

/// Whether a package must have papers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Their absence proves nothing.
    Required,
    /// They are checked where they are.
    Optional,
}

/// Asks whether provenance and bill of materials are about the package and agree with it.
#[derive(Debug)]
pub struct Papers<'a> {
    /// The certificates of who may have signed; without any it is told who says to have signed.
    pub certificates: &'a [Certificate],
    /// The provenance, where it is not beside the package.
    pub provenance: Option<PathBuf>,
    /// Whether they must be there.
    pub presence: Presence,
}

impl Question for Papers<'_> {
    fn ask(&self, package: &Path, inspection: &Inspection) -> Vec<Finding> {
        let path = self.provenance.clone().unwrap_or_else(|| provenance::path_beside(package));
        if self.presence == Presence::Optional && !path.exists() && !sbom::path_beside(package).exists() {
            return vec![Finding::new(Check::Provenance, Outcome::Unchecked, "no papers beside the package")];
        }
        let envelope = if path.exists() { Some(read(&path, inspection)) } else { None };
        let (provenance, recorded) = match &envelope {
            None => (self.absent(Check::Provenance, &path), None),
            Some(Err(error)) => (bad_provenance(error), None),
            Some(Ok(envelope)) => self.judge(envelope, inspection),
        };
        let path = sbom::path_beside(package);
        let sbom =
            if path.exists() { bill(&path, package, recorded.as_ref()) } else { self.absent(Check::Sbom, &path) };
        vec![provenance, sbom]
    }
}

impl Papers<'_> {
    fn absent(&self, check: Check, path: &Path) -> Finding {
        let outcome = match self.presence {
            Presence::Required => Outcome::Unproven,
            Presence::Optional => Outcome::Unchecked,
        };
        Finding::new(check, outcome, format!("no `{}`", path.display()))
    }

    /// Judges a statement about the package, and returns what it says where kubepkg said it.
    fn judge(&self, envelope: &Envelope, inspection: &Inspection) -> (Finding, Option<Recorded>) {
        let (outcome, signed) = self.signed(envelope);
        let finding = |outcome, said: String| Finding::new(Check::Provenance, outcome, format!("{signed}; {said}"));
        let recorded = match Recorded::read(envelope.statement()) {
            Ok(recorded) => recorded,
            // Whatever it says, it is about the package.
            Err(error) => return (finding(outcome, chain(&error)), None),
        };
        if let Some(contradiction) = contradiction(&recorded, inspection) {
            return (finding(Outcome::Bad, contradiction), None);
        }
        let of = list(&recorded.materials.iter().map(material).collect::<Vec<_>>());
        let finding = finding(outcome, format!("kubepkg {} made it of {of}", excerpt(&recorded.tool)))
            .with("tool", recorded.tool.as_str())
            .with("job", recorded.job.as_str())
            .with("keys", envelope.key_ids().collect::<Vec<_>>())
            .with("materials", recorded.materials.iter().map(json).collect::<Vec<_>>());
        (finding, Some(recorded))
    }

    /// Who says it, as far as the keys tell.
    fn signed(&self, envelope: &Envelope) -> (Outcome, String) {
        let said: Vec<String> = envelope.key_ids().map(excerpt).collect();
        match (self.certificates, said.as_slice()) {
            ([], []) => (Outcome::Unchecked, "not signed".to_owned()),
            (_, []) => (Outcome::Unproven, "not signed".to_owned()),
            ([], keys) => {
                (Outcome::Unchecked, format!("by key {}; `--key` names the keys that may sign", keys.join(", ")))
            }
            (certificates, _) => match envelope.verify(certificates) {
                Ok(fingerprint) => (Outcome::Good, format!("by key {fingerprint}")),
                Err(VerifyError::UnknownKey(issuer)) => {
                    (Outcome::Unproven, format!("by key {issuer}, which is none of those given"))
                }
                Err(error) => (Outcome::Bad, chain(&error)),
            },
        }
    }
}

/// Finds the statement about a package.
pub(super) fn read(path: &Path, inspection: &Inspection) -> Result<Envelope, ProvenanceError> {
    let envelopes = provenance::open(path)?;
    let sha256 = Digest::from_hex(Algorithm::Sha256, &inspection.file.sha256);
    let sha256 = sha256.map_err(|error| ProvenanceError::Foreign(error.to_string()))?;
    provenance::of_file(&envelopes, &sha256).cloned()
}

pub(super) fn bad_provenance(error: &ProvenanceError) -> Finding {
    let outcome = match error {
        ProvenanceError::Io(_) => Outcome::Unreadable,
        _ => Outcome::Bad,
    };
    Finding::new(Check::Provenance, outcome, chain(error))
}

/// A statement about the file that calls it something else.
fn contradiction(recorded: &Recorded, inspection: &Inspection) -> Option<String> {
    let parameters = &recorded.parameters;
    let format = inspection.format.as_str();
    let arch = parameters.arch.parse().map(|arch| inspection.format.arch(arch).to_owned()).unwrap_or_default();
    [
        ("component", parameters.component.as_str(), inspection.name.as_str()),
        ("format", &parameters.format, format),
        ("arch", &arch, &inspection.arch),
        ("revision", &parameters.revision, inspection.revision.as_deref().unwrap_or_default()),
    ]
    .into_iter()
    .find(|(_, said, is)| said != is)
    .map(|(what, said, is)| format!("{what} `{}` is said of a package with `{}`", excerpt(said), excerpt(is)))
}

fn material(material: &provenance::Dependency) -> String {
    let name = material.url.as_deref().unwrap_or("a local build");
    let verified = match material.verified.as_slice() {
        [] => "not verified".to_owned(),
        reasons => reasons.join(", "),
    };
    shown(&format!("{name} ({}; {verified})", material.sha256))
}

/// Text out of a statement, whole: URLs and reasons are what a reader wants to copy.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

fn json(material: &provenance::Dependency) -> serde_json::Value {
    serde_json::json!({
        "url": material.url,
        "sha256": material.sha256.hex(),
        "verified": material.verified,
    })
}

/// Judges a bill: that it is the one of the provenance, and that the files that it names are those of the package.
fn bill(path: &Path, package: &Path, recorded: Option<&Recorded>) -> Finding {
    let finding = |outcome, text: String| Finding::new(Check::Sbom, outcome, text);
    if let Some((_, expected)) = recorded.and_then(|recorded| recorded.sbom.as_ref()) {
        match fs_err::File::open(path).and_then(Digest::sha256_of) {
            Ok((found, _)) if found == *expected => {}
            Ok((found, _)) => {
                return finding(Outcome::Bad, format!("has {found}, and the provenance says {expected}"));
            }
            Err(error) => return finding(Outcome::Unreadable, chain(&error)),
        }
    }
    match sbom::open(path) {
        Ok(bill) => files(&bill, package),
        Err(error @ BillError::Io(_)) => finding(Outcome::Unreadable, chain(&error)),
        Err(error) => finding(Outcome::Bad, chain(&error)),
    }
}

fn files(bill: &Bill, package: &Path) -> Finding {
    let named = bill.parts.iter().flat_map(|part| part.paths.iter().map(move |path| (path.as_str(), &part.sha256)));
    let mut named: BTreeMap<&str, &Option<Digest>> = named.collect();
    let (total, modules) = (named.len(), modules(bill));
    let mut faults = Vec::new();
    let walked = reader::walk(package, &mut |entry, content| {
        if let Some(Some(expected)) = named.remove(entry.path.as_str()) {
            let (found, _) = Digest::sha256_of(content)?;
            if found != *expected {
                faults.push(format!("`{}` has {found}, not {expected}", excerpt(&entry.path)));
            }
        }
        Ok(())
    });
    if let Err(error) = walked {
        return unreadable(Check::Sbom, &error);
    }
    faults.extend(named.keys().map(|path| format!("no file `{}` with a digest", excerpt(path))));
    let with = |finding: Finding| finding.with("files", total).with("modules", modules);
    with(match (faults.is_empty(), total) {
        (false, _) => Finding::new(Check::Sbom, Outcome::Bad, list(&faults)),
        (true, 0) => Finding::new(Check::Sbom, Outcome::Unchecked, "names no file of the package"),
        (true, _) => {
            let text = format!("agrees with {}, and names {}", count(total, "file"), count(modules, "Go module"));
            Finding::new(Check::Sbom, Outcome::Good, text)
        }
    })
}

fn modules(bill: &Bill) -> usize {
    let is_module = |part: &&sbom::Part| part.purl.as_deref().is_some_and(|purl| purl.starts_with("pkg:golang/"));
    bill.parts.iter().filter(is_module).count()
}
