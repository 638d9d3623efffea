//! Rules for what is installed where.

use super::super::at::Text;
use super::super::error::{Fault, Faults};
use super::super::model::{File, FileContent, LintOverride, Role, Row};
use super::super::raw::{RawFile, RawKind, RawSpec};
use super::payload::{base_name, content};
use super::text::{install_path, line, owner, parse};
use super::{Checker, twice};
use crate::format::Format;
use crate::path::Mode;

pub(super) fn files(checker: &Checker<'_>, raw: &RawSpec, faults: &mut Faults) -> Vec<Row<File>> {
    let mut rows: Vec<Row<File>> = Vec::new();
    for row in raw.files.value() {
        let when = checker.when(&row.when, faults);
        let Some(fact) = file(row, raw, faults) else { continue };
        let at = row.template.as_ref().unwrap_or(&row.path).span();
        let row_of_file = Row { when, fact, at };
        for other in rows.iter().filter(|other| other.when.overlaps(&row_of_file.when)) {
            apart(&row_of_file.fact, &other.fact, &row.path, faults);
        }
        rows.push(row_of_file);
    }
    if raw.files.value().is_empty() {
        let hint = "add what the package installs below `files:`";
        faults.push(Fault::new(raw.files.span(), "`files` is empty, so the package would be").hint(hint));
    }
    rows
}

/// Two rows of one case install at different paths, and none below what is no directory.
fn apart(file: &File, other: &File, at: &Text, faults: &mut Faults) {
    let (mine, theirs) = (targets(file), targets(other));
    if let Some(path) = mine.iter().find(|path| theirs.contains(path)) {
        faults.push(twice(at.span(), &format!("`{path}` is installed twice in the same case")));
    }
    let below = |inner: &[String], outer: &[String]| {
        outer
            .iter()
            .find(|outer| {
                inner.iter().any(|inner| inner.strip_prefix(*outer).is_some_and(|rest| rest.starts_with('/')))
            })
            .cloned()
    };
    let no_directory = |file: &File| !matches!(file.content, FileContent::Directory);
    let found = no_directory(other).then(|| below(&mine, &theirs)).flatten();
    let found = found.or_else(|| no_directory(file).then(|| below(&theirs, &mine)).flatten());
    if let Some(path) = found {
        let cause = format!("something is installed below `{path}`, which is no directory");
        faults.push(Fault::new(at.span(), cause).hint("choose another path for one of the two"));
    }
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

fn file(row: &RawFile, raw: &RawSpec, faults: &mut Faults) -> Option<File> {
    let path = faults.keep(install_path(&row.path))?;
    let content = content(row, raw, faults)?;
    let default = match content {
        FileContent::Directory | FileContent::Link(_) => Mode::EXECUTABLE,
        _ => Mode::REGULAR,
    };
    if let (FileContent::Link(_), Some(mode)) = (&content, &row.mode) {
        faults.push(Fault::new(mode.span(), "a link has no mode of its own").hint("remove `mode`"));
    }
    let mode = row.mode.as_ref().map_or(Some(default), |text| faults.keep(parse(text)))?;
    let by_name = |text: &Option<Text>, faults: &mut Faults| match text {
        Some(text) => faults.keep(owner(text)),
        None => Some("root".to_owned()),
    };
    let (user, group) = (by_name(&row.user, faults)?, by_name(&row.group, faults)?);
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

/// A file below /etc is configuration (Policy 10.7.2), what lies elsewhere is not, and only a file is.
fn kind_suits(file: &File, row: &RawFile, faults: &mut Faults) {
    let is_file = !matches!(file.content, FileContent::Directory | FileContent::Link(_));
    let is_config = matches!(file.role, Role::Config | Role::ConfigKept);
    let in_etc = file.path.is_below("/etc");
    let fault = if !is_file && file.role != Role::Plain {
        ("only a file can be configuration, documentation or a licence".to_owned(), "remove `kind`")
    } else if is_file && in_etc && !is_config {
        let cause = format!("`{}` lies below /etc but is no configuration", file.path);
        (cause, "add `kind: config-kept`, or install it elsewhere")
    } else if is_config && !in_etc {
        (format!("`{}` is configuration but does not lie below /etc", file.path), "remove `kind`, or install it there")
    } else {
        return;
    };
    faults.push(Fault::new(row.path.span(), fault.0).hint(fault.1));
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
        let at = tag.span();
        if let (Some(tag), Some(reason)) = (faults.keep(line(tag)), faults.keep(line(&row.reason))) {
            rows.push(Row { when, fact: LintOverride { format, tag, reason }, at });
        }
    }
    rows
}
