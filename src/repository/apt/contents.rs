//! `Contents-ARCH`: which package has which file, for apt-file(1).

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::packages::variants;
use crate::compression::Compression;
use crate::format::Format;
use crate::repository::Fragment;
use crate::repository::index::{Earlier, IndexFile, IndexWriter};
use crate::repository::order::IndexError;

/// The column in which the packages begin.
const COLUMN: usize = 60;

/// A `Contents` file in the making. It holds every path once, however many versions of a package have it.
#[derive(Debug, Default)]
pub struct Contents {
    packages: BTreeMap<String, BTreeSet<String>>,
}

impl Contents {
    /// Adds the files of a deb, in any order. A deb whose files were not listed has none.
    pub fn add(&mut self, deb: &Fragment) -> Result<(), IndexError> {
        let stanza = deb.stanza().ok_or_else(|| IndexError::Format(deb.key(), Format::Deb))?;
        for file in stanza.files().unwrap_or_default() {
            match self.packages.get_mut(file) {
                Some(packages) if packages.contains(deb.name()) => {}
                Some(packages) => drop(packages.insert(deb.name().to_owned())),
                None => drop(self.packages.insert(file.clone(), BTreeSet::from([deb.name().to_owned()]))),
            }
        }
        Ok(())
    }

    /// Ends it as `path` (`main/Contents-amd64`, `Contents-amd64`) and in the compressions of `served`, as
    /// [`Packages::finish`](super::Packages::finish) does.
    pub fn finish(self, path: &str, served: &[Compression]) -> io::Result<Vec<IndexFile>> {
        let mut index = IndexWriter::new(Compression::Gzip(6), Earlier::default())?;
        let mut line = String::new();
        for (file, packages) in self.packages {
            line.clear();
            line.push_str(&file);
            // A blank at least, and none of it counts.
            let blanks = COLUMN.saturating_sub(line.chars().count()).max(1);
            line.extend(std::iter::repeat_n(' ', blanks));
            for (number, package) in packages.iter().enumerate() {
                line.push_str(if number > 0 { "," } else { "" });
                line.push_str(package);
            }
            line.push('\n');
            index.push(&line)?;
        }
        variants(index, path, served)
    }
}
