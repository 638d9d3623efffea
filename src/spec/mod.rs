//! Specs: the facts of each component, and the only place where they stand.

mod at;
mod catalog;
mod check;
mod error;
mod model;
mod raw;
mod variables;

pub use catalog::{Catalog, CatalogError};
pub use error::{SpecError, SpecErrors};
pub use model::{
    Companion, Description, DigestFact, DigestShape, Distribution, File, FileContent, Identity, LintOverride, Moment,
    OnInstall, Profile, RelationFact, Role, Row, Script, Service, Signature, SignedBy, Source, Spec, Variable,
    Versioning, When,
};
pub use variables::{DIGEST_VARIABLE, URL_VARIABLES, VARIABLES};

/// Returns the JSON Schema of a component's spec file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(raw::RawSpec).to_value()
}

/// Returns the JSON Schema of `distribution.yaml`.
pub fn distribution_schema() -> serde_json::Value {
    schemars::schema_for!(raw::RawDistribution).to_value()
}

/// Whether a text is `Name <mail@host>` in one line (Policy 5.6.2).
pub fn is_maintainer(text: &str) -> bool {
    check::is_maintainer(text)
}
