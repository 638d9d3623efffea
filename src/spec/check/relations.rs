//! Rules for relations.

use super::super::error::{Fault, Faults};
use super::super::model::{RelationFact, Row};
use super::super::raw::{RawRelation, RawSpec, RawTarget, Text};
use super::text::{line, parse};
use super::{Checker, overlap};
use crate::path::PackageName;
use crate::relation::{Operator, RelationKind};
use crate::version::Version;

pub(super) fn relations(checker: &Checker<'_>, raw: &RawSpec, faults: &mut Faults) -> Vec<Row<RelationFact>> {
    let mut rows: Vec<Row<RelationFact>> = Vec::new();
    for row in &raw.relations {
        let when = checker.when(&row.when, faults);
        let Some((kind, target)) = one_kind(row, raw, faults) else { continue };
        let Some(at) = one_target(target, raw, faults) else { continue };
        let Some(fact) = relation(kind, target, at, faults) else { continue };
        let same = |other: &&Row<RelationFact>| {
            other.fact.deb == fact.deb && other.fact.rpm == fact.rpm && same_side(other.fact.kind, kind)
        };
        if let Some(other) = rows.iter().filter(same).find(|other| other.when.overlaps(&when)) {
            let span = row.when.versions.as_ref().unwrap_or(at).span();
            faults.push(overlap(span, &when.versions, &other.when.versions));
        }
        rows.push(Row { when, fact });
    }
    rows
}

/// Whether two kinds say the same sort of thing, so that both at once would contradict or repeat each other.
fn same_side(one: RelationKind, other: RelationKind) -> bool {
    let wants = |kind| matches!(kind, RelationKind::Requires | RelationKind::Recommends | RelationKind::Suggests);
    one == other || (wants(one) && wants(other))
}

fn one_kind<'a>(row: &'a RawRelation, raw: &RawSpec, faults: &mut Faults) -> Option<(RelationKind, &'a RawTarget)> {
    let targets = [
        (RelationKind::Requires, &row.requires),
        (RelationKind::Recommends, &row.recommends),
        (RelationKind::Suggests, &row.suggests),
        (RelationKind::Conflicts, &row.conflicts),
        (RelationKind::Breaks, &row.breaks),
        (RelationKind::Replaces, &row.replaces),
        (RelationKind::Provides, &row.provides),
    ];
    let mut given: Vec<_> =
        targets.into_iter().filter_map(|(kind, target)| target.as_ref().map(|target| (kind, target))).collect();
    match (given.pop(), given.last()) {
        (Some(one), None) => Some(one),
        (second, first) => {
            let span =
                first.or(second.as_ref()).and_then(|(_, target)| target_text(target)).unwrap_or(&raw.name).span();
            let hint =
                "write one of `requires`, `recommends`, `suggests`, `conflicts`, `breaks`, `replaces`, `provides`";
            faults.push(Fault::new(span, "a row of `relations` must have exactly one kind").hint(hint));
            None
        }
    }
}

fn target_text(target: &RawTarget) -> Option<&Text> {
    target.component.as_ref().or(target.system.as_ref())
}

fn one_target<'a>(target: &'a RawTarget, raw: &RawSpec, faults: &mut Faults) -> Option<&'a Text> {
    match (&target.component, &target.system) {
        (Some(text), None) | (None, Some(text)) => Some(text),
        (first, _) => {
            let span = first.as_ref().unwrap_or(&raw.name).span();
            let hint = "write `component: NAME` for one with a spec, `system: NAME` for one of the distribution";
            faults.push(Fault::new(span, "a relation names either a `component` or a `system` package").hint(hint));
            None
        }
    }
}

fn relation(kind: RelationKind, target: &RawTarget, at: &Text, faults: &mut Faults) -> Option<RelationFact> {
    let component = match &target.component {
        Some(text) => Some(faults.keep(parse::<PackageName>(text))?),
        None => None,
    };
    let constraint = constraint(target, at, faults)?;
    let own = target.system.as_ref().or(target.component.as_ref())?;
    let deb = faults.keep(names(target.deb.as_ref().unwrap_or(own)))?;
    let rpm = rpm_names(target, own, faults)?;
    Some(RelationFact { kind, component, constraint, deb, rpm })
}

fn rpm_names(target: &RawTarget, own: &Text, faults: &mut Faults) -> Option<Vec<String>> {
    match (&target.rpm, &target.fedora, &target.suse) {
        (rpm, None, None) => faults.keep(names(rpm.as_ref().unwrap_or(own))),
        (None, Some(fedora), Some(suse)) => {
            let mut both = faults.keep(names(fedora))?;
            for name in faults.keep(names(suse))? {
                if !both.contains(&name) {
                    both.push(name);
                }
            }
            Some(both)
        }
        (_, fedora, suse) => {
            let span = fedora.as_ref().or(suse.as_ref()).unwrap_or(own).span();
            let hint = "write either `rpm`, or both `fedora` and `suse`";
            faults.push(Fault::new(span, "the names of RPM's families are incomplete").hint(hint));
            None
        }
    }
}

/// The outer `None` is a fault, the inner one no constraint.
#[expect(clippy::option_option, reason = "a fault and an absent constraint are different things")]
fn constraint(target: &RawTarget, at: &Text, faults: &mut Faults) -> Option<Option<(Operator, Version)>> {
    let bounds =
        [(Operator::AtLeast, &target.at_least), (Operator::Below, &target.below), (Operator::Exactly, &target.exactly)];
    let mut given: Vec<_> =
        bounds.into_iter().filter_map(|(operator, text)| text.as_ref().map(|text| (operator, text))).collect();
    let Some((operator, text)) = given.pop() else { return Some(None) };
    if !given.is_empty() {
        let hint = "write a row for each bound";
        faults.push(Fault::new(text.span(), "a relation has one bound at most").hint(hint));
        return None;
    }
    if operator == Operator::Exactly && target.component.is_none() {
        let cause = "`exactly` ties a package to one version of another that is not built with it";
        let hint = "use `at-least`: every older package became uninstallable when kubernetes-cni was tied so in 2017";
        faults.push(Fault::new(at.span(), cause).hint(hint));
        return None;
    }
    Some(Some((operator, faults.keep(parse(text))?)))
}

/// Names that both formats can hold; alternatives are joined by `|`.
fn names(text: &Text) -> Result<Vec<String>, Fault> {
    line(text)?
        .split('|')
        .map(|name| {
            let name = name.trim();
            let good = (1..=255).contains(&name.len())
                && name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._/()".contains(&byte));
            if good {
                return Ok(name.to_owned());
            }
            let cause = format!("`{}` is no name of a package", name.escape_default());
            Err(Fault::new(text.span(), cause)
                .hint("versions stand in `at-least` and `below`; alternatives are joined by `|`"))
        })
        .collect()
}
