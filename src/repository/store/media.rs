//! What an HTTP server says of an object.

/// For names whose bytes never change (RFC 8246).
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// For names whose bytes change with every publication.
const MUTABLE: &str = "public, max-age=60, must-revalidate";
/// For those among them that only make sense together: an old one and a new one are worse than none.
const TOGETHER: &str = "no-cache";

/// Returns for how long caches may keep an object, by its name.
pub(crate) fn cache_control(key: &str) -> &'static str {
    let (folder, name) = key.rsplit_once('/').unwrap_or(("", key));
    let in_repodata = folder.ends_with("/repodata");
    let is_immutable = key.starts_with("pool/")
        || folder.contains("/by-hash/")
        || folder.contains("/snapshots/")
        || name.ends_with(".deb")
        || name.ends_with(".rpm")
        || [".kubepkg/gen/", ".kubepkg/frag/", ".kubepkg/signed/"].iter().any(|start| key.starts_with(start));
    match (in_repodata, name.starts_with("repomd.xml")) {
        (true, true) if !is_immutable => TOGETHER,
        // Their names begin with their digests.
        (true, false) => IMMUTABLE,
        _ if is_immutable => IMMUTABLE,
        _ => MUTABLE,
    }
}

/// Returns the media type of an object by its name.
///
/// Compressed indices are files of their own and never a `Content-Encoding`, which clients would undo.
pub(crate) fn content_type(key: &str) -> &'static str {
    let name = key.rsplit('/').next().unwrap_or(key);
    match name.rsplit_once('.').map_or(name, |(_, extension)| extension) {
        "deb" => "application/vnd.debian.binary-package",
        "rpm" => "application/x-rpm",
        "gz" => "application/gzip",
        "xz" => "application/x-xz",
        "zst" => "application/zstd",
        "json" => "application/json",
        "xml" => "application/xml",
        "jsonl" => "application/jsonl",
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "asc" | "gpg" if matches!(name, "repomd.xml.asc" | "Release.gpg") => "application/pgp-signature",
        "asc" | "gpg" | "key" => "application/pgp-keys",
        "InRelease" | "Release" | "Packages" | "mirrorlist" | "repo" | "sources" | "list" | "pref" | "sh" | "toml"
        | "txt" => "text/plain; charset=utf-8",
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

    #[test]
    fn names_tell_how_long_an_object_stays() {
        for (expected, keys) in [
            (IMMUTABLE, ["pool/main/k/kubelet/kubelet_1_amd64.deb", "core:/rolling:/rpm/x86_64/kubelet-1.x86_64.rpm"]),
            (IMMUTABLE, ["dists/rolling/main/binary-amd64/by-hash/SHA256/e3b0c442", "x/repodata/e3b0-primary.xml.gz"]),
            (IMMUTABLE, ["pool/main/k/kubelet/kubelet_1_amd64.deb.cdx.json", ".kubepkg/gen/rolling/1-e3b0.json"]),
            (MUTABLE, ["dists/rolling/InRelease", "dists/rolling/main/binary-amd64/Packages.gz"]),
            (IMMUTABLE, ["x/snapshots/e3b0/repodata/repomd.xml", "x/snapshots/e3b0/repodata/repomd.xml.asc"]),
            (MUTABLE, ["index.html", ".kubepkg/head/rolling.json"]),
            (MUTABLE, ["core:/rolling:/rpm/mirrorlist", "core:/rolling:/deb/InRelease"]),
            (TOGETHER, ["core:/rolling:/rpm/repodata/repomd.xml", "core:/rolling:/rpm/repodata/repomd.xml.asc"]),
        ] {
            for key in keys {
                assert_eq!(cache_control(key), expected, "{key}");
            }
        }
    }
}
