//! Rules for what upstream publishes.

use super::super::at::{At, Text};
use super::super::error::{Fault, Faults};
use super::super::model::{DigestFact, DigestShape, Row, Source};
use super::super::raw::{Pins, RawDigest, RawSource, RawSpec};
use super::super::variables::{DIGEST_VARIABLE, URL_VARIABLES};
use super::text::{identifier, line, parse, relative_path};
use super::{Checker, ranges, signatures, twice};
use crate::arch::Arch;
use crate::digest::{Algorithm, Digest};
use crate::template::render_text;
use crate::version::Version;
use std::collections::BTreeMap;

const MIB: u64 = 1 << 20;
/// The largest upstream file that a spec may ask for.
const MAX_LIMIT_MIB: u64 = 4096;

pub(super) fn sources(checker: &Checker<'_>, raw: &RawSpec, faults: &mut Faults) -> Vec<Row<Source>> {
    let mut rows: Vec<Row<Source>> = Vec::new();
    for row in raw.sources.value() {
        let when = checker.when_any_format(&row.when, faults);
        let Some(fact) = source(checker, row, faults) else { continue };
        let at = row.when.versions.as_ref().unwrap_or(&row.url).span();
        if let Some(other) = rows.iter().find(|other| other.fact.name == fact.name && other.when.overlaps(&when)) {
            let cause = format!("the source `{}` is two things in the same case", fact.name);
            faults.push(twice(at.clone(), &(cause + &ranges(&when, &other.when))));
        }
        let mut used = raw.files.value().iter().filter_map(|file| file.source.as_ref());
        if !raw.files.value().is_empty() && !used.any(|name| *name.value() == fact.name) {
            let cause = format!("no file comes from the source `{}`", fact.name);
            let hint = format!("add a file with `source: {}`, or remove the source", fact.name);
            faults.push(Fault::new(row.url.span(), cause).hint(hint));
        }
        rows.push(Row { when, fact, at });
    }
    if raw.sources.value().is_empty() {
        let hint = "add what upstream publishes below `sources:`";
        faults.push(Fault::new(raw.sources.span(), "`sources` is empty, so there is nothing to package").hint(hint));
    }
    rows
}

fn source(checker: &Checker<'_>, row: &RawSource, faults: &mut Faults) -> Option<Source> {
    let name = match &row.name {
        Some(text) => faults.keep(identifier(text)),
        None => Some("binary".to_owned()),
    };
    let url = faults.keep(url_with(&row.url, &URL_VARIABLES.map(|(name, _)| name)));
    let local = row.local.as_ref().and_then(|text| faults.keep(relative_path(text)));
    let size_limit = faults.keep(row.limit_mib.as_ref().map_or(Ok(512 * MIB), limit));
    let unversioned = row.unversioned.as_ref().and_then(|text| faults.keep(line(text)));
    let digests: Vec<_> = row.digests.iter().filter_map(|raw| digest(raw, &row.url, faults)).collect();
    let believed = |fact: &DigestFact| match fact {
        DigestFact::Published { optional, .. } => !optional,
        DigestFact::Pinned(_) => true,
    };
    if digests.len() == row.digests.len() && !digests.iter().any(believed) {
        let hint = "add a digest that is not `optional`: nothing is packaged unverified";
        faults.push(Fault::new(row.url.span(), "no digest of this source must be there").hint(hint));
    }
    let signatures = signatures::signatures(checker, row, faults);
    Some(Source { name: name?, url: url?, local, size_limit: size_limit?, digests, signatures, unversioned })
}

fn limit(value: &At<u64>) -> Result<u64, Fault> {
    match *value.value() {
        mib @ 1..=MAX_LIMIT_MIB => Ok(mib * MIB),
        mib => Err(Fault::new(value.span(), format!("a limit of {mib} MiB is not between 1 and {MAX_LIMIT_MIB}"))
            .hint("name the most that a release can have; more is refused while it is fetched")),
    }
}

