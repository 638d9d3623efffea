//! What apt reads: a tree of `dists`, a flat folder, or both.

use std::collections::BTreeSet;

use super::{GZIP, Index, Places, Rendered, Seal, ZSTD, beside, failed};
use crate::compression::Compression;
use crate::format::Format;
use crate::repository::apt::{self, Layout, Packages, Suite, Upgrades};
use crate::repository::channel::Channel;
use crate::repository::error::RepositoryError;
use crate::repository::fragment::Fragment;
use crate::repository::generation::Entry;
use crate::repository::index::IndexFile;
use crate::repository::layout::{self, COMPONENT, key};
use crate::repository::settings::{Contents, Packed, Settings, Shape};

/// Up to so many packages an index is served without compression and as xz, too. Of ten thousand packages xz takes five
/// seconds, which every publication would have to wait for; zstd takes a tenth of that, and has no such limit.
const SMALL: usize = 2000;
const XZ: Compression = Compression::Xz(6);
const DAY: u32 = 24 * 60 * 60;

/// All shapes in which apt finds a channel.
pub(super) struct Shapes<'a> {
    channel: Channel,
    /// Debian's spellings, without `all`, whose packages stand in the file of each; unless there is nothing else.
    architectures: Vec<String>,
    settings: &'a Settings,
    all: Vec<Tree>,
}

/// One shape.
struct Tree {
    shape: Shape,
    root: String,
    layout: Layout,
    packages: Vec<Part>,
    /// By architecture.
    contents: Vec<(String, apt::Contents)>,
}

/// The `Packages` of one architecture, or of all.
struct Part {
    arch: Option<String>,
    folder: String,
    index: Packages,
    count: usize,
}

impl<'a> Shapes<'a> {
    pub(super) fn begin(places: &Places<'a>, seal: &'a Seal<'a>) -> Result<Self, RepositoryError> {
        let (channel, settings) = (places.channel, &seal.charter.settings);
        let architectures = architectures(places);
        let trees = settings.shapes.iter().map(|shape| Tree::begin(*shape, &architectures, places, settings));
        let all = trees.collect::<Result<_, _>>()?;
        Ok(Self { channel, architectures, settings, all })
    }

    pub(super) fn add(&mut self, entry: &Entry, deb: &Fragment) -> Result<(), RepositoryError> {
        self.all.iter_mut().try_for_each(|tree| tree.add(entry, deb))
    }

    pub(super) fn finish(self, seal: &Seal<'_>, rendered: &mut Rendered) -> Result<(), RepositoryError> {
        for tree in self.all {
            let components = match tree.shape {
                Shape::Dists => vec![COMPONENT.to_owned()],
                Shape::Flat => Vec::new(),
            };
            let suite = suite(self.channel, seal, self.architectures.clone(), components);
            let root = tree.root.clone();
            release(&root, &suite, seal, tree.finish(&self.settings.apt)?, rendered)?;
        }
        Ok(())
    }
}

fn architectures(places: &Places<'_>) -> Vec<String> {
    let all: BTreeSet<&str> = places.of(Format::Deb).map(|entry| entry.arch.as_str()).collect();
    let own: Vec<String> = all.iter().filter(|arch| **arch != "all").map(|arch| (*arch).to_owned()).collect();
    if own.is_empty() { vec!["all".to_owned()] } else { own }
}

