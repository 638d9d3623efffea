//! Repositories as their clients read them, ours or anybody's.
//!
//! ```text
//! Root ─ InRelease ──────▶ signed text ─ digests ─▶ Packages ─┐
//!      ─ repomd.xml, .asc ▶ signed text ─ digests ─▶ primary ─┴▶ Reading: what is listed, and what is wrong
//! ```
//!
//! Nothing is believed but what a given key signed, and what that names by digest and size. What is wrong is a
//! [`Finding`]; errors are for places that cannot be reached.

mod apt;
mod audit;
mod index;
mod kind;
mod listed;
mod release;
mod root;
mod rpmmd;
mod stanza;
mod xml;

pub use apt::Suite;
pub use audit::{Audit, Depth, Want};
pub use kind::Kind;
pub use listed::Listed;
pub use release::{Release, ReleaseFile};
pub use root::Root;
pub use stanza::packages as parse_packages;

pub use self::rpmmd::{DataFile, Repomd, packages as parse_primary};

use crate::sign::{Certificate, Packets};
use crate::source_date::SourceDate;

/// Bytes that a signed index may have, and its signature.
const MAX_SIGNED: u64 = 32 << 20;

/// What a client is given: whom it believes, and when it is.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    /// Keys that may sign indices.
    pub certificates: &'a [Certificate],
    /// Which signatures count.
    pub packets: Packets,
    /// The time.
    pub now: SourceDate,
}

/// How many of the compressions of an index are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variants {
    /// One, as a client does.
    One,
    /// All that are listed, each as a client that prefers it.
    All,
}

/// Something that is not as a client needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub cause: String,
}

/// What was read of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Everything that is listed, sorted.
    pub packages: Vec<Listed>,
    /// Everything that is wrong. A client takes nothing from a repository of which there is anything.
    pub findings: Vec<Finding>,
    /// The fingerprints of the keys that signed it.
    pub signed_by: Vec<String>,
    /// When it was made, as far as it says so: `Date` of a Release file, the newest time in `repomd.xml`.
    pub date: Option<SourceDate>,
}

impl Reading {
    fn wrong(&mut self, file: impl Into<String>, cause: impl Into<String>) {
        self.findings.push(Finding { file: file.into(), cause: cause.into() });
    }
}
