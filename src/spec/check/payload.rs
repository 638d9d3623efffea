//! Rules for what a file is made of.

use std::collections::BTreeMap;

use super::super::at::{At, Text};
use super::super::error::{Fault, Faults};
use super::super::model::FileContent;
use super::super::raw::{RawFile, RawSpec};
use super::super::variables::URL_VARIABLES;
use super::text::{line, relative_path};
use crate::path::{InstallPath, RelativePath};
use crate::template::render_text;

pub(super) fn content(row: &RawFile, raw: &RawSpec, faults: &mut Faults) -> Option<FileContent> {
    let given = [row.source.is_some(), row.template.is_some(), row.link.is_some(), row.directory];
    if given.into_iter().filter(|given| *given).count() != 1 {
        let hint = "write one of `source`, `template`, `link` and `directory: true`";
        faults.push(Fault::new(row.path.span(), "a file must have exactly one content").hint(hint));
        return None;
    }
    if let Some(source) = &row.source {
        return from_source(row, source, raw, faults);
    }
    if row.member.is_some() || row.members.is_some() || row.ignore.is_some() {
        let hint = "add `source`, or remove `member`, `members` and `ignore`";
        faults.push(Fault::new(row.path.span(), "a member is of a source, and there is none").hint(hint));
        return None;
    }
    match (&row.template, &row.link) {
        (Some(template), _) => Some(FileContent::Template(faults.keep(relative_path(template))?)),
        (None, Some(link)) => Some(FileContent::Link(faults.keep(link_target(link))?)),
        (None, None) => Some(FileContent::Directory),
    }
}

fn link_target(text: &Text) -> Result<String, Fault> {
    let value = line(text)?;
    let relative = value.trim_start_matches("../");
    let good = value.parse::<InstallPath>().is_ok() || relative.parse::<RelativePath>().is_ok();
    if good {
        return Ok(value);
    }
    let cause = format!("`{}` is no target of a link", value.escape_default());
    Err(Fault::new(text.span(), cause).hint("write an absolute path, or one that begins with `../` or a name"))
}

fn from_source(row: &RawFile, source: &Text, raw: &RawSpec, faults: &mut Faults) -> Option<FileContent> {
    let known: Vec<&str> = raw
        .sources
        .value()
        .iter()
        .map(|row| row.name.as_ref().map_or("binary", |name| name.value().as_str()))
        .collect();
    if !known.contains(&source.value().as_str()) {
        let cause = format!("there is no source `{}`", source.value().escape_default());
        let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        faults.push(Fault::new(source.span(), cause).hint(format!("sources of this spec are {}", known.join(", "))));
        return None;
    }
    let source = source.value().clone();
    if let (None, Some(ignore)) = (&row.members, &row.ignore) {
        let hint = "add `members`, or remove `ignore`";
        faults.push(Fault::new(ignore.span(), "`ignore` says what `members` leaves out, and there is none").hint(hint));
    }
    match (&row.member, &row.members) {
        (None, None) => Some(FileContent::Source(source)),
        (Some(member), None) => Some(FileContent::Member { source, member: faults.keep(member_path(member))? }),
        (None, Some(members)) => {
            let members = members_of(members, faults);
            let ignored = row.ignore.iter().flat_map(At::value);
            let ignore = ignored.filter_map(|text| faults.keep(member_path(text))).collect();
            Some(FileContent::Members { source, members, ignore })
        }
        (Some(member), Some(_)) => {
            let hint = "`member` goes to `path` itself, `members` go below it";
            faults.push(Fault::new(member.span(), "`member` and `members` exclude each other").hint(hint));
            None
        }
    }
}

/// At least one member, and each goes to a path of its own.
fn members_of(list: &At<Vec<Text>>, faults: &mut Faults) -> Vec<String> {
    if list.value().is_empty() {
        let hint = "name the files of the archive";
        faults.push(Fault::new(list.span(), "`members` is empty, so nothing is installed").hint(hint));
    }
    let mut members: Vec<String> = Vec::new();
    for text in list.value() {
        let Some(member) = faults.keep(member_path(text)) else { continue };
        if members.iter().any(|other| base_name(other) == base_name(&member)) {
            let cause = format!("two members would be installed as `{}`", base_name(&member));
            faults.push(Fault::new(text.span(), cause).hint("give one of them a row with `member`"));
        }
        members.push(member);
    }
    members
}

pub(super) fn base_name(member: &str) -> &str {
    member.rsplit('/').next().unwrap_or_default()
}

/// A path in an archive whose placeholders are known.
fn member_path(text: &Text) -> Result<String, Fault> {
    let probe: BTreeMap<&str, &str> = URL_VARIABLES.iter().map(|(name, _)| (*name, "x")).collect();
    let rendered = render_text("member", text.value(), &probe).map_err(|error| {
        let known: Vec<String> = probe.keys().map(|name| format!("`{{{{{name}}}}}`")).collect();
        let cause = format!("the name cannot be rendered: {}", error.cause());
        Fault::new(text.span(), cause).hint(format!("placeholders are {}", known.join(", ")))
    })?;
    rendered.parse::<RelativePath>().map_err(|error| {
        Fault::new(text.span(), error).hint("write the path as the archive has it, without `./` or `/` in front")
    })?;
    Ok(text.value().clone())
}
