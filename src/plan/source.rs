//! Where the bytes of a component come from, and who vouches for them.

use std::collections::BTreeSet;

use url::Url;

use super::build::Variables;
use super::component::Case;
use super::{
    BuildSource, Demand, DigestSource, DigestSources, Download, Downloads, Minimum, PlanError, Presence, ProvidedProof,
    SignatureProof, SignedFile, Source, Verification,
};
use crate::spec;
use crate::spec::{DigestFact, DigestShape};
use crate::template::render_text;

pub(super) fn sources(case: &Case<'_>, downloads: &mut Downloads) -> Result<Vec<BuildSource>, PlanError> {
    let mut sources = Vec::new();
    for name in case.spec.sources.iter().map(|row| &row.fact.name).collect::<BTreeSet<_>>() {
        let row = case.rows(&case.spec.sources).find(|row| row.fact.name == *name);
        let fact =
            &row.ok_or_else(|| case.not_described(format!("no row of `sources` is for the source `{name}`")))?.fact;
        let source = match (&case.request.local_build, &fact.local) {
            (Some(folder), Some(local)) => {
                Source::LocalBuild(folder.join("bin/linux").join(case.arch.as_str()).join(local.as_str()))
            }
            _ => Source::Download(downloads.add(download(case, fact)?)),
        };
        sources.push(BuildSource { name: name.clone(), source, unversioned: fact.unversioned.clone() });
    }
    Ok(sources)
}

fn download(case: &Case<'_>, fact: &spec::Source) -> Result<Download, PlanError> {
    let mut data = url_variables(case);
    let url = url(case, &fact.url, &data)?;
    data.insert("url".to_owned(), url.to_string());
    let mut digests = Vec::new();
    for digest in &fact.digests {
        digests.push(match digest {
            DigestFact::Published { url: text, algorithm, shape, optional } => {
                let list = self::url(case, text, &data)?;
                let entry = match shape {
                    DigestShape::One => file_name(&url),
                    DigestShape::List => entry_below(&list, &url),
                };
                let presence = if *optional { Presence::Optional } else { Presence::Required };
                DigestSource::Published { url: list, algorithm: *algorithm, entry, presence }
            }
            DigestFact::Pinned(pins) => pins
                .iter()
                .find(|(version, arch, _)| version == case.version && *arch == case.arch)
                .map(|(.., digest)| DigestSource::Pinned(digest.clone()))
                .ok_or_else(|| {
                    case.not_described("upstream publishes no digest, and none is pinned for the archive")
                })?,
        });
    }
    let sources = DigestSources::new(digests).ok_or_else(|| case.not_described("nothing vouches for the source"))?;
    let verification = match case.rows(&fact.signatures).next() {
        None => match demand(case, fact, &url)? {
            Demand::Proven(proof) => return Err(unprovable(case, &proof, "its spec names no signature")),
            _ => Verification::Digests(sources),
        },
        Some(row) => Verification::Signature {
            signature: Box::new(row.fact.try_map(|text| self::url(case, text, &data))?),
            demand: demand(case, fact, &url)?,
            digests: sources,
        },
    };
    Ok(Download { url, size_limit: fact.size_limit, verification })
}

/// What the user asks of the signature. A proof that is provided must hold, whatever else would be let go.
fn demand(case: &Case<'_>, fact: &spec::Source, url: &Url) -> Result<Demand, PlanError> {
    let is_it = |of: &SignedFile| match of {
        SignedFile::Url(of) => of == url,
        SignedFile::Source { component, version, arch, source } => {
            *component == case.spec.name.as_str()
                && version == case.version
                && *arch == case.arch
                && source.as_ref().is_none_or(|name| *name == fact.name)
        }
    };
    let policy = &case.request.signature_policy;
    let exception = policy.exceptions.iter().find(|exception| is_it(&exception.of));
    match (policy.proofs.iter().find(|proof| is_it(&proof.of)), exception) {
        (Some(SignatureProof { proof, .. }), Some(_)) => {
            Err(unprovable(case, proof, "`signature-exceptions` lets its signature be wrong"))
        }
        (Some(SignatureProof { proof, .. }), None) => Ok(Demand::Proven(proof.clone())),
        (None, Some(exception)) => Ok(Demand::Exception { reason: exception.reason.clone() }),
        (None, None) if policy.minimum == Minimum::Digest => Ok(Demand::WherePublished),
        (None, None) => Ok(Demand::Required),
    }
}

fn unprovable(case: &Case<'_>, proof: &ProvidedProof, cause: &'static str) -> PlanError {
    let (component, version) = (case.spec.name.clone(), case.version.clone());
    PlanError::Unprovable { proof: proof.path.clone(), component, version, arch: case.arch, cause }
}

/// How a list calls a file: its path below the list's folder, or its name where the list lies elsewhere.
fn entry_below(list: &Url, file: &Url) -> String {
    let folder = list.path().rsplit_once('/').map_or("", |(folder, _)| folder);
    let below = file.path().strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
    match below.filter(|_| list.origin() == file.origin()) {
        Some(path) => in_clear(path),
        None => file_name(file),
    }
}

/// The last part of a URL's path.
fn file_name(url: &Url) -> String {
    in_clear(url.path().rsplit('/').next().unwrap_or_default())
}

/// Takes back what [`url_variables`] encodes: digest files call their files by name.
fn in_clear(path: &str) -> String {
    path.replace("%2B", "+")
}

/// Values for URLs: `+` stands for a blank in some servers' eyes, so it is encoded.
pub(super) fn url_variables(case: &Case<'_>) -> Variables {
    [
        ("version", case.version.to_string().replace('+', "%2B")),
        ("arch", case.arch.to_string()),
        ("track", case.version.channel().track().as_str().to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn url(case: &Case<'_>, text: &str, data: &Variables) -> Result<Url, PlanError> {
    let url = render_text(&case.spec.file, text, data)?;
    Url::parse(&url).map_err(|source| PlanError::BadUrl { file: case.spec.file.clone(), url, source })
}
