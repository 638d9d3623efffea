//! From the raw shape to a [`Spec`]: one rule, one function, one fixture under `fixtures/errors`.

mod files;
mod payload;
mod published;
mod relations;
mod scripts;
mod signatures;
mod text;
mod versions;

use std::ops::Range;
use std::sync::Arc;

use super::at::Text;
use super::error::{Fault, Faults};
use super::model::{Description, Distribution, Profile, Row, Spec, Variable, When};
use super::raw::{RawDistribution, RawSpec, RawWhen};
use super::variables::VARIABLES;
use crate::arch::Arch;
use crate::tree::Tree;
use crate::version::VersionRange;
pub(super) use text::is_maintainer;
use text::{line, maintainer, paragraphs, parse, priority, section, web_page};

/// Checks a whole component; `file` is the path for messages, its stem must be the component's name.
pub(super) fn component(
    raw: &RawSpec,
    file: &str,
    text: &Arc<str>,
    profiles: &[String],
    tree: &Tree,
) -> Result<Spec, Faults> {
    let mut faults = Faults::default();
    let checker = Checker { profiles, tree };
    let name = faults.keep(parse::<crate::path::PackageName>(&raw.name));
    if let Some(name) = &name {
        file_is_called_after(name.as_str(), &raw.name, file, &mut faults);
    }
    let files = files::files(&checker, raw, &mut faults);
    let optional = || Some("optional".to_owned());
    let spec = Spec {
        versioning: versions::versioning(&checker, raw, &mut faults),
        texts: checker.texts(raw, &mut faults),
        license: faults.keep(line(&raw.license)).unwrap_or_default(),
        homepage: faults.keep(web_page(&raw.homepage)).unwrap_or_default(),
        section: faults.keep(section(&raw.section)).unwrap_or_default(),
        priority: raw.priority.as_ref().map_or_else(optional, |text| faults.keep(priority(text))).unwrap_or_default(),
        maintainer: raw.maintainer.as_ref().and_then(|text| faults.keep(maintainer(text))),
        copyright: copyright(raw, &mut faults),
        dates: versions::component_dates(raw, &mut faults),
        arches: checker.arches(raw, &mut faults),
        sources: published::sources(&checker, raw, &mut faults),
        key_files: signatures::key_files(raw, tree),
        variables: checker.variables(raw, &mut faults),
        relations: relations::relations(&checker, raw, &mut faults),
        services: scripts::services(&checker, raw, &files, &mut faults),
        files,
        scripts: scripts::scripts(&checker, raw, &mut faults),
        lint_overrides: files::lint_overrides(&checker, raw, &mut faults),
        // Without a name there is a fault, and no spec.
        name: match name {
            Some(name) => name,
            None => return Err(faults),
        },
        file: file.to_owned(),
        text: Arc::clone(text),
    };
    if faults.0.is_empty() { Ok(spec) } else { Err(faults) }
}

/// Checks `distribution.yaml`.
pub(super) fn distribution(raw: &RawDistribution) -> Result<Distribution, Faults> {
    let mut faults = Faults::default();
    let markers = faults.keep(published::url_with(&raw.markers, &["track", "marker"]));
    let dates = versions::dates(raw.dates.value(), &mut faults);
    if raw.dates.value().is_empty() {
        let hint = "add `{since: 0.0.0, date: \"2019-06-19\"}`";
        faults.push(Fault::new(raw.dates.span(), "`dates` is empty, so packages would have no date").hint(hint));
    }
    let mut profiles: Vec<Profile> = Vec::new();
    for raw in raw.profiles.value() {
        let name = faults.keep(text::identifier(&raw.name));
        let maintainer = faults.keep(maintainer(&raw.maintainer));
        let deb_revision = faults.keep(parse(&raw.deb_revision));
        let rpm_revision = faults.keep(parse(&raw.rpm_revision));
        if let (Some(name), Some(maintainer), Some(deb_revision), Some(rpm_revision)) =
            (name, maintainer, deb_revision, rpm_revision)
        {
            if profiles.iter().any(|profile| profile.name == name) {
                let cause = format!("there are two profiles `{name}`");
                faults.push(Fault::new(raw.name.span(), cause).hint("rename one of them"));
            }
            profiles.push(Profile { name, maintainer, deb_revision, rpm_revision });
        }
    }
    if raw.profiles.value().is_empty() {
        let cause = "`profiles` is empty, and every package is made after one";
        faults.push(Fault::new(raw.profiles.span(), cause).hint("add one below `profiles:`"));
    }
    match markers {
        Some(markers) if faults.0.is_empty() => Ok(Distribution { markers, dates, profiles }),
        _ => Err(faults),
    }
}

fn file_is_called_after(name: &str, at: &Text, file: &str, faults: &mut Faults) {
    let file = file.rsplit('/').next().unwrap_or(file);
    let stem = file.strip_suffix(".yaml").unwrap_or(file);
    if stem != name {
        let cause = format!("the file is called `{stem}.yaml` but describes `{name}`");
        faults.push(Fault::new(at.span(), cause).hint(format!("rename the file to `{name}.yaml`")));
    }
}

/// Debian's copyright file names at least one holder (copyright-format 1.0).
fn copyright(raw: &RawSpec, faults: &mut Faults) -> Vec<String> {
    if raw.copyright.value().is_empty() {
        let cause = "`copyright` is empty, and packages must name a holder";
        faults.push(Fault::new(raw.copyright.span(), cause).hint("add one, such as `2024 The Authors`"));
    }
    raw.copyright.value().iter().filter_map(|text| faults.keep(line(text))).collect()
}

