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
use crate::repository::rpmmd::{EarlierMetadata, KEY, LIST, Metadata, REPOMD, Repomd, SIGNATURE, SNAPSHOTS};
use crate::repository::settings::{PublicUrl, RpmPacked};

/// The files of a channel for rpm-md.
pub(super) struct Tree<'a> {
    root: String,
    compression: Compression,
    metadata: Metadata,
    set: Set<'a>,
    updateinfo: Earlier,
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
        let earlier = EarlierMetadata {
            primary: earlier("primary")?,
            filelists: earlier("filelists")?,
            other: earlier("other")?,
        };
        let count = places.of(Format::Rpm).count() as u64;
        let failed = failed(&format!("{root}/{REPOMD}"));
        let metadata = Metadata::new(count, compression, earlier).map_err(|error| failed(error.into()))?;
        Ok(Self { root, compression, metadata, set: Set::of(seal.components, places.channel), updateinfo })
    }

    pub(super) fn add(&mut self, entry: &'a Entry, rpm: &Fragment) -> Result<(), RepositoryError> {
        self.set.add(entry, rpm);
        self.metadata.add(rpm, &beside(entry)).map_err(failed(&format!("{}/{REPOMD}", self.root)))
    }

    pub(super) fn finish(self, seal: &Seal<'_>, rendered: &mut Rendered) -> Result<(), RepositoryError> {
        let Self { root, compression, metadata, set, updateinfo } = self;
        let failed = failed(&format!("{root}/{REPOMD}"));
        let mut files = metadata.finish().map_err(&failed)?;
        files.extend(set.finish(seal, compression, updateinfo).map_err(&failed)?);
        let repomd = Repomd { revision: seal.date.epoch().to_string(), date: seal.date, content: Vec::new() };
        let text = repomd.render(&files).map_err(|error| failed(error.into()))?;
        for mut data in files {
            let Some(bytes) = data.file.bytes.take() else { continue };
            let (path, members) = (key(&format!("{root}/{}", data.file.path)), data.file.members);
            rendered.indices.push(Index { path, name: name(&root, &data.kind, compression), bytes, members });
        }
        let certificates = seal
            .charter
            .keyring
            .to_armor()
            .map_err(|error| RepositoryError::Index { file: format!("{root}/{KEY}"), cause: error.to_string() })?;
        // Of this state alone. One more of the state before, for who has its `repomd.xml` still, would help nobody: dnf
        // asks gpg, which stops at the first signature that does not fit, and zypper refuses a file that has such a one.
        let signature = seal.detached(text.as_bytes())?;
        let signed = [(KEY, certificates.into_bytes()), (REPOMD, text.into_bytes()), (SIGNATURE, signature)];
        let list = seal.charter.settings.url.as_ref().map(|url| snapshot(url, &root, &signed, rendered));
        // A signature of `repomd.xml` is of nothing else: these are written together.
        rendered.projection.extend(signed.map(|(name, bytes)| (key(&format!("{root}/{name}")), bytes)));
        rendered.projection.extend(list.map(|list| (key(&format!("{root}/{LIST}")), list.into_bytes())));
        Ok(())
    }
}

/// Gives the files of this state a folder that never changes, and returns the list of mirrors that names it.
///
/// `repomd.xml` and its signature are two files, and a client or a cache may have one of before a publication and one of
/// after it. The list is one file: what its first line names fits together for ever. Packages are not there but behind
/// the second line, where dnf and zypper look next.
fn snapshot(url: &PublicUrl, root: &str, signed: &[(&str, Vec<u8>)], rendered: &mut Rendered) -> String {
    let digest = Digest::sha256(signed.iter().flat_map(|(_, bytes)| bytes).copied().collect::<Vec<u8>>());
    let folder = format!("{root}/{SNAPSHOTS}/{}", digest.hex());
    let inside = |path: &str| key(&format!("{folder}/{path}"));
    let data = rendered.indices.iter().filter_map(|index| {
        let path = index.path.as_str().strip_prefix(root)?.trim_start_matches('/');
        Some((index.path.clone(), inside(path)))
    });
    rendered.aliases.extend(data);
    rendered.indices.extend(signed.iter().map(|(name, bytes)| {
        let path = inside(name);
        Index { name: path.to_string(), path, bytes: bytes.clone(), members: Members::default() }
    }));
    format!("{url}/{folder}/\n{url}/{root}/\n")
}

/// The name without a digest.
fn name(root: &str, kind: &str, compression: Compression) -> String {
    format!("{root}/repodata/{kind}.xml{}", extension(compression))
}
