//! Debian packages (deb(5)): an ar archive of two tar archives, written in one pass into the output file.

mod ar;
mod check;
mod compress;
mod control;
mod documents;
mod members;
mod payload;
mod read_back;
mod scripts;
mod tarball;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{Read, Write};

use fs_err as fs;
use sha2::Digest as _;

use self::ar::Archive;
use self::compress::Compressor;
use self::members::Member;
use self::payload::{Body, Item, Payload};
use self::tarball::Tarball;
use super::{Compression, PackageWriter, Texts, WriteError};
use crate::digest::Digests;
use crate::format::Format;
use crate::image::PackageImage;
use crate::source_date::SourceDate;
use crate::template::Templates;

/// How much of a file is held at once.
const BUFFER: usize = 1 << 16;

/// Writes debs that dpkg of Debian 10 and Ubuntu 18.04 and later reads; Zstandard needs the dpkg of Debian 12 or any
/// Ubuntu's. Memory is that of the compressor, whatever the size of the files.
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
        compression: Compression,
        out: &mut File,
    ) -> Result<(), WriteError> {
        let payload = Payload::new(image, documents::packed(texts)?)?;
        let members = members::collect(texts, &payload)?;
        write_archive(&payload, &members, image.date, compression, out)?;
        read_back::check(image, &payload, &members, compression, out)
    }
}

fn write_archive(
    payload: &Payload<'_>,
    members: &[Member],
    date: SourceDate,
    compression: Compression,
    out: &mut File,
) -> Result<(), WriteError> {
    let extension = compress::extension(compression);
    let mut archive = Archive::begin(out, date)?;
    archive.member("debian-binary", |out| Ok(out.write_all(b"2.0\n")?))?;
    archive.member(&format!("control.tar{extension}"), |out| {
        let mut tarball = Tarball::begin(Compressor::begin(compression, out)?, date);
        members::write(&mut tarball, members)?;
        tarball.finish()?.finish()?;
        Ok(())
    })?;
    archive.member(&format!("data.tar{extension}"), |out| {
        let mut tarball = Tarball::begin(Compressor::begin(compression, out)?, date);
        for (name, item) in payload.iter() {
            write_item(&mut tarball, &name, item)?;
        }
        tarball.finish()?.finish()?;
        Ok(())
    })
}

fn write_item<W: Write>(tarball: &mut Tarball<W>, name: &str, item: &Item<'_>) -> Result<(), WriteError> {
    match &item.body {
        Body::Directory => Ok(tarball.directory(name, item.attributes)?),
        Body::Link(target) => Ok(tarball.link(name, target, item.attributes)?),
        Body::Memory(bytes) => tarball.file(name, bytes.len() as u64, item.attributes, |out| Ok(out.write_all(bytes)?)),
        Body::Disk(path, digests) => {
            tarball.file(name, digests.size, item.attributes, |out| copy_verified(path, digests, out))
        }
    }
}

/// Copies a file as it was when it was verified, or fails.
fn copy_verified(path: &std::path::Path, digests: &Digests, out: &mut impl Write) -> Result<(), WriteError> {
    let changed = || WriteError::InputChanged(path.to_owned());
    let mut file = fs::File::open(path)?.take(digests.size + 1);
    let mut buffer = vec![0; BUFFER];
    let (mut hasher, mut left) = (sha2::Sha256::new(), digests.size);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        left = left.checked_sub(read as u64).ok_or_else(changed)?;
        hasher.update(&buffer[..read]);
        out.write_all(&buffer[..read])?;
    }
    if left == 0 && hex::encode(hasher.finalize()) == digests.sha256.hex() { Ok(()) } else { Err(changed()) }
}
