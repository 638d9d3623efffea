//! plan
mod download;
pub use download::{DigestSource, DigestSources, Download, Presence, Source, Verification};
