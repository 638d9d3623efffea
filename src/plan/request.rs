//! What is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::SignaturePolicy;
use crate::arch::Arch;
use crate::format::{Format, Revision};
use crate::source_date::SourceDate;
use crate::version::Version;

/// What is asked for, in plain fields. Moving targets such as `stable` have become versions already.
#[derive(Debug, Clone)]
pub struct Request {
    /// The Kubernetes version; the component's own where only such components are asked for.
    pub version: Version,
    /// Versions of components that take precedence over the companion table.
    pub component_versions: BTreeMap<String, Version>,
    /// The components; the whole set where empty.
    pub components: BTreeSet<String>,
    /// The architectures.
    pub arches: Arches,
    /// The formats, at least one.
    pub formats: BTreeSet<Format>,
    /// The profile; the first of the distribution where `None`.
    pub profile: Option<String>,
    /// Revisions.
    pub revisions: Revisions,
    /// Who is responsible, where it is not the one of spec or profile.
    pub maintainer: Option<String>,
    /// Who distributes the packages.
    pub vendor: Option<String>,
    /// The date, where it is not the release's.
    pub date: Option<SourceDate>,
    /// A local Kubernetes build that takes upstream's place.
    pub local_build: Option<PathBuf>,
    /// What is asked of signatures, and what is let go.
    pub signature_policy: SignaturePolicy,
}

/// The architectures that are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arches {
    /// Every one that upstream publishes, component by component.
    All,
    /// Every one that a local build has; companions as far as upstream publishes them.
    Built(BTreeSet<Arch>),
    /// These; one that upstream does not publish is an error.
    These(BTreeSet<Arch>),
}

impl Arches {
    /// Whether what is not published is left out, rather than an error.
    pub fn leaves_out(&self) -> bool {
        matches!(self, Self::All | Self::Built(_))
    }
}

/// The revisions that are asked for; the profile's where `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revisions {
    /// Debian's.
    pub deb: Option<Revision>,
    /// RPM's.
    pub rpm: Option<Revision>,
}
