//! The documents that Policy asks of every deb and that RPM has no use for: `copyright` (12.5), `changelog.Debian.gz`
//! (12.7) and lintian's overrides.

use std::io::{self, Write as _};

use flate2::{Compression as Level, GzBuilder};
use serde::Serialize;

use super::check;
use crate::format::Format;
use crate::image::{PackageImage, Role};
use crate::package::{Texts, WriteError};
use crate::template::Templates;

/// Where a changelog lies unpacked among the texts, and what its name is in the package.
const PLAIN: &str = "changelog.Debian";
const PACKED: &str = "changelog.Debian.gz";

/// Licences that every Debian system holds (Policy 12.5), by SPDX identifier.
const COMMON: [(&str, &str); 10] = [
    ("Apache-2.0", "Apache-2.0"),
    ("GPL-2.0-only", "GPL-2"),
    ("GPL-2.0-or-later", "GPL-2"),
    ("GPL-3.0-only", "GPL-3"),
    ("GPL-3.0-or-later", "GPL-3"),
    ("LGPL-2.1-only", "LGPL-2.1"),
    ("LGPL-2.1-or-later", "LGPL-2.1"),
    ("LGPL-3.0-only", "LGPL-3"),
    ("LGPL-3.0-or-later", "LGPL-3"),
    ("MPL-2.0", "MPL-2.0"),
];

/// What the templates of documents may print.
#[derive(Debug, Serialize)]
struct Facts<'a> {
    name: &'a str,
    version: String,
    upstream_version: String,
    channel: &'static str,
    maintainer: &'a str,
    homepage: &'a str,
    date: String,
    copyright: Vec<&'a str>,
    license: String,
    /// Where this system or this package holds the text of the licence.
    license_files: Vec<String>,
    overrides: Vec<Override<'a>>,
}

/// One finding that is meant.
#[derive(Debug, Serialize)]
struct Override<'a> {
    tag: &'a str,
    reason: &'a str,
}

/// Adds the documents by their paths without the leading slash, the changelog as plain text. What the image brings
/// itself is not rendered.
pub(super) fn render(image: &PackageImage, templates: &Templates, texts: &mut Texts) -> Result<(), WriteError> {
    let name = image.metadata.name.as_str();
    let mut facts = Facts::new(image)?;
    let brings = |path: &str| image.entries(Format::Deb).any(|entry| entry.path.relative() == path);
    let directory = format!("usr/share/doc/{name}");
    if !brings(&format!("{directory}/copyright")) {
        if facts.copyright.is_empty() {
            return Err(check::lacking("the copyright", "names no holder"));
        }
        texts.insert(format!("{directory}/copyright"), templates.render("deb/copyright", &facts)?);
    }
    if !brings(&format!("{directory}/{PACKED}")) {
        texts.insert(format!("{directory}/{PLAIN}"), templates.render("deb/changelog", &facts)?);
        facts.overrides.extend(first_upload(image));
    }
    if !facts.overrides.is_empty() {
        let path = format!("usr/share/lintian/overrides/{name}");
        if brings(&path) {
            return Err(check::refused("lintian's overrides", &path, "is in the image already"));
        }
        texts.insert(path, templates.render("deb/lintian-overrides", &facts)?);
    }
    Ok(())
}

/// Returns the documents among `texts` as the package holds them, by path without the leading slash.
pub(super) fn packed(texts: &Texts) -> Result<Vec<(String, Vec<u8>)>, WriteError> {
    let mut documents = Vec::new();
    for (path, text) in texts.iter().filter(|(path, _)| path.contains('/')) {
        documents.push(match path.strip_suffix(PLAIN) {
            Some(directory) => (format!("{directory}{PACKED}"), gzip(text.as_bytes())?),
            None => (path.to_owned(), text.as_bytes().to_vec()),
        });
    }
    Ok(documents)
}

impl<'a> Facts<'a> {
    fn new(image: &'a PackageImage) -> Result<Self, WriteError> {
        let metadata = &image.metadata;
        let license = check::line("the licence", &metadata.license)?;
        let common = COMMON.iter().filter(|(spdx, _)| *spdx == license);
        let own = image.entries(Format::Deb).filter(|entry| entry.role == Role::License);
        Ok(Self {
            name: metadata.name.as_str(),
            version: metadata.full_version(Format::Deb),
            upstream_version: metadata.version.to_string(),
            channel: metadata.channel.as_str(),
            maintainer: check::maintainer(&metadata.maintainer)?,
            homepage: check::homepage(&metadata.homepage)?,
            date: image.date.rfc2822(),
            copyright: metadata
                .copyright
                .iter()
                .map(|holder| check::line("the copyright", holder))
                .collect::<Result<_, _>>()?,
            // copyright-format 1.0 spells SPDX's operators in lower case.
            license: license.replace(" OR ", " or ").replace(" AND ", " and "),
            license_files: common
                .map(|(_, file)| format!("/usr/share/common-licenses/{file}"))
                .chain(own.map(|entry| entry.path.to_string()))
                .collect(),
            overrides: overrides(image)?,
        })
    }
}

/// Returns the override that this changelog needs: one entry with the revision 1 looks like the first upload to Debian,
/// which lintian wants to close a bug.
fn first_upload(image: &PackageImage) -> Option<Override<'static>> {
    const TAG: &str = "initial-upload-closes-no-bugs";
    let is_meant = image.lint_overrides.iter().any(|one| one.format == Format::Deb && one.tag.starts_with(TAG));
    let applies = image.metadata.deb_revision.as_str() == "1" && !is_meant;
    applies.then_some(Override { tag: TAG, reason: "the package is not uploaded to Debian" })
}

fn overrides(image: &PackageImage) -> Result<Vec<Override<'_>>, WriteError> {
    image
        .lint_overrides
        .iter()
        .filter(|one| one.format == Format::Deb)
        .map(|one| {
            let field = "lintian's overrides";
            Ok(Override { tag: check::line(field, &one.tag)?, reason: check::line(field, &one.reason)? })
        })
        .collect()
}

/// Returns `bytes` as `gzip -9n` would: Policy 12.3 and 12.7 ask for that in documents.
fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Level::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_carry_neither_time_nor_name_and_say_that_they_are_as_small_as_can_be() {
        let bytes = gzip(b"kubelet (1.17.0-00)\n").unwrap();
        // RFC 1952: no flags, no time, XFL 2 for the slowest algorithm.
        assert_eq!(bytes[..9], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2]);
    }
}
