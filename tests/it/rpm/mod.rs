//! The RPM writer against rpm, rpmbuild and rpmlint.

mod image;
mod install;
mod lint;
mod query;
mod scriptlets;
pub(crate) mod spec_file;
mod surroundings;

use std::path::{Path, PathBuf};
use std::process::Command;

use kubepkg::format::Format;
use kubepkg::image::PackageImage;
use kubepkg::package::rpm::RpmWriter;
use kubepkg::package::{Compression, PackageWriter, Texts};
use kubepkg::template::Templates;
use kubepkg::tree::Tree;

use crate::packing::with_packer;

/// Every codec, at a level that is quick.
const CODECS: [Compression; 4] = [Compression::None, Compression::Gzip(1), Compression::Xz(0), Compression::Zstd(1)];

fn render(image: &PackageImage) -> Texts {
    RpmWriter.render(image, &Templates::new(Tree::embedded_templates())).unwrap()
}

/// Writes the package into `folder` and returns its path.
fn write(image: &PackageImage, compression: Compression, folder: &Path) -> PathBuf {
    let path = folder.join(image.file_name(Format::Rpm));
    let mut options = fs_err::OpenOptions::new();
    let mut file = options.read(true).write(true).create(true).truncate(true).open(&path).unwrap().into_file();
    with_packer(compression, |packer| RpmWriter.write(image, &render(image), packer, &mut file)).unwrap();
    path
}

/// Runs a program, which must succeed and complain of nothing, and returns what it printed.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C.UTF-8").output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{stdout}{stderr}", output.status);
    stdout.into_owned()
}

/// Asks rpm about a package file.
fn query(package: &Path, arguments: &[&str]) -> String {
    run("rpm", &[&["-qp"], arguments, &[package.to_str().unwrap()]].concat())
}
