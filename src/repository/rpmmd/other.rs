//! `other.xml`: changelogs.

use super::facts::Facts;
use super::{filelists, xml};

/// Renders the element of a package.
pub(super) fn element(facts: &Facts, sha256: &str) -> String {
    let mut out = String::new();
    filelists::open(&mut out, facts, sha256);
    for change in &facts.changelog {
        let date = change.time.to_string();
        xml::text(&mut out, 1, "changelog", &[("author", &change.author), ("date", &date)], &change.text);
    }
    xml::close(&mut out, 0, "package");
    out
}
