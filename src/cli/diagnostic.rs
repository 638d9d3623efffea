//! Errors as a reader wants them: what failed, why, a picture where a file is at fault, and something to type.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use clap::error::ErrorKind;
use serde_json::{Value, json};

use super::Done;
use super::exit::Exit;
use super::ui::Ui;
use crate::fetch::{FetchError, SetupError};
use crate::image::ImageError;
use crate::image::elf::ElfError;
use crate::image::extract::ExtractError;
use crate::package::WriteError;
use crate::package::signing::SigningError;
use crate::pipeline::{BuildError, PapersError};
use crate::plan::{BadMarker, PlanError};
use crate::provenance::RenewError;
use crate::sign::KeyError;
use crate::spec::{CatalogError, SpecError};
use crate::template::TemplateError;
use crate::tree::TreeError;

/// An error on its way to the user.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    causes: Vec<String>,
    pictures: Vec<SpecError>,
    hint: Option<String>,
    /// What was done before.
    before: Option<Box<Done>>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, error: &dyn Error) -> Self {
        let mut causes = Vec::new();
        let mut next = error.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            // Wrappers that say nothing of their own repeat what they wrap.
            if causes.last() != Some(&text) {
                causes.push(text);
            }
            next = cause.source();
        }
        Self { causes, ..Self::told(exit, error.to_string()) }
    }

    fn told(exit: Exit, message: impl Into<String>) -> Self {
        let (causes, pictures) = (Vec::new(), Vec::new());
        Self { exit, message: message.into(), causes, pictures, hint: None, before: None }
    }

    /// The user wrote something that cannot be.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::told(Exit::Usage, message)
    }

    /// The program is wrong.
    pub(crate) fn bug(message: impl Into<String>) -> Self {
        Self::told(Exit::Unknown, message)
    }

    /// A file cannot be written or read.
    pub(crate) fn write(error: &dyn Error) -> Self {
        Self::new(Exit::Write, error)
    }

    /// What was asked for does not exist.
    pub(crate) fn plan(message: impl Into<String>) -> Self {
        Self::told(Exit::Plan, message)
    }

    /// A spec or template is wrong in a way that has no place in a file.
    pub(crate) fn spec(message: impl Into<String>) -> Self {
        Self::told(Exit::Spec, message)
    }

    /// A key cannot be used.
    pub(crate) fn key(message: impl Into<String>, cause: &KeyError) -> Self {
        let hint = match cause {
            KeyError::Malformed(_) | KeyError::Several => {
                "`kubepkg key generate FILE` makes one, and `gpg --export-secret-keys --armor KEY` writes one of gpg's"
            }
            KeyError::Public => "name the secret key, which `gpg --export-secret-keys --armor KEY` writes",
            KeyError::NotFound => "`gpg --list-secret-keys` shows which keys there are",
            KeyError::Unfit(_) => "`kubepkg key check FILE` says more, and `kubepkg key generate FILE` makes a new one",
            KeyError::NoSecret(_) => "`gpg --list-secret-keys` shows with `#` what is not here",
            KeyError::Process(_) => "see whether the program does it by itself, and whether it has what it needs",
            KeyError::Passphrase(_) => "see `--sign-passphrase-file`; of a file the first line counts",
            KeyError::Broken { .. } => "try another key, and report what it says",
        };
        Self { causes: vec![cause.to_string()], ..Self::told(Exit::Key, message) }.hint(hint)
    }

    /// A public key cannot be used.
    pub(crate) fn certificate(message: impl Into<String>, cause: &KeyError) -> Self {
        Self { causes: vec![cause.to_string()], ..Self::told(Exit::Key, message) }
            .hint("`gpg --export --armor KEY` writes a file of public keys")
    }

    /// A package was not signed.
    pub(crate) fn signing(message: impl Into<String>, cause: &SigningError) -> Self {
        let (exit, hint) = match cause {
            SigningError::Read(_) => (Exit::Write, "`kubepkg inspect FILE` says what it is"),
            SigningError::Io(_) => (Exit::Write, "make room there, or see who may write there"),
            SigningError::Sign(_) => {
                (Exit::Key, "see whether the key still works: `kubepkg sign` with a copy of a package")
            }
            SigningError::Verify(_) | SigningError::Unsigned | SigningError::Differs(_) => {
                (Exit::Verification, "build the package again")
            }
        };
        let mut failure = Self::new(exit, cause).hint(hint);
        failure.causes.insert(0, std::mem::replace(&mut failure.message, message.into()));
        failure
    }

    /// The provenance beside a package cannot be renewed.
    pub(crate) fn provenance(path: &Path, cause: &RenewError) -> Self {
        let (exit, hint) = match cause {
            RenewError::Read(_) => (Exit::Verification, "build the package again, or move the provenance away"),
            RenewError::Seal(_) => (Exit::Key, "try another key, and report what it says"),
        };
        let mut failure = Self::new(exit, cause).hint(hint);
        let message = format!("cannot renew `{}`", path.display());
        failure.causes.insert(0, std::mem::replace(&mut failure.message, message));
        failure
    }

    /// A file at fault, with its place.
    pub(crate) fn pictured(exit: Exit, errors: Vec<SpecError>) -> Self {
        let message = match errors.as_slice() {
            [error] => error.to_string(),
            errors => format!("{} faults in specs", errors.len()),
        };
        let explained = errors.iter().all(|error| error.hint.is_some());
        let hint = (!explained).then(|| "`kubepkg spec schema` prints what a spec may hold".to_owned());
        Self { pictures: errors, hint, ..Self::told(exit, message) }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Nobody can be told the result.
    pub(crate) fn stdout(error: &std::io::Error) -> Self {
        let hint = "redirect the output to a file with room, or see what closed it";
        Self { causes: vec![error.to_string()], ..Self::told(Exit::Write, "cannot write to stdout") }.hint(hint)
    }

    /// Something was done before it failed, and is told too.
    pub(crate) fn after(mut self, done: Done) -> Self {
        self.before = Some(Box::new(done));
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns what was done before, for stdout.
    pub(crate) fn data(&self) -> &str {
        self.before.as_ref().map_or("", |done| &done.text)
    }

    /// Shows the error on stderr.
    pub(crate) fn show(&self, ui: Ui) {
        for error in &self.pictures {
            ui.say(&picture(error, ui.colour));
        }
        if self.pictures.is_empty() {
            ui.error(&self.message);
        }
        for cause in &self.causes {
            ui.cause(cause);
        }
        if let Some(hint) = &self.hint {
            ui.hint(hint);
        }
    }

    /// Returns the error as JSON, schema 1, beside what was done before.
    pub(crate) fn json(&self) -> Value {
        let labels: Vec<Value> = self
            .pictures
            .iter()
            .map(|error| {
                let (line, column) = error.position();
                json!({"file": error.file, "line": line, "column": column, "cause": error.cause, "hint": error.hint})
            })
            .collect();
        let mut document = self.before.as_ref().map_or_else(|| json!({"schema": 1}), |done| done.json.clone());
        document["error"] = json!({
            "message": self.message,
            "causes": self.causes,
            "hint": self.hint,
            "exit_code": self.exit as u8,
            "labels": labels,
        });
        if self.before.is_some() {
            document["complete"] = false.into();
        }
        document
    }
}

/// Draws where a file is at fault.
fn picture(error: &SpecError, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let span = error.span.start..error.span.end.max(error.span.start).min(error.text.len());
    let snippet = Snippet::source(&*error.text).path(&error.file).annotation(AnnotationKind::Primary.span(span));
    let mut group = Level::ERROR.primary_title(&error.cause).element(snippet);
    if let Some(hint) = &error.hint {
        group = group.element(Level::HELP.message(hint));
    }
    let mut text = String::new();
    let _ = write!(text, "{}", renderer.render(&[group]));
    text
}

/// The parts of clap's message: what is wrong, and what it would have understood.
impl From<&clap::Error> for Failure {
    fn from(error: &clap::Error) -> Self {
        if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            return Self::usage("no subcommand").hint("`kubepkg help` lists them");
        }
        let text = error.render().to_string();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default();
        let more: Vec<&str> = lines.clone().take_while(|line| !is_advice(line)).collect();
        let advice = lines.find(|line| line.starts_with("tip: ")).or_else(|| text.lines().last());
        let message = [first.trim_start_matches("error: "), &more.join(", ")].join(" ");
        Self::usage(message.trim()).hint(advice.unwrap_or_default().trim_start_matches("tip: "))
    }
}

