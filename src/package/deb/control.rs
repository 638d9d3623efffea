//! The control stanza (Policy 5.3, deb-control(5)).

use std::collections::BTreeSet;

use serde::Serialize;

use super::check;
use crate::format::Format;
use crate::image::PackageImage;
use crate::package::WriteError;
use crate::relation::{Operator, Relation, RelationKind};
use crate::template::Templates;

/// Where a description's lines are broken: 80 columns, less the blank that each begins with.
const WIDTH: usize = 79;

/// What the template `deb/control` may print.
#[derive(Debug, Serialize)]
struct Facts<'a> {
    name: &'a str,
    version: &'a str,
    section: &'a str,
    priority: &'a str,
    architecture: &'static str,
    maintainer: &'a str,
    origin: Option<&'a str>,
    installed_size: u64,
    relations: Vec<Field>,
    homepage: &'a str,
    summary: &'a str,
    description: Vec<String>,
}

/// A field that the package may have or not.
#[derive(Debug, Serialize)]
struct Field {
    field: &'static str,
    value: String,
}

/// Renders the stanza. Every value was found to be one line of its kind, so no value can begin another field.
pub(super) fn render(image: &PackageImage, installed_size: u64, templates: &Templates) -> Result<String, WriteError> {
    let metadata = &image.metadata;
    let version = metadata.full_version(Format::Deb);
    let facts = Facts {
        name: check::package_name("Package", metadata.name.as_str())?,
        version: check::version("Version", &version)?,
        section: check::section(&metadata.section)?,
        priority: check::priority(&metadata.priority)?,
        architecture: Format::Deb.arch(metadata.arch),
        maintainer: check::maintainer(&metadata.maintainer)?,
        origin: metadata.vendor.as_deref().map(|vendor| check::line("Origin", vendor)).transpose()?,
        installed_size,
        relations: relations(image)?,
        homepage: check::homepage(&metadata.homepage)?,
        summary: check::line("Description", &metadata.summary)?,
        description: description(&metadata.description)?,
    };
    let stanza = templates.render("deb/control", &facts)?;
    check_stanza(&stanza)?;
    Ok(stanza)
}

/// Returns the fields of Policy 7 that the image needs, in the order in which dpkg writes them.
fn relations(image: &PackageImage) -> Result<Vec<Field>, WriteError> {
    let mut fields = Vec::new();
    for kind in RelationKind::ALL {
        let mut values: Vec<String> = Vec::new();
        for relation in image.relations(Format::Deb).filter(|relation| relation.kind == kind) {
            check_relation(relation)?;
            let value = relation.to_string();
            if !values.contains(&value) {
                values.push(value);
            }
        }
        if !values.is_empty() {
            fields.push(Field { field: kind.field(Format::Deb), value: values.join(", ") });
        }
    }
    Ok(fields)
}

fn check_relation(relation: &Relation) -> Result<(), WriteError> {
    let field = relation.kind.field(Format::Deb);
    let takes_alternatives =
        matches!(relation.kind, RelationKind::Requires | RelationKind::Recommends | RelationKind::Suggests);
    match relation.alternatives.len() {
        0 => return Err(check::lacking(field, "names no package")),
        1 => {}
        _ if takes_alternatives => {}
        _ => {
            return Err(check::refused(
                field,
                &relation.to_string(),
                "has alternatives, which this field cannot (Policy 7.1)",
            ));
        }
    }
    for one in &relation.alternatives {
        check::package_name(field, &one.name)?;
        let Some((operator, version)) = &one.constraint else { continue };
        check::version(field, version)?;
        if relation.kind == RelationKind::Provides && *operator != Operator::Exactly {
            return Err(check::refused(field, &relation.to_string(), "can only provide one version (Policy 7.5)"));
        }
    }
    Ok(())
}

/// Returns the lines of the extended description, each with the blank that it begins with (Policy 5.6.13). Flowing text
/// is broken at blanks; a line that begins with a blank or a full stop is kept as it is, by one blank more.
fn description(text: &str) -> Result<Vec<String>, WriteError> {
    if text.trim().is_empty() {
        return Err(check::lacking("Description", "is empty after its first line"));
    }
    if let Some(bad) = text.chars().find(|c| c.is_control() && *c != '\n') {
        return Err(check::refused("Description", &bad.to_string(), "is a control character"));
    }
    let mut lines = Vec::new();
    for line in text.trim_matches('\n').lines().map(str::trim_end) {
        if line.is_empty() {
            lines.push(" .".to_owned());
        } else if line.starts_with(' ') {
            lines.push(format!(" {line}"));
        } else if line.starts_with('.') {
            lines.push(format!("  {line}"));
        } else {
            wrap(line, &mut lines);
        }
    }
    Ok(lines)
}

/// Breaks one line of flowing text. A word that would begin a line with a full stop stays on the line before.
fn wrap(text: &str, lines: &mut Vec<String>) {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH && !word.starts_with('.') {
            lines.push(std::mem::take(&mut line));
        }
        line.push(' ');
        line.push_str(word);
    }
    lines.push(line);
}

/// Checks what the template made: one stanza, each field once.
fn check_stanza(stanza: &str) -> Result<(), WriteError> {
    let refuse = |cause: String| WriteError::Field { field: "the control file".to_owned(), cause };
    let mut fields = BTreeSet::new();
    for (number, line) in (1..).zip(stanza.lines()) {
        if line.starts_with(' ') && !line.trim().is_empty() && number > 1 {
            continue;
        }
        let name = line.split_once(": ").map(|(name, _)| name).unwrap_or_default();
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if name.is_empty() || !is_name {
            return Err(refuse(format!("line {number} is no field: `{}`", line.escape_default())));
        }
        if !fields.insert(name.to_ascii_lowercase()) {
            return Err(refuse(format!("`{name}` stands there twice, again in line {number}")));
        }
    }
    if stanza.ends_with('\n') { Ok(()) } else { Err(refuse("its last line does not end".to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_keep_their_shape() {
        let text = "Flowing text.\n\n.profile is read\n  verbatim  text\n.\nlast\n\n";
        let lines = description(text).unwrap();
        assert_eq!(lines, [" Flowing text.", " .", "  .profile is read", "   verbatim  text", "  .", " last"]);
        for bad in ["", " \n ", "a\tb", "a\u{1b}[0m", "a\r\n"] {
            assert!(description(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn flowing_text_is_broken_at_blanks_and_never_before_a_full_stop() {
        let words = "word ".repeat(40) + &"x".repeat(100) + " .y";
        let lines = description(&words).unwrap();
        assert!(lines[..lines.len() - 1].iter().all(|line| line.len() <= 80), "{lines:#?}");
        assert_eq!(lines.last().unwrap(), &format!(" {} .y", "x".repeat(100)));
        assert_eq!(lines.iter().flat_map(|line| line.split_whitespace()).count(), 42);
    }

    #[test]
    fn a_stanza_of_a_foreign_template_is_checked() {
        assert!(check_stanza("Package: a\nDescription: b\n c\n .\n").is_ok());
        for bad in
            ["Package: a\n\nVersion: 1\n", "Package: a\npackage: b\n", " a\n", "Package a\n", "A: b\n  \n", "A: b"]
        {
            assert!(check_stanza(bad).is_err(), "{bad:?}");
        }
    }
}
