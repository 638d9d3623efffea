//! What is wrong with a spec, where it stands, and what to write instead.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde_saphyr::MessageFormatter;

/// One fault of a spec file. Displays as `file:line:column: cause`; the picture is drawn by who shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecError {
    /// The file.
    pub file: String,
    /// Its whole text, for a picture.
    pub text: Arc<str>,
    /// The bytes that are at fault.
    pub span: Range<usize>,
    /// What is wrong.
    pub cause: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl SpecError {
    /// Makes an error of what the YAML parser refuses: it knows the place and, for the shape, what would be right.
    pub fn syntax(file: &str, text: &str, error: &serde_saphyr::Error, hint: &str) -> Self {
        let location = error.location();
        let span = location.map_or(0..0, |location| {
            let count = |count: u64| usize::try_from(count).unwrap_or_default();
            let span = location.span();
            // A fault of the syntax has a line and a column alone.
            let start = span
                .byte_offset()
                .map_or_else(|| offset(text, count(location.line()), count(location.column())), count);
            start..start + span.byte_len().map_or(0, count)
        });
        // A file that ends too early is shown at its last character.
        let start = span.start.min(text.trim_end().len());
        let end = span.end.clamp(start, text.len());
        let cause = Words.format_message(error.without_snippet()).lines().next().unwrap_or_default().to_owned();
        Self { file: file.to_owned(), text: Arc::from(text), span: start..end, cause, hint: Some(hint.to_owned()) }
    }

    /// Returns the line and the column, both from 1; columns count characters.
    pub fn position(&self) -> (usize, usize) {
        let before = self.text.get(..self.span.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// Returns where a line and a column of a text, both from 1, are in bytes.
pub(super) fn offset(text: &str, line: usize, column: usize) -> usize {
    let start = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    let within = rest.lines().next().unwrap_or_default();
    start + within.char_indices().nth(column.saturating_sub(1)).map_or(within.len(), |(at, _)| at)
}

/// The parser's messages for someone who writes YAML, not Rust.
struct Words;

impl serde_saphyr::MessageFormatter for Words {
    fn format_message<'a>(&self, error: &'a serde_saphyr::Error) -> Cow<'a, str> {
        use serde_saphyr::Error as Yaml;
        Cow::Owned(match error {
            Yaml::AliasError { error, .. } => return self.format_message(error),
            Yaml::SerdeUnknownField { field, expected, .. } => {
                format!("unknown key `{}`; known are {}", field.escape_default(), quoted(expected))
            }
            Yaml::SerdeUnknownVariant { variant, expected, .. } => {
                format!("`{}` is none of {}", variant.escape_default(), quoted(expected))
            }
            Yaml::SerdeMissingField { field, .. } => format!("the key `{field}` is missing"),
            Yaml::DuplicateMappingKey { key: Some(key), .. } => {
                format!("the key `{}` is there twice", key.escape_default())
            }
            Yaml::Unexpected { expected: "string scalar", .. } => "a text must stand here".to_owned(),
            Yaml::Unexpected { expected: "sequence start", .. } => "a list must stand here".to_owned(),
            Yaml::Unexpected { expected: "mapping start", .. } => "a mapping of keys must stand here".to_owned(),
            Yaml::NullIntoString { .. } => "the text is missing".to_owned(),
            Yaml::InvalidScalar { ty: "u64", .. } => "a whole number must stand here".to_owned(),
            Yaml::InvalidScalar { ty: "bool", .. } => "`true` or `false` must stand here".to_owned(),
            Yaml::ExternallyTaggedEnumExpectedScalarOrMapping { .. }
            | Yaml::UnexpectedValueForUnitEnumVariant { .. } => "exactly one choice must stand here".to_owned(),
            Yaml::MultipleDocuments { .. } => "a second document begins; a file holds one".to_owned(),
            Yaml::Budget { breach: serde_saphyr::budget::BudgetBreach::Nodes { nodes }, .. } => {
                format!("the file holds more than the limit of {} values", nodes - 1)
            }
            Yaml::Eof { .. } => "the file is empty".to_owned(),
            other => return serde_saphyr::DefaultMessageFormatter.format_message(other),
        })
    }
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.position();
        write!(f, "{}:{line}:{column}: {}", self.file, self.cause)
    }
}

impl std::error::Error for SpecError {}

/// All the faults that were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecErrors(pub Vec<SpecError>);

impl fmt::Display for SpecErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for SpecErrors {}

/// A fault before it knows its file.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) span: Range<usize>,
    pub(super) cause: String,
    pub(super) hint: Option<String>,
}

impl Fault {
    pub(super) fn new(span: Range<usize>, cause: impl fmt::Display) -> Self {
        Self { span, cause: cause.to_string(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a hint where there is none that knows better.
    pub(super) fn or_hint(self, hint: impl Into<String>) -> Self {
        if self.hint.is_some() { self } else { self.hint(hint) }
    }
}

/// Collects faults, so that one run shows all of them.
#[derive(Debug, Default)]
pub(super) struct Faults(pub(super) Vec<Fault>);

impl Faults {
    /// Keeps a fault and goes on without the value.
    pub(super) fn keep<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        result.map_err(|fault| self.0.push(fault)).ok()
    }

    pub(super) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }
}
