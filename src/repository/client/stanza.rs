//! Stanzas (deb822(5)): one in `Release`, one for each package in `Packages`.

use super::Root;
use super::listed::{Listed, MAX_PACKAGES};
use crate::digest::{Algorithm, Digest};
use crate::format::Format;
use crate::repository::fragment::excerpt;

/// Fields that one stanza may have.
const MAX_FIELDS: usize = 1000;

/// The fields of one stanza. Names compare without case; a value keeps its line breaks.
#[derive(Debug, Default)]
pub(super) struct Stanza<'a>(Vec<(&'a str, Vec<&'a str>)>);

impl<'a> Stanza<'a> {
    /// Reads the lines of one stanza.
    pub(super) fn parse(lines: &[&'a str]) -> Result<Self, String> {
        let mut stanza = Self::default();
        for line in lines {
            if line.starts_with([' ', '\t']) {
                let Some((_, values)) = stanza.0.last_mut() else {
                    return Err("it begins with a continuation line".to_owned());
                };
                values.push(line);
                continue;
            }
            let Some((name, value)) = line.split_once(':').filter(|(name, _)| !name.is_empty() && !name.contains(' '))
            else {
                return Err(format!("`{}` is no field", excerpt(line)));
            };
            if stanza.0.len() == MAX_FIELDS {
                return Err(format!("it has more than {MAX_FIELDS} fields"));
            }
            if stanza.lines(name).is_some() {
                return Err(format!("`{}` stands there twice", excerpt(name)));
            }
            stanza.0.push((name, vec![value]));
        }
        Ok(stanza)
    }

    /// Returns the lines of a field's value.
    pub(super) fn lines(&self, name: &str) -> Option<&[&'a str]> {
        self.0.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, values)| values.as_slice())
    }

    /// Returns a field of one line.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.lines(name).and_then(<[_]>::first).map(|value| value.trim())
    }

    fn need(&self, name: &str) -> Result<&'a str, String> {
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(|| format!("there is no `{name}`"))
    }
}

/// Reads a `Packages` file.
pub fn packages(root: Root<'_>, text: &str) -> Result<Vec<Listed>, String> {
    let mut found = Vec::new();
    let mut lines = Vec::new();
    for (number, line) in text.lines().chain([""]).enumerate() {
        if !line.trim_end().is_empty() {
            // As apt has it, a comment is no part of anything.
            if !line.starts_with('#') {
                lines.push(line);
            }
            continue;
        }
        if lines.is_empty() {
            continue;
        }
        if found.len() == MAX_PACKAGES {
            return Err(format!("it lists more than {MAX_PACKAGES} packages"));
        }
        let package = Stanza::parse(&lines).and_then(|stanza| package(root, &stanza));
        found.push(package.map_err(|cause| format!("the stanza before line {}: {cause}", number + 1))?);
        lines.clear();
    }
    Ok(found)
}

fn package(root: Root<'_>, stanza: &Stanza<'_>) -> Result<Listed, String> {
    let digest = |name: &str, algorithm| match stanza.get(name) {
        None => Ok(None),
        Some(hex) => Digest::from_hex(algorithm, hex).map(Some).map_err(|error| format!("`{name}`: {error}")),
    };
    let (sha256, sha512) = (digest("SHA256", Algorithm::Sha256)?, digest("SHA512", Algorithm::Sha512)?);
    let strongest =
        sha512.or_else(|| sha256.clone()).ok_or("there is neither `SHA256` nor `SHA512`, and others can be forged")?;
    let file = stanza.need("Filename")?;
    Ok(Listed {
        format: Format::Deb,
        name: word(stanza.need("Package")?)?,
        version: word(stanza.need("Version")?)?,
        arch: word(stanza.need("Architecture")?)?,
        digest: strongest,
        sha256,
        size: stanza.need("Size")?.parse().map_err(|_| "`Size` is no number of bytes")?,
        base: None,
        location: root
            .foreign(file)
            .ok_or_else(|| format!("`Filename` is `{}`, which is no path in it", excerpt(file)))?,
    })
}

/// Checks what stands in messages and comparisons: printable, in one piece, short.
pub(super) fn word(text: &str) -> Result<String, String> {
    let good = !text.is_empty() && text.len() <= 256 && text.bytes().all(|byte| byte.is_ascii_graphic());
    if good { Ok(text.to_owned()) } else { Err(format!("`{}` is no name, version or architecture", excerpt(text))) }
}
