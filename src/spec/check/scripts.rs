//! Rules for what happens at installation and removal.

use std::collections::BTreeMap;

use super::super::error::{Fault, Faults};
use super::super::model::{File, FileContent, Moment, OnInstall, Row, Script, Service};
use super::super::raw::{RawMoment, RawOnInstall, RawSpec};
use super::super::variables::VARIABLES;
use super::text::{paragraphs, unit};
use super::{Checker, twice};
use crate::template::render_text;

pub(super) fn services(
    checker: &Checker<'_>,
    raw: &RawSpec,
    files: &[Row<File>],
    faults: &mut Faults,
) -> Vec<Row<Service>> {
    let mut rows: Vec<Row<Service>> = Vec::new();
    for row in &raw.services {
        let (when, at) = (checker.when(&row.when, faults), row.unit.span());
        let Some(unit) = faults.keep(unit(&row.unit)) else { continue };
        let brings = |file: &Row<File>| {
            let is_unit = file.fact.path.as_str().ends_with(&format!("/systemd/system/{unit}"));
            is_unit && !matches!(file.fact.content, FileContent::Directory) && file.when.overlaps(&when)
        };
        if !files.iter().any(brings) {
            let cause = format!("no file of the package is the unit `{unit}`");
            let hint = format!("add a file with `path: /usr/lib/systemd/system/{unit}`");
            faults.push(Fault::new(at.clone(), cause).hint(hint));
        }
        if rows.iter().any(|other| other.fact.unit == unit && other.when.overlaps(&when)) {
            faults.push(twice(at.clone(), &format!("`{unit}` is there twice in the same case")));
        }
        let on_install = match row.on_install {
            RawOnInstall::Preset => OnInstall::Preset,
            RawOnInstall::Start => OnInstall::Start,
            RawOnInstall::Nothing => OnInstall::Nothing,
        };
        rows.push(Row { when, fact: Service { unit, on_install }, at });
    }
    rows
}

pub(super) fn scripts(checker: &Checker<'_>, raw: &RawSpec, faults: &mut Faults) -> Vec<Row<Script>> {
    let declared = raw.variables.iter().map(|row| row.name.value().as_str());
    let known: BTreeMap<&str, &str> =
        VARIABLES.iter().map(|(name, _)| *name).chain(declared).map(|name| (name, "x")).collect();
    let mut rows = Vec::new();
    for row in &raw.scripts {
        let (when, at) = (checker.when(&row.when, faults), row.run.span());
        let Some(run) = faults.keep(paragraphs(&row.run)) else { continue };
        if run.trim_start().starts_with("#!") {
            let cause = "a script names an interpreter, but both formats run it with /bin/sh";
            faults.push(Fault::new(at.clone(), cause).hint("remove the `#!` line and write POSIX shell"));
        }
        if let Err(error) = render_text("script", &run, &known) {
            let names: Vec<String> = known.keys().map(|name| format!("`{name}`")).collect();
            let cause = format!("the script cannot be rendered: {}", error.cause());
            faults.push(Fault::new(at.clone(), cause).hint(format!("variables are {}", names.join(", "))));
        }
        let moment = match row.at {
            RawMoment::BeforeInstall => Moment::BeforeInstall,
            RawMoment::AfterInstall => Moment::AfterInstall,
            RawMoment::BeforeRemove => Moment::BeforeRemove,
            RawMoment::AfterRemove => Moment::AfterRemove,
        };
        rows.push(Row { when, fact: Script { at: moment, run }, at });
    }
    rows
}
