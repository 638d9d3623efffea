//! The lists for machines: what a mirror has to fetch, with digests.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::digest::Digest;
use crate::format::Format;
use crate::repository::channel::Channel;
use crate::repository::charter::Charter;
use crate::repository::generation::{Entry, Generation};
use crate::repository::head::Head;
use crate::repository::publish::flat_path;

/// The form of the lists.
const SCHEMA: u32 = 1;
/// What people install by name, where a channel has it.
const WANTED: [&str; 3] = ["kubelet", "kubeadm", "kubectl"];
/// How many packages a summary names.
const NAMED: usize = 8;

/// `index.json` of the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Index {
    schema: u32,
    name: String,
    description: String,
    url: Option<String>,
    /// The fingerprints of the certificates in `certificate`.
    keys: Vec<String>,
    certificate: String,
    pub(super) channels: Vec<Summary>,
}

/// A channel, in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Summary {
    pub(super) channel: String,
    pub(super) generation: u64,
    /// The SHA-256 of the generation's manifest.
    pub(super) manifest: String,
    pub(super) date: String,
    /// How many package files it holds.
    pub(super) files: usize,
    /// How many packages, by name.
    pub(super) names: usize,
    /// The newest versions of the first of them.
    pub(super) newest: BTreeMap<String, String>,
    /// What people install by name, by format; the rest comes with it.
    pub(super) install: BTreeMap<String, Vec<String>>,
    pub(super) page: String,
    pub(super) list: Listed,
}

/// A file with its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    pub(super) path: String,
    pub(super) sha256: String,
    pub(super) size: u64,
}

impl Index {
    pub(super) fn new(charter: &Charter, fingerprints: &[String], channels: Vec<Summary>) -> Self {
        Self {
            schema: SCHEMA,
            name: charter.name.clone(),
            description: charter.description.clone(),
            url: charter.settings.url.as_ref().map(ToString::to_string),
            keys: fingerprints.to_vec(),
            certificate: crate::repository::layout::CERTIFICATE.to_owned(),
            channels,
        }
    }

    /// Reads what an earlier run wrote; nothing of anything else.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|index: &Self| index.schema == SCHEMA)
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        (text + "\n").into_bytes()
    }

    /// Returns what it says of a channel.
    pub(super) fn find(&self, channel: Channel) -> Option<&Summary> {
        let name = channel.to_string();
        self.channels.iter().find(|summary| summary.channel == name)
    }
}

impl Summary {
    pub(super) fn new(head: &Head, generation: &Generation, list: &[u8]) -> Self {
        let channel = generation.channel;
        let mut newest: BTreeMap<String, String> = BTreeMap::new();
        for entry in &generation.packages {
            let version = newest.entry(entry.name.clone()).or_insert_with(|| entry.version.clone());
            if is_newer(&entry.version, version) {
                version.clone_from(&entry.version);
            }
        }
        let names = newest.len();
        Self {
            channel: channel.to_string(),
            generation: head.number,
            manifest: head.generation.hex().to_owned(),
            date: generation.date().to_string(),
            files: generation.packages.len(),
            names,
            newest: newest.into_iter().take(NAMED).collect(),
            install: [Format::Deb, Format::Rpm]
                .map(|format| (format.as_str().to_owned(), wanted(&generation.packages, format)))
                .into_iter()
                .filter(|(_, names)| !names.is_empty())
                .collect(),
            page: super::page_path(channel),
            list: Listed {
                path: super::list_path(channel),
                sha256: Digest::sha256(list).hex().to_owned(),
                size: list.len() as u64,
            },
        }
    }
}

/// What people install by name.
fn wanted(packages: &[Entry], format: Format) -> Vec<String> {
    let names: BTreeSet<&str> =
        packages.iter().filter(|entry| entry.format == format).map(|entry| entry.name.as_str()).collect();
    let known: Vec<String> = WANTED.into_iter().filter(|name| names.contains(name)).map(str::to_owned).collect();
    if !known.is_empty() {
        return known;
    }
    let all = names.into_iter().filter(|name| !name.ends_with("-keyring"));
    all.take(WANTED.len()).map(str::to_owned).collect()
}

/// For people, to whom one order of both formats' versions is enough.
fn is_newer(one: &str, other: &str) -> bool {
    crate::repository::compare_versions(Format::Deb, one, other).is_gt()
}

/// Returns `index.json` of a channel: a line for each package and each index file.
pub(super) fn list(generation: &Generation) -> Vec<u8> {
    let head = json!({
        "schema": SCHEMA,
        "channel": generation.channel.to_string(),
        "generation": generation.number,
        "date": generation.date().to_string(),
    });
    let packages = generation.packages.iter().map(|entry| package(generation.channel, entry));
    let indices = generation.indices.iter().map(|file| (&file.path, &file.sha256, file.size));
    let projection = generation.projection.iter().map(|file| (&file.path, &file.sha256, file.size));
    let files = indices.chain(projection);
    let files = files.map(|(path, sha256, size)| File { path: path.as_str(), sha256: sha256.hex(), size });
    let mut text = head.to_string().into_bytes();
    text.pop();
    lines(&mut text, "packages", packages);
    lines(&mut text, "files", files);
    text.extend(b"}\n");
    text
}

fn lines<T: Serialize>(text: &mut Vec<u8>, name: &str, values: impl Iterator<Item = T>) {
    let _ = write!(text, ",\n\"{name}\":[");
    for (nth, value) in values.enumerate() {
        text.extend(if nth == 0 { &b"\n"[..] } else { b",\n" });
        let _ = serde_json::to_writer(&mut *text, &value);
    }
    text.extend(b"\n]");
}

/// A package in the list of a channel.
#[derive(Debug, Serialize)]
struct Package<'a> {
    also: String,
    arch: &'a str,
    format: &'static str,
    name: &'a str,
    papers: Vec<PackagePaper<'a>>,
    path: &'a str,
    sha256: &'a str,
    size: u64,
    version: &'a str,
}

#[derive(Debug, Serialize)]
struct PackagePaper<'a> {
    kind: &'static str,
    path: String,
    sha256: &'a str,
    size: u64,
}

/// Any other file in the list of a channel.
#[derive(Debug, Serialize)]
struct File<'a> {
    path: &'a str,
    sha256: &'a str,
    size: u64,
}

fn package(channel: Channel, entry: &Entry) -> Package<'_> {
    let papers = entry.papers.iter().map(|paper| PackagePaper {
        kind: paper.kind.as_str(),
        path: entry.paper_path(paper.kind).to_string(),
        sha256: paper.sha256.hex(),
        size: paper.size,
    });
    Package {
        also: flat_path(channel, entry).to_string(),
        arch: &entry.arch,
        format: entry.format.as_str(),
        name: &entry.name,
        papers: papers.collect(),
        path: entry.path.as_str(),
        sha256: entry.sha256.hex(),
        size: entry.size,
        version: &entry.version,
    }
}
