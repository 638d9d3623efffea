//! What upstream's files of an image really are.

use crate::digest::Digests;
use crate::fetch::Artifact;
use crate::image::elf::{Elf, ElfError, GoBuild};
use crate::image::{Content, Entry, PackageImage};
use crate::path::InstallPath;

/// The upstream files of an image, with the build information of its programs.
#[derive(Debug, Clone)]
pub struct Contents {
    pub(super) files: Vec<File>,
}

/// A file that upstream made.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) path: InstallPath,
    pub(super) formats: crate::image::Formats,
    /// What was fetched: the file itself, or the archive that held it.
    pub(super) artifact: Artifact,
    /// Its name in the archive.
    pub(super) member: Option<String>,
    pub(super) digests: Digests,
    /// Whether it can be run.
    pub(super) is_program: bool,
    pub(super) go: Option<GoBuild>,
}

impl Contents {
    /// Reads what programs say of themselves. Each is read in pieces.
    pub fn of(image: &PackageImage) -> Result<Self, ElfError> {
        let files = image.entries.iter().filter_map(|entry| file(entry).transpose());
        Ok(Self { files: files.collect::<Result<_, _>>()? })
    }
}

fn file(entry: &Entry) -> Result<Option<File>, ElfError> {
    let (artifact, member, bytes, digests) = match &entry.content {
        Content::Artifact(artifact) => (artifact, None, artifact.path(), artifact.digests()),
        Content::Member(member) => (&member.archive, Some(member.name.clone()), member.path.as_path(), &member.digests),
        Content::Text(_) | Content::Link(_) | Content::Directory => return Ok(None),
    };
    let is_program = entry.mode.bits() & 0o111 != 0;
    let go = if is_program { Elf::read(bytes)?.go_build()? } else { None };
    Ok(Some(File {
        path: entry.path.clone(),
        formats: entry.formats,
        artifact: artifact.clone(),
        member,
        digests: digests.clone(),
        is_program,
        go,
    }))
}
