//! The build of one component for one architecture.

use std::collections::BTreeSet;

use super::build::Variables;
use super::source::{sources, url_variables};
use super::{
    Build, Downloads, Formats, Input, Metadata, Owner, PlanError, PlannedContent, PlannedFile, PlannedPackage, Request,
    Script, Service, job,
};
use crate::arch::Arch;
use crate::digest::Digest;
use crate::format::Format;
use crate::path::RelativePath;
use crate::relation::{Dependency, Relation};
use crate::source_date::SourceDate;
use crate::spec::{Catalog, File, FileContent, Profile, RelationFact, Row, Spec, Versioning, When};
use crate::template::{Templates, render_text};
use crate::version::Version;

/// One component in one version for one architecture.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) spec: &'a Spec,
    pub(super) version: &'a Version,
    pub(super) arch: Arch,
    pub(super) profile: &'a Profile,
    pub(super) request: &'a Request,
    pub(super) catalog: &'a Catalog,
}

impl<'a> Case<'a> {
    fn holds(&self, when: &When) -> bool {
        when.versions.contains(self.version)
            && when.profile.as_ref().is_none_or(|profile| *profile == self.profile.name)
            && when.track.is_none_or(|track| track == self.version.channel().track())
            && when.arches.as_ref().is_none_or(|arches| arches.contains(&self.arch))
            && when.format.is_none_or(|format| self.request.formats.contains(&format))
    }

