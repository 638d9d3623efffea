//! Rules for single texts.

use std::str::FromStr;

use super::super::error::Fault;
use super::super::raw::Text;

/// The longest single line that any package field takes here, in bytes.
const MAX_LINE: usize = 1024;
/// The longest description, in bytes.
const MAX_PARAGRAPHS: usize = 16 * 1024;

/// Debian's sections (Policy 2.4), which lintian knows.
const SECTIONS: [&str; 18] = [
    "admin",
    "cli-mono",
    "comm",
    "database",
    "devel",
    "doc",
    "editors",
    "golang",
    "httpd",
    "kernel",
    "libs",
    "mail",
    "metapackages",
    "misc",
    "net",
    "shells",
    "utils",
    "web",
];
const PRIORITIES: [&str; 5] = ["required", "important", "standard", "optional", "extra"];

/// A text that a word parses.
pub(super) fn parse<T>(text: &Text) -> Result<T, Fault>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    text.value().parse().map_err(|error| Fault::new(text.span(), error))
}

/// One line without control characters, not empty. A line break would begin a new field in a control stanza.
pub(super) fn line(text: &Text) -> Result<String, Fault> {
    let value = text.value().trim();
    if value.is_empty() {
        return Err(Fault::new(text.span(), "the text is empty"));
    }
    if value.len() > MAX_LINE {
        return Err(Fault::new(text.span(), format!("the text is longer than the limit of {MAX_LINE} bytes")));
    }
    if value.chars().any(char::is_control) {
        let cause = "the text has a line break or another control character";
        return Err(Fault::new(text.span(), cause).hint("write it in one line"));
    }
    Ok(value.to_owned())
}

/// One line that does not end like a sentence (lintian's description-synopsis rules).
pub(super) fn summary(text: &Text) -> Result<String, Fault> {
    let value = line(text)?;
    if value.ends_with('.') {
        let cause = "a summary is no sentence and ends without a period";
        return Err(Fault::new(text.span(), cause).hint("remove the period"));
    }
    Ok(value)
}

/// Lines of text without other control characters; trailing blanks are cut.
pub(super) fn paragraphs(text: &Text) -> Result<String, Fault> {
    let value = text.value().trim_end();
    if value.trim().is_empty() {
        return Err(Fault::new(text.span(), "the text is empty"));
    }
    if value.len() > MAX_PARAGRAPHS {
        return Err(Fault::new(text.span(), format!("the text is longer than the limit of {MAX_PARAGRAPHS} bytes")));
    }
    if value.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Fault::new(text.span(), "the text has a control character").hint("indent with blanks"));
    }
    Ok(value.lines().map(str::trim_end).collect::<Vec<_>>().join("\n"))
}

/// `Name <mail@host>` (Policy 5.6.2).
pub(super) fn maintainer(text: &Text) -> Result<String, Fault> {
    let value = line(text)?;
    if is_maintainer(&value) {
        return Ok(value);
    }
    let cause = format!("`{value}` is no maintainer");
    Err(Fault::new(text.span(), cause).hint("write `Name <mail@example.org>`"))
}

pub(in crate::spec) fn is_maintainer(value: &str) -> bool {
    value.strip_suffix('>').and_then(|value| value.split_once(" <")).is_some_and(|(name, mail)| {
        let plain = |part: &str| !part.is_empty() && !part.contains(['<', '>', ' ', ',']);
        !name.trim().is_empty()
            && !name.contains(['<', '>'])
            && mail.split_once('@').is_some_and(|(user, host)| plain(user) && plain(host) && !host.contains('@'))
    })
}

pub(super) fn web_page(text: &Text) -> Result<String, Fault> {
    let value = line(text)?;
    match url::Url::parse(&value) {
        Ok(url) if matches!(url.scheme(), "https" | "http") && url.has_host() => Ok(value),
        _ => Err(Fault::new(text.span(), format!("`{value}` is no web page")).hint("write `https://…`")),
    }
}

pub(super) fn section(text: &Text) -> Result<String, Fault> {
    let value = line(text)?;
    let bare = value.strip_prefix("contrib/").or(value.strip_prefix("non-free/")).unwrap_or(&value);
    if SECTIONS.contains(&bare) {
        return Ok(value);
    }
    Err(Fault::new(text.span(), format!("unknown section `{value}`"))
        .hint(format!("sections are {}", SECTIONS.map(|name| format!("`{name}`")).join(", "))))
}

pub(super) fn priority(text: &Text) -> Result<String, Fault> {
    let value = line(text)?;
    if PRIORITIES.contains(&value.as_str()) {
        return Ok(value);
    }
    Err(Fault::new(text.span(), format!("unknown priority `{value}`"))
        .hint(format!("priorities are {}", PRIORITIES.map(|name| format!("`{name}`")).join(", "))))
}

/// A name of lower-case letters, digits and `-`.
pub(super) fn identifier(text: &Text) -> Result<String, Fault> {
    let value = text.value();
    let good = !value.is_empty()
        && value.len() <= 64
        && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.');
    if good {
        return Ok(value.clone());
    }
    let cause = format!("`{}` is no name", value.escape_default());
    Err(Fault::new(text.span(), cause).hint("use lower-case letters, digits, `-` and `.`"))
}

/// A name that a template can print.
pub(super) fn variable(text: &Text) -> Result<String, Fault> {
    let value = text.value();
    let good = value.starts_with(|c: char| c.is_ascii_lowercase())
        && value.len() <= 64
        && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if good {
        return Ok(value.clone());
    }
    let cause = format!("`{}` is no name of a variable", value.escape_default());
    Err(Fault::new(text.span(), cause).hint("use lower-case letters, digits and `_`"))
}
