//! Package URLs (<https://github.com/package-url/purl-spec>).

use percent_encoding::percent_decode_str;

use crate::format::Format;
use crate::image::Metadata;

/// The namespace of packages whose distributor did not name itself.
const NO_VENDOR: &str = "kubepkg";

/// Returns the URL of a package: `pkg:deb/VENDOR/NAME@VERSION?arch=ARCH`.
pub(super) fn of_package(metadata: &Metadata, format: Format) -> String {
    let vendor = metadata.vendor.as_deref().unwrap_or(NO_VENDOR).to_lowercase();
    let (name, version) = (encode(metadata.name.as_str()), encode(&metadata.full_version(format)));
    format!("pkg:{format}/{}/{name}@{version}?arch={}", encode(&vendor), format.arch(metadata.arch))
}

/// Returns the URL of a Go module. Paths keep their case: Go tells modules apart by it, whatever the type's description
/// says of lower case, and so do the databases of vulnerabilities.
pub(super) fn of_module(path: &str, version: Option<&str>) -> String {
    let path: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(encode).collect();
    let version = version.map(|version| format!("@{}", encode(version))).unwrap_or_default();
    format!("pkg:golang/{}{version}", path.join("/"))
}

/// Returns the URL of a file that was downloaded, or of a member of it.
pub(super) fn of_file(name: &str, version: &str, sha256: &str, url: Option<&str>, member: Option<&str>) -> String {
    let mut text = format!("pkg:generic/{}@{}?checksum=sha256:{sha256}", encode(name), encode(version));
    if let Some(url) = url {
        let parts = url.split('/').map(encode);
        text += &format!("&download_url={}", parts.collect::<Vec<_>>().join("/"));
    }
    if let Some(member) = member {
        let parts = member.split('/').filter(|part| !matches!(*part, "" | "." | ".."));
        text += &format!("#{}", parts.map(encode).collect::<Vec<_>>().join("/"));
    }
    text
}

/// What a package URL says of a package.
pub(super) struct PackageUrl {
    /// The type: `deb`, `rpm` and others.
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) arch: Option<String>,
}

/// Reads the URL of a package: `pkg:TYPE/NAMESPACE/NAME@VERSION?QUALIFIERS#SUBPATH`.
pub(super) fn parse(text: &str) -> Option<PackageUrl> {
    let text = text.strip_prefix("pkg:")?.split('#').next()?;
    let (path, qualifiers) = text.split_once('?').unwrap_or((text, ""));
    let (path, version) = path.rsplit_once('@')?;
    let (kind, path) = path.trim_start_matches('/').split_once('/')?;
    let name = path.rsplit('/').next()?;
    let decode = |text: &str| percent_decode_str(text).decode_utf8().ok().map(Into::into);
    let arch = qualifiers.split('&').find_map(|one| one.strip_prefix("arch="));
    let arch = arch.map(|arch| decode(arch).unwrap_or_default());
    Some(PackageUrl { kind: kind.to_lowercase(), name: decode(name)?, version: decode(version)?, arch })
}

/// Encodes everything that is not plain in every part of a package URL.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded += &format!("%{byte:02X}");
        }
    }
    encoded
}