    pub(super) fn rows<T>(&self, rows: &'a [Row<T>]) -> impl Iterator<Item = &'a Row<T>> {
        rows.iter().filter(move |row| self.holds(&row.when))
    }

    pub(super) fn not_described(&self, what: impl Into<String>) -> PlanError {
        PlanError::NotDescribed {
            component: self.spec.name.clone(),
            version: self.version.clone(),
            arch: self.arch,
            file: self.spec.file.clone(),
            what: what.into(),
        }
    }
}

pub(super) fn build(case: &Case<'_>, templates: &Templates, downloads: &mut Downloads) -> Result<Build, PlanError> {
    let metadata = metadata(case)?;
    let date = date(case)?;
    let files = files(case, &metadata, templates)?;
    let scripts = scripts(case, &metadata)?;
    let sources = sources(case, downloads)?;
    let mut build = Build {
        metadata,
        sources,
        files,
        relations: relations(case),
        services: services(case),
        scripts,
        lint_overrides: case.rows(&case.spec.lint_overrides).map(|row| row.fact.clone()).collect(),
        date,
        profile: case.profile.name.clone(),
        packages: Vec::new(),
    };
    build.packages = case
        .request
        .formats
        .iter()
        .map(|format| {
            let metadata = &build.metadata;
            let revision = metadata.revision(*format);
            let file_name = format.file_name(&metadata.name, &metadata.version, revision, metadata.arch);
            let inputs = inputs(case, &build, *format, templates);
            PlannedPackage { id: job::id(&build, *format, downloads, templates), format: *format, file_name, inputs }
        })
        .collect();
    Ok(build)
}

/// The specs, with the keys that they name, and the templates that decide what a package holds.
fn inputs(case: &Case<'_>, build: &Build, format: Format, templates: &Templates) -> Vec<Input> {
    let spec = |name: &str, sha256| Input { name: format!("specs/{name}.yaml"), sha256 };
    let mut inputs = vec![
        spec(case.spec.name.as_str(), Digest::sha256(case.spec.text.as_bytes())),
        spec("distribution", case.catalog.distribution_sha256().clone()),
    ];
    for source in case.rows(&case.spec.sources) {
        let keys = case.rows(&source.fact.signatures).next().and_then(|row| row.fact.keys());
        let named = case.spec.key_files.iter().filter(|(_, text)| keys == Some(*text));
        inputs
            .extend(named.map(|(file, text)| Input { name: format!("specs/{file}"), sha256: Digest::sha256(&**text) }));
    }
    let of_files = build.files.iter().filter(|file| file.formats.includes(format));
    let of_files = of_files.filter_map(|file| match &file.content {
        PlannedContent::Text { template, .. } => Some((template.as_str(), templates.text(template.as_str())?)),
        _ => None,
    });
    let of_format = format!("{format}/");
    for (path, text) in of_files.chain(templates.below(&of_format)) {
        inputs.push(Input { name: format!("templates/{path}"), sha256: Digest::sha256(text) });
    }
    inputs.sort();
    inputs.dedup();
    inputs
}

fn metadata(case: &Case<'_>) -> Result<Metadata, PlanError> {
    let (spec, profile, request) = (case.spec, case.profile, case.request);
    let texts = case.rows(&spec.texts).last().ok_or_else(|| case.not_described("there are no texts"))?;
    let maintainer = request.maintainer.as_ref().or(spec.maintainer.as_ref()).unwrap_or(&profile.maintainer);
    Ok(Metadata {
        name: spec.name.clone(),
        version: case.version.clone(),
        deb_revision: request.revisions.deb.clone().unwrap_or_else(|| profile.deb_revision.clone()),
        rpm_revision: request.revisions.rpm.clone().unwrap_or_else(|| profile.rpm_revision.clone()),
        arch: case.arch,
        summary: texts.fact.summary.clone(),
        description: texts.fact.description.clone(),
        license: spec.license.clone(),
        homepage: spec.homepage.clone(),
        maintainer: maintainer.clone(),
        vendor: request.vendor.clone(),
        section: spec.section.clone(),
        priority: spec.priority.clone(),
        channel: case.version.channel(),
        copyright: spec.copyright.clone(),
    })
}

fn date(case: &Case<'_>) -> Result<SourceDate, PlanError> {
    let dates = match case.spec.versioning {
        Versioning::Kubernetes => &case.catalog.distribution().dates,
        Versioning::Own | Versioning::Companions(_) => &case.spec.dates,
    };
    let released = dates.iter().rev().find(|(since, _)| since <= case.version).map(|(_, date)| *date);
    case.request.date.or(released).ok_or_else(|| case.not_described("no row of `dates` reaches back to the release"))
}

/// The name of a file in an archive.
fn member(case: &Case<'_>, text: &str) -> Result<RelativePath, PlanError> {
    let mut data = url_variables(case);
    data.insert("version".to_owned(), case.version.to_string());
    let member = render_text(&case.spec.file, text, &data)?;
    member.parse().map_err(|source| PlanError::BadMember { file: case.spec.file.clone(), source })
}

/// Values for files and scripts of one format.
fn variables(case: &Case<'_>, metadata: &Metadata, format: Format) -> Variables {
    let mut data: Variables = [
        ("name", metadata.name.to_string()),
        ("version", metadata.version.to_string()),
        ("package_version", metadata.full_version(format)),
        ("arch", case.arch.to_string()),
        ("package_arch", format.arch(case.arch).to_owned()),
        ("format", format.to_string()),
        ("channel", metadata.channel.to_string()),
        ("profile", case.profile.name.clone()),
        ("summary", metadata.summary.clone()),
        ("description", metadata.description.clone()),
        ("license", metadata.license.clone()),
        ("homepage", metadata.homepage.clone()),
        ("maintainer", metadata.maintainer.clone()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    for row in case.rows(&case.spec.variables).filter(|row| row.when.format.is_none_or(|only| only == format)) {
        data.insert(row.fact.name.clone(), row.fact.value.clone());
    }
    data
}

/// The formats of a row that are asked for.
fn formats(case: &Case<'_>, when: &When) -> Vec<Format> {
    case.request.formats.iter().copied().filter(|format| when.format.is_none_or(|only| only == *format)).collect()
}

fn formats_of(when: &When) -> Formats {
    when.format.map_or(Formats::All, Formats::Only)
}

fn files(case: &Case<'_>, metadata: &Metadata, templates: &Templates) -> Result<Vec<PlannedFile>, PlanError> {
    let names: Vec<&str> = {
        let names: BTreeSet<&str> = case.spec.sources.iter().map(|row| row.fact.name.as_str()).collect();
        names.into_iter().collect()
    };
    let place = |name: &str| names.iter().position(|known| *known == name).unwrap_or_default();
    let mut files = Vec::new();
    for row in case.rows(&case.spec.files) {
        let everywhere = formats_of(&row.when);
        match &row.fact.content {
            FileContent::Template(template) => {
                let mut texts = Vec::new();
                for format in formats(case, &row.when) {
                    let text = templates.render(template.as_str(), &variables(case, metadata, format))?;
                    texts.push((format, text));
                }
                let same = texts.windows(2).all(|pair| pair[0].1 == pair[1].1);
                for (format, text) in texts.into_iter().take(if same { 1 } else { usize::MAX }) {
                    let formats = if same { everywhere } else { Formats::Only(format) };
                    files.push(file(&row.fact, formats, PlannedContent::Text { template: template.clone(), text }));
                }
            }
            FileContent::Source(source) => {
                files.push(file(&row.fact, everywhere, PlannedContent::Source(place(source))));
            }
            FileContent::Member { source, member } => {
                let content = PlannedContent::Member { source: place(source), member: self::member(case, member)? };
                files.push(file(&row.fact, everywhere, content));
            }
            FileContent::Members { source, members, ignore } => {
                let all = |list: &[String]| list.iter().map(|text| self::member(case, text)).collect::<Result<_, _>>();
                let (source, members, ignore) = (place(source), all(members)?, all(ignore)?);
                files.push(file(&row.fact, everywhere, PlannedContent::Members { source, members, ignore }));
            }
            FileContent::Link(target) => files.push(file(&row.fact, everywhere, PlannedContent::Link(target.clone()))),
            FileContent::Directory => files.push(file(&row.fact, everywhere, PlannedContent::Directory)),
        }
    }
    Ok(files)
}

fn file(fact: &File, formats: Formats, content: PlannedContent) -> PlannedFile {
    let owner = Owner { user: fact.user.clone(), group: fact.group.clone() };
    PlannedFile { path: fact.path.clone(), mode: fact.mode, owner, role: fact.role, formats, content }
}

fn services(case: &Case<'_>) -> Vec<Service> {
    case.rows(&case.spec.services)
        .map(|row| Service {
            unit: row.fact.unit.clone(),
            on_install: row.fact.on_install,
            formats: formats_of(&row.when),
        })
        .collect()
}

fn scripts(case: &Case<'_>, metadata: &Metadata) -> Result<Vec<Script>, PlanError> {
    let mut scripts = Vec::new();
    for row in case.rows(&case.spec.scripts) {
        for format in formats(case, &row.when) {
            let place = format!("{} (script `{}`)", case.spec.file, row.fact.at.as_str());
            let body = render_text(&place, &row.fact.run, &variables(case, metadata, format))?;
            scripts.push(Script { moment: row.fact.at, formats: Formats::Only(format), body });
        }
    }
    Ok(scripts)
}

/// Relations of every format that is asked for, in the order of the spec.
fn relations(case: &Case<'_>) -> Vec<Relation> {
    let spell = |fact: &RelationFact, format: Format| {
        let names = match format {
            Format::Deb => &fact.deb,
            Format::Rpm => &fact.rpm,
        };
        let dependency = |name: &String| Dependency { name: name.clone(), constraint: fact.constraint.clone() };
        Relation { kind: fact.kind, format, alternatives: names.iter().map(dependency).collect() }
    };
    case.rows(&case.spec.relations)
        .flat_map(|row| formats(case, &row.when).into_iter().map(|format| spell(&row.fact, format)))
        .collect()
}
