//! The document (`CycloneDX` 1.6, ECMA-424).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::contents::{Contents, File};
use super::golang::{GoModule, modules};
use super::{PATH, purl};
use crate::digest::Digest;
use crate::fetch::{Artifact, Evidence};
use crate::format::Format;
use crate::image::PackageImage;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
}

#[derive(Serialize)]
struct Metadata {
    timestamp: String,
    tools: Tools,
    component: Component,
}

#[derive(Serialize)]
struct Tools {
    components: Vec<Component>,
}

#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "String::is_empty")]
    reference: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<Organization>,
    #[serde(skip_serializing_if = "Option::is_none")]
    publisher: Option<String>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<License>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_references: Vec<ExternalReference>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    properties: BTreeSet<Property>,
}

#[derive(Clone, Serialize)]
struct Organization {
    name: String,
}

#[derive(Clone, Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Clone, Serialize)]
struct License {
    expression: String,
}

#[derive(Clone, Serialize)]
struct ExternalReference {
    #[serde(rename = "type")]
    kind: &'static str,
    url: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Property {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    reference: String,
    depends_on: BTreeSet<String>,
}

/// Returns the bill of a package as JSON text.
pub fn document(image: &PackageImage, contents: &Contents, format: Format) -> Result<String, String> {
    let package = package(image, format);
    let mut graph = Graph::default();
    graph.edges.insert(package.reference.clone(), BTreeSet::new());
    for file in contents.files.iter().filter(|file| file.formats.includes(format)) {
        graph.add(file, &package.reference, &image.metadata.version.to_string());
    }
    let dependencies = graph.edges.into_iter();
    let mut document = Document {
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: String::new(),
        version: 1,
        metadata: Metadata { timestamp: image.date.to_string(), tools: tools(), component: package },
        components: graph.components.into_values().collect(),
        dependencies: dependencies.map(|(reference, depends_on)| Dependency { reference, depends_on }).collect(),
    };
    let text = |document: &Document| serde_json::to_string_pretty(document).map_err(|error| error.to_string());
    document.serial_number = serial_number(&Digest::sha256(text(&document)?));
    Ok(text(&document)? + "\n")
}

fn package(image: &PackageImage, format: Format) -> Component {
    let metadata = &image.metadata;
    let purl = purl::of_package(metadata, format);
    Component {
        kind: "application",
        reference: purl.clone(),
        supplier: metadata.vendor.clone().map(|name| Organization { name }),
        publisher: Some(metadata.maintainer.clone()),
        name: metadata.name.to_string(),
        version: Some(metadata.full_version(format)),
        description: Some(metadata.summary.clone()),
        licenses: vec![License { expression: metadata.license.clone() }],
        purl: Some(purl),
        external_references: vec![reference("website", metadata.homepage.clone(), Vec::new())],
        ..Component::default()
    }
}

fn tools() -> Tools {
    let version = Some(env!("CARGO_PKG_VERSION").to_owned());
    Tools {
        components: vec![Component {
            kind: "application",
            name: "kubepkg".to_owned(),
            version,
            ..Component::default()
        }],
    }
}

/// A UUID of version 8 (RFC 9562, 5.8) that follows from what the document says.
fn serial_number(digest: &Digest) -> String {
    let hex = digest.hex();
    format!("urn:uuid:{}-{}-8{}-a{}-{}", &hex[..8], &hex[8..12], &hex[12..15], &hex[15..18], &hex[18..30])
}

/// Components by what refers to them, and what each depends on.
#[derive(Default)]
struct Graph {
    components: BTreeMap<String, Component>,
    edges: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn add(&mut self, file: &File, package: &str, version: &str) {
        let source = source(&file.artifact, version);
        let component = match &file.member {
            None => installed(source, file),
            Some(member) => {
                let name = member.rsplit('/').next().unwrap_or_default().to_owned();
                let sha256 = file.artifact.digests().sha256.hex();
                let url = url(&file.artifact);
                let purl = purl::of_file(&source.name, version, sha256, url, Some(member));
                self.depend(package, source);
                let hashes = vec![sha256_hash(file.digests.sha256.hex())];
                let version = Some(version.to_owned());
                installed(Component { name, version, hashes, ..identified(purl) }, file)
            }
        };
        let reference = component.reference.clone();
        let owner = file.member.as_ref().map(|_| identity(&file.artifact, version));
        self.depend(owner.as_deref().unwrap_or(package), component);
        for module in file.go.iter().flat_map(|build| modules(build, version)) {
            self.depend(&reference, library(module));
        }
    }

    /// Adds a component on which another depends. One that is there already gets what is new of it.
    fn depend(&mut self, on_it: &str, component: Component) {
        self.edges.entry(on_it.to_owned()).or_default().insert(component.reference.clone());
        self.edges.entry(component.reference.clone()).or_default();
        match self.components.get_mut(&component.reference) {
            Some(known) => known.properties.extend(component.properties),
            None => drop(self.components.insert(component.reference.clone(), component)),
        }
    }
}

/// What was fetched, as it was published.
fn source(artifact: &Artifact, version: &str) -> Component {
    let digests = artifact.upstream_digests();
    let hashes = vec![
        sha256_hash(digests.packaged.sha256.hex()),
        Hash { alg: "SHA-512", content: digests.sha512.hex().to_owned() },
    ];
    let references = url(artifact).map(|url| reference("distribution", url.to_owned(), hashes.clone()));
    Component {
        kind: "file",
        name: name(artifact).to_owned(),
        version: Some(version.to_owned()),
        hashes,
        external_references: references.into_iter().collect(),
        ..identified(identity(artifact, version))
    }
}

fn identity(artifact: &Artifact, version: &str) -> String {
    purl::of_file(name(artifact), version, artifact.digests().sha256.hex(), url(artifact), None)
}

fn identified(purl: String) -> Component {
    Component { reference: purl.clone(), purl: Some(purl), ..Component::default() }
}

/// The last part of where it comes from.
fn name(artifact: &Artifact) -> &str {
    artifact.origin().rsplit('/').next().unwrap_or_default()
}

/// Where it is published. A local build is published nowhere, and where it lies is nobody's business.
fn url(artifact: &Artifact) -> Option<&str> {
    let is_local = artifact.evidence().iter().any(|evidence| matches!(evidence, Evidence::LocalBuild(_)));
    (!is_local).then_some(artifact.origin())
}

fn installed(component: Component, file: &File) -> Component {
    let kind = if file.is_program { "application" } else { "file" };
    let path = Property { name: PATH, value: file.path.to_string() };
    Component { kind, properties: [path].into(), ..component }
}

fn library(module: GoModule) -> Component {
    let properties = [("kubepkg:go:recorded-version", module.recorded), ("kubepkg:go:replaces", module.replaces)];
    let properties = properties.into_iter().filter_map(|(name, value)| Some(Property { name, value: value? }));
    Component {
        kind: "library",
        name: module.path.clone(),
        version: module.version.clone(),
        properties: properties.collect(),
        ..identified(purl::of_module(&module.path, module.version.as_deref()))
    }
}

fn sha256_hash(hex: &str) -> Hash {
    Hash { alg: "SHA-256", content: hex.to_owned() }
}

fn reference(kind: &'static str, url: String, hashes: Vec<Hash>) -> ExternalReference {
    ExternalReference { kind, url, hashes }
}
