//! `Packages`: the stanzas of all debs of an architecture, or of all.

use std::io;

use crate::compression::Compression;
use crate::format::Format;
use crate::repository::index::{Earlier, IndexFile, IndexWriter, extension, repack};
use crate::repository::order::{InOrder, IndexError};
use crate::repository::{Fragment, location};

/// The level of the gzip file that is always there: what is smaller takes much longer.
const GZIP: Compression = Compression::Gzip(6);

/// A `Packages` file in the making.
#[derive(Debug)]
pub struct Packages {
    index: IndexWriter,
    order: InOrder,
    text: String,
}

impl Packages {
    /// Begins one. `earlier` is the `Packages.gz` of the last time, or nothing.
    pub fn new(earlier: Earlier) -> io::Result<Self> {
        Ok(Self { index: IndexWriter::new(GZIP, earlier)?, order: InOrder::default(), text: String::new() })
    }

    /// Adds a deb that lies in `file_name`, a path from the root of the repository. Debs come in the order of
    /// [`Fragment::compare_places`], each once.
    pub fn add(&mut self, deb: &Fragment, file_name: &str) -> Result<(), IndexError> {
        let stanza = deb.stanza().ok_or_else(|| IndexError::Format(deb.key(), Format::Deb))?;
        location::check(file_name)?;
        self.order.next(deb)?;
        self.text.clear();
        stanza.write(&mut self.text, file_name, deb.size(), deb.sha256());
        Ok(self.index.push_package(&self.text, deb.sha256())?)
    }

    /// Ends it as `FOLDER/Packages` and `FOLDER/Packages.gz`, both of which `Release` lists, and in the other
    /// compressions of `served`. What is not in `served` is without bytes: apt wants the uncompressed file listed, and
    /// never asks for it.
    pub fn finish(self, folder: &str, served: &[Compression]) -> io::Result<Vec<IndexFile>> {
        variants(self.index, &join(folder, "Packages"), served)
    }
}

/// Joins a folder, which may be the root, and a name.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Ends an index in several compressions: first without any, then gzip, then the others.
pub(super) fn variants(index: IndexWriter, path: &str, served: &[Compression]) -> io::Result<Vec<IndexFile>> {
    let gzip = index.finish(format!("{path}{}", extension(GZIP)))?;
    let mut files = vec![IndexFile::listed(path.to_owned(), gzip.open.clone()), gzip];
    for compression in served {
        let packed = |files: &[IndexFile]| repack(files[1].bytes.as_deref().unwrap_or_default(), *compression);
        match compression {
            Compression::None => files[0].bytes = Some(packed(&files)?),
            Compression::Gzip(_) => {}
            _ => {
                let path = format!("{path}{}", extension(*compression));
                files.push(IndexFile::packed(path, packed(&files)?, files[0].open.clone()));
            }
        }
    }
    Ok(files)
}
