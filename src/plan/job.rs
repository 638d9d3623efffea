//! What identifies a job.

use serde_json::json;

use super::view::{download_view, package_view};
use super::{Build, Downloads, JobId, Source};
use crate::digest::Digest;
use crate::format::Format;
use crate::template::Templates;

/// The hexadecimal digits of an id: 64 bits are enough for the jobs of one project.
const DIGITS: usize = 16;

/// Returns the id of one package: a digest of everything that decides what it holds and is known before bytes are
/// fetched. What else is built in the same run does not count, and neither does how the package is compressed.
pub(super) fn id(build: &Build, format: Format, downloads: &Downloads, templates: &Templates) -> JobId {
    let sources: Vec<_> = build
        .sources
        .iter()
        .map(|source| match &source.source {
            Source::Download(index) => json!(downloads.list.get(*index).map(download_view)),
            Source::LocalBuild(path) => json!({"local": path.file_name().map(|name| name.to_string_lossy())}),
        })
        .collect();
    let everything = json!({
        "tool": env!("CARGO_PKG_VERSION"),
        "templates": templates.digest(&format!("{format}/")).hex(),
        "format": format.as_str(),
        "build": package_view(build, format),
        "sources": sources,
    });
    JobId(Digest::sha256(everything.to_string()).hex()[..DIGITS].to_owned())
}
