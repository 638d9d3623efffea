//! `primary.xml`: what a solver needs.

use super::facts::{Entry, Facts, TEXTS};
use super::xml;

/// Where the texts of the `format` element begin in [`TEXTS`].
const OF_FORMAT: usize = 4;

/// Renders the element of a package, before and behind its location.
pub(super) fn element(facts: &Facts, sha256: &str, size: u64) -> (String, String) {
    let mut before = String::new();
    let out = &mut before;
    xml::open(out, 0, "package", &[("type", "rpm")]);
    xml::text(out, 1, "name", &[], &facts.name);
    xml::text(out, 1, "arch", &[], &facts.arch);
    let epoch = facts.epoch.to_string();
    xml::empty(out, 1, "version", &[("epoch", &epoch), ("ver", &facts.version), ("rel", &facts.release)]);
    xml::text(out, 1, "checksum", &[("type", "sha256"), ("pkgid", "YES")], sha256);
    for ((name, _), text) in TEXTS.iter().zip(&facts.texts).take(OF_FORMAT) {
        xml::text(out, 1, name, &[], text);
    }
    // The time of the file would differ from machine to machine.
    let built = facts.built.to_string();
    xml::empty(out, 1, "time", &[("file", &built), ("build", &built)]);
    let sizes = [size, facts.installed, facts.archive].map(|size| size.to_string());
    xml::empty(out, 1, "size", &[("package", &sizes[0]), ("installed", &sizes[1]), ("archive", &sizes[2])]);
    (before, format(facts))
}

fn format(facts: &Facts) -> String {
    let mut after = String::new();
    let out = &mut after;
    xml::open(out, 1, "format", &[]);
    for ((name, _), text) in TEXTS.iter().zip(&facts.texts).skip(OF_FORMAT) {
        xml::text(out, 2, name, &[], text);
    }
    let range = [facts.range.0, facts.range.1].map(|at| at.to_string());
    xml::empty(out, 2, "rpm:header-range", &[("start", &range[0]), ("end", &range[1])]);
    for (name, entries) in facts.relations.iter().filter(|(_, entries)| !entries.is_empty()) {
        xml::open(out, 2, name, &[]);
        for one in entries {
            entry(out, one);
        }
        xml::close(out, 2, name);
    }
    for file in facts.files.iter().filter(|file| file.is_primary()) {
        super::filelists::file(out, 2, file);
    }
    xml::close(out, 1, "format");
    xml::close(out, 0, "package");
    after
}

fn entry(out: &mut String, entry: &Entry) {
    let (epoch, version, release) = split(&entry.version);
    let mut attributes = vec![("name", entry.name.as_str())];
    if let Some(sense) = entry.sense {
        attributes.push(("flags", sense.word));
        let parts = [("epoch", epoch), ("ver", version), ("rel", release)];
        attributes.extend(parts.into_iter().filter(|(_, part)| !part.is_empty()));
    }
    if entry.pre {
        attributes.push(("pre", "1"));
    }
    xml::empty(out, 3, "rpm:entry", &attributes);
}

/// Splits `[EPOCH:]VERSION[-RELEASE]`.
fn split(evr: &str) -> (&str, &str, &str) {
    if evr.is_empty() {
        return ("", "", "");
    }
    let (epoch, rest) = evr.split_once(':').unwrap_or(("0", evr));
    let (version, release) = rest.split_once('-').unwrap_or((rest, ""));
    (epoch, version, release)
}
