//! Rules for what is installed, and for what happens then.

use super::super::error::{Fault, Faults};
use super::super::model::{File, FileContent, LintOverride, Moment, OnInstall, Role, Row, Script, Service};
use super::super::raw::{RawFile, RawKind, RawMoment, RawOnInstall, RawSpec, Text};
use super::Checker;
use super::text::{identifier, line, paragraphs, parse};
use crate::format::Format;
use crate::path::{InstallPath, Mode, RelativePath};

pub(super) fn files(checker: &Checker<'_>, raw: &RawSpec, faults: &mut Faults) -> Vec<Row<File>> {
    let mut rows: Vec<Row<File>> = Vec::new();
    for row in &raw.files {
        let when = checker.when(&row.when, faults);
        let Some(fact) = file(row, raw, faults) else { continue };
        let twice = |other: &&Row<File>| {
            targets(&other.fact).iter().any(|path| targets(&fact).contains(path)) && other.when.overlaps(&when)
        };
        if rows.iter().any(|other| twice(&other)) {
            let cause = format!("`{}` is installed twice in the same case", fact.path);
            faults.push(Fault::new(row.path.span(), cause).hint("give the rows a `when` that keeps them apart"));
        }
        rows.push(Row { when, fact });
    }
    rows
}

/// Every path at which a row installs something.
fn targets(file: &File) -> Vec<String> {
    match &file.content {
        FileContent::Members { members, .. } => {
            members.iter().map(|member| format!("{}/{}", file.path, base_name(member))).collect()
        }
        _ => vec![file.path.to_string()],
    }
}

fn base_name(member: &RelativePath) -> &str {
    member.as_str().rsplit('/').next().unwrap_or_default()
}

fn file(row: &RawFile, raw: &RawSpec, faults: &mut Faults) -> Option<File> {
    let path: InstallPath = faults.keep(parse(&row.path))?;
    let content = content(row, raw, faults)?;
    let default = match content {
        FileContent::Directory | FileContent::Link(_) => Mode::EXECUTABLE,
        _ => Mode::REGULAR,
    };
    let mode = row.mode.as_ref().map_or(Some(default), |text| faults.keep(parse(text)))?;
    let owner = |text: &Option<Text>, faults: &mut Faults| match text {
        Some(text) => faults.keep(identifier(text)),
        None => Some("root".to_owned()),
    };
    let (user, group) = (owner(&row.user, faults)?, owner(&row.group, faults)?);
    let role = match row.kind {
        RawKind::Plain => Role::Plain,
        RawKind::Config => Role::Config,
        RawKind::ConfigKept => Role::ConfigKept,
        RawKind::Doc => Role::Doc,
        RawKind::License => Role::License,
    };
    let file = File { path, mode, user, group, role, content };
    kind_suits(&file, row, faults);
    Some(file)
}

/// A file below /etc is configuration (Policy 10.7.2), and only a file is.
fn kind_suits(file: &File, row: &RawFile, faults: &mut Faults) {
    let is_file = !matches!(file.content, FileContent::Directory | FileContent::Link(_));
    let is_config = matches!(file.role, Role::Config | Role::ConfigKept);
    if is_file && file.path.is_below("/etc") && !is_config {
        let cause = format!("`{}` lies below /etc but is no configuration", file.path);
        faults.push(Fault::new(row.path.span(), cause).hint("add `kind: config-kept`, or install it elsewhere"));
    }
    if !is_file && file.role != Role::Plain {
        let cause = "only a file can be configuration, documentation or a licence";
        faults.push(Fault::new(row.path.span(), cause).hint("remove `kind`"));
    }
}

fn content(row: &RawFile, raw: &RawSpec, faults: &mut Faults) -> Option<FileContent> {
    let given = [row.source.is_some(), row.template.is_some(), row.link.is_some(), row.directory];
    if given.into_iter().filter(|given| *given).count() != 1 {
        let hint = "write one of `source`, `template`, `link` and `directory: true`";
        faults.push(Fault::new(row.path.span(), "a file must have exactly one content").hint(hint));
        return None;
    }
    if let Some(source) = &row.source {
        return from_source(row, source, raw, faults);
    }
    if row.member.is_some() || row.members.is_some() || !row.ignore.is_empty() {
        let hint = "add `source`, or remove `member`, `members` and `ignore`";
        faults.push(Fault::new(row.path.span(), "a member is of a source, and there is none").hint(hint));
        return None;
    }
    match (&row.template, &row.link) {
        (Some(template), _) => Some(FileContent::Template(faults.keep(parse(template))?)),
        (None, Some(link)) => Some(FileContent::Link(faults.keep(link_target(link))?)),
        (None, None) => Some(FileContent::Directory),
    }
}

