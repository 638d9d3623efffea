//! The elements that the three files of rpm-md have of an RPM.

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::{filelists, other, primary, xml};
use crate::digest::Digest;
use crate::repository::fragment::BadField;

/// What a repository keeps of an RPM: three pieces of XML, one of them open where the place of the package goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elements {
    /// Of `primary`, before the location.
    before: String,
    /// And behind it.
    after: String,
    pub(super) filelists: String,
    pub(super) other: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    signers: Vec<String>,
    /// When it was built, in seconds since 1970.
    built: u64,
}

/// Bytes of all elements of a package: the largest packages of distributions have some hundred thousand files.
const MAX_BYTES: usize = 24 << 20;

impl Elements {
    /// Renders them.
    pub(in crate::repository) fn new(facts: &Facts, sha256: &Digest, size: u64) -> Result<Self, BadField> {
        let (before, after) = primary::element(facts, sha256.hex(), size);
        let (filelists, other) = (filelists::element(facts, sha256.hex()), other::element(facts, sha256.hex()));
        if before.len() + after.len() + filelists.len() + other.len() > MAX_BYTES {
            return Err(BadField::new("header", format!("more than {MAX_BYTES} bytes of XML")));
        }
        Ok(Self { before, after, filelists, other, signers: facts.signers.clone(), built: facts.built })
    }

    /// Writes the element of `primary`, with what says where the package lies.
    pub(super) fn push_primary(&self, out: &mut String, location: &[(&str, &str)]) {
        out.push_str(&self.before);
        xml::empty(out, 1, "location", location);
        out.push_str(&self.after);
    }

    /// Takes out the pieces of XML.
    pub(in crate::repository) fn take_texts(&mut self) -> Vec<String> {
        let Self { before, after, filelists, other, .. } = self;
        [before, after, filelists, other].map(std::mem::take).into()
    }

    /// Returns it with what was taken out.
    pub(in crate::repository) fn with_texts(&self, texts: &[&str]) -> Option<Self> {
        let [before, after, filelists, other] = texts else { return None };
        let [before, after, filelists, other] = [before, after, filelists, other].map(|text| (*text).to_owned());
        Some(Self { before, after, filelists, other, signers: self.signers.clone(), built: self.built })
    }

    /// Whether the package has a file.
    pub(in crate::repository) fn has_file(&self, path: &str) -> bool {
        let mut end = String::from(">");
        xml::push_text(&mut end, path);
        end.push_str("</file>\n");
        self.filelists.contains(&end)
    }

    /// Returns when the package was built, in seconds since 1970.
    pub(in crate::repository) fn built(&self) -> u64 {
        self.built
    }

    /// Returns who signed the package, as its signatures say.
    pub(in crate::repository) fn signers(&self) -> &[String] {
        &self.signers
    }
}