fn is_advice(line: &str) -> bool {
    ["tip: ", "Usage: ", "For more information"].iter().any(|start| line.starts_with(start))
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        let (exit, hint) = match &error {
            FetchError::Disagreement { .. } | FetchError::Mismatch { .. } => {
                (Exit::Verification, "the file was not kept; run again, or use `--upstream` to fetch from elsewhere")
            }
            FetchError::BadDigest { .. } | FetchError::NoDigest { .. } => (
                Exit::Verification,
                "nothing is packaged unverified; see what the URL answers, or use another `--upstream`",
            ),
            FetchError::NoSignature { .. } => (
                Exit::Verification,
                "for a mirror without signatures add `--min-verification digest`; for one file see `signature-exceptions` \
                 in kubepkg.yaml",
            ),
            FetchError::BadSignature { .. } => (
                Exit::Verification,
                "nothing is packaged of it; `--trust-root` names other roots, and `signature-exceptions` in kubepkg.yaml \
                 makes an exception of one file",
            ),
            FetchError::BadProof { .. } => (Exit::Verification, "see `signature-proofs` in kubepkg.yaml"),
            FetchError::NotPublished { .. } => {
                (Exit::Fetch, "`--arch all` leaves out what is not published; `kubepkg plan` shows every URL")
            }
            FetchError::NotCached { .. } => {
                (Exit::Fetch, "run once without `--offline`, for example `kubepkg fetch` with the same options")
            }
            FetchError::Cache { .. } => (Exit::Write, "make room there, or name another folder with `--cache-dir`"),
            FetchError::LocalBuild { .. } => (Exit::Fetch, "see what lies below the folder of `--from-dir`"),
            _ => (Exit::Fetch, "run again: what came whole is not fetched twice; or use another `--upstream`"),
        };
        Self::new(exit, &error).hint(hint)
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        Self::new(Exit::Usage, &error).hint(match &error {
            SetupError::NoMirror(_) => "`--upstream` takes a folder or URL that holds `dl.k8s.io/` and `github.com/`",
            SetupError::CertificateAuthority { .. } => "`--ca-certificate` takes a file of certificates in PEM",
            SetupError::Cache { .. } => "name another folder with `--cache-dir`",
            _ => "see the proxies of the environment: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY",
        })
    }
}

