//! The spec file from which rpmbuild makes the same package out of the same files.

use std::collections::BTreeSet;

use serde::Serialize;

use super::build::changelog;
use super::field;
use super::relations;
use super::scriptlet::{INTERPRETER, MOMENTS, section};
use crate::format::Format;
use crate::image::{Content, Entry, PackageImage, Role};
use crate::package::{Texts, WriteError};
use crate::relation::Relation;
use crate::template::Templates;

/// A file that the spec file expects in rpmbuild's `SOURCES`.
#[derive(Debug)]
pub struct Source<'a> {
    /// The file's name there.
    pub name: String,
    /// The entry that it becomes.
    pub entry: &'a Entry,
}

/// Returns the sources of the spec file in the order of their numbers: one for each regular file of the package.
pub fn sources(image: &PackageImage) -> Vec<Source<'_>> {
    image
        .entries(Format::Rpm)
        .filter(|entry| !matches!(entry.content, Content::Directory | Content::Link(_)))
        .enumerate()
        // A number in front keeps names apart that differ only in their directories.
        .map(|(number, entry)| Source { name: format!("{number:02}-{}", entry.path.file_name()), entry })
        .collect()
}

/// The variables of the template. No text has a `%` that rpmbuild would expand.
#[derive(Serialize)]
struct Facts<'a> {
    name: &'a str,
    version: String,
    release: &'a str,
    arch: &'a str,
    summary: String,
    license: String,
    homepage: String,
    group: String,
    maintainer: String,
    vendor: Option<String>,
    description: String,
    epoch: u32,
    /// `Sat Dec 07 2019`.
    date: String,
    changelog: String,
    relations: Vec<RelationLine>,
    sources: Vec<SourceLine<'a>>,
    directories: Vec<&'a str>,
    links: Vec<LinkLine<'a>>,
    files: Vec<FileLine<'a>>,
    interpreter: &'static str,
    scriptlets: Vec<ScriptletLines>,
}

#[derive(Serialize)]
struct RelationLine {
    tag: &'static str,
    relation: String,
}

#[derive(Serialize)]
struct SourceLine<'a> {
    number: usize,
    name: String,
    /// Where its bytes are to be had.
    from: String,
    path: &'a str,
}

#[derive(Serialize)]
struct LinkLine<'a> {
    target: &'a str,
    path: &'a str,
    parent: String,
}

#[derive(Serialize)]
struct FileLine<'a> {
    /// `%dir`, `%config(noreplace)` …, with the blank that follows.
    directive: &'static str,
    mode: String,
    user: &'a str,
    group: &'a str,
    path: &'a str,
}

#[derive(Serialize)]
struct ScriptletLines {
    section: &'static str,
    body: String,
}

/// Renders the spec file with the scriptlets of `texts`.
pub(super) fn render(image: &PackageImage, texts: &Texts, templates: &Templates) -> Result<String, WriteError> {
    let metadata = &image.metadata;
    let entries = || image.entries(Format::Rpm);
    let scriptlet = |moment| texts.get(section(moment)).map(|text| (section(moment), text));
    let facts = Facts {
        name: metadata.name.as_str(),
        version: metadata.version.package(),
        release: metadata.rpm_revision.as_str(),
        arch: metadata.arch.rpm(),
        summary: literal(&metadata.summary),
        license: literal(&metadata.license),
        homepage: literal(&metadata.homepage),
        group: literal(&metadata.section),
        maintainer: literal(&metadata.maintainer),
        vendor: metadata.vendor.as_deref().map(literal),
        description: literal(&field::description(image)),
        epoch: image.date.epoch(),
        date: image.date.spec_file(),
        changelog: changelog(image),
        relations: relation_lines(image),
        sources: (0..)
            .zip(sources(image))
            .map(|(number, Source { name, entry })| SourceLine {
                number,
                name,
                from: literal(&origin(entry)),
                path: entry.path.as_str(),
            })
            .collect(),
        directories: entries()
            .filter(|entry| matches!(entry.content, Content::Directory))
            .map(|entry| entry.path.as_str())
            .collect(),
        links: entries().filter_map(link_line).collect(),
        files: entries().map(file_line).collect(),
        interpreter: INTERPRETER,
        scriptlets: MOMENTS
            .into_iter()
            .filter_map(scriptlet)
            .map(|(section, text)| ScriptletLines { section, body: literal(text) })
            .collect(),
    };
    Ok(templates.render("rpm/package.spec", &facts)?)
}

