//! `primary`, `filelists` and `other` together.

use std::io;

use super::xml;
use crate::compression::Compression;
use crate::format::Format;
use crate::repository::index::{Earlier, IndexFile, IndexWriter, extension};
use crate::repository::order::{InOrder, IndexError};
use crate::repository::{Fragment, location};

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const COMMON: (&str, &str) = ("xmlns", "http://linux.duke.edu/metadata/common");
const RPM: (&str, &str) = ("xmlns:rpm", "http://linux.duke.edu/metadata/rpm");
const FILELISTS: (&str, &str) = ("xmlns", "http://linux.duke.edu/metadata/filelists");
const OTHER: (&str, &str) = ("xmlns", "http://linux.duke.edu/metadata/other");

/// The gzip files of the last time, to be used again as far as they can be.
#[derive(Debug, Clone, Default)]
pub struct EarlierMetadata {
    /// `primary`.
    pub primary: Earlier,
    /// `filelists`.
    pub filelists: Earlier,
    /// `other`.
    pub other: Earlier,
}

/// The three files in the making.
#[derive(Debug)]
pub struct Metadata {
    primary: IndexWriter,
    filelists: IndexWriter,
    other: IndexWriter,
    compression: Compression,
    order: InOrder,
    promised: u64,
    found: u64,
    text: String,
}

/// A file of `repodata` with the name of its kind in `repomd.xml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// `primary`, `filelists`, `other`, `updateinfo`, `group`, or a kind of one's own, which clients leave alone.
    pub kind: String,
    /// The file; its path is `repodata/SHA256-NAME`.
    pub file: IndexFile,
}

impl DataFile {
    /// Names a finished file by its digest.
    pub(super) fn new(kind: &str, name: &str, mut file: IndexFile) -> Self {
        file.path = format!("repodata/{}-{name}", file.stored.sha256.hex());
        Self { kind: kind.to_owned(), file }
    }

    /// Ends a document: `NAME.xml` behind its digest.
    pub(super) fn finish(kind: &str, name: &str, index: IndexWriter, compression: Compression) -> io::Result<Self> {
        Ok(Self::new(kind, &format!("{name}.xml{}", extension(compression)), index.finish(String::new())?))
    }

    /// Adds a file of one's own, uncompressed, so that the signature of `repomd.xml` covers it.
    pub fn of_bytes(kind: &str, name: &str, bytes: Vec<u8>) -> Self {
        Self::new(kind, name, IndexFile::plain(String::new(), bytes))
    }
}

impl Metadata {
    /// Begins files of so many packages.
    pub fn new(packages: u64, compression: Compression, earlier: EarlierMetadata) -> io::Result<Self> {
        Ok(Self {
            primary: begin("metadata", &[COMMON, RPM], packages, compression, earlier.primary)?,
            filelists: begin("filelists", &[FILELISTS], packages, compression, earlier.filelists)?,
            other: begin("otherdata", &[OTHER], packages, compression, earlier.other)?,
            compression,
            order: InOrder::default(),
            promised: packages,
            found: 0,
            text: String::new(),
        })
    }

    /// Adds an RPM that lies in `place`, a path from the folder that holds `repodata`. RPMs come in the order of
    /// [`Fragment::compare_places`], each once.
    pub fn add(&mut self, rpm: &Fragment, place: &str) -> Result<(), IndexError> {
        let elements = rpm.elements().ok_or_else(|| IndexError::Format(rpm.key(), Format::Rpm))?;
        location::check(place)?;
        self.order.next(rpm)?;
        self.found += 1;
        self.text.clear();
        elements.push_primary(&mut self.text, &[("href", place)]);
        self.primary.push_package(&self.text, rpm.sha256())?;
        self.filelists.push_package(&elements.filelists, rpm.sha256())?;
        self.other.push_package(&elements.other, rpm.sha256())?;
        Ok(())
    }

    /// Ends the files.
    pub fn finish(self) -> Result<Vec<DataFile>, IndexError> {
        let Self { primary, filelists, other, compression, promised, found, .. } = self;
        if found != promised {
            return Err(IndexError::Count { found, promised });
        }
        let mut files = Vec::new();
        for (kind, root, mut index) in
            [("primary", "metadata", primary), ("filelists", "filelists", filelists), ("other", "otherdata", other)]
        {
            index.push(&format!("</{root}>\n"))?;
            files.push(DataFile::finish(kind, kind, index, compression)?);
        }
        Ok(files)
    }
}

/// A second `primary`, which says by URLs where packages are (`xml:base`), for a `repomd.xml` that lies elsewhere. dnf
/// knows that; zypper does not, and takes the paths alone.
#[derive(Debug)]
pub struct PrimaryOfUrls {
    base: String,
    index: IndexWriter,
    compression: Compression,
    text: String,
}

impl PrimaryOfUrls {
    /// Begins one of so many packages, whose places are below the URL `base`.
    pub fn new(packages: u64, compression: Compression, base: String, earlier: Earlier) -> io::Result<Self> {
        let index = begin("metadata", &[COMMON, RPM], packages, compression, earlier)?;
        Ok(Self { base, index, compression, text: String::new() })
    }

    /// Adds an RPM as [`Metadata::add`] does, which has accepted it.
    pub fn add(&mut self, rpm: &Fragment, place: &str) -> Result<(), IndexError> {
        let elements = rpm.elements().ok_or_else(|| IndexError::Format(rpm.key(), Format::Rpm))?;
        self.text.clear();
        elements.push_primary(&mut self.text, &[("xml:base", &self.base), ("href", place)]);
        Ok(self.index.push_package(&self.text, rpm.sha256())?)
    }

    /// Ends the file.
    pub fn finish(mut self) -> Result<DataFile, IndexError> {
        self.index.push("</metadata>\n")?;
        Ok(DataFile::finish("primary", "primary", self.index, self.compression)?)
    }
}

/// Begins a document of so many packages.
fn begin(
    root: &str,
    spaces: &[(&str, &str)],
    packages: u64,
    compression: Compression,
    earlier: Earlier,
) -> io::Result<IndexWriter> {
    let mut index = document(compression, earlier)?;
    let mut text = String::new();
    xml::open(&mut text, 0, root, &[spaces, &[("packages", packages.to_string().as_str())]].concat());
    index.push(&text)?;
    Ok(index)
}

/// Begins a document of another kind.
pub(super) fn document(compression: Compression, earlier: Earlier) -> io::Result<IndexWriter> {
    let mut index = IndexWriter::new(compression, earlier)?;
    index.push(HEAD)?;
    Ok(index)
}
