//! `kubepkg verify`

use std::num::NonZero;
use std::path::PathBuf;

use serde_json::json;

use super::args::Sources;
use super::diagnostic::Failure;
use super::exit::Exit;
use super::session::{Session, interruptible};
use super::{Done, secrets, signal};
use crate::event::count;
use crate::pipeline::Env;
use crate::sign::{Certificate, MAX_KEY_FILE};
use crate::verify::{
    Extent, Outcome, Papers, Presence, Question, Rebuild, Report, SameAs, Signatures, Upstream, verify,
};

/// Check packages, whoever made them
///
/// Reads any deb or RPM to its last byte: its structure, every digest and size that it holds, and its signature. With
/// `--upstream` it finds the programs of Kubernetes in it and says whether they are what upstream published. Papers
/// beside it are read too: who says what it was made of, and whether what they name is in it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:
  kubepkg verify dist/*.deb dist/*.rpm
  kubepkg verify --key release.asc kubelet-1.36.2-1.1.x86_64.rpm
  kubepkg verify --upstream kubectl_1.36.2-1.1_amd64.deb
  kubepkg verify --rebuild kubectl_1.36.2-1.1_amd64.deb
  kubepkg verify --same-as rebuilt/ --ignore-signature dist/*.rpm",
    // `--upstream` asks here, and the mirrors are named by an option of their own.
    mut_arg("upstream", |arg| arg.long("mirror")),
)]
pub(crate) struct VerifyArgs {
    /// Package files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// File of OpenPGP certificates, armored or binary: a package must be signed by one of them (can be repeated)
    #[arg(long = "key", value_name = "FILE", env = "KUBEPKG_VERIFY_KEY", value_delimiter = ',')]
    keys: Vec<PathBuf>,

    /// Find the programs of Kubernetes in the package and compare them with what upstream published
    #[arg(id = "is_upstream", long = "upstream")]
    is_upstream: bool,

    /// Compare with another package, or with the one of the same name in a folder
    #[arg(long, value_name = "FILE|DIR")]
    same_as: Option<PathBuf>,

    /// Compare everything but signatures
    #[arg(long, requires = "same_as")]
    ignore_signature: bool,

    #[command(flatten)]
    trail: Trail,

    #[command(flatten)]
    sources: Sources,
}

/// What is asked about the papers beside a package.
#[derive(Debug, clap::Args)]
struct Trail {
    /// Build the package again from what its provenance says, and compare everything but signatures
    #[arg(id = "is_rebuilt", long = "rebuild")]
    is_rebuilt: bool,

    /// Provenance, where it is not beside the package
    #[arg(long, value_name = "FILE")]
    provenance: Option<PathBuf>,

    /// Fail where provenance or bill of materials is missing
    #[arg(long)]
    require_papers: bool,
}

impl VerifyArgs {
    pub(crate) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let signatures = Signatures { certificates: self.certificates()? };
        let same_as = self.same_as()?;
        let papers = self.papers(&signatures.certificates)?;
        let mut questions: Vec<&dyn Question> = vec![&signatures, &papers];
        questions.extend(same_as.as_ref().map(|question| question as &dyn Question));
        if !self.is_upstream && !self.trail.is_rebuilt {
            return Ok(self.answers(session, &questions));
        }
        if self.sources.from_dir.is_some() && !self.trail.is_rebuilt {
            return Err(Failure::usage("`--from-dir` is not what upstream published")
                .hint("leave it out, or name another mirror with `--mirror`"));
        }
        let (_, catalog) = session.specs(&self.sources.trees)?;
        let templates = session.templates(&self.sources.trees)?;
        let fetcher = interruptible(session.fetcher(&self.sources)?);
        let folder = signal::temporary().map_err(|error| Failure::write(&error))?;
        let scratch = signal::scratch(folder.path()).map_err(|error| Failure::write(&error))?;
        let signature_policy = session.signature_policy(&self.sources)?;
        let upstream = Upstream::new(&catalog, signature_policy.clone(), &templates, &fetcher, folder.path());
        if self.is_upstream {
            questions.push(&upstream);
        }
        let reporter = session.reporter.clone();
        let env = Env { fetcher: &fetcher, templates: &templates, reporter, scratch: &scratch };
        let rebuild = Rebuild {
            catalog: &catalog,
            env: &env,
            provenance: self.trail.provenance.clone(),
            local_build: self.sources.from_dir.clone(),
            signature_policy,
            jobs: std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
        };
        if self.trail.is_rebuilt {
            questions.push(&rebuild);
        }
        Ok(self.answers(session, &questions))
    }

    fn papers<'c>(&self, certificates: &'c [Certificate]) -> Result<Papers<'c>, Failure> {
        if self.files.len() > 1 && self.trail.provenance.is_some() {
            return Err(Failure::usage("several packages, and one file of provenance")
                .hint("leave `--provenance` out: it is looked for beside each package"));
        }
        let presence = if self.trail.require_papers { Presence::Required } else { Presence::Optional };
        Ok(Papers { certificates, provenance: self.trail.provenance.clone(), presence })
    }

    fn certificates(&self) -> Result<Vec<Certificate>, Failure> {
        let mut certificates = Vec::new();
        for path in &self.keys {
            let bytes = secrets::read(path, MAX_KEY_FILE)?;
            let refused = |error| {
                let message = format!("cannot use the key `{}`", path.display());
                Failure::certificate(message, &error)
            };
            certificates.extend(Certificate::parse(&bytes).map_err(refused)?);
        }
        Ok(certificates)
    }

    fn same_as(&self) -> Result<Option<SameAs>, Failure> {
        let Some(other) = self.same_as.clone() else { return Ok(None) };
        if self.files.len() > 1 && !other.is_dir() {
            return Err(Failure::usage("several packages, and one file to compare them with")
                .hint("name a folder that has a file of the same name for each"));
        }
        let extent = if self.ignore_signature { Extent::AllButSignatures } else { Extent::All };
        Ok(Some(SameAs { other, extent }))
    }

    fn answers(&self, session: &Session, questions: &[&dyn Question]) -> Done {
        let reports: Vec<Report> = self.files.iter().map(|file| verify(file, questions)).collect();
        let worst = reports.iter().map(Report::outcome).max().unwrap_or(Outcome::Good);
        let text: String = reports.iter().flat_map(lines).chain([verdict(&reports, worst)]).collect();
        let packages: Vec<_> = reports.iter().map(Report::json).collect();
        if let Some(hint) = hint(worst) {
            session.ui.hint(hint);
        }
        let json = json!({"schema": 1, "outcome": worst.as_str(), "packages": packages});
        Done { text, json, exit: exit(worst) }
    }
}

/// One line a finding: the file, what was looked at, how it was found.
fn lines(report: &Report) -> Vec<String> {
    let path = report.path.display();
    let line = |finding: &crate::verify::Finding| {
        format!("{path}: {} {}: {}\n", finding.check.as_str(), finding.outcome, finding.text)
    };
    report.findings.iter().map(line).collect()
}

/// The last line.
fn verdict(reports: &[Report], worst: Outcome) -> String {
    let total = count(reports.len(), "package");
    if worst == Outcome::Good {
        return format!("good: {total}\n");
    }
    let of = |outcome| reports.iter().filter(|report| report.outcome() == outcome).count();
    format!("{worst}: {} of {total}\n", of(worst))
}

/// What to do about it.
fn hint(worst: Outcome) -> Option<&'static str> {
    match worst {
        Outcome::Good | Outcome::Unchecked => None,
        Outcome::Unproven => {
            Some("`--key` names who may sign and `--mirror` where upstream's files are; `kubepkg sign` signs")
        }
        Outcome::Unfetched => Some("run again, or name another place of upstream's files with `--mirror`"),
        Outcome::Unreadable => Some("`kubepkg verify` reads deb and RPM files"),
        Outcome::Bad => Some("do not install it: fetch it again, or ask who made it; `--json` tells everything"),
    }
}

fn exit(worst: Outcome) -> Exit {
    match worst {
        Outcome::Good | Outcome::Unchecked => Exit::Done,
        Outcome::Unproven => Exit::Unproven,
        Outcome::Unfetched => Exit::Fetch,
        Outcome::Unreadable => Exit::Write,
        Outcome::Bad => Exit::Verification,
    }
}
