//! From the raw shape to a [`Spec`]: one rule, one function, one fixture under `fixtures/errors`.

mod files;
mod published;
mod relations;
mod text;

use std::ops::Range;

use super::error::{Fault, Faults};
use super::model::{Companion, Description, Distribution, Profile, Row, Spec, Versioning, When};
use super::raw::{RawDate, RawDistribution, RawSpec, RawVersioning, RawWhen, Text};
use crate::arch::Arch;
use crate::source_date::SourceDate;
use crate::version::{Version, VersionRange};
pub(super) use text::is_maintainer;
use text::{line, maintainer, paragraphs, parse, priority, section, web_page};

/// Checks a whole component; `file` is the path for messages, its stem must be the component's name.
pub(super) fn component(raw: &RawSpec, file: &str, profiles: &[String]) -> Result<Spec, Faults> {
    let mut faults = Faults::default();
    let checker = Checker { profiles };
    let name = faults.keep(parse::<crate::path::PackageName>(&raw.name));
    if let Some(name) = &name {
        file_is_called_after(name.as_str(), &raw.name, file, &mut faults);
    }
    let versioning = checker.versioning(&raw.version, &mut faults);
    let texts = checker.texts(raw, &mut faults);
    let (license, homepage) = (faults.keep(line(&raw.license)), faults.keep(web_page(&raw.homepage)));
    let section = faults.keep(section(&raw.section));
    let priority = match &raw.priority {
        Some(text) => faults.keep(priority(text)),
        None => Some("optional".to_owned()),
    };
    let maintainer = raw.maintainer.as_ref().and_then(|text| faults.keep(maintainer(text)));
    let copyright = raw.copyright.iter().filter_map(|text| faults.keep(line(text))).collect();
    let dates = component_dates(raw, &mut faults);
    let arches = checker.arches(raw, &mut faults);
    let sources = published::sources(&checker, raw, &mut faults);
    let variables = checker.variables(raw, &mut faults);
    let relations = relations::relations(&checker, raw, &mut faults);
    let files = files::files(&checker, raw, &mut faults);
    let services = files::services(&checker, raw, &mut faults);
    let scripts = files::scripts(&checker, raw, &mut faults);
    let lint_overrides = files::lint_overrides(&checker, raw, &mut faults);
    match (name, versioning, license, homepage, section, priority) {
        (Some(name), Some(versioning), Some(license), Some(homepage), Some(section), Some(priority))
            if faults.0.is_empty() =>
        {
            let file = file.to_owned();
            Ok(Spec {
                name,
                file,
                versioning,
                texts,
                license,
                homepage,
                section,
                priority,
                maintainer,
                copyright,
                dates,
                arches,
                sources,
                variables,
                relations,
                files,
                services,
                scripts,
                lint_overrides,
            })
        }
        _ => Err(faults),
    }
}

/// Checks `distribution.yaml`.
pub(super) fn distribution(raw: &RawDistribution) -> Result<Distribution, Faults> {
    let mut faults = Faults::default();
    let markers = faults.keep(published::url_with(&raw.markers, &["track", "marker"]));
    let dates = dates(&raw.dates, &mut faults);
    let mut profiles: Vec<Profile> = Vec::new();
    for raw in &raw.profiles {
        let name = faults.keep(text::identifier(&raw.name));
        let maintainer = faults.keep(maintainer(&raw.maintainer));
        let deb_revision = faults.keep(parse(&raw.deb_revision));
        let rpm_revision = faults.keep(parse(&raw.rpm_revision));
        if let (Some(name), Some(maintainer), Some(deb_revision), Some(rpm_revision)) =
            (name, maintainer, deb_revision, rpm_revision)
        {
            if profiles.iter().any(|profile| profile.name == name) {
                faults.push(Fault::new(raw.name.span(), format!("there are two profiles `{name}`")));
            }
            profiles.push(Profile { name, maintainer, deb_revision, rpm_revision });
        }
    }
    if profiles.is_empty() && faults.0.is_empty() {
        faults.push(Fault::new(raw.markers.span(), "there is no profile").hint("add one below `profiles:`"));
    }
    match markers {
        Some(markers) if faults.0.is_empty() => Ok(Distribution { markers, dates, profiles }),
        _ => Err(faults),
    }
}

fn file_is_called_after(name: &str, at: &Text, file: &str, faults: &mut Faults) {
    let stem = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".yaml");
    if stem != name {
        let cause = format!("the file is called `{stem}.yaml` but describes `{name}`");
        faults.push(Fault::new(at.span(), cause).hint(format!("rename the file to `{name}.yaml`")));
    }
}

/// What rules need to know of the other files.
struct Checker<'a> {
    profiles: &'a [String],
}

