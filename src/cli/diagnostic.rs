//! Errors as a reader wants them: what failed, why, a picture where a file is at fault, and something to type.

use std::error::Error;
use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde_json::{Value, json};

use super::exit::Exit;
use super::ui::Ui;
use crate::fetch::{FetchError, SetupError};
use crate::image::ImageError;
use crate::package::WriteError;
use crate::pipeline::BuildError;
use crate::plan::{BadMarker, PlanError};
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
        Self { exit, message: error.to_string(), causes, pictures: Vec::new(), hint: None }
    }

    /// The user wrote something that cannot be.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        let (message, causes) = (message.into(), Vec::new());
        Self { exit: Exit::Usage, message, causes, pictures: Vec::new(), hint: None }
    }

    /// What was asked for does not exist.
    pub(crate) fn plan(message: impl Into<String>) -> Self {
        Self { exit: Exit::Plan, ..Self::usage(message) }
    }

    /// A file at fault, with its place.
    pub(crate) fn pictured(exit: Exit, errors: Vec<SpecError>) -> Self {
        let message = match errors.as_slice() {
            [error] => error.to_string(),
            errors => format!("{} faults in specs", errors.len()),
        };
        Self { exit, message, causes: Vec::new(), pictures: errors, hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
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

    /// Returns the error as JSON, schema 1.
    pub(crate) fn json(&self) -> Value {
        let labels: Vec<Value> = self
            .pictures
            .iter()
            .map(|error| {
                let (line, column) = error.position();
                json!({"file": error.file, "line": line, "column": column, "cause": error.cause, "hint": error.hint})
            })
            .collect();
        json!({"schema": 1, "error": {
            "message": self.message,
            "causes": self.causes,
            "hint": self.hint,
            "exit_code": self.exit as u8,
            "labels": labels,
        }})
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

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        let (exit, hint) = match &error {
            FetchError::Disagreement { .. } | FetchError::Mismatch { .. } => (
                Exit::Verification,
                Some("the file was not kept; run again, or use `--upstream` to fetch from elsewhere"),
            ),
            FetchError::BadDigest { .. } | FetchError::NoDigest { .. } => (
                Exit::Verification,
                Some("nothing is packaged unverified; see what the URL answers, or use another `--upstream`"),
            ),
            FetchError::NotPublished { .. } => {
                (Exit::Fetch, Some("`--arch all` leaves out what is not published; `kubepkg plan` shows every URL"))
            }
            FetchError::NotCached { .. } => {
                (Exit::Fetch, Some("run once without `--offline`, for example `kubepkg fetch`"))
            }
            FetchError::Cache { .. } => (Exit::Write, Some("name another folder with `--cache-dir`")),
            _ => (Exit::Fetch, None),
        };
        let failure = Self::new(exit, &error);
        hint.map_or_else(|| Self::new(exit, &error), |hint| failure.hint(hint))
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        Self::new(Exit::Usage, &error)
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
        Self::new(Exit::Spec, &error)
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
            PlanError::Nothing => (Exit::Plan, "`kubepkg spec list` shows what there is".to_owned()),
        };
        Self::new(exit, &error).hint(hint)
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Fetch(error) => error.into(),
            BuildError::Image { source: ImageError::Payload { .. }, .. } => Self::new(Exit::Verification, &error)
                .hint("nothing was packaged; see what upstream published, or report it there"),
            BuildError::Image { source: ImageError::UnknownMembers { .. }, .. } => {
                Self::new(Exit::Verification, &error)
                    .hint("name the files below `members` or `ignore` of the spec (`kubepkg spec export DIR`)")
            }
            BuildError::Image { .. } => Self::new(Exit::Verification, &error),
            BuildError::Write { source: WriteError::Template(error), .. } => error.into(),
            BuildError::Write { .. } => Self::new(Exit::Write, &error),
            BuildError::Output { .. } => Self::new(Exit::Write, &error).hint("choose another folder with `--output`"),
        }
    }
}
