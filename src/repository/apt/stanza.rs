//! The stanza that `Packages` has of a deb: its control fields, where it lies and what it hashes to.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::repository::fragment::{BadField, excerpt};

/// Bytes of one stanza. The longest of Debian have some hundred thousand, for what they provide.
const MAX_STANZA_BYTES: usize = 1 << 20;

/// The fields before `Filename`, in the order in which apt-ftparchive(1) writes them.
const BEFORE: [&str; 34] = [
    "Package",
    "Package-Type",
    "Architecture",
    "Subarchitecture",
    "Version",
    "Kernel-Version",
    "Built-Using",
    "Static-Built-Using",
    "Built-For-Profiles",
    "Auto-Built-Package",
    "Multi-Arch",
    "Priority",
    "Build-Essential",
    "Protected",
    "Important",
    "Essential",
    "Installer-Menu-Item",
    "Section",
    "Source",
    "Origin",
    "Phased-Update-Percentage",
    "Maintainer",
    "Original-Maintainer",
    "Bugs",
    "Installed-Size",
    "Provides",
    "Pre-Depends",
    "Depends",
    "Recommends",
    "Suggests",
    "Conflicts",
    "Breaks",
    "Replaces",
    "Enhances",
];

/// The fields behind the digests; what is in no list comes last, in the package's order.
const AFTER: [&str; 4] = ["Homepage", "Description", "Tag", "Task"];

/// Fields that the repository writes, or dpkg's status file. A package that has one of them speaks of itself.
const NOT_THE_PACKAGES: [&str; 13] = [
    "Config-Version",
    "Conffiles",
    "Description-md5",
    "Filename",
    "MD5sum",
    "MSDOS-Filename",
    "SHA1",
    "SHA256",
    "SHA512",
    "Size",
    "Status",
    "Triggers-Awaited",
    "Triggers-Pending",
];

/// What a repository keeps of a deb.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stanza {
    before: String,
    after: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    files: Option<Vec<String>>,
}

impl Stanza {
    /// Makes it from the control fields, whose values have line breaks but no blanks before continuation lines.
    pub(in crate::repository) fn new(
        fields: &[(String, String)],
        files: Option<Vec<String>>,
    ) -> Result<Self, BadField> {
        for (number, (name, value)) in fields.iter().enumerate() {
            check(name, value)?;
            if fields[..number].iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
                return Err(BadField::new(format!("`{name}`"), "it stands there twice"));
            }
        }
        let find = |name: &&str| fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
        let listed = |name: &str| {
            let lists = [&BEFORE[..], &AFTER, &NOT_THE_PACKAGES];
            lists.iter().any(|list| list.iter().any(|listed| listed.eq_ignore_ascii_case(name)))
        };
        let (mut before, mut after) = (String::new(), String::new());
        for name in &BEFORE {
            find(name).inspect(|(_, value)| push(&mut before, name, value));
        }
        for name in &AFTER {
            find(name).inspect(|(_, value)| push(&mut after, name, value));
        }
        for (name, value) in fields.iter().filter(|(name, _)| !listed(name)) {
            push(&mut after, name, value);
        }
        for file in files.iter().flatten() {
            if let Some(control) = file.chars().find(char::is_ascii_control) {
                let cause = format!("`{}` has the control character `{}`", excerpt(file), control.escape_default());
                return Err(BadField::new("data.tar", cause));
            }
        }
        if before.len() + after.len() > MAX_STANZA_BYTES {
            return Err(BadField::new("control", format!("more than {MAX_STANZA_BYTES} bytes")));
        }
        Ok(Self { before, after, files })
    }

    /// Appends the stanza to `text`, with an empty line behind it.
    pub(in crate::repository) fn write(&self, text: &mut String, file_name: &str, size: u64, sha256: &Digest) {
        text.push_str(&self.before);
        // Writing into a string does not fail.
        let _ = write!(text, "Filename: {file_name}\nSize: {size}\nSHA256: {}\n", sha256.hex());
        text.push_str(&self.after);
        text.push('\n');
    }

    /// Takes out everything but whether its files were listed.
    pub(in crate::repository) fn take_texts(&mut self) -> Vec<String> {
        // No path has a line break.
        let files = self.files.as_mut().map(std::mem::take).unwrap_or_default().join("\n");
        vec![std::mem::take(&mut self.before), std::mem::take(&mut self.after), files]
    }

    /// Returns it with what was taken out.
    pub(in crate::repository) fn with_texts(&self, texts: &[&str]) -> Option<Self> {
        let [before, after, files] = texts else { return None };
        let files = self.files.is_some().then(|| files.lines().map(str::to_owned).collect());
        Some(Self { before: (*before).to_owned(), after: (*after).to_owned(), files })
    }

    /// Returns the files, if they were listed.
    pub(in crate::repository) fn files(&self) -> Option<&[String]> {
        self.files.as_deref()
    }
}

/// Appends a field.
fn push(text: &mut String, name: &str, value: &str) {
    text.push_str(name);
    text.push(':');
    for (number, line) in value.split('\n').enumerate() {
        if number > 0 {
            text.push('\n');
        }
        if number > 0 || !line.is_empty() {
            text.push(' ');
        }
        text.push_str(line);
    }
    text.push('\n');
}

/// Checks that a field ends where it ends: no line of it can be read as another field or another stanza.
fn check(name: &str, value: &str) -> Result<(), BadField> {
    let good = !name.starts_with(['#', '-']) && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    if name.is_empty() || !good {
        return Err(BadField::new("control", format!("`{}` names no field", excerpt(name))));
    }
    let bad = |cause: String| Err(BadField::new(format!("`{}`", excerpt(name)), cause));
    if let Some(control) = value.chars().find(|c| c.is_ascii_control() && !['\n', '\t'].contains(c)) {
        return bad(format!("the control character `{}`", control.escape_default()));
    }
    if value.split('\n').skip(1).any(|line| line.trim().is_empty()) {
        return bad("an empty line".to_owned());
    }
    Ok(())
}