impl Checker<'_> {
    fn when(&self, raw: &RawWhen, faults: &mut Faults) -> When {
        let versions = raw.versions.as_ref().and_then(|text| faults.keep(range(text)));
        let profile = raw.profile.as_ref().and_then(|text| faults.keep(self.profile(text)));
        let format = raw.format.as_ref().and_then(|text| faults.keep(parse(text)));
        let arches = raw.arches.as_ref().map(|list| list.iter().filter_map(|text| faults.keep(arch(text))).collect());
        When { versions: versions.unwrap_or_else(VersionRange::all), profile, format, arches }
    }

    /// A condition of a row that holds for both formats.
    fn when_any_format(&self, raw: &RawWhen, faults: &mut Faults) -> When {
        if let Some(format) = &raw.format {
            let cause = "this row cannot depend on the format";
            faults
                .push(Fault::new(format.span(), cause).hint("remove `format`: upstream's files and arches serve both"));
        }
        self.when(raw, faults)
    }

    fn profile(&self, text: &Text) -> Result<String, Fault> {
        if self.profiles.iter().any(|profile| profile == text.value()) {
            return Ok(text.value().clone());
        }
        let known: Vec<String> = self.profiles.iter().map(|name| format!("`{name}`")).collect();
        let cause = format!("unknown profile `{}`", text.value().escape_default());
        Err(Fault::new(text.span(), cause).hint(format!("profiles of distribution.yaml are {}", known.join(", "))))
    }

    fn versioning(&self, raw: &RawVersioning, faults: &mut Faults) -> Option<Versioning> {
        let rows = match raw {
            RawVersioning::Kubernetes => return Some(Versioning::Kubernetes),
            RawVersioning::Own => return Some(Versioning::Own),
            RawVersioning::Companions(rows) => rows,
        };
        let mut companions: Vec<Companion> = Vec::new();
        for row in rows {
            let profile = row.profile.as_ref().and_then(|text| faults.keep(self.profile(text)));
            let kubernetes = faults.keep(range(&row.kubernetes));
            let version = faults.keep(parse::<Version>(&row.version));
            let (Some(kubernetes), Some(version)) = (kubernetes, version) else { continue };
            let same_profile =
                |other: &&Companion| other.profile.is_none() || profile.is_none() || other.profile == profile;
            if let Some(other) =
                companions.iter().filter(same_profile).find(|other| other.kubernetes.overlaps(&kubernetes))
            {
                faults.push(overlap(row.kubernetes.span(), &kubernetes, &other.kubernetes));
            }
            companions.push(Companion { kubernetes, version, profile });
        }
        Some(Versioning::Companions(companions))
    }

    fn texts(&self, raw: &RawSpec, faults: &mut Faults) -> Vec<Row<Description>> {
        let everywhere = RawWhen::default();
        let first = (&everywhere, &raw.summary, &raw.description);
        let others = raw.texts.iter().map(|row| (&row.when, &row.summary, &row.description));
        let mut rows = Vec::new();
        for (when, summary, description) in std::iter::once(first).chain(others) {
            let when = self.when_any_format(when, faults);
            let summary = faults.keep(text::summary(summary));
            let description = faults.keep(paragraphs(description));
            if let (Some(summary), Some(description)) = (summary, description) {
                rows.push(Row { when, fact: Description { summary, description } });
            }
        }
        rows
    }

    fn arches(&self, raw: &RawSpec, faults: &mut Faults) -> Vec<Row<Vec<Arch>>> {
        let mut rows = Vec::new();
        for row in &raw.arches {
            let when = self.when_any_format(&row.when, faults);
            let names = row.names.iter().filter_map(|text| faults.keep(arch(text))).collect();
            rows.push(Row { when, fact: names });
        }
        if rows.is_empty() {
            let hint = "add `arches: [{names: [amd64, arm64]}]`";
            faults.push(Fault::new(raw.name.span(), "`arches` is empty, so nothing could be built").hint(hint));
        }
        rows
    }

    fn variables(&self, raw: &RawSpec, faults: &mut Faults) -> Vec<Row<super::model::Variable>> {
        let mut rows: Vec<Row<super::model::Variable>> = Vec::new();
        for row in &raw.variables {
            let when = self.when(&row.when, faults);
            let (name, value) = (faults.keep(text::variable(&row.name)), faults.keep(line(&row.value)));
            let (Some(name), Some(value)) = (name, value) else { continue };
            if rows.iter().any(|other| other.fact.name == name && other.when.overlaps(&when)) {
                let cause = format!("the variable `{name}` has two values in the same case");
                faults.push(Fault::new(row.name.span(), cause).hint("give the rows a `when` that keeps them apart"));
            }
            rows.push(Row { when, fact: super::model::Variable { name, value } });
        }
        rows
    }
}

fn component_dates(raw: &RawSpec, faults: &mut Faults) -> Vec<(Version, SourceDate)> {
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

fn dates(rows: &[RawDate], faults: &mut Faults) -> Vec<(Version, SourceDate)> {
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

fn range(text: &Text) -> Result<VersionRange, Fault> {
    parse::<VersionRange>(text).map_err(|fault| fault.hint("write a range like \">=1.24.0 <1.24.2\", in quotes"))
}

fn overlap(span: Range<usize>, mine: &VersionRange, other: &VersionRange) -> Fault {
    Fault::new(span, format!("`{mine}` overlaps `{other}` of another row"))
        .hint("give one of them an upper bound where the other begins: ranges are half open")
}

fn arch(text: &Text) -> Result<Arch, Fault> {
    text.value().parse::<Arch>().map_err(|error| {
        let fault = Fault::new(text.span(), &error);
        match error.meant {
            Some(meant) => fault.hint(format!("upstream's spelling is `{meant}`")),
            None => fault,
        }
    })
}