fn link_target(text: &Text) -> Result<String, Fault> {
    let value = line(text)?;
    let relative = value.trim_start_matches("../");
    let good = value.parse::<InstallPath>().is_ok() || relative.parse::<RelativePath>().is_ok();
    if good { Ok(value) } else { Err(Fault::new(text.span(), format!("`{value}` is no target of a link"))) }
}

fn from_source(row: &RawFile, source: &Text, raw: &RawSpec, faults: &mut Faults) -> Option<FileContent> {
    let known: Vec<&str> =
        raw.sources.iter().map(|row| row.name.as_ref().map_or("binary", |name| name.value().as_str())).collect();
    if !known.contains(&source.value().as_str()) {
        let cause = format!("there is no source `{}`", source.value().escape_default());
        let hint = format!("sources of this spec are {}", known.join(", "));
        faults.push(Fault::new(source.span(), cause).hint(hint));
        return None;
    }
    let source = source.value().clone();
    match (&row.member, &row.members) {
        (None, None) => Some(FileContent::Source(source)),
        (Some(member), None) => Some(FileContent::Member { source, member: faults.keep(parse(member))? }),
        (None, Some(members)) => {
            let members = members.iter().filter_map(|text| faults.keep(parse(text))).collect();
            let ignore = row.ignore.iter().filter_map(|text| faults.keep(parse(text))).collect();
            Some(FileContent::Members { source, members, ignore })
        }
        (Some(member), Some(_)) => {
            faults.push(Fault::new(member.span(), "`member` and `members` exclude each other"));
            None
        }
    }
}

pub(super) fn services(checker: &Checker<'_>, raw: &RawSpec, faults: &mut Faults) -> Vec<Row<Service>> {
    let mut rows = Vec::new();
    for row in &raw.services {
        let when = checker.when(&row.when, faults);
        let Some(unit) = faults.keep(identifier(&row.unit)) else { continue };
        if !raw.files.iter().any(|file| file.path.value().ends_with(&format!("/systemd/system/{unit}"))) {
            let cause = format!("no file of the package is the unit `{unit}`");
            let hint = format!("add a file with `path: /usr/lib/systemd/system/{unit}`");
            faults.push(Fault::new(row.unit.span(), cause).hint(hint));
        }
        let on_install = match row.on_install {
            RawOnInstall::Preset => OnInstall::Preset,
            RawOnInstall::Start => OnInstall::Start,
            RawOnInstall::Nothing => OnInstall::Nothing,
        };
        rows.push(Row { when, fact: Service { unit, on_install } });
    }
    rows
}

pub(super) fn scripts(checker: &Checker<'_>, raw: &RawSpec, faults: &mut Faults) -> Vec<Row<Script>> {
    let mut rows = Vec::new();
    for row in &raw.scripts {
        let when = checker.when(&row.when, faults);
        let Some(run) = faults.keep(paragraphs(&row.run)) else { continue };
        if run.trim_start().starts_with("#!") {
            let cause = "a script names an interpreter, but both formats run it with /bin/sh";
            faults.push(Fault::new(row.run.span(), cause).hint("remove the `#!` line and write POSIX shell"));
        }
        let at = match row.at {
            RawMoment::BeforeInstall => Moment::BeforeInstall,
            RawMoment::AfterInstall => Moment::AfterInstall,
            RawMoment::BeforeRemove => Moment::BeforeRemove,
            RawMoment::AfterRemove => Moment::AfterRemove,
        };
        rows.push(Row { when, fact: Script { at, run } });
    }
    rows
}

pub(super) fn lint_overrides(checker: &Checker<'_>, raw: &RawSpec, faults: &mut Faults) -> Vec<Row<LintOverride>> {
    let mut rows = Vec::new();
    for row in &raw.lint_overrides {
        let when = checker.when_any_format(&row.when, faults);
        let (format, tag) = match (&row.lintian, &row.rpmlint) {
            (Some(tag), None) => (Format::Deb, tag),
            (None, Some(tag)) => (Format::Rpm, tag),
            _ => {
                let hint = "write either `lintian` or `rpmlint`";
                faults.push(Fault::new(row.reason.span(), "an override is for one linter").hint(hint));
                continue;
            }
        };
        if let (Some(tag), Some(reason)) = (faults.keep(line(tag)), faults.keep(line(&row.reason))) {
            rows.push(Row { when, fact: LintOverride { format, tag, reason } });
        }
    }
    rows
}
