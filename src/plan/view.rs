//! The plan as JSON: the document of `kubepkg plan --json`, schema 1.

use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use super::{
    Build, Demand, DigestSource, Download, Formats, Omission, Plan, PlannedContent, PlannedFile, Presence, Source,
    Verification,
};
use crate::digest::Digest;
use crate::format::Format;
use crate::path::RelativePath;
use crate::spec::{Identity, Signature, SignedBy};

/// The shape of a plan outside this program. Fields are added, never changed, without a new schema number.
#[derive(Debug, Clone, Serialize)]
pub struct PlanView {
    schema: u32,
    downloads: Vec<Value>,
    builds: Vec<Value>,
    omitted: Vec<Value>,
}

impl From<&Plan> for PlanView {
    fn from(plan: &Plan) -> Self {
        Self {
            schema: 1,
            downloads: plan.downloads.iter().map(with_demand).collect(),
            builds: plan.builds.iter().map(|build| with_packages(build, plan)).collect(),
            omitted: plan.omitted.iter().map(omission_view).collect(),
        }
    }
}

fn omission_view(omission: &Omission) -> Value {
    json!({
        "component": omission.component.as_str(),
        "version": omission.version.to_string(),
        "arch": omission.arch.as_str(),
        "reason": omission.reason,
    })
}

/// A download without its place in the plan, as it identifies a job.
pub(super) fn download_view(download: &Download) -> Value {
    let digests: Vec<Value> = download
        .verification
        .digests()
        .iter()
        .map(|source| match source {
            DigestSource::Pinned(digest) => json!({"pinned": digest.to_string()}),
            DigestSource::Published { url, algorithm, entry, presence } => json!({
                "published": url.as_str(),
                "algorithm": algorithm.as_str(),
                "entry": entry,
                "optional": *presence == Presence::Optional,
            }),
        })
        .collect();
    let mut view = json!({"url": download.url.as_str(), "size_limit": download.size_limit, "digests": digests});
    if let Verification::Signature { signature, .. } = &download.verification {
        view["signature"] = signature_view(signature);
    }
    view
}

/// A download and what the user asks of its signature, which decides whether it is packaged and not what it holds.
fn with_demand(download: &Download) -> Value {
    let mut view = download_view(download);
    if let Verification::Signature { demand, .. } = &download.verification {
        view["signature"]["demand"] = match demand {
            Demand::Required => json!("required"),
            Demand::WherePublished => json!("where published"),
            Demand::Exception { reason } => json!({"exception": reason}),
            Demand::Proven(proof) => {
                json!({"proven": {proof.kind.as_str(): Digest::sha256(proof.text.as_bytes()).to_string()}})
            }
        };
    }
    view
}

fn signature_view(signature: &Signature<Url>) -> Value {
    let identity = |identity: &Identity| json!({"identity": identity.name, "issuer": identity.issuer});
    let key = |key: &str| json!({"key": Digest::sha256(key).to_string()});
    let (kind, by) = match signature {
        Signature::Keyless { identity: by, .. } => ("cosign keyless", identity(by)),
        Signature::Key { key: by, .. } => ("cosign key", key(by)),
        Signature::Bundle { signed_by: SignedBy::Identity(by), .. } => ("bundle", identity(by)),
        Signature::Bundle { signed_by: SignedBy::Key(by), .. } => ("bundle", key(by)),
        Signature::OpenPgp { fingerprints, .. } => ("openpgp", json!({"fingerprints": fingerprints})),
    };
    let files: Vec<&str> = signature.files().into_iter().map(Url::as_str).collect();
    json!({"kind": kind, "files": files, "by": by})
}

fn with_packages(build: &Build, plan: &Plan) -> Value {
    let mut view = build_view(build);
    let sources: Vec<Value> = build
        .sources
        .iter()
        .map(|source| match &source.source {
            Source::Download(index) => {
                json!({"name": source.name, "url": plan.downloads.get(*index).map(|download| download.url.as_str())})
            }
            Source::LocalBuild(path) => json!({"name": source.name, "path": path.display().to_string()}),
        })
        .collect();
    let packages: Vec<Value> = build
        .packages
        .iter()
        .map(|package| json!({"id": package.id.to_string(), "format": package.format.as_str(), "file": package.file_name}))
        .collect();
    view["sources"] = Value::Array(sources);
    view["packages"] = Value::Array(packages);
    view
}

