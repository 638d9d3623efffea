//! Fragments of RPMs.

use super::{BadField, Body, Parts};
use crate::package::reader::{RpmHead, Scan};
use crate::repository::rpmmd::{Elements, Facts};

impl Parts {
    pub(super) fn of_rpm(head: &RpmHead, scan: &Scan) -> Result<Self, BadField> {
        let facts = Facts::new(head)?;
        let conflicts = [facts.related("rpm:conflicts"), facts.related("rpm:obsoletes")].concat();
        Ok(Self {
            requires: facts.related("rpm:requires"),
            provides: facts.related("rpm:provides"),
            conflicts,
            body: Body::Rpm(Elements::new(&facts, &scan.sha256, scan.size)?),
            version: facts.evr(),
            name: facts.name,
            arch: facts.arch,
        })
    }
}
