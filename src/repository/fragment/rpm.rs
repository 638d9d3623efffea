//! Fragments of RPMs.

use super::{BadField, Body, Parts};
use crate::package::reader::{RpmHead, Scan};
use crate::repository::rpmmd::{Elements, Facts};

impl Parts {
    pub(super) fn of_rpm(head: &RpmHead, scan: &Scan) -> Result<Self, BadField> {
        let facts = Facts::new(head)?;
        let spelled = |elements: &[&str]| -> Vec<String> {
            elements.iter().flat_map(|element| facts.related(element)).map(|entry| entry.spelled()).collect()
        };
        Ok(Self {
            requires: spelled(&["rpm:requires"]),
            provides: spelled(&["rpm:provides"]),
            conflicts: spelled(&["rpm:conflicts", "rpm:obsoletes"]),
            body: Body::Rpm(Elements::new(&facts, &scan.sha256, scan.size)?),
            version: facts.evr(),
            name: facts.name,
            arch: facts.arch,
        })
    }
}
