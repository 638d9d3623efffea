//! XML, as far as rpm-md needs it. Line breaks in attributes and carriage returns are written as references, else a
//! reader would take them for blanks.

use crate::repository::fragment::BadField;

/// Escapes text between tags.
pub(super) fn push_text(out: &mut String, text: &str) {
    push_escaped(out, text, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\r' => Some("&#13;"),
        _ => None,
    });
}

/// Escapes the value of an attribute in double quotes.
fn push_value(out: &mut String, value: &str) {
    push_escaped(out, value, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\t' => Some("&#9;"),
        '\n' => Some("&#10;"),
        '\r' => Some("&#13;"),
        _ => None,
    });
}

fn push_escaped(out: &mut String, text: &str, escape: impl Fn(char) -> Option<&'static str>) {
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        if let Some(escaped) = escape(c) {
            out.push_str(&text[plain..at]);
            out.push_str(escaped);
            plain = at + c.len_utf8();
        }
    }
    out.push_str(&text[plain..]);
}

/// Opens an element: `<name a="b">`.
pub(super) fn open(out: &mut String, indent: usize, name: &str, attributes: &[(&str, &str)]) {
    begin(out, indent, name, attributes);
    out.push_str(">\n");
}

/// Writes an element without content.
pub(super) fn empty(out: &mut String, indent: usize, name: &str, attributes: &[(&str, &str)]) {
    begin(out, indent, name, attributes);
    out.push_str("/>\n");
}

/// Writes an element of text alone.
pub(super) fn text(out: &mut String, indent: usize, name: &str, attributes: &[(&str, &str)], text: &str) {
    if text.is_empty() {
        return empty(out, indent, name, attributes);
    }
    begin(out, indent, name, attributes);
    out.push('>');
    push_text(out, text);
    close(out, 0, name);
}

/// Closes an element.
pub(super) fn close(out: &mut String, indent: usize, name: &str) {
    push_indent(out, indent);
    out.push_str("</");
    out.push_str(name);
    out.push_str(">\n");
}

fn begin(out: &mut String, indent: usize, name: &str, attributes: &[(&str, &str)]) {
    push_indent(out, indent);
    out.push('<');
    out.push_str(name);
    for (key, value) in attributes {
        out.push(' ');
        out.push_str(key);
        out.push_str("=\"");
        push_value(out, value);
        out.push('"');
    }
}

fn push_indent(out: &mut String, indent: usize) {
    for _ in 0..indent {
        out.push_str("  ");
    }
}

/// Reads bytes of a package as text: as UTF-8, or else as Latin-1, as `createrepo_c` does. What XML 1.0 cannot hold is
/// refused.
pub(super) fn decode(what: &str, bytes: &[u8]) -> Result<String, BadField> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    };
    check(what, &text)?;
    Ok(text)
}

/// Refuses characters that XML 1.0 has not, not even as references (2.2).
pub(super) fn check(what: &str, text: &str) -> Result<(), BadField> {
    let bad = |c: &char| matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}');
    match text.chars().find(bad) {
        Some(c) => Err(BadField::new(what, format!("the control character `{}`", c.escape_default()))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_or_a_value_is_markup() {
        let mut out = String::new();
        text(&mut out, 1, "a", &[("b", "\"<&>\n\t\r'")], "]]><x/>&\r\n");
        assert_eq!(out, "  <a b=\"&quot;&lt;&amp;&gt;&#10;&#9;&#13;'\">]]&gt;&lt;x/&gt;&amp;&#13;\n</a>\n");
    }

    #[test]
    fn bytes_are_utf_8_or_latin_1() {
        assert_eq!(decode("SUMMARY", "é".as_bytes()).as_deref(), Ok("é"));
        assert_eq!(decode("SUMMARY", b"\xe9\n").as_deref(), Ok("é\n"));
        let error = decode("SUMMARY", b"a\x1b[2J").unwrap_err();
        assert_eq!(error.to_string(), "SUMMARY: the control character `\\u{1b}`");
    }
}
