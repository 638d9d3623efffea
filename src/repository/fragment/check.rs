//! Names and versions that are safe in paths, URLs and index files.

use super::Fragment;
use crate::format::Format;

/// Bytes of a name, a version or an architecture. File systems and object stores end a name at 255.
const MAX_WORD_BYTES: usize = 128;

/// Something that a package says of itself and that no index file can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {cause}")]
pub struct BadField {
    /// The field or tag.
    pub field: String,
    /// What is wrong with it.
    pub cause: String,
}

impl BadField {
    pub(in crate::repository) fn new(field: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { field: field.into(), cause: cause.into() }
    }

    pub(in crate::repository) fn missing(field: &str) -> Self {
        Self::new(format!("`{field}`"), "there is none")
    }
}

/// The beginning of text from a package, fit for a message.
pub(in crate::repository) fn excerpt(text: &str) -> String {
    const SHOWN: usize = 60;
    let shown: String = text.chars().take(SHOWN).flat_map(char::escape_default).collect();
    if text.chars().count() > SHOWN { shown + "…" } else { shown }
}

impl Fragment {
    /// Checks what stands in paths and keys.
    pub(super) fn check(&self) -> Result<(), BadField> {
        // Besides letters and digits: Policy 5.6.1 and 5.6.12, and what rpmbuild takes.
        let (name, version) = match self.format() {
            Format::Deb => ("+-.", "+-.~:"),
            Format::Rpm => ("+-._", "+-._~^:"),
        };
        word("name", self.name(), self.format(), name)?;
        word("version", self.version(), self.format(), version)?;
        word("architecture", self.arch(), self.format(), "-_")?;
        let version = self.version().split_once(':');
        match version {
            Some((epoch, rest)) if epoch.parse::<u32>().is_err() || rest.contains(':') || rest.is_empty() => {
                Err(BadField::new("version", format!("`{}` has no number before its colon", excerpt(self.version()))))
            }
            _ => Ok(()),
        }
    }
}

fn word(what: &str, text: &str, format: Format, others: &str) -> Result<(), BadField> {
    let bad = |cause: String| Err(BadField::new(what, cause));
    if text.len() > MAX_WORD_BYTES {
        return bad(format!("`{}` has more than {MAX_WORD_BYTES} bytes", excerpt(text)));
    }
    let good = |c: char| c.is_ascii_alphanumeric() || others.contains(c);
    if let Some(c) = text.chars().find(|c| !good(*c)) {
        return bad(format!("`{}` has a `{}`, which is not for a {format}", excerpt(text), c.escape_default()));
    }
    let begins = |c: char| c.is_ascii_alphanumeric() || (format == Format::Rpm && c == '_');
    if text.starts_with(begins) { Ok(()) } else { bad(format!("`{}` begins with no letter or digit", excerpt(text))) }
}
