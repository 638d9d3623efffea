//! Rules for where versions and dates come from.

use super::super::error::{Fault, Faults};
use super::super::model::{Companion, Versioning};
use super::super::raw::{RawDate, RawSpec, RawVersioning};
use super::text::parse;
use super::{Checker, range};
use crate::source_date::SourceDate;
use crate::version::Version;

pub(super) fn versioning(checker: &Checker<'_>, raw: &RawSpec, faults: &mut Faults) -> Versioning {
    let rows = match &raw.version {
        RawVersioning::Kubernetes => return Versioning::Kubernetes,
        RawVersioning::Own => return Versioning::Own,
        RawVersioning::Companions(rows) => rows,
    };
    if rows.value().is_empty() {
        let cause = "`companions` is empty, so no version goes with any Kubernetes";
        faults.push(Fault::new(rows.span(), cause).hint("add a row, or write `version: own`"));
    }
    let mut companions: Vec<Companion> = Vec::new();
    for row in rows.value() {
        let profile = row.profile.as_ref().and_then(|text| faults.keep(checker.profile(text)));
        let kubernetes = faults.keep(range(&row.kubernetes));
        let version = faults.keep(parse::<Version>(&row.version));
        let (Some(kubernetes), Some(version)) = (kubernetes, version) else { continue };
        let overlaps = |other: &&Companion| {
            let same_profile = other.profile.is_none() || profile.is_none() || other.profile == profile;
            same_profile && other.kubernetes.overlaps(&kubernetes)
        };
        if let Some(other) = companions.iter().find(overlaps) {
            let cause = format!("`{kubernetes}` overlaps `{}` of another row", other.kubernetes);
            let hint = "end one range where the other begins: ranges are half open";
            faults.push(Fault::new(row.kubernetes.span(), cause).hint(hint));
        }
        companions.push(Companion { kubernetes, version, profile });
    }
    Versioning::Companions(companions)
}

pub(super) fn component_dates(raw: &RawSpec, faults: &mut Faults) -> Vec<(Version, SourceDate)> {
    match (&raw.version, raw.dates.first()) {
        (RawVersioning::Kubernetes, None) => Vec::new(),
        (RawVersioning::Kubernetes, Some(row)) => {
            let cause = "a component with the version of Kubernetes has its dates too";
            faults.push(Fault::new(row.since.span(), cause).hint("remove `dates`; distribution.yaml has them"));
            Vec::new()
        }
        (_, None) => {
            let cause = "`dates` is empty, so packages would have no date";
            faults.push(Fault::new(raw.name.span(), cause).hint("add `dates: [{since: 0.0.0, date: \"2024-01-31\"}]`"));
            Vec::new()
        }
        (_, Some(_)) => dates(&raw.dates, faults),
    }
}

pub(super) fn dates(rows: &[RawDate], faults: &mut Faults) -> Vec<(Version, SourceDate)> {
    let mut dates: Vec<(Version, SourceDate)> = Vec::new();
    for row in rows {
        let (since, date) = (faults.keep(parse::<Version>(&row.since)), faults.keep(parse(&row.date)));
        let (Some(since), Some(date)) = (since, date) else { continue };
        if dates.last().is_some_and(|(before, _)| *before >= since) {
            let cause = format!("the rows of `dates` must ascend, and {since} does not come after the row before");
            faults.push(Fault::new(row.since.span(), cause).hint("sort the rows by `since`"));
        }
        dates.push((since, date));
    }
    dates
}
