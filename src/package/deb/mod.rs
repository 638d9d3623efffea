//! Debian packages (deb(5)): an ar archive of two tar archives, written in one pass into the output file.

mod ar;
mod check;
mod control;
mod documents;
mod members;
mod payload;
mod read_back;
mod scripts;
mod tarball;
#[cfg(test)]
mod tests;

pub(super) use ar::header as ar_header;

use std::fs::File;
use std::io::Write as _;

use self::members::Member;
use self::payload::{Body, Item, Payload};
use self::tarball::Tarball;
use super::archive::Archive;
use super::packer::Packed;
use super::{Compression, PackageWriter, Packer, Texts, WriteError};
use crate::format::Format;
use crate::image::PackageImage;
use crate::source_date::SourceDate;
use crate::template::Templates;

/// Writes debs that dpkg of Debian 10 and Ubuntu 18.04 and later reads; Zstandard needs the dpkg of Debian 12 or any
/// Ubuntu's. Memory is that of the compressor, whatever the size of large files.
#[derive(Debug, Clone, Copy, Default)]
pub struct DebWriter;

impl PackageWriter for DebWriter {
    fn format(&self) -> Format {
        Format::Deb
    }

    /// Renders `control`, `conffiles` and the maintainer scripts by their names in `control.tar`, and the documents that
    /// only a deb has by their paths without the leading slash; `changelog.Debian` is packed later.
    fn render(&self, image: &PackageImage, templates: &Templates) -> Result<Texts, WriteError> {
        let mut texts = Texts::default();
        documents::render(image, templates, &mut texts)?;
        let payload = Payload::new(image, documents::packed(&texts)?)?;
        texts.insert("control", control::render(image, payload.installed_size(), templates)?);
        let conffiles = members::conffiles(&payload);
        if !conffiles.is_empty() {
            texts.insert("conffiles", conffiles);
        }
        scripts::render(image, templates, &mut texts)?;
        Ok(texts)
    }

    fn write(
        &self,
        image: &PackageImage,
        texts: &Texts,
        packer: &Packer<'_>,
        out: &mut File,
    ) -> Result<(), WriteError> {
        let payload = Payload::new(image, documents::packed(texts)?)?;
        let members = members::collect(texts, &payload)?;
        let packed = write_archive(&payload, &members, image.date, packer, out)?;
        read_back::Check { image, payload: &payload, members: &members, packer }.run(&packed, out)
    }
}

/// Writes the outer archive, and returns what `data.tar` became.
fn write_archive(
    payload: &Payload<'_>,
    members: &[Member],
    date: SourceDate,
    packer: &Packer<'_>,
    out: &mut File,
) -> Result<Data, WriteError> {
    let extension = extension(packer.compression());
    let mut archive = ar::Archive::begin(out, date)?;
    archive.member("debian-binary", |out| Ok(out.write_all(b"2.0\n")?))?;
    archive.member(&format!("control.tar{extension}"), |out| {
        let mut tarball = Tarball::begin(Archive::default(), date);
        members::write(&mut tarball, members)?;
        packer.pack(&tarball.finish()?, out)
    })?;
    let mut tarball = Tarball::begin(Archive::default(), date);
    for (name, item) in payload.iter() {
        write_item(&mut tarball, &name, item)?;
    }
    let tar = tarball.finish()?;
    let packed = archive.member(&format!("data.tar{extension}"), |out| packer.pack(&tar, out))?;
    Ok(Data { packed, raw: tar.size() })
}

/// What became of `data.tar`.
#[derive(Debug)]
struct Data {
    packed: Packed,
    /// The bytes before compression.
    raw: u64,
}

/// Returns what dpkg-deb appends to the name of a member so compressed.
fn extension(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "",
        Compression::Gzip(_) => ".gz",
        Compression::Xz(_) => ".xz",
        Compression::Zstd(_) => ".zst",
    }
}

fn write_item(tarball: &mut Tarball<Archive>, name: &str, item: &Item<'_>) -> Result<(), WriteError> {
    match &item.body {
        Body::Directory => Ok(tarball.directory(name, item.attributes)?),
        Body::Link(target) => Ok(tarball.link(name, target, item.attributes)?),
        Body::Memory(bytes) => tarball.file(name, bytes.len() as u64, item.attributes, |out| Ok(out.write_all(bytes)?)),
        Body::Disk(path, digests) => tarball.file(name, digests.size, item.attributes, |out| out.file(path, digests)),
    }
}