/// Says where the bytes of a source are to be had, as the head of the template explains it, in one line: a folder with
/// a local build may have any name.
fn origin(entry: &Entry) -> String {
    let origin = match &entry.content {
        Content::Artifact(artifact) => artifact.origin().to_owned(),
        Content::Member(member) => format!("{} {}", member.archive.origin(), member.name),
        Content::Text(_) | Content::Link(_) | Content::Directory => entry.path.relative().to_owned(),
    };
    origin.replace(char::is_control, "?")
}

/// Protects text from expansion.
fn literal(text: &str) -> String {
    text.replace('%', "%%")
}

/// Returns a line for each relation, and for those that the header has without being asked: on itself, of the version of
/// its configuration, and on owners other than root, as rpm writes them since 4.19
/// (<https://rpm.org/docs/4.19.x/manual/users_and_groups.html>).
fn relation_lines(image: &PackageImage) -> Vec<RelationLine> {
    let relations: BTreeSet<&Relation> = image.relations(Format::Rpm).collect();
    let mut lines: Vec<RelationLine> = relations
        .into_iter()
        .map(|relation| {
            let tag = relation.kind.field(Format::Rpm);
            RelationLine { tag, relation: literal(&relation.to_string()) }
        })
        .collect();
    if relations::orders_after_systemd(image) {
        lines.push(RelationLine { tag: "OrderWithRequires", relation: "systemd".to_owned() });
    }
    let is_configuration = |entry: &Entry| {
        matches!(entry.role, Role::Config | Role::ConfigKept) && !matches!(entry.content, Content::Directory)
    };
    if image.entries(Format::Rpm).any(is_configuration) {
        let metadata = &image.metadata;
        let relation = format!("config({}) = {}", metadata.name, metadata.full_version(Format::Rpm));
        lines.push(RelationLine { tag: "Provides", relation: relation.clone() });
        lines.push(RelationLine { tag: "Requires", relation });
    }
    let owners: BTreeSet<String> = image
        .entries(Format::Rpm)
        .flat_map(|entry| [("user", &entry.owner.user), ("group", &entry.owner.group)])
        .filter(|(_, name)| *name != "root")
        .map(|(kind, name)| format!("{kind}({name})"))
        .collect();
    lines.extend(owners.into_iter().map(|relation| RelationLine { tag: "Recommends", relation }));
    lines
}

fn link_line(entry: &Entry) -> Option<LinkLine<'_>> {
    let Content::Link(target) = &entry.content else { return None };
    let parent = entry.path.parent().map(|parent| parent.to_string()).unwrap_or_default();
    Some(LinkLine { target, path: entry.path.as_str(), parent })
}

fn file_line(entry: &Entry) -> FileLine<'_> {
    let directive = match (&entry.content, entry.role) {
        (Content::Directory, _) => "%dir ",
        (_, Role::Plain) => "",
        (_, Role::Config) => "%config ",
        (_, Role::ConfigKept) => "%config(noreplace) ",
        (_, Role::Doc) => "%doc ",
        (_, Role::License) => "%license ",
    };
    let mode = match entry.content {
        Content::Link(_) => "-".to_owned(),
        _ => entry.mode.to_string(),
    };
    let owner = &entry.owner;
    FileLine { directive, mode, user: &owner.user, group: &owner.group, path: entry.path.as_str() }
}
