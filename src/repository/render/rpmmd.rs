//! What dnf and zypper read.

use super::set::Set;
use super::{GZIP, Index, Places, Rendered, Seal, ZSTD, beside, failed};
use crate::compression::Compression;
use crate::digest::Digest;
use crate::format::Format;
use crate::repository::error::RepositoryError;
use crate::repository::fragment::Fragment;
use crate::repository::generation::Entry;
use crate::repository::index::{Earlier, Members, extension};
use crate::repository::layout::{self, key};
use crate::repository::rpmmd::{
    DataFile, EarlierMetadata, KEY, LIST, Metadata, Mirrors, PrimaryOfUrls, REPOMD, Repomd, SIGNATURE, SNAPSHOTS,
};
use crate::repository::settings::RpmPacked;

/// By what the next generation finds the `primary` of a snapshot.
const OF_SNAPSHOT: &str = "primary-of-urls";

/// The files of a channel for rpm-md.
pub(super) struct Tree<'a> {
    root: String,
    compression: Compression,
    metadata: Metadata,
    /// For a snapshot, where it is known by which URL clients find the repository.
    snapshot: Option<Snapshot>,
    set: Set<'a>,
    updateinfo: Earlier,
}

/// A `repomd.xml` and what it names, in a folder that never changes.
struct Snapshot {
    /// The URL of the tree.
    base: String,
    primary: PrimaryOfUrls,
}

impl<'a> Tree<'a> {
    pub(super) fn begin(places: &Places<'a>, seal: &'a Seal<'a>) -> Result<Self, RepositoryError> {
        let root = layout::flat(places.channel, Format::Rpm);
        let compression = match seal.charter.settings.rpm {
            RpmPacked::Gzip => GZIP,
            RpmPacked::Zstd => ZSTD,
        };
        let earlier = |kind: &str| (places.earlier)(&name(&root, kind, compression));
        let updateinfo = earlier("updateinfo")?;
        let metadata = EarlierMetadata {
            primary: earlier("primary")?,
            filelists: earlier("filelists")?,
            other: earlier("other")?,
        };
        let count = places.of(Format::Rpm).count() as u64;
        let failed = failed(&format!("{root}/{REPOMD}"));
        let metadata = Metadata::new(count, compression, metadata).map_err(|error| failed(error.into()))?;
        let snapshot = match seal.charter.settings.url.as_ref().filter(|url| url.is_served()) {
            None => None,
            Some(url) => {
                let (base, earlier) = (format!("{url}/{root}/"), earlier(OF_SNAPSHOT)?);
                let primary = PrimaryOfUrls::new(count, compression, base.clone(), earlier);
                Some(Snapshot { base, primary: primary.map_err(|error| failed(error.into()))? })
            }
        };
        Ok(Self { root, compression, metadata, snapshot, set: Set::of(seal.components, places.channel), updateinfo })
    }

    pub(super) fn add(&mut self, entry: &'a Entry, rpm: &Fragment) -> Result<(), RepositoryError> {
        self.set.add(entry, rpm);
        let (failed, place) = (failed(&format!("{}/{REPOMD}", self.root)), beside(entry));
        self.metadata.add(rpm, &place).map_err(&failed)?;
        match &mut self.snapshot {
            Some(snapshot) => snapshot.primary.add(rpm, &place).map_err(failed),
            None => Ok(()),
        }
    }

    pub(super) fn finish(self, seal: &Seal<'_>, rendered: &mut Rendered) -> Result<(), RepositoryError> {
        let Self { root, compression, metadata, snapshot, set, updateinfo } = self;
        let failed = failed(&format!("{root}/{REPOMD}"));
        let mut files = metadata.finish().map_err(&failed)?;
        files.extend(set.finish(seal, compression, updateinfo).map_err(&failed)?);
        let signed = sign(&root, &files, seal)?;
        let mut projection: Vec<(String, Vec<u8>)> = signed.into_iter().collect();
        if let Some(Snapshot { base, primary }) = snapshot {
            let primary = primary.finish().map_err(&failed)?;
            let inside: Vec<&DataFile> =
                [&primary].into_iter().chain(files.iter().filter(|file| file.kind != primary.kind)).collect();
            let folder = place(&root, &inside, seal, rendered)?;
            projection.push((LIST.to_owned(), Mirrors::new(&base, &folder).to_string().into_bytes()));
            let name = name(&root, OF_SNAPSHOT, compression);
            rendered.indices.extend(index(&root, name, primary));
        }
        for file in files {
            let name = name(&root, &file.kind, compression);
            rendered.indices.extend(index(&root, name, file));
        }
        // A signature of `repomd.xml` is of nothing else: these are written together.
        rendered.projection.extend(projection.into_iter().map(|(name, bytes)| (key(&format!("{root}/{name}")), bytes)));
        Ok(())
    }
}

/// `repomd.xml` of some files with what vouches for it.
fn sign<'f>(
    root: &str,
    files: impl IntoIterator<Item = &'f DataFile>,
    seal: &Seal<'_>,
) -> Result<[(String, Vec<u8>); 3], RepositoryError> {
    let repomd = Repomd { revision: seal.date.epoch().to_string(), date: seal.date, content: Vec::new() };
    let text = repomd.render(files).map_err(|error| failed(&format!("{root}/{REPOMD}"))(error.into()))?;
    let certificates = seal
        .charter
        .keyring
        .to_armor()
        .map_err(|error| RepositoryError::Index { file: format!("{root}/{KEY}"), cause: error.to_string() })?;
    // Of this state alone. One more of the state before, for who has its `repomd.xml` still, would help nobody: dnf asks
    // gpg, which stops at the first signature that does not fit, and zypper refuses a file that has such a one.
    let signature = seal.detached(text.as_bytes())?;
    let signed = [(KEY, certificates.into_bytes()), (REPOMD, text.into_bytes()), (SIGNATURE, signature)];
    Ok(signed.map(|(name, bytes)| (name.to_owned(), bytes)))
}

/// Gives a snapshot its folder, and returns the name of the folder: the digest of what is signed.
fn place(root: &str, files: &[&DataFile], seal: &Seal<'_>, rendered: &mut Rendered) -> Result<String, RepositoryError> {
    let signed = sign(root, files.iter().copied(), seal)?;
    let digest = Digest::sha256(signed.iter().flat_map(|(_, bytes)| bytes).copied().collect::<Vec<u8>>());
    let inside = |path: &str| key(&format!("{root}/{SNAPSHOTS}/{}/{path}", digest.hex()));
    let own = files.iter().map(|data| (key(&format!("{root}/{}", data.file.path)), inside(&data.file.path)));
    rendered.aliases.extend(own);
    rendered.indices.extend(signed.into_iter().map(|(name, bytes)| {
        let path = inside(&name);
        Index { name: path.to_string(), path, bytes, members: Members::default() }
    }));
    Ok(digest.hex().to_owned())
}

/// A file of `repodata` under its digest.
fn index(root: &str, name: String, data: DataFile) -> Option<Index> {
    let (path, members) = (key(&format!("{root}/{}", data.file.path)), data.file.members);
    Some(Index { path, name, bytes: data.file.bytes?, members })
}

/// The name without a digest.
fn name(root: &str, kind: &str, compression: Compression) -> String {
    format!("{root}/repodata/{kind}.xml{}", extension(compression))
}
