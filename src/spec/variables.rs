//! What `{{…}}` can stand for. `specs/README.md` has the same tables.

/// Variables of templates and scripts besides those that a spec declares.
pub const VARIABLES: [(&str, &str); 13] = [
    ("arch", "the architecture in upstream's spelling: `arm64`"),
    ("channel", "`release`, `prerelease` or `nightly`"),
    ("description", "the description of the spec"),
    ("format", "`deb` or `rpm`"),
    ("homepage", "the project's page"),
    ("license", "the SPDX expression"),
    ("maintainer", "`Name <mail>`"),
    ("name", "the name of the component and of its package"),
    ("package_arch", "the architecture in the format's spelling: `aarch64`"),
    ("package_version", "the version in the format's spelling, with the revision: `1.36.0~rc.1-1.1`"),
    ("profile", "the profile: `current`"),
    ("summary", "the summary of the spec"),
    ("version", "upstream's version, without `v`: `1.36.0-rc.1`"),
];

/// Variables of the URLs of sources.
pub const URL_VARIABLES: [(&str, &str); 3] = [
    ("arch", "the architecture in upstream's spelling"),
    ("track", "`ci` for a CI build, `release` for all else"),
    ("version", "upstream's version, without `v`; a `+` is written `%2B`"),
];

/// The variable that URLs of digests have besides.
pub const DIGEST_VARIABLE: (&str, &str) = ("url", "the URL of the source");
