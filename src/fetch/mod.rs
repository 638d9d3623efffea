//! fetch
mod artifact;
pub use artifact::{Artifact, Evidence};
