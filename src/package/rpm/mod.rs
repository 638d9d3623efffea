//! RPM packages, version 4 of the format: what rpm 4.11 (RHEL 7, SLE 12) and everything later reads.
//!
//! The `rpm` crate lays out the header and the payload. What it leaves to chance or leaves out is settled here: every
//! time is the source date, `rpmlib` features are named, inputs are compared with their verified digests, and the
//! finished file is read back.

mod build;
mod field;
mod lint;
mod read_back;
mod relations;
mod scriptlet;
mod spec_file;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{BufWriter, Write as _};

use super::{Compression, PackageWriter, Texts, WriteError};
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
        compression: Compression,
        out: &mut File,
    ) -> Result<(), WriteError> {
        field::check(image)?;
        scriptlet::check(texts)?;
        let package = build::package(image, texts, compression)?;
        let mut writer = BufWriter::new(&mut *out);
        package.write(&mut writer).map_err(refused)?;
        writer.flush()?;
        drop(writer);
        // The package is held in memory whole; reading it back needs room too.
        drop(package);
        read_back::check(image, texts, out)
    }
}

fn refused(error: rpm::Error) -> WriteError {
    match error {
        rpm::Error::Io(error) => WriteError::Io(error),
        other => WriteError::Rpm(other.to_string()),
    }
}