impl Tree {
    fn begin(
        shape: Shape,
        architectures: &[String],
        places: &Places<'_>,
        settings: &Settings,
    ) -> Result<Self, RepositoryError> {
        let (root, layout) = match shape {
            Shape::Dists => (layout::suite(places.channel), Layout::Dists { component: COMPONENT.to_owned() }),
            Shape::Flat => (layout::flat(places.channel, Format::Deb), Layout::Flat),
        };
        let parts: Vec<Option<String>> = match shape {
            Shape::Dists => architectures.iter().cloned().map(Some).collect(),
            Shape::Flat => vec![None],
        };
        let begin = |arch: Option<String>| {
            let folder = layout.packages_folder(arch.as_deref().unwrap_or_default());
            let file = joined(&root, &folder, "Packages");
            let earlier = (places.earlier)(&format!("{file}.gz"))?;
            let index = Packages::new(earlier).map_err(|error| failed(&file)(error.into()))?;
            Ok(Part { arch, folder, index, count: 0 })
        };
        let packages = parts.into_iter().map(begin).collect::<Result<_, RepositoryError>>()?;
        let contents = match settings.contents {
            Contents::Absent => Vec::new(),
            Contents::Written => architectures.iter().map(|arch| (arch.clone(), apt::Contents::default())).collect(),
        };
        Ok(Self { shape, root, layout, packages, contents })
    }

    fn add(&mut self, entry: &Entry, deb: &Fragment) -> Result<(), RepositoryError> {
        let place = match self.shape {
            Shape::Dists => entry.path.to_string(),
            Shape::Flat => beside(entry),
        };
        let is_of = |arch: &str| entry.arch == arch || entry.arch == "all";
        for part in self.packages.iter_mut().filter(|part| part.arch.as_deref().is_none_or(is_of)) {
            part.index.add(deb, &place).map_err(failed(&joined(&self.root, &part.folder, "Packages")))?;
            part.count += 1;
        }
        for (arch, contents) in self.contents.iter_mut().filter(|(arch, _)| is_of(arch)) {
            contents.add(deb).map_err(failed(&joined(&self.root, "", &self.layout.contents(arch))))?;
        }
        Ok(())
    }

    fn finish(self, served: &[Packed]) -> Result<Vec<IndexFile>, RepositoryError> {
        let mut files = Vec::new();
        for part in self.packages {
            let failed = failed(&joined(&self.root, &part.folder, "Packages"));
            let served = compressions(served, part.count);
            files.extend(part.index.finish(&part.folder, &served).map_err(|error| failed(error.into()))?);
        }
        for (arch, contents) in self.contents {
            let path = self.layout.contents(&arch);
            let failed = failed(&joined(&self.root, "", &path));
            files.extend(contents.finish(&path, &[GZIP]).map_err(|error| failed(error.into()))?);
        }
        Ok(files)
    }
}

/// Returns in what besides gzip an index of so many packages is served.
fn compressions(chosen: &[Packed], count: usize) -> Vec<Compression> {
    let is_small = count <= SMALL;
    let plain = is_small.then_some(Compression::None);
    let packed = chosen.iter().filter_map(|packed| match packed {
        Packed::Xz => is_small.then_some(XZ),
        Packed::Zstd => Some(ZSTD),
    });
    plain.into_iter().chain(packed).collect()
}

fn joined(root: &str, folder: &str, name: &str) -> String {
    if folder.is_empty() { format!("{root}/{name}") } else { format!("{root}/{folder}/{name}") }
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
    let days = seal.charter.settings.valid_days;
    let valid_until = days.map(|days| seal.date.later_by(u32::from(days).saturating_mul(DAY)));
    let text = suite.release(seal.date, valid_until, &files).map_err(|error| failed(error.into()))?;
    for mut file in files {
        let Some(bytes) = file.bytes.take() else { continue };
        let (path, name) = (key(&format!("{root}/{}", file.by_hash())), format!("{root}/{}", file.path));
        rendered.projection.push((key(&name), bytes.clone()));
        rendered.indices.push(Index { path, name, bytes, members: file.members });
    }
    let detached = seal.detached(text.as_bytes())?;
    let inline = seal.signers.cleartext(&text, seal.date)?;
    for (name, bytes) in [("Release", text.into_bytes()), ("Release.gpg", detached), ("InRelease", inline.into_bytes())]
    {
        rendered.projection.push((key(&format!("{root}/{name}")), bytes));
    }
    Ok(())
}
