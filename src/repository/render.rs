//! From the packages of a channel to the files that clients read.

use std::collections::BTreeSet;

use super::apt::{Layout, Packages, Suite, Upgrades};
use super::channel::Channel;
use super::charter::Charter;
use super::error::RepositoryError;
use super::fragment::Fragment;
use super::generation::Entry;
use super::index::{Earlier, IndexFile, Members};
use super::layout::{self, COMPONENT, key};
use super::order::IndexError;
use super::rpmmd::{EarlierMetadata, KEY, Metadata, REPOMD, Repomd, SIGNATURE};
use super::store::Key;
use crate::compression::Compression;
use crate::format::Format;
use crate::sign::Signers;
use crate::source_date::SourceDate;

/// What every client reads.
const GZIP: Compression = Compression::Gzip(6);
/// Up to so many packages an index is served without compression and as xz, too: small, and dear to make.
const SMALL: usize = 2000;
const XZ: Compression = Compression::Xz(6);

/// The files of a generation.
#[derive(Debug, Default)]
pub(super) struct Rendered {
    /// Those that never change.
    pub(super) indices: Vec<Index>,
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
    pub(super) fragments: &'a [&'a Fragment],
    /// Returns an index file of the generation before by its name, to be used again as far as it can be.
    pub(super) earlier: &'a dyn Fn(&str) -> Result<Earlier, RepositoryError>,
}

impl<'a> Places<'a> {
    fn of(&self, format: Format) -> impl Iterator<Item = (&'a Entry, &'a Fragment)> {
        let all = self.entries.iter().zip(self.fragments.iter().copied());
        all.filter(move |(entry, _)| entry.format == format)
    }
}

/// Who signs, when, for whom.
pub(super) struct Seal<'a> {
    pub(super) charter: &'a Charter,
    pub(super) date: SourceDate,
    pub(super) signers: &'a Signers<'a>,
}

/// Makes all files.
pub(super) fn render(places: &Places<'_>, seal: &Seal<'_>) -> Result<Rendered, RepositoryError> {
    let mut rendered = Rendered::default();
    if places.of(Format::Deb).next().is_some() {
        dists(places, seal, &mut rendered)?;
        flat(places, seal, &mut rendered)?;
    }
    if places.of(Format::Rpm).next().is_some() {
        rpmmd(places, seal, &mut rendered)?;
    }
    Ok(rendered)
}

fn failed(file: &str) -> impl Fn(IndexError) -> RepositoryError + use<> {
    let file = file.to_owned();
    move |error| RepositoryError::Index { file: file.clone(), cause: error.to_string() }
}

fn dists(places: &Places<'_>, seal: &Seal<'_>, rendered: &mut Rendered) -> Result<(), RepositoryError> {
    let root = layout::suite(places.channel);
    let layout = Layout::Dists { component: COMPONENT.to_owned() };
    let architectures = architectures(places);
    let mut files = Vec::new();
    for arch in &architectures {
        let debs = places.of(Format::Deb).filter(|(entry, _)| entry.arch == *arch || entry.arch == "all");
        let debs = debs.map(|(entry, fragment)| (fragment, entry.path.to_string()));
        files.extend(packages(places, &root, &layout.packages_folder(arch), debs)?);
    }
    let suite = suite(places.channel, seal, architectures, vec![COMPONENT.to_owned()]);
    release(&root, &suite, seal, files, rendered)
}

/// One folder for everything, as pkgs.k8s.io has it.
fn flat(places: &Places<'_>, seal: &Seal<'_>, rendered: &mut Rendered) -> Result<(), RepositoryError> {
    let root = layout::flat(places.channel, Format::Deb);
    let debs = places.of(Format::Deb).map(|(entry, fragment)| (fragment, beside(entry)));
    let files = packages(places, &root, "", debs)?;
    let suite = suite(places.channel, seal, architectures(places), Vec::new());
    release(&root, &suite, seal, files, rendered)
}

/// Where a package lies, from the folder of its index files.
fn beside(entry: &Entry) -> String {
    let file_name = entry.path.as_str().rsplit('/').next().unwrap_or_default();
    format!("{}/{file_name}", entry.arch)
}

/// Debian's spellings, without `all`, whose packages stand in the file of each; unless there is nothing else.
fn architectures(places: &Places<'_>) -> Vec<String> {
    let all: BTreeSet<&str> = places.of(Format::Deb).map(|(entry, _)| entry.arch.as_str()).collect();
    let own: Vec<String> = all.iter().filter(|arch| **arch != "all").map(|arch| (*arch).to_owned()).collect();
    if own.is_empty() { vec!["all".to_owned()] } else { own }
}

