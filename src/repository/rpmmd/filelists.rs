//! `filelists.xml`: every file.

use super::facts::{Facts, File};
use super::xml;

/// Renders the element of a package.
pub(super) fn element(facts: &Facts, sha256: &str) -> String {
    let mut out = String::new();
    open(&mut out, facts, sha256);
    for one in &facts.files {
        file(&mut out, 1, one);
    }
    xml::close(&mut out, 0, "package");
    out
}

/// Opens the element that this file and `other` have of a package.
pub(super) fn open(out: &mut String, facts: &Facts, sha256: &str) {
    xml::open(out, 0, "package", &[("pkgid", sha256), ("name", &facts.name), ("arch", &facts.arch)]);
    let epoch = facts.epoch.to_string();
    xml::empty(out, 1, "version", &[("epoch", &epoch), ("ver", &facts.version), ("rel", &facts.release)]);
}

/// Writes one file.
pub(super) fn file(out: &mut String, indent: usize, file: &File) {
    let kind = file.kind.map(|kind| ("type", kind));
    xml::text(out, indent, "file", kind.as_slice(), &file.path);
}
