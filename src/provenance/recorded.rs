//! What a statement says, read back: enough to build the package again, and to tell what would be different.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::slsa::{BUILD_TYPE, PREDICATE_TYPE, Parameters, TOOL};
use super::{ProvenanceError, Statement, plain};
use crate::compression::Compression;
use crate::digest::{Algorithm, Digest};
use crate::format::{Format, Revision};
use crate::plan::{Arches, Input, Request, Revisions, SignaturePolicy};
use crate::source_date::SourceDate;
use crate::spec::is_maintainer;

/// The longest vendor, in bytes, as the command line takes it.
const MAX_VENDOR: usize = 1024;

/// A package's provenance.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// What was asked for.
    pub parameters: Parameters,
    /// The id of the job.
    pub job: String,
    /// The version of kubepkg.
    pub tool: String,
    /// What came from upstream, or out of a local build.
    pub materials: Vec<Dependency>,
    /// Specs and templates, sorted by name.
    pub inputs: Vec<Input>,
    /// Name and SHA-256 of the bill of materials.
    pub sbom: Option<(String, Digest)>,
}

/// Upstream bytes that went into a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Where they are published; nothing for a local build.
    pub url: Option<String>,
    /// Their SHA-256.
    pub sha256: Digest,
    /// Why they were believed, a few words each.
    pub verified: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPredicate {
    build_definition: RawDefinition,
    run_details: RawDetails,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDefinition {
    build_type: String,
    external_parameters: Box<RawValue>,
    #[serde(default)]
    internal_parameters: BTreeMap<String, Value>,
    #[serde(default)]
    resolved_dependencies: Vec<RawResource>,
}

#[derive(Deserialize)]
struct RawDetails {
    builder: RawBuilder,
    #[serde(default)]
    byproducts: Vec<RawResource>,
}

#[derive(Deserialize)]
struct RawBuilder {
    #[serde(default)]
    version: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawResource {
    name: Option<String>,
    uri: Option<String>,
    #[serde(default)]
    digest: BTreeMap<String, String>,
    media_type: Option<String>,
    #[serde(default)]
    annotations: BTreeMap<String, Value>,
}

impl Recorded {
    /// Reads what a statement says. Parameters that are not known are refused, since they might decide something.
    pub fn read(statement: &Statement) -> Result<Self, ProvenanceError> {
        if statement.predicate_type != PREDICATE_TYPE {
            return Err(ProvenanceError::Foreign(format!("its type is `{}`", plain(&statement.predicate_type))));
        }
        let foreign = |error: serde_json::Error| ProvenanceError::Foreign(plain(&error));
        let raw: RawPredicate = serde_json::from_str(statement.predicate()).map_err(foreign)?;
        let definition = raw.build_definition;
        if definition.build_type != BUILD_TYPE {
            return Err(ProvenanceError::Foreign(format!("its build type is `{}`", plain(&definition.build_type))));
        }
        let (inputs, materials): (Vec<RawResource>, Vec<RawResource>) =
            definition.resolved_dependencies.into_iter().partition(RawResource::is_input);
        let mut inputs: Vec<Input> = inputs.into_iter().map(RawResource::into_input).collect::<Result<_, _>>()?;
        inputs.sort();
        let sboms = raw.run_details.byproducts.iter();
        let mut sboms =
            sboms.filter(|resource| resource.media_type.as_deref() == Some("application/vnd.cyclonedx+json"));
        let sbom =
            sboms.next().map(|one| Ok::<_, ProvenanceError>((one.name.clone().unwrap_or_default(), one.sha256()?)));
        Ok(Self {
            parameters: serde_json::from_str(definition.external_parameters.get()).map_err(foreign)?,
            job: definition.internal_parameters.get("job").and_then(Value::as_str).unwrap_or_default().to_owned(),
            tool: raw.run_details.builder.version.get(TOOL).cloned().unwrap_or_default(),
            materials: materials.into_iter().map(RawResource::into_dependency).collect::<Result<_, _>>()?,
            inputs,
            sbom: sbom.transpose()?,
        })
    }

    /// Returns the request that asks for this package and nothing else.
    pub fn request(&self, local_build: Option<PathBuf>) -> Result<Request, ProvenanceError> {
        let Parameters { component, vendor, maintainer, .. } = &self.parameters;
        let version: crate::version::Version = word("version", &self.parameters.version)?;
        let revision: Revision = word("revision", &self.parameters.revision)?;
        if !is_maintainer(maintainer) {
            return Err(ProvenanceError::Foreign("`maintainer` is no `Name <mail>`".to_owned()));
        }
        let is_vendor = |text: &String| text.len() <= MAX_VENDOR && !text.chars().any(char::is_control);
        if !vendor.iter().all(is_vendor) {
            return Err(ProvenanceError::Foreign("`vendor` is no line of text".to_owned()));
        }
        Ok(Request {
            version: version.clone(),
            component_versions: [(component.clone(), version)].into(),
            components: [component.clone()].into(),
            arches: Arches::These([word("arch", &self.parameters.arch)?].into()),
            formats: BTreeSet::from([self.format()?]),
            profile: Some(self.parameters.profile.clone()),
            revisions: Revisions { deb: Some(revision.clone()), rpm: Some(revision) },
            maintainer: Some(maintainer.clone()),
            vendor: vendor.clone(),
            date: Some(self.date()),
            local_build,
            signature_policy: SignaturePolicy::default(),
        })
    }

    /// Returns the format of the package.
    pub fn format(&self) -> Result<Format, ProvenanceError> {
        word("format", &self.parameters.format)
    }

    /// Returns how it was compressed.
    pub fn compression(&self) -> Result<Compression, ProvenanceError> {
        word("compression", &self.parameters.compression)
    }

    /// Returns the one time of the package.
    pub fn date(&self) -> SourceDate {
        SourceDate::from_epoch(self.parameters.source_date_epoch)
    }
}

/// Reads a parameter into what it must be.
fn word<T: std::str::FromStr<Err: std::fmt::Display>>(name: &str, text: &str) -> Result<T, ProvenanceError> {
    text.parse().map_err(|error: T::Err| ProvenanceError::Foreign(format!("`{name}`: {}", plain(&error))))
}

impl RawResource {
    /// Whether it is a spec, a file of keys beside one, or a template.
    fn is_input(&self) -> bool {
        let is_below = |name: &str| name.starts_with("specs/") || name.starts_with("templates/");
        self.uri.is_none() && self.name.as_deref().is_some_and(is_below)
    }

    fn sha256(&self) -> Result<Digest, ProvenanceError> {
        let digest = self.digest.get("sha256").and_then(|hex| Digest::from_hex(Algorithm::Sha256, hex).ok());
        digest.ok_or_else(|| ProvenanceError::Foreign("a dependency has no SHA-256".to_owned()))
    }

    fn into_input(self) -> Result<Input, ProvenanceError> {
        Ok(Input { sha256: self.sha256()?, name: self.name.unwrap_or_default() })
    }

    fn into_dependency(self) -> Result<Dependency, ProvenanceError> {
        let reasons = self.annotations.get("verified").and_then(Value::as_array);
        let verified = reasons.into_iter().flatten().map(words).collect();
        Ok(Dependency { sha256: self.sha256()?, url: self.uri, verified })
    }
}

/// A reason in words: its kind, then whatever else it says.
fn words(reason: &Value) -> String {
    let Some(fields) = reason.as_object() else { return reason.to_string() };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let kind = fields.get("by").map(text).unwrap_or_default();
    let more: BTreeMap<&String, String> =
        fields.iter().filter(|(name, _)| *name != "by").map(|(name, value)| (name, text(value))).collect();
    more.into_iter().fold(kind, |all, (name, value)| format!("{all} {name}={value}"))
}
