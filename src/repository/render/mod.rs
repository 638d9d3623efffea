//! From the packages of a channel to the files that clients read.
//!
//! Packages pass by once, in the order of index files ([`Rendering::add`]); what is made of them is signed at the end
//! ([`Rendering::finish`]).

mod apt;
mod rpmmd;
mod set;

use super::change::file_name;
use super::channel::Channel;
use super::charter::Charter;
use super::error::RepositoryError;
use super::fragment::Fragment;
use super::gate::Components;
use super::generation::Entry;
use super::index::{Earlier, Members};
use super::order::IndexError;
use super::store::Key;
use crate::compression::Compression;
use crate::format::Format;
use crate::sign::Signers;
use crate::source_date::SourceDate;

/// What every client reads.
const GZIP: Compression = Compression::Gzip(6);
/// What the newer ones read: close to the size of xz, at a tenth of its time.
const ZSTD: Compression = Compression::Zstd(9);

/// The files of a generation.
#[derive(Debug, Default)]
pub(super) struct Rendered {
    /// Those that never change.
    pub(super) indices: Vec<Index>,
    /// Other names for some of these.
    pub(super) aliases: Vec<(Key, Key)>,
    /// Those under names that never change, in the order in which they are written.
    pub(super) projection: Vec<(Key, Vec<u8>)>,
}

/// An index file under a name that never changes its bytes.
#[derive(Debug)]
pub(super) struct Index {
    /// The name.
    pub(super) path: Key,
    /// The name without a digest, by which the next generation finds it.
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) members: Members,
}

/// The packages of a channel, sorted, and where they lie.
pub(super) struct Places<'a> {
    pub(super) channel: Channel,
    pub(super) entries: &'a [Entry],
    /// Returns an index file of the generation before by its name, to be used again as far as it can be.
    pub(super) earlier: &'a dyn Fn(&str) -> Result<Earlier, RepositoryError>,
}

impl<'a> Places<'a> {
    fn of(&self, format: Format) -> impl Iterator<Item = &'a Entry> + use<'a> {
        self.entries.iter().filter(move |entry| entry.format == format)
    }
}

/// Who signs, when, for whom.
pub(super) struct Seal<'a> {
    pub(super) charter: &'a Charter,
    pub(super) date: SourceDate,
    pub(super) signers: &'a Signers<'a>,
    pub(super) components: &'a Components,
}

impl Seal<'_> {
    fn detached(&self, message: &[u8]) -> Result<Vec<u8>, RepositoryError> {
        let signatures = self.signers.detached(message, self.date)?;
        let armor = signatures.to_armor().map_err(crate::sign::SignError::Refused)?;
        Ok(armor.into_bytes())
    }
}

/// All files of a channel in the making.
pub(super) struct Rendering<'a> {
    seal: &'a Seal<'a>,
    debs: Option<apt::Shapes<'a>>,
    rpms: Option<rpmmd::Tree<'a>>,
}

impl<'a> Rendering<'a> {
    /// Begins with nothing but what is known without the packages.
    pub(super) fn begin(places: &Places<'a>, seal: &'a Seal<'a>) -> Result<Self, RepositoryError> {
        let has = |format| places.of(format).next().is_some();
        let debs = has(Format::Deb).then(|| apt::Shapes::begin(places, seal)).transpose()?;
        let rpms = has(Format::Rpm).then(|| rpmmd::Tree::begin(places, seal)).transpose()?;
        Ok(Self { seal, debs, rpms })
    }

    /// Adds the next package.
    pub(super) fn add(&mut self, entry: &'a Entry, fragment: &Fragment) -> Result<(), RepositoryError> {
        match (entry.format, &mut self.debs, &mut self.rpms) {
            (Format::Deb, Some(debs), _) => debs.add(entry, fragment),
            (Format::Rpm, _, Some(rpms)) => rpms.add(entry, fragment),
            _ => Ok(()),
        }
    }

    /// Ends and signs everything.
    pub(super) fn finish(self) -> Result<Rendered, RepositoryError> {
        let mut rendered = Rendered::default();
        if let Some(debs) = self.debs {
            debs.finish(self.seal, &mut rendered)?;
        }
        if let Some(rpms) = self.rpms {
            rpms.finish(self.seal, &mut rendered)?;
        }
        Ok(rendered)
    }
}

fn failed(file: &str) -> impl Fn(IndexError) -> RepositoryError + use<> {
    let file = file.to_owned();
    move |error| RepositoryError::Index { file: file.clone(), cause: error.to_string() }
}

/// Where a package lies, from the folder of the index files of its flat shape.
fn beside(entry: &Entry) -> String {
    format!("{}/{}", entry.arch, file_name(entry))
}
