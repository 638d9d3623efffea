//! Rules for single texts.

use std::str::FromStr;

use super::super::at::Text;
use super::super::error::Fault;
use crate::path::{InstallPath, RelativePath};

/// The longest single line that any package field takes here, in bytes.
const MAX_LINE: usize = 1024;
/// The longest description, in bytes.
const MAX_PARAGRAPHS: usize = 16 * 1024;

/// The longest summary, in characters (lintian's `synopsis-too-long`).
const MAX_SUMMARY: usize = 80;

/// Debian's sections (Policy 2.4).
const SECTIONS: &str = "admin cli-mono comm database debug devel doc editors education electronics embedded fonts games \
    gnome gnu-r gnustep golang graphics hamradio haskell httpd interpreters introspection java javascript kde kernel \
    libdevel libs lisp localization mail math metapackages misc net news ocaml oldlibs otherosfs perl php python raku \
    ruby rust science shells sound tex text utils vcs video web x11 xfce zope";
/// Debian's priorities (Policy 2.5) without `extra`, which is deprecated.
const PRIORITIES: [&str; 4] = ["required", "important", "standard", "optional"];
/// Suffixes of systemd units that a package brings.
const UNITS: [&str; 6] = [".service", ".socket", ".timer", ".path", ".target", ".mount"];

/// A text that a word parses. Errors of words say after a semicolon what would be right.
pub(super) fn parse<T>(text: &Text) -> Result<T, Fault>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    text.value().parse().map_err(|error: T::Err| {
        let message = error.to_string();
        match message.rsplit_once("; ") {
            Some((cause, hint)) => Fault::new(text.span(), cause).hint(hint),
            None => Fault::new(text.span(), message),
        }
    })
}

/// A path at which something is installed.
pub(super) fn install_path(text: &Text) -> Result<InstallPath, Fault> {
    parse(text).map_err(|fault| fault.or_hint("write an absolute path like `/usr/lib/agent/data`"))
}

/// A path in an archive, in the folder of templates or in a local build.
pub(super) fn relative_path(text: &Text) -> Result<RelativePath, Fault> {
    parse(text).map_err(|fault| fault.or_hint("write a path like `files/agent.conf`, without `/` in front and `..`"))
}

/// One line without control characters, not empty. A line break would begin a new field in a control stanza.
pub(super) fn line(text: &Text) -> Result<String, Fault> {
    let value = text.value().trim();
    if value.is_empty() {
        return Err(Fault::new(text.span(), "the text is empty").hint("write something, or remove an optional key"));
    }
    if value.len() > MAX_LINE {
        let cause = format!("the text is longer than the limit of {MAX_LINE} bytes");
        return Err(Fault::new(text.span(), cause).hint("package tools show one line"));
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
    if value.chars().count() > MAX_SUMMARY {
        let cause = format!("the summary is longer than the limit of {MAX_SUMMARY} characters");
        return Err(Fault::new(text.span(), cause).hint("say the rest in `description`"));
    }
    Ok(value)
}

/// Lines of text without other control characters; trailing blanks are cut.
pub(super) fn paragraphs(text: &Text) -> Result<String, Fault> {
    let value = text.value().trim_end();
    if value.trim().is_empty() {
        return Err(Fault::new(text.span(), "the text is empty").hint("write something, or remove an optional key"));
    }
    if value.len() > MAX_PARAGRAPHS {
        let cause = format!("the text is longer than the limit of {MAX_PARAGRAPHS} bytes");
        return Err(Fault::new(text.span(), cause).hint("install longer texts as files"));
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
            && value.len() <= MAX_LINE
            && !value.chars().any(char::is_control)
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
    if SECTIONS.split_whitespace().any(|known| known == bare) {
        return Ok(value);
    }
    Err(Fault::new(text.span(), format!("unknown section `{value}`"))
        .hint("Debian Policy 2.4 lists them; most programs are in `admin`, `net` or `utils`"))
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

/// A user or a group of the system (useradd(8)).
pub(super) fn owner(text: &Text) -> Result<String, Fault> {
    let value = text.value();
    let good = value.len() <= 32
        && value.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
    if good {
        return Ok(value.clone());
    }
    let cause = format!("`{}` is no user or group", value.escape_default());
    Err(Fault::new(text.span(), cause)
        .hint("write the name, such as `root`; use lower-case letters, digits, `-` and `_`"))
}

/// The file name of a systemd unit (systemd.unit(5)).
pub(super) fn unit(text: &Text) -> Result<String, Fault> {
    let value = text.value();
    let good = value.len() <= 255
        && UNITS.iter().any(|suffix| value.strip_suffix(suffix).is_some_and(|name| !name.is_empty()))
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":_.@-".contains(&byte));
    if good {
        return Ok(value.clone());
    }
    let cause = format!("`{}` is no unit of systemd", value.escape_default());
    Err(Fault::new(text.span(), cause).hint("write its file name, such as `agent.service`"))
}

/// A version as packages of both formats carry it, epoch and revision allowed (Policy 5.6.12).
pub(super) fn package_version(text: &Text) -> Result<String, Fault> {
    let value = text.value();
    let good = value.len() <= 128
        && value.starts_with(|c: char| c.is_ascii_digit())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+~:-".contains(&byte));
    if good {
        return Ok(value.clone());
    }
    let cause = format!("`{}` is no version of a package", value.escape_default());
    Err(Fault::new(text.span(), cause).hint("write it as packages do, such as `1.4.21`, `245` or `1:2.3`"))
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