/// A build without sources and packages.
pub(super) fn build_view(build: &Build) -> Value {
    let metadata = &build.metadata;
    let relations: Vec<Value> = build
        .relations
        .iter()
        .map(|relation| json!([relation.format.as_str(), relation.kind.as_str(), relation.to_string()]))
        .collect();
    let services: Vec<Value> = build
        .services
        .iter()
        .map(|service| json!({"unit": service.unit, "on_install": service.on_install.as_str(), "formats": formats(service.formats)}))
        .collect();
    let scripts: Vec<Value> = build
        .scripts
        .iter()
        .map(|script| json!({"at": script.moment.as_str(), "formats": formats(script.formats), "run": script.body}))
        .collect();
    let overrides: Vec<Value> = build
        .lint_overrides
        .iter()
        .map(|finding| json!([finding.format.as_str(), finding.tag, finding.reason]))
        .collect();
    json!({
        "component": metadata.name.as_str(),
        "version": metadata.version.to_string(),
        "package_version": metadata.version.package(),
        "revision": {"deb": metadata.deb_revision.as_str(), "rpm": metadata.rpm_revision.as_str()},
        "arch": metadata.arch.as_str(),
        "channel": metadata.channel.as_str(),
        "summary": metadata.summary,
        "description": metadata.description,
        "license": metadata.license,
        "homepage": metadata.homepage,
        "maintainer": metadata.maintainer,
        "vendor": metadata.vendor,
        "section": metadata.section,
        "priority": metadata.priority,
        "copyright": metadata.copyright,
        "date": build.date.epoch(),
        "files": build.files.iter().map(file_view).collect::<Vec<_>>(),
        "relations": relations,
        "services": services,
        "scripts": scripts,
        "lint_overrides": overrides,
    })
}

/// A build as one of its packages sees it: the same whatever other formats are asked for.
pub(super) fn package_view(build: &Build, format: Format) -> Value {
    let mut build = build.clone();
    build.files.retain(|file| file.formats.includes(format));
    build.services.retain(|service| service.formats.includes(format));
    build.scripts.retain(|script| script.formats.includes(format));
    build.relations.retain(|relation| relation.format == format);
    build.lint_overrides.retain(|finding| finding.format == format);
    let of_files = build.files.iter_mut().map(|file| &mut file.formats);
    let of_services = build.services.iter_mut().map(|service| &mut service.formats);
    let of_scripts = build.scripts.iter_mut().map(|script| &mut script.formats);
    of_files.chain(of_services).chain(of_scripts).for_each(|formats| *formats = Formats::Only(format));
    let mut view = build_view(&build);
    view["revision"] = json!(build.metadata.revision(format).as_str());
    view
}

fn file_view(file: &PlannedFile) -> Value {
    let content = match &file.content {
        PlannedContent::Source(source) => json!({"source": source}),
        PlannedContent::Member { source, member } => json!({"source": source, "member": member.as_str()}),
        PlannedContent::Members { source, members, ignore } => json!({
            "source": source,
            "members": members.iter().map(RelativePath::as_str).collect::<Vec<_>>(),
            "ignore": ignore.iter().map(RelativePath::as_str).collect::<Vec<_>>(),
        }),
        PlannedContent::Text { template, text } => {
            json!({"template": template.as_str(), "sha256": Digest::sha256(text).hex()})
        }
        PlannedContent::Link(target) => json!({"link": target}),
        PlannedContent::Directory => json!({"directory": true}),
    };
    json!({
        "path": file.path.as_str(),
        "mode": file.mode.to_string(),
        "user": file.owner.user,
        "group": file.owner.group,
        "role": file.role.as_str(),
        "formats": formats(file.formats),
        "content": content,
    })
}

fn formats(formats: Formats) -> Vec<&'static str> {
    match formats {
        Formats::All => vec!["deb", "rpm"],
        Formats::Only(format) => vec![format.as_str()],
    }
}
