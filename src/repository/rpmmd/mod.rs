//! What dnf and zypper read: rpm-md, as `createrepo_c` writes it.
//!
//! The XML is written here and not by a crate: the one that knows rpm-md (`rpmrepo_metadata`) asks for the time of the
//! file and panics on a wrong count, and general ones do not escape line breaks in attributes.

mod comps;
mod elements;
mod facts;
mod filelists;
mod metadata;
mod mirrors;
mod other;
mod primary;
mod repomd;
mod tags;
mod updateinfo;
mod xml;

pub use comps::{Group, comps};
pub use elements::Elements;
pub(in crate::repository) use facts::Facts;
pub use metadata::{DataFile, EarlierMetadata, Metadata, PrimaryOfUrls};
pub use mirrors::{LIST, Mirrors, SNAPSHOTS};
pub use repomd::{KEY, REPOMD, Repomd, SIGNATURE};
pub use updateinfo::{Advisory, AdvisoryKind, AdvisoryPackage, Reference, updateinfo};
