//! The RPM writer against rpm, rpmbuild and rpmlint.

mod image;

use std::path::{Path, PathBuf};
use std::process::Command;

use kubepkg::format::Format;
use kubepkg::image::PackageImage;
use kubepkg::package::rpm::RpmWriter;
use kubepkg::package::{Compression, PackageWriter, Texts};
use kubepkg::template::Templates;
use kubepkg::tree::Tree;

pub(crate) fn render(image: &PackageImage) -> Texts {
    RpmWriter.render(image, &Templates::new(Tree::embedded_templates())).unwrap()
}

/// Writes the package into `folder` and returns its path.
pub(crate) fn write(image: &PackageImage, compression: Compression, folder: &Path) -> PathBuf {
    let path = folder.join(image.file_name(Format::Rpm));
    let mut file = fs_err::File::options().read(true).write(true).create_new(true).open(&path).unwrap().into_file();
    RpmWriter.write(image, &render(image), compression, &mut file).unwrap();
    path
}

/// Runs a program, which must succeed, and returns what it printed.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C.UTF-8").output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{stdout}{stderr}", output.status);
    stdout.into_owned()
}

#[test]
fn dump() {
    let dir = Path::new("/tmp/rpmdump");
    let _ = std::fs::remove_dir_all(dir);
    std::fs::create_dir_all(dir.join("SOURCES")).unwrap();
    let image = image::kubelet("1.17.0-rc.1");
    write(&image, Compression::default(), dir);
    for (n, t) in render(&image).iter() {
        std::fs::write(dir.join(n), t).unwrap();
    }
    for s in kubepkg::package::rpm::sources(&image) {
        if let kubepkg::image::Content::Text(b) = &s.entry.content {
            std::fs::write(dir.join("SOURCES").join(&s.name), b).unwrap();
        }
    }
}
