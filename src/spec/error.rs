//! What is wrong with a spec, where it stands, and what to write instead.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

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
        let span = error.location().map(|location| location.span());
        let bytes = |count: Option<u64>| count.and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
        let start = bytes(span.and_then(|span| span.byte_offset())).min(text.len());
        let end = (start + bytes(span.and_then(|span| span.byte_len()))).min(text.len());
        let message = error.without_snippet().render_with_formatter(&serde_saphyr::DefaultMessageFormatter);
        let first = message.lines().next().unwrap_or_default();
        // The parser ends its message with the place, which is said once already.
        let cause = first.split(" at line ").next().unwrap_or(first).to_owned();
        Self { file: file.to_owned(), text: Arc::from(text), span: start..end, cause, hint: Some(hint.to_owned()) }
    }

    /// Returns the line and the column, both from 1; columns count characters.
    pub fn position(&self) -> (usize, usize) {
        let before = self.text.get(..self.span.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
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
