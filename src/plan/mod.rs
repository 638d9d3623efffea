//! The plan: everything that will be fetched and written, decided before anything is touched.
//!
//! A pure function of catalog, templates and request. No later stage invents a URL, a file name, a path, a text or a
//! relation, but for the relations that only the bytes can tell: which C library a program was linked with.

mod build;
mod component;
mod download;
mod job;
mod policy;
mod request;
mod resolve;
mod select;
mod source;
mod view;

use std::path::PathBuf;

use crate::arch::Arch;
use crate::path::{BadPath, PackageName};
use crate::spec::{Catalog, Profile};
use crate::template::{TemplateError, Templates};
use crate::version::Version;

pub use build::{
    Build, BuildSource, Formats, Input, JobId, LintOverride, Metadata, Moment, OnInstall, Owner, PlannedContent,
    PlannedFile, PlannedPackage, Role, Script, Service,
};
pub use download::{Demand, DigestSource, DigestSources, Download, Presence, Source, Verification};
pub use policy::{Exception, Minimum, ProofKind, ProvidedProof, SignaturePolicy, SignatureProof, SignedFile};
pub use request::{Arches, Request, Revisions};
pub use resolve::{BadMarker, BadSelector, MARKER_LIMIT, VersionSelector, read_marker};
pub use view::PlanView;

/// What will be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The files to fetch, each once, sorted by URL.
    pub downloads: Vec<Download>,
    /// The builds, sorted by component and architecture.
    pub builds: Vec<Build>,
    /// What `--arch all` leaves out, and why.
    pub omitted: Vec<Omission>,
}

impl Plan {
    /// Returns the packages in their order.
    pub fn packages(&self) -> impl Iterator<Item = &PlannedPackage> {
        self.builds.iter().flat_map(|build| &build.packages)
    }

    /// Returns the place of the first build that needs the download at `place`.
    pub fn first_use(&self, place: usize) -> Option<usize> {
        let uses = |source: &BuildSource| source.source == Source::Download(place);
        self.builds.iter().position(|build| build.sources.iter().any(uses))
    }
}

/// Something that is not built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Omission {
    /// The component.
    pub component: PackageName,
    /// Its version.
    pub version: Version,
    /// The architecture.
    pub arch: Arch,
    /// Why.
    pub reason: String,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A component without a spec.
    #[error("there is no component `{given}`")]
    UnknownComponent {
        /// What was asked for.
        given: String,
        /// The components that there are.
        known: Vec<String>,
    },
    /// A profile that the distribution does not have.
    #[error("there is no profile `{given}`")]
    UnknownProfile {
        /// What was asked for.
        given: String,
        /// The profiles that there are.
        known: Vec<String>,
    },
    /// The companion table has no row.
    #[error("{file}: no row of `companions` says which `{component}` goes with Kubernetes {kubernetes}")]
    NoCompanion {
        /// The component.
        component: PackageName,
        /// The Kubernetes version.
        kubernetes: Version,
        /// The spec file.
        file: String,
    },
    /// A component with its own versions was named beside Kubernetes components, without its version.
    #[error("`{component}` has versions of its own, and {version} is the version of Kubernetes")]
    NoOwnVersion {
        /// The component.
        component: PackageName,
        /// The version that was asked for.
        version: Version,
    },
    /// Upstream does not publish the architecture.
    #[error("`{component}` {version} is not published for {arch}; {published}")]
    NotPublished {
        /// The component.
        component: PackageName,
        /// Its version.
        version: Version,
        /// The architecture that was asked for.
        arch: Arch,
        /// What is published.
        published: String,
    },
    /// The version is below or beside every row of the spec.
    #[error("{file}: {what} of `{component}` {version} for {arch}")]
    NotDescribed {
        /// The component.
        component: PackageName,
        /// Its version.
        version: Version,
        /// The architecture.
        arch: Arch,
        /// The spec file.
        file: String,
        /// What is missing.
        what: String,
    },
    /// A template of a file, a script or a URL gives no text.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A rendered URL is none.
    #[error("{file}: `{url}` is no URL")]
    BadUrl {
        /// The spec file.
        file: String,
        /// What was rendered.
        url: String,
        #[source]
        /// What is wrong.
        source: url::ParseError,
    },
    /// A rendered name of a file in an archive is none.
    #[error("{file}: no archive has such a file")]
    BadMember {
        /// The spec file.
        file: String,
        #[source]
        /// What is wrong.
        source: BadPath,
    },
    /// A proof that the user provides proves nothing of the file that it is said to be of.
    #[error("`{}` proves nothing of `{component}` {version} for {arch}: {cause}", proof.display())]
    Unprovable {
        /// The proof.
        proof: PathBuf,
        /// The component.
        component: PackageName,
        /// Its version.
        version: Version,
        /// The architecture.
        arch: Arch,
        /// Why.
        cause: &'static str,
    },
    /// Nothing is left to build.
    #[error("nothing is published for what was asked for")]
    Nothing,
}

/// Decides what will be done.
pub fn plan(catalog: &Catalog, templates: &Templates, request: &Request) -> Result<Plan, PlanError> {
    let profile = profile(catalog, request)?;
    let mut downloads = Downloads::default();
    let (mut builds, mut omitted) = (Vec::new(), Vec::new());
    for (spec, version) in select::components(catalog, request, profile)? {
        for arch in select::arches(spec, &version, request, profile)? {
            let case = component::Case { spec, version: &version, arch, profile, request, catalog };
            match component::build(&case, templates, &mut downloads) {
                Ok(build) => builds.push(build),
                Err(PlanError::NotDescribed { what, .. }) if request.arches.leaves_out() => {
                    let (component, version) = (spec.name.clone(), version.clone());
                    omitted.push(Omission { component, version, arch, reason: what });
                }
                Err(error) => return Err(error),
            }
        }
    }
    if builds.is_empty() {
        return Err(PlanError::Nothing);
    }
    Ok(downloads.sort_into(Plan { downloads: Vec::new(), builds, omitted }))
}

fn profile<'a>(catalog: &'a Catalog, request: &Request) -> Result<&'a Profile, PlanError> {
    let profiles = &catalog.distribution().profiles;
    let found = match &request.profile {
        None => profiles.first(),
        Some(name) => profiles.iter().find(|profile| profile.name == *name),
    };
    found.ok_or_else(|| PlanError::UnknownProfile {
        given: request.profile.clone().unwrap_or_default(),
        known: profiles.iter().map(|profile| profile.name.clone()).collect(),
    })
}

/// Downloads in the order in which they came up. The same URL stands there once for every way to verify it, so that no
/// component is served by the weaker one of another.
#[derive(Debug, Default)]
struct Downloads {
    list: Vec<Download>,
}

impl Downloads {
    fn add(&mut self, download: Download) -> usize {
        self.list.iter().position(|known| *known == download).unwrap_or_else(|| {
            self.list.push(download);
            self.list.len() - 1
        })
    }

    /// Sorts the downloads by URL and points the builds at their new places.
    fn sort_into(self, mut plan: Plan) -> Plan {
        let mut list: Vec<_> = self.list.into_iter().enumerate().collect();
        list.sort_by_cached_key(|(_, download)| (download.url.to_string(), format!("{:?}", download.verification)));
        let mut places = vec![0; list.len()];
        for (place, (index, _)) in list.iter().enumerate() {
            places[*index] = place;
        }
        for source in plan.builds.iter_mut().flat_map(|build| &mut build.sources) {
            if let Source::Download(index) = &mut source.source {
                *index = places[*index];
            }
        }
        plan.downloads = list.into_iter().map(|(_, download)| download).collect();
        plan
    }
}
