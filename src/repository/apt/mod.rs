//! What apt reads: `Packages`, `Contents`, `Release` (apt-ftparchive(1), sources.list(5)).
//!
//! A `Release` has to be signed: inline as `InRelease`, and detached as `Release.gpg` for those who do not know that.

mod contents;
mod packages;
mod release;
mod stanza;

pub use contents::Contents;
pub use packages::Packages;
pub use release::{Layout, Suite, Upgrades};
pub use stanza::Stanza;