impl From<TemplateError> for Failure {
    fn from(error: TemplateError) -> Self {
        Self::new(Exit::Spec, &error)
            .hint("specs/README.md lists the variables; `kubepkg spec export DIR` writes the templates out")
    }
}

impl From<TreeError> for Failure {
    fn from(error: TreeError) -> Self {
        Self::new(Exit::Spec, &error).hint("`kubepkg spec export DIR` writes a folder of specs and templates")
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        match error.spec_errors() {
            [] => Self::new(Exit::Spec, &error).hint("`kubepkg spec export DIR` writes specs to start from"),
            errors => Self::pictured(Exit::Spec, errors.to_vec()),
        }
    }
}

impl From<BadMarker> for Failure {
    fn from(error: BadMarker) -> Self {
        Self::new(Exit::Fetch, &error).hint("name the version itself, such as `--version 1.36.2`")
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        let list = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let (exit, hint) = match &error {
            PlanError::UnknownComponent { known, .. } => (Exit::Plan, format!("components are {}", list(known))),
            PlanError::UnknownProfile { known, .. } => (Exit::Plan, format!("profiles are {}", list(known))),
            PlanError::NotPublished { .. } => {
                (Exit::Plan, "name the components that are, or use `--arch all` to build what there is".to_owned())
            }
            PlanError::NoOwnVersion { component, .. } => {
                (Exit::Plan, format!("add `--component-version {component}=VERSION`, or build it alone"))
            }
            PlanError::NoCompanion { component, .. } => {
                (Exit::Plan, format!("add a row, or choose one with `--component-version {component}=VERSION`"))
            }
            PlanError::NotDescribed { .. } => {
                (Exit::Plan, "`kubepkg spec show` prints what the spec describes".to_owned())
            }
            PlanError::Template(error) => return error.clone().into(),
            PlanError::BadUrl { .. } => (Exit::Spec, "see `url` in the spec".to_owned()),
            PlanError::BadMember { .. } => (Exit::Spec, "see `member` and `members` in the spec".to_owned()),
            PlanError::Unprovable { .. } => (Exit::Usage, "see `signature-proofs` in kubepkg.yaml".to_owned()),
            PlanError::Nothing => (Exit::Plan, "`kubepkg spec list` shows what there is".to_owned()),
        };
        Self::new(exit, &error).hint(hint)
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        let told = |exit, hint: &str| Self::new(exit, &error).hint(hint);
        let room = "make room there, or choose another folder with `--output`";
        match &error {
            BuildError::Fetch(cause) => cause.clone().into(),
            BuildError::Image { source, .. } if is_local(source) => told(Exit::Write, room),
            BuildError::Image {
                source: ImageError::UnknownMembers { .. } | ImageError::MissingMembers { .. }, ..
            } => told(
                Exit::Verification,
                "see `members` and `ignore` of the spec; `kubepkg spec export DIR` writes it out",
            ),
            BuildError::Image { .. } => {
                told(Exit::Verification, "nothing was made of it; see what was published with `kubepkg fetch -v`")
            }
            BuildError::Write { source: WriteError::Template(cause), .. } => cause.clone().into(),
            BuildError::Papers { source: PapersError::Seal(_), .. } => {
                told(Exit::Key, "try another key, and report what it says")
            }
            BuildError::Write { source: WriteError::Io(_), .. }
            | BuildError::Output { .. }
            | BuildError::Papers { .. } => told(Exit::Write, room),
            BuildError::Write { source: WriteError::Field { .. }, .. } => {
                told(Exit::Write, "see the spec and the templates; `kubepkg spec export DIR` writes them out")
            }
            BuildError::Write { source: WriteError::InputChanged(_), .. } => {
                told(Exit::Verification, "run again: what changed is fetched anew")
            }
            BuildError::Sign { file, source } => Self::signing(format!("cannot sign `{file}`"), source),
            BuildError::Blocks(_) => told(
                Exit::Write,
                "make room there, choose another cache with `--cache-dir`, or do without with `--no-cache`",
            ),
            BuildError::Write { .. } | BuildError::Read { .. } => {
                told(Exit::Write, "try another `--compression`, and report what it says")
            }
        }
    }
}

/// Whether this machine is at fault, not what was published.
fn is_local(error: &ImageError) -> bool {
    match error {
        ImageError::Extract { source, .. } => matches!(**source, ExtractError::Io(_)),
        ImageError::Payload { source, .. } => matches!(**source, ElfError::Io(_)),
        _ => false,
    }
}
