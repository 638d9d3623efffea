//! What upstream publishes, and who vouches for it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::RawWhen;
use crate::spec::at::{At, Text};

/// A file that upstream publishes, and who vouches for it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::spec) struct RawSource {
    /// What `files` call it; `binary` where absent.
    pub(in crate::spec) name: Option<Text>,
    /// `https://…` with `{{version}}`, `{{arch}}` and `{{track}}` (`release` or `ci`).
    pub(in crate::spec) url: Text,
    /// The name below `bin/linux/ARCH/` of a local Kubernetes build, where it is part of one.
    pub(in crate::spec) local: Option<Text>,
    /// The most MiB that are taken; 512 where absent.
    pub(in crate::spec) limit_mib: Option<At<u64>>,
    /// Digests; all must agree.
    pub(in crate::spec) digests: Vec<RawDigest>,
    /// Who signs it; where a row holds, a file without that signature is refused.
    #[serde(default)]
    pub(in crate::spec) signatures: Vec<RawSignature>,
    /// Why the version cannot be found inside its programs, where that is so.
    pub(in crate::spec) unversioned: Option<Text>,
    #[serde(default)]
    pub(in crate::spec) when: RawWhen,
}

/// Where a digest comes from: exactly one of the keys, and perhaps `optional`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::spec) struct RawDigest {
    /// URL of a file with the SHA-256; `{{url}}` is the source's.
    pub(in crate::spec) sha256: Option<Text>,
    /// URL of a file with the SHA-512.
    pub(in crate::spec) sha512: Option<Text>,
    /// URL of a list of SHA-256 sums with paths below the list's folder.
    pub(in crate::spec) sha256sums: Option<Text>,
    /// URL of a list of SHA-512 sums with paths below the list's folder.
    pub(in crate::spec) sha512sums: Option<Text>,
    /// Digests by version and architecture, where upstream publishes none.
    pub(in crate::spec) pinned: Option<At<Pins>>,
    /// Whether it may be absent.
    #[serde(default)]
    pub(in crate::spec) optional: bool,
}

/// Digests by version and architecture.
pub(in crate::spec) type Pins = BTreeMap<Text, BTreeMap<Text, Text>>;

/// A signature: exactly one of `cosign`, `bundle` and `openpgp`, and who must have made it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::spec) struct RawSignature {
    /// URL of a signature in base64, as `cosign sign-blob` writes it; `{{url}}` is the source's.
    pub(in crate::spec) cosign: Option<Text>,
    /// URL of a sigstore bundle, which holds everything in one file.
    pub(in crate::spec) bundle: Option<Text>,
    /// URL of a detached OpenPGP signature in ASCII armor.
    pub(in crate::spec) openpgp: Option<Text>,
    /// URL of the certificate of a keyless `cosign` signature.
    pub(in crate::spec) certificate: Option<Text>,
    /// URL of the transparency log's entry of a `cosign` signature, as Rekor answers with it.
    pub(in crate::spec) entry: Option<Text>,
    /// Who signed, as the certificate says: a mail address or a URI.
    pub(in crate::spec) identity: Option<Text>,
    /// Who vouches for the identity: the issuer of its login token.
    pub(in crate::spec) issuer: Option<Text>,
    /// A file of public keys beside the spec, in PEM or ASCII armor, or its text.
    pub(in crate::spec) key: Option<Text>,
    /// Fingerprints of the OpenPGP keys in `key` that may sign.
    pub(in crate::spec) fingerprints: Option<At<Vec<Text>>>,
    #[serde(default)]
    pub(in crate::spec) when: RawWhen,
}
