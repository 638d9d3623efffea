//! What an HTTP server says of an object.

/// For names whose bytes never change (RFC 8246).
pub(super) const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// For names whose bytes change with every publication.
pub(super) const MUTABLE: &str = "public, max-age=60, must-revalidate";

/// Returns the media type of an object by its name.
///
/// Compressed indices are files of their own and never a `Content-Encoding`, which clients would undo.
pub(super) fn content_type(key: &str) -> &'static str {
    let name = key.rsplit('/').next().unwrap_or(key);
    match name.rsplit_once('.').map_or(name, |(_, extension)| extension) {
        "deb" => "application/vnd.debian.binary-package",
        "rpm" => "application/x-rpm",
        "gz" => "application/gzip",
        "xz" => "application/x-xz",
        "zst" => "application/zstd",
        "json" => "application/json",
        "xml" => "application/xml",
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "asc" | "gpg" if matches!(name, "repomd.xml.asc" | "Release.gpg") => "application/pgp-signature",
        "asc" | "gpg" | "key" => "application/pgp-keys",
        "InRelease" | "Release" | "Packages" | "repo" | "sources" | "list" | "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_type() {
        for (key, expected) in [
            ("pool/k/kubelet_1.36.2-1.1_amd64.deb", "application/vnd.debian.binary-package"),
            ("dists/stable/InRelease", "text/plain; charset=utf-8"),
            ("dists/stable/main/binary-amd64/Packages.gz", "application/gzip"),
            ("dists/stable/main/binary-amd64/by-hash/SHA256/e3b0c442", "application/octet-stream"),
            ("repodata/repomd.xml", "application/xml"),
            ("repodata/repomd.xml.asc", "application/pgp-signature"),
            ("key.asc", "application/pgp-keys"),
        ] {
            assert_eq!(content_type(key), expected, "{key}");
        }
    }
}
