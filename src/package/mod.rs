//! Packages: one writer a format behind one trait, and one reader for files of any origin.

mod archive;
mod deb;
pub mod integrity;
mod packer;
pub mod reader;
pub mod rpm;
pub mod signing;

use std::collections::BTreeMap;
use std::fs::File;

use crate::format::Format;
use crate::image::PackageImage;
use crate::template::{TemplateError, Templates};

pub use crate::compression::Compression;
pub use deb::DebWriter;
pub use packer::{Packer, large_files};
pub use rpm::RpmWriter;

/// Writes packages of one format.
pub trait PackageWriter: Sync {
    /// Returns the format.
    fn format(&self) -> Format;

    /// Renders every text that the format adds to the image: control members, scriptlets, the spec file.
    fn render(&self, image: &PackageImage, templates: &Templates) -> Result<Texts, WriteError>;

    /// Writes the package into `out`, an empty file that can be read and written, then reads it back. The caller
    /// gives the file its name once this has returned.
    fn write(&self, image: &PackageImage, texts: &Texts, packer: &Packer<'_>, out: &mut File)
    -> Result<(), WriteError>;
}

/// Returns the writer of a format.
pub fn writer(format: Format) -> &'static dyn PackageWriter {
    match format {
        Format::Deb => &DebWriter,
        Format::Rpm => &RpmWriter,
    }
}

/// Rendered texts by member name, in the order in which a reader wants them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts(BTreeMap<String, String>);

impl Texts {
    /// Adds a member.
    pub fn insert(&mut self, name: impl Into<String>, text: String) {
        self.0.insert(name.into(), text);
    }

    /// Returns a member's text.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns the members, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }
}

/// Why a package was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A template gave no text.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A text would break the format, such as a line break in a control field.
    #[error("{field} of the package: {cause}")]
    Field {
        /// The field or tag.
        field: String,
        /// What is wrong with it.
        cause: String,
    },
    /// Reading an input or writing the output failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The rpm library refused.
    #[error("the RPM cannot be made: {0}")]
    Rpm(String),
    /// The independent reader does not find what was written.
    #[error("the package was read back and {0}")]
    ReadBack(String),
    /// The bytes of an input changed after they were verified.
    #[error("{} changed after it was verified", .0.display())]
    InputChanged(std::path::PathBuf),
}
