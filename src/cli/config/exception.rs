//! Exceptions of signatures: files that somebody looked at, and the reason.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::signed_file;
use crate::plan::Exception;

/// The longest reason, in characters.
const MAX_REASON: usize = 1024;

/// A file whose signature may be missing or wrong; its digests must hold. Either `url`, or `component`, `version` and
/// `arch`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawException {
    /// The component.
    component: Option<String>,
    /// The component's own version.
    version: Option<String>,
    /// The architecture in upstream's spelling.
    arch: Option<String>,
    /// The source, where the component has several.
    source: Option<String>,
    /// Where upstream publishes the file, whatever mirror is used.
    url: Option<String>,
    /// Why; it is told, and stands in the provenance of the packages.
    reason: String,
}

impl TryFrom<RawException> for Exception {
    type Error = String;

    fn try_from(raw: RawException) -> Result<Self, String> {
        let reason = raw.reason.trim().to_owned();
        if reason.is_empty() || reason.chars().count() > MAX_REASON || reason.chars().any(char::is_control) {
            return Err("an exception has a `reason` of one line".to_owned());
        }
        let of = signed_file("an exception", raw.url, [raw.component, raw.version, raw.arch, raw.source])?;
        Ok(Self { of, reason })
    }
}

pub(super) fn exceptions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Exception>, D::Error> {
    let raw = Vec::<RawException>::deserialize(deserializer)?;
    raw.into_iter().map(|raw| raw.try_into().map_err(D::Error::custom)).collect()
}
