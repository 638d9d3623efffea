//! Bills of materials: what is inside a package, down to the Go modules of each program, as `CycloneDX` 1.6.
//!
//! A bill says what a package holds, whoever signed it and however it is compressed; the package's provenance says which
//! bill is the package's.
//!
//! `CycloneDX` and not SPDX 2.3: what scanners match by, package URLs and hashes, are fields of every component, and
//! nothing must be made up, where SPDX asks for a time of creation and a namespace that nobody else has.
//!
//! | component | reference and package URL | what it says |
//! |---|---|---|
//! | the package | `pkg:deb/VENDOR/NAME@VERSION?arch=ARCH`, `pkg:rpm/…`; `kubepkg` without a vendor | depends on what was fetched |
//! | what was fetched | `pkg:generic/FILE@VERSION?checksum=…&download_url=…` | SHA-256, SHA-512, URL; where it is a program, its path |
//! | a member of an archive | the archive's, with the member behind `#` | SHA-256 and `kubepkg:path`; the archive depends on it |
//! | a Go module | `pkg:golang/PATH@VERSION` | the program depends on it; `kubepkg:go:replaces` and `kubepkg:go:recorded-version` where the program names another module or version |
//! | Go's library | `pkg:golang/stdlib@VERSION` | the version of Go |

mod contents;
mod document;
mod golang;
mod purl;
mod read;

use std::path::{Path, PathBuf};

pub use contents::Contents;
pub use document::document;
pub use read::{Bill, BillError, Part, open, parse};

/// The largest bill that is read, in bytes. One of ours has at most some 200 kB.
pub const MAX_FILE: u64 = 16 << 20;
/// What stands behind the name of a package in that of its bill.
pub const SUFFIX: &str = ".cdx.json";
/// The property that says where a component is installed.
const PATH: &str = "kubepkg:path";

/// Returns where the bill of a package lies.
pub fn path_beside(package: &Path) -> PathBuf {
    let mut path = package.as_os_str().to_owned();
    path.push(SUFFIX);
    path.into()
}

#[cfg(test)]
mod tests;