fn packages<'a>(
    places: &Places<'_>,
    root: &str,
    folder: &str,
    debs: impl Iterator<Item = (&'a Fragment, String)>,
) -> Result<Vec<IndexFile>, RepositoryError> {
    let file = if folder.is_empty() { format!("{root}/Packages") } else { format!("{root}/{folder}/Packages") };
    let failed = failed(&file);
    let earlier = (places.earlier)(&format!("{file}.gz"))?;
    let mut packages = Packages::new(earlier).map_err(|error| failed(error.into()))?;
    let mut count = 0;
    for (fragment, place) in debs {
        packages.add(fragment, &place).map_err(&failed)?;
        count += 1;
    }
    let served: &[Compression] = if count <= SMALL { &[Compression::None, XZ] } else { &[] };
    packages.finish(folder, served).map_err(|error| failed(error.into()))
}

fn suite(channel: Channel, seal: &Seal<'_>, architectures: Vec<String>, components: Vec<String>) -> Suite {
    Suite {
        origin: seal.charter.name.clone(),
        label: seal.charter.name.clone(),
        suite: channel.word(),
        codename: channel.word(),
        description: seal.charter.description.clone(),
        upgrades: if channel.stage().is_automatic() { Upgrades::Automatic } else { Upgrades::OnceInstalled },
        architectures,
        components,
        signed_by: Vec::new(),
    }
}

/// `Release` and its signatures; `InRelease`, by which clients find everything else, is the last file of all.
fn release(
    root: &str,
    suite: &Suite,
    seal: &Seal<'_>,
    files: Vec<IndexFile>,
    rendered: &mut Rendered,
) -> Result<(), RepositoryError> {
    let failed = failed(&format!("{root}/Release"));
    let text = suite.release(seal.date, None, &files).map_err(|error| failed(error.into()))?;
    for mut file in files {
        let Some(bytes) = file.bytes.take() else { continue };
        let (path, name) = (key(&format!("{root}/{}", file.by_hash())), format!("{root}/{}", file.path));
        rendered.projection.push((key(&name), bytes.clone()));
        rendered.indices.push(Index { path, name, bytes, members: file.members });
    }
    let detached = detached(seal, text.as_bytes())?;
    let inline = seal.signers.cleartext(&text, seal.date)?;
    for (name, bytes) in [("Release", text.into_bytes()), ("Release.gpg", detached), ("InRelease", inline.into_bytes())]
    {
        rendered.projection.push((key(&format!("{root}/{name}")), bytes));
    }
    Ok(())
}

fn detached(seal: &Seal<'_>, message: &[u8]) -> Result<Vec<u8>, RepositoryError> {
    let signatures = seal.signers.detached(message, seal.date)?;
    let armor = signatures.to_armor().map_err(crate::sign::SignError::Refused)?;
    Ok(armor.into_bytes())
}

fn rpmmd(places: &Places<'_>, seal: &Seal<'_>, rendered: &mut Rendered) -> Result<(), RepositoryError> {
    let root = layout::flat(places.channel, Format::Rpm);
    let failed = failed(&format!("{root}/{REPOMD}"));
    let name = |kind: &str| format!("{root}/repodata/{kind}.xml.gz");
    let earlier = |kind: &str| (places.earlier)(&name(kind));
    let earlier =
        EarlierMetadata { primary: earlier("primary")?, filelists: earlier("filelists")?, other: earlier("other")? };
    let count = places.of(Format::Rpm).count() as u64;
    let mut metadata = Metadata::new(count, GZIP, earlier).map_err(|error| failed(error.into()))?;
    for (entry, fragment) in places.of(Format::Rpm) {
        metadata.add(fragment, &beside(entry)).map_err(&failed)?;
    }
    let files = metadata.finish().map_err(&failed)?;
    let repomd = Repomd { revision: seal.date.epoch().to_string(), date: seal.date, content: Vec::new() };
    let text = repomd.render(&files).map_err(|error| failed(error.into()))?;
    for mut data in files {
        let Some(bytes) = data.file.bytes.take() else { continue };
        let (path, members) = (key(&format!("{root}/{}", data.file.path)), data.file.members);
        rendered.indices.push(Index { path, name: name(&data.kind), bytes, members });
    }
    let certificates = seal
        .charter
        .keyring
        .to_armor()
        .map_err(|error| RepositoryError::Index { file: format!("{root}/{KEY}"), cause: error.to_string() })?;
    let signature = detached(seal, text.as_bytes())?;
    // A signature of `repomd.xml` is of nothing else: these are written together.
    for (name, bytes) in [(KEY, certificates.into_bytes()), (REPOMD, text.into_bytes()), (SIGNATURE, signature)] {
        rendered.projection.push((key(&format!("{root}/{name}")), bytes));
    }
    Ok(())
}
