//! The control stanza: fields of binary packages (Policy 5.1, deb822(5)).
//!
//! `deb822-fast` is no help here: it drops the indentation of verbatim lines and takes repeated fields.

use super::super::error::{Fault, excerpt};

const MAX_FIELDS: u64 = 1000;

/// The fields of one stanza, in order. Names compare without case.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Stanza(Vec<(String, String)>);

impl Stanza {
    /// Reads the only stanza of a file. Values keep their line breaks; a continuation line loses its first blank.
    pub(super) fn parse(text: &str, place: &str) -> Result<Self, Fault> {
        let mut stanza = Self::default();
        let mut ended = false;
        for (number, line) in text.lines().enumerate() {
            let bad = |cause: String| Fault::malformed(format!("{place}: line {}", number + 1), cause);
            // Blanks and tabs and nothing else (Policy 5.1): what dpkg keeps is of the value.
            let line = line.trim_end_matches([' ', '\t']);
            if line.is_empty() {
                ended = !stanza.0.is_empty();
            } else if ended {
                return Err(bad("a second stanza".to_owned()));
            } else if let Some(rest) = line.strip_prefix([' ', '\t']) {
                let Some((_, value)) = stanza.0.last_mut() else {
                    return Err(bad("a continuation line before any field".to_owned()));
                };
                value.push('\n');
                value.push_str(rest);
            } else {
                let (name, value) = field(line).ok_or_else(|| bad(format!("`{}` is no field", excerpt(line))))?;
                if stanza.get(name).is_some() {
                    return Err(bad(format!("the field `{name}` stands there twice")));
                }
                if stanza.0.len() as u64 == MAX_FIELDS {
                    return Err(Fault::limit(place, MAX_FIELDS, "fields"));
                }
                stanza.0.push((name.to_owned(), value.to_owned()));
            }
        }
        Ok(stanza)
    }

    /// Returns a field's value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Takes a field out.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(field, _)| field.eq_ignore_ascii_case(name))?;
        Some(self.0.remove(at).1)
    }

    /// Returns the fields that nobody took.
    pub(super) fn rest(self) -> Vec<(String, String)> {
        self.0
    }
}

/// Splits `Name: value`. A name is printable ASCII without blank and colon, and begins with neither `#` nor `-`.
fn field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let good = !name.is_empty() && !name.starts_with(['#', '-']) && name.bytes().all(|byte| byte.is_ascii_graphic());
    good.then_some((name, value.trim_start_matches([' ', '\t'])))
}

/// Splits a `Description` into synopsis and extended description (Policy 5.6.13): ` .` is an empty line, lines with
/// more than one blank are verbatim and keep the rest of their indentation.
pub(super) fn description(value: &str) -> (String, Option<String>) {
    let (synopsis, extended) = value.split_once('\n').map_or((value, None), |(first, rest)| (first, Some(rest)));
    let decode = |line| if line == "." { "" } else { line };
    (synopsis.to_owned(), extended.map(|text| text.split('\n').map(decode).collect::<Vec<_>>().join("\n")))
}

/// Splits a relation field at its commas; blanks and line breaks within become one blank.
pub(super) fn relations(value: &str) -> Vec<String> {
    let one = |relation: &str| relation.split_whitespace().collect::<Vec<_>>().join(" ");
    value.split(',').map(one).filter(|relation| !relation.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Stanza, String> {
        Stanza::parse(text, "control").map_err(|fault| fault.of("x.deb".as_ref()).to_string())
    }

    #[test]
    fn fields_are_found_whatever_their_case_and_keep_their_lines() {
        let text = "\npackage:a\nDescription: short \n long\n .\n   verbatim\n\tend\nEmpty:\n\n";
        let mut stanza = parse(text).unwrap();
        assert_eq!(stanza.get("PACKAGE"), Some("a"));
        assert_eq!(stanza.get("empty"), Some(""));
        let value = stanza.take("description").unwrap();
        assert_eq!(description(&value), ("short".to_owned(), Some("long\n\n  verbatim\nend".to_owned())));
        assert_eq!(stanza.get("description"), None);
    }

    #[test]
    fn what_dpkg_refuses_is_refused_with_its_line() {
        for (text, cause) in [
            ("A: 1\na: 2", "line 2: the field `a` stands there twice"),
            (" a\n", "line 1: a continuation line before any field"),
            ("A: 1\n\nB: 2", "line 3: a second stanza"),
            ("A: 1\n\n b", "line 3: a second stanza"),
            ("A 1", "line 1: `A 1` is no field"),
            ("A b: 1", "line 1: `A b: 1` is no field"),
            (": 1", "line 1: `: 1` is no field"),
            ("-A: 1", "line 1: `-A: 1` is no field"),
            ("A\u{1b}[2J: 1", "line 1: `A\\u{1b}[2J: 1` is no field"),
        ] {
            assert_eq!(parse(text), Err(format!("`x.deb`: control: {cause}")));
        }
        let many: String = (0..=MAX_FIELDS).flat_map(|n| format!("F{n}: 1\n").into_bytes()).map(char::from).collect();
        assert_eq!(parse(&many), Err("`x.deb`: control: more than 1000 fields".to_owned()));
    }

    #[test]
    fn relations_are_split_at_commas() {
        assert_eq!(relations("a (>= 1)\n | b,\tc [amd64],,"), ["a (>= 1) | b", "c [amd64]"]);
        assert!(relations("").is_empty());
    }
}