fn digest(row: &RawDigest, source: &Text, faults: &mut Faults) -> Option<DigestFact> {
    let published = [
        (&row.sha256, Algorithm::Sha256, DigestShape::One),
        (&row.sha512, Algorithm::Sha512, DigestShape::One),
        (&row.sha256sums, Algorithm::Sha256, DigestShape::List),
        (&row.sha512sums, Algorithm::Sha512, DigestShape::List),
    ];
    let mut given: Vec<_> =
        published.into_iter().filter_map(|(url, algorithm, shape)| Some((url.as_ref()?, algorithm, shape))).collect();
    match (given.pop(), given.is_empty(), &row.pinned) {
        (Some((url, algorithm, shape)), true, None) => {
            let url = faults.keep(url_beside(url))?;
            Some(DigestFact::Published { url, algorithm, shape, optional: row.optional })
        }
        (None, _, Some(pins)) => {
            if row.optional {
                let cause = "a digest that the spec itself pins is never absent";
                faults.push(Fault::new(pins.span(), cause).hint("remove `optional`"));
            }
            Some(DigestFact::Pinned(pinned(pins, faults)))
        }
        _ => {
            let hint = "write one of `sha256`, `sha512`, `sha256sums`, `sha512sums` and `pinned` in each row";
            faults.push(Fault::new(source.span(), "a row of `digests` must have exactly one kind").hint(hint));
            None
        }
    }
}

fn pinned(pins: &At<Pins>, faults: &mut Faults) -> Vec<(Version, Arch, Digest)> {
    let mut facts: Vec<(Version, Arch, Digest)> = Vec::new();
    for (version, by_arch) in pins.value() {
        let Some(number) = faults.keep(parse::<Version>(version)) else { continue };
        if by_arch.is_empty() {
            let cause = format!("no digest is pinned for {number}");
            faults.push(Fault::new(version.span(), cause).hint("add `ARCH: \"sha256:…\"`, or remove the version"));
        }
        for (arch, text) in by_arch {
            let (arch, digest) = (faults.keep(super::arch(arch)), faults.keep(parse::<Digest>(text)));
            let (Some(arch), Some(digest)) = (arch, digest) else { continue };
            if facts.iter().any(|(other, on, _)| *other == number && *on == arch) {
                let cause = format!("{number} for {arch} is pinned twice");
                faults.push(Fault::new(version.span(), cause).hint("`v1.0.0` and `1.0.0` are the same version"));
            }
            facts.push((number.clone(), arch, digest));
        }
    }
    if pins.value().is_empty() {
        let hint = "add `VERSION: {ARCH: \"sha256:…\"}` below `pinned:`";
        faults.push(Fault::new(pins.span(), "nothing is pinned").hint(hint));
    }
    facts
}

/// A URL of what vouches for a source, which may be made of the source's.
pub(super) fn url_beside(text: &Text) -> Result<String, Fault> {
    let [one, two, three] = URL_VARIABLES.map(|(name, _)| name);
    url_with(text, &[one, two, three, DIGEST_VARIABLE.0])
}

/// A URL over HTTPS whose placeholders are known.
pub(super) fn url_with(text: &Text, placeholders: &[&str]) -> Result<String, Fault> {
    let value = line(text)?;
    let known: Vec<String> = placeholders.iter().map(|name| format!("`{{{{{name}}}}}`")).collect();
    // Any value that is a URL on its own and a path segment within one will do for the check.
    let probe: BTreeMap<&str, &str> =
        placeholders.iter().map(|name| (*name, if *name == "url" { "https://example.org/x" } else { "x" })).collect();
    let rendered = render_text("URL", &value, &probe).map_err(|error| {
        let cause = format!("the URL cannot be rendered: {}", error.cause());
        Fault::new(text.span(), cause).hint(format!("placeholders are {}", known.join(", ")))
    })?;
    match url::Url::parse(&rendered) {
        Ok(url) if url.scheme() == "https" && url.username().is_empty() && url.password().is_none() => Ok(value),
        Ok(url) if url.scheme() == "https" => {
            let hint = "remove what stands before the `@`; a mirror that wants it is named with `--upstream`";
            Err(Fault::new(text.span(), "a URL must not hold a user or password").hint(hint))
        }
        Ok(url) => Err(Fault::new(text.span(), format!("`{}:` is not HTTPS", url.scheme())).hint("write `https://…`")),
        Err(error) => {
            Err(Fault::new(text.span(), format!("`{value}` is no URL: {error}")).hint("write `https://HOST/PATH`"))
        }
    }
}
