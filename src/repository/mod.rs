//! Repositories of packages.
//!
//! ```text
//! package file ── Fragment::read ─▶ Fragment ─┬─ apt::Packages, apt::Contents ─▶ IndexFiles ─ apt::Suite ────▶ Release
//!                 (once, for ever)            └─ rpmmd::Metadata ─────────────▶ DataFiles ── rpmmd::Repomd ─▶ repomd.xml
//! ```
//!
//! A [`Fragment`] is all that a repository needs to know of a package: whoever keeps it never reads the package again.
//! Index files are functions of fragments, names and a [`SourceDate`](crate::source_date::SourceDate).

pub mod amend;
pub mod anchor;
pub mod apt;
pub mod bundle;
pub mod candidate;
pub mod change;
pub mod channel;
pub mod charter;
pub mod check;
pub mod client;
pub mod collect;
pub mod error;
pub mod fragment;
pub mod gate;
pub mod generation;
pub mod head;
pub mod history;
mod index;
pub mod keyring;
pub mod keyring_package;
pub mod layout;
mod location;
pub mod mirror;
mod offer;
mod order;
pub mod pack;
pub mod paper;
mod projection;
mod prune;
pub mod publish;
mod rehearse;
mod render;
pub mod resign;
pub mod rpmmd;
pub mod selection;
pub mod serve;
pub mod settings;
pub mod site;
pub mod state;
pub mod store;

pub use fragment::{Fragment, PackageKey, compare_versions};
pub use index::{Earlier, IndexFile, Measure, Members};
pub use order::IndexError;
