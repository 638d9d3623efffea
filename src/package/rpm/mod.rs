//! RPM packages, version 4 of the format: what rpm 4.11 (RHEL 7, SLE 12) and everything later reads.
//!
//! The `rpm` crate lays out the header; the payload is written here, so that large files need not be compressed again.
//! What the crate leaves to chance or leaves out is settled too: every time is the source date, `rpmlib` features are
//! named, inputs are compared with their verified digests, and the finished file is read back.

mod build;
mod field;
mod lint;
mod payload;
mod read_back;
mod relations;
mod scriptlet;
mod spec_file;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write};

use rpm::PackageMetadata;
use sha2::{Digest as _, Sha256};

use self::build::Seal;
use self::payload::Payload;
use super::packer::Packed;
use super::{PackageWriter, Packer, Texts, WriteError};
use crate::format::Format;
use crate::image::PackageImage;
use crate::template::Templates;

pub use spec_file::{Source, sources};

/// Writes RPMs.
#[derive(Debug, Clone, Copy, Default)]
pub struct RpmWriter;

impl PackageWriter for RpmWriter {
    fn format(&self) -> Format {
        Format::Rpm
    }

    /// Renders the scriptlets (`pre`, `post`, `preun`, `postun`), each only where it has something to do, `NAME.spec`,
    /// a spec file from which rpmbuild makes the same package, and `NAME-rpmlintrc`, the linter's findings that are meant.
    fn render(&self, image: &PackageImage, templates: &Templates) -> Result<Texts, WriteError> {
        field::check(image)?;
        let mut texts = scriptlet::render(image, templates)?;
        let name = &image.metadata.name;
        let spec_file = spec_file::render(image, &texts, templates)?;
        texts.insert(format!("{name}.spec"), spec_file);
        texts.insert(format!("{name}-rpmlintrc"), lint::render(image, templates)?);
        Ok(texts)
    }

    fn write(
        &self,
        image: &PackageImage,
        texts: &Texts,
        packer: &Packer<'_>,
        out: &mut File,
    ) -> Result<(), WriteError> {
        field::check(image)?;
        scriptlet::check(texts)?;
        let packed = write_file(image, texts, packer, out)?;
        read_back::Check { image, texts, packer }.run(&packed, out)
    }
}

/// Writes the file, and returns what its payload became.
fn write_file(image: &PackageImage, texts: &Texts, packer: &Packer<'_>, out: &mut File) -> Result<Packed, WriteError> {
    let payload = Payload::new(image)?;
    let metadata = build::metadata(image, texts, packer.compression())?;
    // The payload's digest stands before the payload: what takes the same room is written first.
    let begin = write_metadata(out, &build::seal(metadata.clone(), image, &payload, &Seal::placeholder())?)?;
    let mut writer = Hashing { inner: BufWriter::new(&mut *out), hasher: Sha256::new() };
    let packed = packer.pack(&payload.archive, &mut writer)?;
    writer.flush()?;
    let seal = Seal { sha256: hex::encode(writer.hasher.clone().finalize()), size: packed.size };
    drop(writer);
    if write_metadata(out, &build::seal(metadata, image, &payload, &seal)?)? != begin {
        return Err(WriteError::Rpm("the header has another size than it was given room for".to_owned()));
    }
    Ok(packed)
}

/// Writes everything that stands before the payload, and returns its size.
fn write_metadata(out: &mut File, metadata: &PackageMetadata) -> Result<usize, WriteError> {
    let mut bytes = Vec::new();
    metadata.write(&mut bytes).map_err(refused)?;
    out.rewind()?;
    out.write_all(&bytes)?;
    Ok(bytes.len())
}

/// Hashes what is written.
struct Hashing<W> {
    inner: W,
    hasher: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn refused(error: rpm::Error) -> WriteError {
    match error {
        rpm::Error::Io(error) => WriteError::Io(error),
        other => WriteError::Rpm(other.to_string()),
    }
}
