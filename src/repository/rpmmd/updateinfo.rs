//! `updateinfo.xml`: what a release repairs, for `dnf updateinfo` and `zypper patch`.

use super::metadata::{DataFile, document};
use super::xml;
use crate::compression::Compression;
use crate::digest::Digest;
use crate::repository::Fragment;
use crate::repository::index::Earlier;
use crate::repository::order::IndexError;
use crate::source_date::SourceDate;

/// What an advisory is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdvisoryKind {
    /// A hole is closed.
    Security,
    /// An error is repaired.
    Bugfix,
    /// Something is new.
    Enhancement,
}

impl AdvisoryKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Bugfix => "bugfix",
            Self::Enhancement => "enhancement",
        }
    }
}

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The URL.
    pub href: String,
    /// Its id there, such as `CVE-2026-0001`.
    pub id: String,
    /// The title.
    pub title: String,
    /// `cve`, `bugzilla`, `self` or `other`.
    pub kind: String,
}

/// A package that an advisory names.
#[derive(Debug, Clone)]
pub struct AdvisoryPackage<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its version with the release, and with the epoch where there is one that is not 0.
    pub version: &'a str,
    /// Its architecture.
    pub arch: &'a str,
    /// The SHA-256 of its file.
    pub sha256: &'a Digest,
}

impl<'a> From<&'a Fragment> for AdvisoryPackage<'a> {
    fn from(rpm: &'a Fragment) -> Self {
        Self { name: rpm.name(), version: rpm.version(), arch: rpm.arch(), sha256: rpm.sha256() }
    }
}

/// One release of some packages, with its reason.
#[derive(Debug, Clone)]
pub struct Advisory<'a> {
    /// The id, once in a repository: `kubernetes-1.36.2`.
    pub id: String,
    /// What it is about.
    pub kind: AdvisoryKind,
    /// Who says so.
    pub from: String,
    /// The title.
    pub title: String,
    /// The text.
    pub description: String,
    /// `critical`, `important`, `moderate` or `low`; nothing of what is no security advisory.
    pub severity: Option<String>,
    /// The day.
    pub issued: SourceDate,
    /// What to read.
    pub references: Vec<Reference>,
    /// The RPMs that bring it.
    pub packages: Vec<AdvisoryPackage<'a>>,
}

/// Renders the file. `earlier` is that of the last time, or nothing.
pub fn updateinfo<'a>(
    advisories: impl IntoIterator<Item = Advisory<'a>>,
    compression: Compression,
    earlier: Earlier,
) -> Result<DataFile, IndexError> {
    let mut index = document(compression, earlier)?;
    let mut out = String::new();
    xml::open(&mut out, 0, "updates", &[]);
    index.push(&out)?;
    for advisory in advisories {
        out.clear();
        advisory.write(&mut out)?;
        match advisory.packages.first() {
            Some(package) => index.push_package(&out, package.sha256)?,
            None => index.push(&out)?,
        }
    }
    out.clear();
    xml::close(&mut out, 0, "updates");
    index.push(&out)?;
    Ok(DataFile::finish("updateinfo", "updateinfo", index, compression)?)
}

impl Advisory<'_> {
    fn write(&self, out: &mut String) -> Result<(), IndexError> {
        let texts = [&self.id, &self.from, &self.title, &self.description];
        let of_references = self.references.iter().flat_map(|one| [&one.href, &one.id, &one.title, &one.kind]);
        for text in texts.into_iter().chain(&self.severity).chain(of_references) {
            xml::check(&self.id, text)?;
        }
        let attributes =
            [("from", self.from.as_str()), ("status", "final"), ("type", self.kind.as_str()), ("version", "1")];
        xml::open(out, 1, "update", &attributes);
        xml::text(out, 2, "id", &[], &self.id);
        xml::text(out, 2, "title", &[], &self.title);
        let date = self.issued.updateinfo();
        xml::empty(out, 2, "issued", &[("date", &date)]);
        xml::empty(out, 2, "updated", &[("date", &date)]);
        if let Some(severity) = &self.severity {
            xml::text(out, 2, "severity", &[], severity);
        }
        xml::text(out, 2, "description", &[], &self.description);
        xml::open(out, 2, "references", &[]);
        for Reference { href, id, title, kind } in &self.references {
            xml::empty(out, 3, "reference", &[("href", href), ("id", id), ("title", title), ("type", kind)]);
        }
        xml::close(out, 2, "references");
        xml::open(out, 2, "pkglist", &[]);
        xml::open(out, 3, "collection", &[("short", &self.id)]);
        xml::text(out, 4, "name", &[], &self.title);
        for package in &self.packages {
            write_package(out, package)?;
        }
        xml::close(out, 3, "collection");
        xml::close(out, 2, "pkglist");
        xml::close(out, 1, "update");
        Ok(())
    }
}

fn write_package(out: &mut String, package: &AdvisoryPackage<'_>) -> Result<(), IndexError> {
    for text in [package.name, package.version, package.arch] {
        xml::check("package", text)?;
    }
    let (epoch, rest) = package.version.split_once(':').unwrap_or(("0", package.version));
    let (version, release) = rest.split_once('-').unwrap_or((rest, ""));
    let attributes =
        [("name", package.name), ("version", version), ("release", release), ("epoch", epoch), ("arch", package.arch)];
    xml::open(out, 4, "package", &attributes);
    xml::text(out, 5, "filename", &[], &format!("{}-{rest}.{}.rpm", package.name, package.arch));
    xml::text(out, 5, "sum", &[("type", "sha256")], package.sha256.hex());
    xml::close(out, 4, "package");
    Ok(())
}
