//! What is said: SLSA provenance v1 (<https://slsa.dev/spec/v1.0/provenance>).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::evidence::Verified;
use super::statement::{Statement, Subject};
use crate::compression::Compression;
use crate::digest::{Algorithm, Digest, UpstreamDigests};
use crate::fetch::Evidence;
use crate::plan::{Build, Input, PlannedPackage, Source};

pub(super) const PREDICATE_TYPE: &str = "https://slsa.dev/provenance/v1";
/// How parameters and dependencies are to be read. A change of meaning is another number.
pub(super) const BUILD_TYPE: &str = "urn:kubepkg:build:1";
/// Whoever ran the program: the provenance is worth what the key that signed it is worth.
const BUILDER: &str = "urn:kubepkg:builder:local";
/// The tool's name among the versions of the builder.
pub(super) const TOOL: &str = "kubepkg";

/// What is known of a package once it is written.
#[derive(Debug)]
pub struct Facts<'a> {
    /// What was planned.
    pub build: &'a Build,
    /// Which of the build's packages it is.
    pub package: &'a PlannedPackage,
    /// The bytes of [`Build::sources`], in their order.
    pub materials: Vec<Material<'a>>,
    /// How it was compressed.
    pub compression: Compression,
    /// The SHA-256 of the package's file.
    pub sha256: &'a Digest,
    /// Name and SHA-256 of the bill of materials beside it.
    pub sbom: (String, &'a Digest),
}

/// Upstream bytes with what vouches for them.
#[derive(Debug)]
pub struct Material<'a> {
    /// Where they are published, as it may be shown; nothing for a local build.
    pub url: Option<String>,
    /// Their digests.
    pub digests: &'a UpstreamDigests,
    /// Why they were believed.
    pub evidence: &'a [Evidence],
}

/// Everything of a request that decides the bytes of one package, with nothing left to defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameters {
    /// The component.
    pub component: String,
    /// Its version.
    pub version: String,
    /// The architecture in upstream's spelling.
    pub arch: String,
    /// `deb` or `rpm`.
    pub format: String,
    /// The way of packaging.
    pub profile: String,
    /// Debian's revision, RPM's release.
    pub revision: String,
    /// `Name <mail>`.
    pub maintainer: String,
    /// Who distributes it, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// The one time, in seconds since 1970.
    pub source_date_epoch: u32,
    /// Codec and level.
    pub compression: String,
    /// Whether a local build of Kubernetes took upstream's place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub local_build: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    build_definition: BuildDefinition,
    run_details: RunDetails,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BuildDefinition {
    build_type: &'static str,
    external_parameters: Parameters,
    internal_parameters: InternalParameters,
    resolved_dependencies: Vec<Resource>,
}

#[derive(Serialize)]
struct InternalParameters {
    /// The id of the plan's job: the same where a plan would make the same package.
    job: String,
}

#[derive(Serialize)]
struct RunDetails {
    builder: Builder,
    byproducts: Vec<Resource>,
}

#[derive(Serialize)]
struct Builder {
    id: &'static str,
    version: Version,
}

#[derive(Serialize)]
struct Version {
    kubepkg: &'static str,
}

/// An artifact (in-toto's `ResourceDescriptor`).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    digest: Digests,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<Annotations>,
}

#[derive(Serialize)]
struct Digests {
    sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha512: Option<String>,
}

#[derive(Serialize)]
struct Annotations {
    /// What the spec calls it.
    source: String,
    /// The number of bytes.
    size: u64,
    /// Why the version was not looked for inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    unversioned: Option<String>,
    verified: Vec<Verified>,
}

/// Says of a package what it was made of.
pub fn statement(facts: &Facts<'_>) -> Result<Statement, String> {
    let sources = facts.build.sources.iter().zip(&facts.materials).map(|(source, material)| {
        let name = match &source.source {
            Source::Download(_) => None,
            Source::LocalBuild(path) => Some(local_name(path)),
        };
        let annotations = Annotations {
            source: source.name.clone(),
            size: material.digests.packaged.size,
            unversioned: source.unversioned.clone(),
            verified: material.evidence.iter().map(Verified::from).collect(),
        };
        let digest = Digests {
            sha256: material.digests.packaged.sha256.hex().to_owned(),
            sha512: Some(material.digests.get(Algorithm::Sha512).hex().to_owned()),
        };
        let uri = material.url.clone();
        Resource { name, uri, digest, media_type: None, annotations: Some(annotations) }
    });
    let plain = |name: &str, sha256: &Digest, media_type| Resource {
        name: Some(name.to_owned()),
        uri: None,
        digest: Digests { sha256: sha256.hex().to_owned(), sha512: None },
        media_type,
        annotations: None,
    };
    let inputs = facts.package.inputs.iter().map(|Input { name, sha256 }| plain(name, sha256, None));
    let (sbom, sbom_sha256) = &facts.sbom;
    let predicate = Predicate {
        build_definition: BuildDefinition {
            build_type: BUILD_TYPE,
            external_parameters: Parameters::of(facts),
            internal_parameters: InternalParameters { job: facts.package.id.to_string() },
            resolved_dependencies: sources.chain(inputs).collect(),
        },
        run_details: RunDetails {
            builder: Builder { id: BUILDER, version: Version { kubepkg: env!("CARGO_PKG_VERSION") } },
            byproducts: vec![plain(sbom, sbom_sha256, Some("application/vnd.cyclonedx+json"))],
        },
    };
    let predicate = serde_json::to_string(&predicate).and_then(RawValue::from_string);
    let predicate = predicate.map_err(|error| error.to_string())?;
    let digest = [(facts.sha256.algorithm().to_string(), facts.sha256.hex().to_owned())].into();
    let subject = Subject { name: facts.package.file_name.clone(), digest };
    Ok(Statement::new(subject, PREDICATE_TYPE, predicate))
}

/// The part of a path that a local build has everywhere: `bin/linux/arm64/kubelet`.
fn local_name(path: &std::path::Path) -> String {
    let text = path.to_string_lossy();
    text.rfind("bin/linux/").map_or_else(|| "local build".to_owned(), |at| text[at..].to_owned())
}

impl Parameters {
    fn of(facts: &Facts<'_>) -> Self {
        let (metadata, format) = (&facts.build.metadata, facts.package.format);
        Self {
            component: metadata.name.to_string(),
            version: metadata.version.to_string(),
            arch: metadata.arch.to_string(),
            format: format.to_string(),
            profile: facts.build.profile.clone(),
            revision: metadata.revision(format).to_string(),
            maintainer: metadata.maintainer.clone(),
            vendor: metadata.vendor.clone(),
            source_date_epoch: facts.build.date.epoch(),
            compression: facts.compression.to_string(),
            local_build: facts.build.sources.iter().any(|source| matches!(source.source, Source::LocalBuild(_))),
        }
    }
}
