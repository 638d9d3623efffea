//! What texts must be like so that a header, a spec file and repository metadata can hold them.

use crate::format::Format;
use crate::image::{Content, PackageImage};
use crate::package::WriteError;
use crate::relation::{Dependency, Relation, RelationKind};

/// The longest line of a description; rpmlint's `MaxLineLength`.
const MAX_LINE: usize = 79;

/// Checks every text of the image that a package would carry.
pub(super) fn check(image: &PackageImage) -> Result<(), WriteError> {
    let metadata = &image.metadata;
    for (field, text) in [
        ("Summary", &metadata.summary),
        ("License", &metadata.license),
        ("URL", &metadata.homepage),
        ("Packager", &metadata.maintainer),
        ("Group", &metadata.section),
    ] {
        check_line(field, text)?;
    }
    if let Some(vendor) = &metadata.vendor {
        check_line("Vendor", vendor)?;
    }
    check_block("Description", &metadata.description)?;
    for relation in image.relations(Format::Rpm) {
        check_relation(relation)?;
    }
    for service in image.services.iter().filter(|service| service.formats.includes(Format::Rpm)) {
        let good = |c: char| c.is_ascii_alphanumeric() || ":_.@-".contains(c);
        if service.unit.is_empty() || service.unit.starts_with('-') || !service.unit.chars().all(good) {
            return Err(bad("unit", format!("`{}` is no unit name", service.unit.escape_default())));
        }
    }
    for script in image.scripts(Format::Rpm) {
        check_script(&format!("%{}", super::scriptlet::section(script.moment)), &script.body)?;
    }
    for finding in image.lint_overrides.iter().filter(|finding| finding.format == Format::Rpm) {
        check_line("rpmlint override", &finding.tag)?;
        check_line("reason of an rpmlint override", &finding.reason)?;
    }
    check_entries(image)
}

fn check_entries(image: &PackageImage) -> Result<(), WriteError> {
    for entry in image.entries(Format::Rpm) {
        for name in [&entry.owner.user, &entry.owner.group] {
            let good = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
            if name.is_empty() || name.starts_with('-') || !name.chars().all(good) {
                let shown = name.escape_default();
                return Err(bad(&format!("owner of {}", entry.path), format!("`{shown}` is no user or group name")));
            }
        }
        if let Content::Link(target) = &entry.content
            && (target.is_empty()
                || target.chars().any(|c| c.is_whitespace() || c.is_control() || "'\"\\%".contains(c)))
        {
            let shown = target.escape_default();
            return Err(bad(&format!("link {}", entry.path), format!("`{shown}` is no target of a link")));
        }
    }
    Ok(())
}

fn bad(field: &str, cause: impl Into<String>) -> WriteError {
    WriteError::Field { field: field.to_owned(), cause: cause.into() }
}

/// Checks text that has to stand on one line.
fn check_line(field: &str, text: &str) -> Result<(), WriteError> {
    if text.trim().is_empty() {
        return Err(bad(field, "is empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(bad(field, format!("`{}` has a line break or control character", text.escape_default())));
    }
    Ok(())
}

/// Checks text of several lines. rpmbuild takes a line that begins with `%`, even with `%%`, for a new section.
fn check_block(field: &str, text: &str) -> Result<(), WriteError> {
    if text.trim().is_empty() {
        return Err(bad(field, "is empty"));
    }
    for (number, line) in (1..).zip(text.split('\n')) {
        if line.chars().any(|c| c.is_control() && c != '\t') {
            return Err(bad(field, format!("line {number} has a control character")));
        }
        if line.trim_start().starts_with('%') {
            return Err(bad(field, format!("line {number} begins with `%`, which a spec file reads as a section")));
        }
    }
    Ok(())
}

/// Checks a script. `/bin/sh` runs it, whatever its first line says, so that a line which says otherwise is an error.
pub(super) fn check_script(field: &str, body: &str) -> Result<(), WriteError> {
    if body.starts_with("#!") {
        return Err(bad(field, "begins with `#!`, but `/bin/sh` runs scriptlets"));
    }
    check_block(field, body)?;
    let is_command = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    if !body.lines().any(is_command) {
        return Err(bad(field, "has no command"));
    }
    Ok(())
}

fn check_relation(relation: &Relation) -> Result<(), WriteError> {
    let field = relation.kind.field(Format::Rpm);
    let no_alternatives = matches!(relation.kind, RelationKind::Provides | RelationKind::Replaces);
    if relation.alternatives.is_empty() || (relation.is_rich() && no_alternatives) {
        return Err(bad(field, format!("takes one name, not {}", relation.alternatives.len())));
    }
    relation.alternatives.iter().try_for_each(|dependency| check_dependency(field, dependency))
}

/// Checks one dependency as rpmbuild does (`parseRCPOT`): a name begins with a letter, digit, `_` or `/`.
fn check_dependency(field: &str, dependency: &Dependency) -> Result<(), WriteError> {
    let name = &dependency.name;
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '/');
    if !starts_well || name.chars().any(|c| c.is_whitespace() || c.is_control() || ",<>=&|%{}\"'`\\".contains(c)) {
        return Err(bad(field, format!("`{}` is no name of a package or capability", name.escape_default())));
    }
    if name.matches('(').count() != name.matches(')').count() {
        return Err(bad(field, format!("the parentheses of `{name}` do not match")));
    }
    let Some((_, version)) = &dependency.constraint else { return Ok(()) };
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    let (upstream, release) = rest.split_once('-').unwrap_or((rest, "0"));
    let digits = !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit());
    let good = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "._+~^".contains(c))
    };
    if digits && good(upstream) && good(release) {
        return Ok(());
    }
    Err(bad(field, format!("`{}` of `{name}` is no version", version.escape_default())))
}

/// Returns the description with its flowing text broken anew, since rpm shows lines as they are. A line that begins with
/// a blank is meant as it stands; one that begins with `-` or `*` is an item of a list.
pub(super) fn description(image: &PackageImage) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut flows = false;
    for line in image.metadata.description.trim_end().split('\n').map(str::trim_end) {
        if line.is_empty() || line.starts_with(char::is_whitespace) {
            lines.push(line.to_owned());
            flows = false;
            continue;
        }
        if !flows || line.starts_with(['-', '*']) {
            lines.push(String::new());
        }
        flows = true;
        flow(line, &mut lines);
    }
    lines.join("\n")
}

/// Appends words to the last line, and to further ones where it is full. A word that begins with `%` begins no line,
/// since rpmbuild would take it for a section.
fn flow(text: &str, lines: &mut Vec<String>) {
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if word.starts_with('%') || line.chars().count() + 1 + word.chars().count() <= MAX_LINE => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
}
