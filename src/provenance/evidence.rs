//! How a file was verified, as annotations of a resolved dependency.

use serde::Serialize;

use crate::fetch::Evidence;

/// One reason why a file was believed.
#[derive(Debug, Serialize)]
pub(super) struct Verified {
    /// `pinned`, `published` or `local-build`.
    by: &'static str,
    /// What was compared.
    digest: String,
    /// Where upstream publishes that.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Whether not upstream but a mirror was asked. Which one is the builder's business.
    #[serde(skip_serializing_if = "is_false")]
    mirror: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives fields by reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl From<&Evidence> for Verified {
    fn from(evidence: &Evidence) -> Self {
        let plain = |by, digest: &crate::digest::Digest| Self { by, digest: digest.to_string(), url: None, mirror: false };
        match evidence {
            Evidence::Pinned(digest) => plain("pinned", digest),
            Evidence::LocalBuild(digest) => plain("local-build", digest),
            Evidence::Published { url, asked, digest } => {
                Self { url: Some(url.clone()), mirror: asked != url, ..plain("published", digest) }
            }
        }
    }
}