/// What rules need to know of the other files.
struct Checker<'a> {
    profiles: &'a [String],
    tree: &'a Tree,
}

impl Checker<'_> {
    fn when(&self, raw: &RawWhen, faults: &mut Faults) -> When {
        let versions = raw.versions.as_ref().and_then(|text| faults.keep(range(text)));
        let profile = raw.profile.as_ref().and_then(|text| faults.keep(self.profile(text)));
        let track = raw.track.as_ref().and_then(|text| faults.keep(parse(text)));
        let format = raw.format.as_ref().and_then(|text| faults.keep(parse(text)));
        let arches = raw.arches.as_ref().map(|list| {
            if list.value().is_empty() {
                let cause = "no architecture is named, so the row never holds";
                faults.push(Fault::new(list.span(), cause).hint("name one, or remove `arches`"));
            }
            list.value().iter().filter_map(|text| faults.keep(arch(text))).collect()
        });
        When { versions: versions.unwrap_or_else(VersionRange::all), profile, track, format, arches }
    }

    /// A condition of a row that holds for both formats.
    fn when_any_format(&self, raw: &RawWhen, faults: &mut Faults) -> When {
        if let Some(format) = &raw.format {
            let cause = "this row is for both formats and cannot depend on one";
            faults.push(Fault::new(format.span(), cause).hint("remove `format`"));
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

    /// The first row is that of the spec itself, which holds where no other does.
    fn texts(&self, raw: &RawSpec, faults: &mut Faults) -> Vec<Row<Description>> {
        let everywhere = RawWhen::default();
        let first = (&everywhere, &raw.summary, &raw.description);
        let others = raw.texts.iter().map(|row| (&row.when, &row.summary, &row.description));
        let mut rows: Vec<Row<Description>> = Vec::new();
        for (when, summary, description) in std::iter::once(first).chain(others) {
            let when = self.when_any_format(when, faults);
            let at = summary.span();
            if rows.iter().skip(1).any(|other| other.when.overlaps(&when)) {
                faults.push(twice(at.clone(), "there are two rows of `texts` for the same case"));
            }
            let (summary, description) = (faults.keep(text::summary(summary)), faults.keep(paragraphs(description)));
            let fact =
                Description { summary: summary.unwrap_or_default(), description: description.unwrap_or_default() };
            rows.push(Row { when, fact, at });
        }
        rows
    }

    fn arches(&self, raw: &RawSpec, faults: &mut Faults) -> Vec<Row<Vec<Arch>>> {
        let mut rows = Vec::new();
        for row in raw.arches.value() {
            let when = self.when_any_format(&row.when, faults);
            if let Some(arches) = &row.when.arches {
                let cause = "which architectures there are cannot depend on the architecture";
                faults.push(Fault::new(arches.span(), cause).hint("remove `arches`; `names` says which"));
            }
            let names: Vec<Arch> = row.names.value().iter().filter_map(|text| faults.keep(arch(text))).collect();
            let at = row.names.span();
            if row.names.value().is_empty() {
                let cause = "no architecture is named, so the row says nothing";
                faults.push(Fault::new(at.clone(), cause).hint("name one, such as `names: [amd64]`"));
            }
            rows.push(Row { when, fact: names, at });
        }
        if rows.is_empty() {
            let hint = "add `{names: [amd64, arm64]}`";
            faults.push(Fault::new(raw.arches.span(), "`arches` is empty, so nothing could be built").hint(hint));
        }
        rows
    }

    fn variables(&self, raw: &RawSpec, faults: &mut Faults) -> Vec<Row<Variable>> {
        let mut rows: Vec<Row<Variable>> = Vec::new();
        for row in &raw.variables {
            let (when, at) = (self.when(&row.when, faults), row.name.span());
            let (name, value) = (faults.keep(text::variable(&row.name)), faults.keep(line(&row.value)));
            let (Some(name), Some(value)) = (name, value) else { continue };
            if VARIABLES.iter().any(|(own, _)| *own == name) {
                let cause = format!("the variable `{name}` is kubepkg's own");
                faults.push(Fault::new(at.clone(), cause).hint("choose another name"));
            }
            if rows.iter().any(|other| other.fact.name == name && other.when.overlaps(&when)) {
                faults.push(twice(at.clone(), &format!("the variable `{name}` has two values in the same case")));
            }
            rows.push(Row { when, fact: Variable { name, value }, at });
        }
        rows
    }
}

fn range(text: &Text) -> Result<VersionRange, Fault> {
    parse::<VersionRange>(text).map_err(|fault| fault.or_hint("write a range like \">=1.24.0 <1.24.2\", in quotes"))
}

/// Says how the versions of two conditions meet, where they say something of versions.
fn ranges(mine: &When, other: &When) -> String {
    if mine.versions == VersionRange::all() && other.versions == VersionRange::all() {
        return String::new();
    }
    format!(": `{}` overlaps `{}`", mine.versions, other.versions)
}

/// Two rows of which one is too many.
fn twice(span: Range<usize>, cause: &str) -> Fault {
    Fault::new(span, cause).hint("give the rows a `when` that keeps them apart; ranges of versions are half open")
}

fn arch(text: &Text) -> Result<Arch, Fault> {
    let meant = text.value().parse::<Arch>().err().and_then(|error| error.meant);
    parse(text).map_err(|fault| match meant {
        Some(meant) => fault.hint(format!("upstream's spelling is `{meant}`")),
        None => fault,
    })
}
