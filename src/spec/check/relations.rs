//! Rules for relations.

use super::super::at::Text;
use super::super::error::{Fault, Faults};
use super::super::model::{RelationFact, Row, When};
use super::super::raw::{RawRelation, RawSpec, RawTarget};
use super::text::{line, package_version, parse};
use super::{Checker, ranges, twice};
use crate::format::Format;
use crate::path::PackageName;
use crate::relation::{Operator, RelationKind};
use crate::version::Version;

pub(super) fn relations(checker: &Checker<'_>, raw: &RawSpec, faults: &mut Faults) -> Vec<Row<RelationFact>> {
    let mut rows: Vec<Row<RelationFact>> = Vec::new();
    for row in &raw.relations {
        let when = checker.when(&row.when, faults);
        let Some((kind, target)) = one_kind(row, raw, faults) else { continue };
        let Some(name) = one_target(target, raw, faults) else { continue };
        let Some(fact) = relation(kind, target, name, &when, faults) else { continue };
        let at = row.when.versions.as_ref().unwrap_or(name).span();
        if fact.component.is_some() && name.value() == raw.name.value() {
            let cause = "a package has no relation to itself";
            faults.push(Fault::new(name.span(), cause).hint("remove the row"));
        }
        if let Some(other) = rows.iter().find(|other| repeats(other, &fact, &when)) {
            let cause = format!("`{}` is named twice in the same case", name.value());
            faults.push(twice(at, &(cause + &ranges(&when, &other.when))));
        }
        rows.push(Row { when, fact, at: name.span() });
    }
    rows
}

/// Whether two rows say the same sort of thing of the same package in the same case. A lower and an upper bound are
/// two rows that belong together.
fn repeats(row: &Row<RelationFact>, fact: &RelationFact, when: &When) -> bool {
    let wants = |kind| matches!(kind, RelationKind::Requires | RelationKind::Recommends | RelationKind::Suggests);
    let same_side = row.fact.kind == fact.kind || (wants(row.fact.kind) && wants(fact.kind));
    let same_name = |format: Format| {
        let names = |fact: &RelationFact| if format == Format::Deb { fact.deb.clone() } else { fact.rpm.clone() };
        row.when.takes(format) && when.takes(format) && names(&row.fact) == names(fact)
    };
    let operator = |fact: &RelationFact| fact.constraint.as_ref().map(|(operator, _)| *operator);
    let interval = row.fact.kind == fact.kind
        && matches!(
            (operator(&row.fact), operator(fact)),
            (Some(Operator::AtLeast), Some(Operator::Below)) | (Some(Operator::Below), Some(Operator::AtLeast))
        );
    same_side && !interval && row.when.overlaps(when) && Format::ALL.into_iter().any(same_name)
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
    let given: Vec<_> =
        targets.into_iter().filter_map(|(kind, target)| target.as_ref().map(|target| (kind, target))).collect();
    if let [one] = given[..] {
        return Some(one);
    }
    let in_target = given.iter().find_map(|(_, target)| target.component.as_ref().or(target.system.as_ref()));
    let in_when = row.when.versions.as_ref().or(row.when.profile.as_ref()).or(row.when.format.as_ref());
    let span = in_target.or(in_when).unwrap_or(&raw.name).span();
    let kinds = RelationKind::ALL.map(|kind| format!("`{}`", kind.as_str())).join(", ");
    let cause = "a row of `relations` must have exactly one kind";
    faults.push(Fault::new(span, cause).hint(format!("write one of {kinds}")));
    None
}

fn one_target<'a>(target: &'a RawTarget, raw: &RawSpec, faults: &mut Faults) -> Option<&'a Text> {
    match (&target.component, &target.system) {
        (Some(text), None) | (None, Some(text)) => Some(text),
        (first, _) => {
            let others = [&target.at_least, &target.below, &target.exactly, &target.deb, &target.rpm];
            let other = others.into_iter().find_map(Option::as_ref);
            let span = first.as_ref().or(other).unwrap_or(&raw.name).span();
            let hint = "write `component: NAME` for one with a spec, `system: NAME` for one of the distribution";
            faults.push(Fault::new(span, "a relation names either a `component` or a `system` package").hint(hint));
            None
        }
    }
}

fn relation(
    kind: RelationKind,
    target: &RawTarget,
    name: &Text,
    when: &When,
    faults: &mut Faults,
) -> Option<RelationFact> {
    let component = match &target.component {
        Some(text) => {
            let spellings = [&target.deb, &target.rpm, &target.fedora, &target.suse];
            if let Some(spelling) = spellings.into_iter().find_map(Option::as_ref) {
                let cause = "a component has the same name in every format";
                faults
                    .push(Fault::new(spelling.span(), cause).hint("remove the key, or write `system` for `component`"));
            }
            Some(faults.keep(parse::<PackageName>(text))?)
        }
        None => None,
    };
    let constraint = constraint(kind, target, faults)?;
    let deb = deb_names(target, name, when, faults)?;
    let rpm = rpm_names(target, name, faults)?;
    let takes_alternatives = matches!(kind, RelationKind::Requires | RelationKind::Recommends | RelationKind::Suggests);
    if !takes_alternatives && (deb.len() > 1 || rpm.len() > 1) {
        let cause = format!("`{}` cannot have alternatives", kind.as_str());
        faults.push(Fault::new(name.span(), cause).hint("write a row for each"));
    }
    Some(RelationFact { kind, component, constraint, deb, rpm })
}

fn deb_names(target: &RawTarget, own: &Text, when: &When, faults: &mut Faults) -> Option<Vec<String>> {
    let text = target.deb.as_ref().unwrap_or(own);
    let names = faults.keep(names(text))?;
    if let Some(bad) = names.iter().find(|name| when.takes(Format::Deb) && name.parse::<PackageName>().is_err()) {
        let cause = format!("`{}` is no name of a Debian package", bad.escape_default());
        faults.push(Fault::new(text.span(), cause).hint("add `deb: NAME`, or `when: {format: rpm}`"));
    }
    Some(names)
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
fn constraint(kind: RelationKind, target: &RawTarget, faults: &mut Faults) -> Option<Option<(Operator, String)>> {
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
    match (kind == RelationKind::Provides, operator == Operator::Exactly) {
        (true, false) => {
            let cause = "a package provides one version (Policy 7.5)";
            faults.push(Fault::new(text.span(), cause).hint("write `exactly`, or no bound"));
        }
        (false, true) => {
            let cause =
                "only `provides` names one exact version: a package's version has a revision that no spec knows";
            let hint =
                "write `at-least`; every older package became uninstallable when kubernetes-cni was tied in 2017";
            faults.push(Fault::new(text.span(), cause).hint(hint));
        }
        _ => {}
    }
    let version = match &target.component {
        Some(_) => faults.keep(parse::<Version>(text)).map(|version| version.package()),
        None => faults.keep(package_version(text)),
    };
    Some(Some((operator, version?)))
}

/// Names of packages or capabilities; alternatives are joined by `|`.
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
