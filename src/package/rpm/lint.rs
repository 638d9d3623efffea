//! Filters for rpmlint. They stay outside of the package, beside the spec file.

use serde::Serialize;

use crate::format::Format;
use crate::image::PackageImage;
use crate::package::WriteError;
use crate::template::Templates;

/// What rpmlint finds in any package of this writer.
const ALWAYS: [(&str, &str); 2] = [
    ("no-buildhost-tag", "The package is the same whatever host it is built on."),
    ("no-signature", "Signatures are added when the package is published."),
];

#[derive(Serialize)]
struct Facts {
    filters: Vec<Filter>,
}

#[derive(Serialize)]
struct Filter {
    reason: String,
    /// A regular expression that is searched for in `NAME.ARCH: LEVEL: TAG DETAILS`.
    pattern: String,
}

/// Renders the filters.
pub(super) fn render(image: &PackageImage, templates: &Templates) -> Result<String, WriteError> {
    let name = escape(image.metadata.name.as_str());
    let findings = image.lint_overrides.iter().filter(|finding| finding.format == Format::Rpm);
    let findings = findings.map(|finding| (finding.tag.as_str(), finding.reason.as_str()));
    let filters = ALWAYS
        .into_iter()
        .chain(findings)
        .map(|(tag, reason)| Filter {
            reason: reason.to_owned(),
            pattern: format!(r"^{name}\.\S+ [EWI]: {}(\s|$)", escape(tag)),
        })
        .collect();
    Ok(templates.render("rpm/rpmlintrc", &Facts { filters })?)
}

/// Makes a regular expression of text. A quote would end the string that it stands in, so any character stands for it.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => escaped.push('.'),
            _ if c.is_alphanumeric() || "-_/ ".contains(c) => escaped.push(c),
            _ => escaped.extend(['\\', c]),
        }
    }
    escaped
}
