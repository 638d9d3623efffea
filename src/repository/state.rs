//! Files that kubepkg alone reads: JSON with the version of its form, which a kubepkg that is too old refuses.

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::ser::{Formatter, Serializer};

/// The form of the state files that this kubepkg writes.
pub const FORM: u32 = 1;

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A later kubepkg wrote it.
    #[error("`{object}` is of form {found}, and this kubepkg knows forms up to {FORM}: a newer one wrote it")]
    Newer {
        /// The file.
        object: String,
        /// Its form.
        found: u32,
    },
    /// It is no state file.
    #[error("`{object}` is no state file of kubepkg: {cause}")]
    Malformed {
        /// The file.
        object: String,
        /// What is wrong with it.
        cause: String,
    },
    /// It is not the file that another one names.
    #[error("`{object}` is not what {by} names: its SHA-256 is another one")]
    Differs {
        /// The file.
        object: String,
        /// Who names it.
        by: String,
    },
    /// It is not there.
    #[error("`{object}`, which {by} names, is not there")]
    Missing {
        /// The file.
        object: String,
        /// Who names it.
        by: String,
    },
}

#[derive(Deserialize)]
struct Form {
    form: u32,
}

/// Reads a state file.
pub(super) fn parse<T: DeserializeOwned>(object: &str, bytes: &[u8]) -> Result<T, StateError> {
    let malformed =
        |error: serde_json::Error| StateError::Malformed { object: object.to_owned(), cause: error.to_string() };
    // The form first: of a later one nothing else can be told. It stands at the front of what this kubepkg writes, where
    // it is found without reading everything twice.
    if bytes.starts_with(format!("{{\"form\":{FORM},").as_bytes()) {
        return serde_json::from_slice(bytes).map_err(malformed);
    }
    match serde_json::from_slice::<Form>(bytes).map_err(malformed)?.form {
        form if form > FORM => Err(StateError::Newer { object: object.to_owned(), found: form }),
        _ => serde_json::from_slice(bytes).map_err(malformed),
    }
}

/// Writes a state file: JSON, one line for each item of its longest lists, so that a person can read and compare it.
pub(super) fn write<T: Serialize>(value: &T) -> Vec<u8> {
    let mut text = Vec::new();
    if let Err(error) = value.serialize(&mut Serializer::with_formatter(&mut text, Lines::default())) {
        // Nothing but structures with names for keys is ever written, and memory takes everything.
        unreachable!("no state: {error}");
    }
    text.push(b'\n');
    text
}

/// Breaks lines between the fields of the outermost object, and between the items of their lists.
#[derive(Default)]
struct Lines {
    depth: usize,
    is_empty: bool,
}

impl Lines {
    fn item<W: io::Write + ?Sized>(&mut self, out: &mut W, first: bool, has_line: bool) -> io::Result<()> {
        self.is_empty = false;
        out.write_all(if first { b"" } else { b"," })?;
        out.write_all(if has_line { b"\n" } else { b"" })
    }
}

impl Formatter for Lines {
    fn begin_object<W: io::Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        out.write_all(b"{")
    }

    fn end_object<W: io::Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth -= 1;
        out.write_all(b"}")
    }

    fn begin_object_key<W: io::Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        let has_line = self.depth == 1 && !first;
        self.item(out, first, has_line)
    }

    fn begin_array<W: io::Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        (self.depth, self.is_empty) = (self.depth + 1, true);
        out.write_all(b"[")
    }

    fn end_array<W: io::Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        let has_line = self.depth == 2 && !self.is_empty;
        (self.depth, self.is_empty) = (self.depth - 1, false);
        out.write_all(if has_line { b"\n]" } else { b"]" })
    }

    fn begin_array_value<W: io::Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        let has_line = self.depth == 2;
        self.item(out, first, has_line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Sample {
        form: u32,
        names: Vec<String>,
    }

    #[test]
    fn state_reads_back_and_has_a_line_for_each_item() {
        let sample = Sample { form: FORM, names: vec!["a".to_owned(), "b".to_owned()] };
        let bytes = write(&sample);
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), "{\"form\":1,\n\"names\":[\n\"a\",\n\"b\"\n]}\n");
        assert_eq!(parse::<Sample>("x", &bytes).unwrap(), sample);
    }

    #[test]
    fn a_later_form_is_refused_before_anything_else_is_read() {
        let error = parse::<Sample>("x", b"{\"form\": 2, \"names\": {\"new\": true}}").unwrap_err();
        assert!(matches!(error, StateError::Newer { found: 2, .. }), "{error}");
        for bad in ["", "{}", "[]", "{\"form\": 1, \"names\": 1}", "{\"form\": -1}"] {
            assert!(matches!(parse::<Sample>("x", bad.as_bytes()), Err(StateError::Malformed { .. })), "{bad}");
        }
    }
}
