//! What only a test inside the module can reach: files on disk, and packages that come out wrong.

use std::io::{Read as _, Seek};
use std::path::PathBuf;

use fs_err as fs;

use super::*;
use crate::arch::Arch;
use crate::fetch::Artifact;
use crate::image::{Content, Entry, Formats, Metadata, Owner, Role};
use crate::package::packer::with_packer;
use crate::path::Mode;
use crate::tree::Tree;
use crate::version::Channel;

/// The size from which a file has blocks of its own, and that of a part.
const LARGE: usize = 1 << 20;
const PART: usize = 16 << 20;

fn image(entries: Vec<Entry>) -> PackageImage {
    let metadata = Metadata {
        name: "kubelet".parse().unwrap(),
        version: "1.17.0".parse().unwrap(),
        deb_revision: "00".parse().unwrap(),
        rpm_revision: "0".parse().unwrap(),
        arch: Arch::Arm64,
        summary: "Kubernetes Node Agent".to_owned(),
        description: "The node agent of Kubernetes.".to_owned(),
        license: "Apache-2.0".to_owned(),
        homepage: "https://kubernetes.io".to_owned(),
        maintainer: "Kubernetes Authors <dev@kubernetes.io>".to_owned(),
        vendor: None,
        section: "net".to_owned(),
        priority: "optional".to_owned(),
        channel: Channel::Release,
        copyright: vec!["The Kubernetes Authors".to_owned()],
    };
    PackageImage {
        metadata,
        relations: Vec::new(),
        services: Vec::new(),
        scripts: Vec::new(),
        lint_overrides: Vec::new(),
        entries,
        date: "2019-12-07".parse().unwrap(),
    }
}

fn entry(path: &str, content: Content) -> Entry {
    Entry {
        path: path.parse().unwrap(),
        mode: Mode::EXECUTABLE,
        owner: Owner::root(),
        role: Role::Plain,
        content,
        formats: Formats::All,
    }
}

/// A verified file of `size` bytes on disk, and an image of it.
struct OnDisk {
    _folder: tempfile::TempDir,
    path: PathBuf,
    image: PackageImage,
}

impl OnDisk {
    fn new(size: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kubelet");
        fs::write(&path, b"kubelet!".repeat(size.div_ceil(8)).split_at(size).0).unwrap();
        let image = image(vec![entry("/usr/bin/kubelet", Content::Artifact(Artifact::for_test(&path)))]);
        Self { _folder: folder, path, image }
    }

    fn write(&self, compression: Compression) -> Result<File, WriteError> {
        let texts = DebWriter.render(&self.image, &Templates::new(Tree::embedded_templates()))?;
        let mut out = tempfile::tempfile().unwrap();
        with_packer(compression, |packer| DebWriter.write(&self.image, &texts, packer, &mut out))?;
        Ok(out)
    }
}

#[test]
fn files_on_disk_are_packed_byte_for_byte_whatever_their_size() {
    for size in [0, 1, 511, 512, 513, LARGE - 1, LARGE, LARGE + 1, PART, PART + 1] {
        let on_disk = OnDisk::new(size);
        let mut out = on_disk.write(Compression::Xz(0)).unwrap();
        out.rewind().unwrap();
        let mut deb = debpkg::DebPkg::parse(out).unwrap();
        let mut data = deb.data().unwrap();
        let mut entries = data.entries().unwrap().map(Result::unwrap);
        let mut packed = entries.find(|entry| *entry.path_bytes() == *b"./usr/bin/kubelet").unwrap();
        let mut bytes = Vec::new();
        packed.read_to_end(&mut bytes).unwrap();
        assert!(bytes == fs::read(&on_disk.path).unwrap(), "{size} bytes");
    }
}

#[test]
fn an_input_that_changed_after_its_verification_is_refused() {
    let changes: [fn(&mut Vec<u8>); 4] =
        [|bytes| bytes[7] ^= 1, |bytes| bytes.truncate(999), |bytes| bytes.push(b'x'), Vec::clear];
    for change in changes {
        let on_disk = OnDisk::new(1000);
        let mut bytes = fs::read(&on_disk.path).unwrap();
        change(&mut bytes);
        fs::write(&on_disk.path, bytes).unwrap();
        let error = on_disk.write(Compression::None).unwrap_err();
        assert!(matches!(&error, WriteError::InputChanged(path) if *path == on_disk.path), "{error}");
    }
}

/// Writes a package of `written` and checks it as if `meant` had been asked for.
fn mistaken(meant: &PackageImage, written: &PackageImage) -> String {
    let templates = Templates::new(Tree::embedded_templates());
    let texts = DebWriter.render(written, &templates).unwrap();
    let parts = |image| {
        let payload = Payload::new(image, documents::packed(&texts).unwrap()).unwrap();
        let members = members::collect(&texts, &payload).unwrap();
        (payload, members)
    };
    let mut out = tempfile::tempfile().unwrap();
    let (payload, members) = parts(written);
    with_packer(Compression::None, |packer| {
        let data = write_archive(&payload, &members, written.date, packer, &mut out).unwrap();
        read_back::Check { image: written, payload: &payload, members: &members, packer }.run(&data, &mut out).unwrap();
        let (payload, members) = parts(meant);
        let check = read_back::Check { image: meant, payload: &payload, members: &members, packer };
        check.run(&data, &mut out).unwrap_err().to_string()
    })
}

#[test]
fn a_package_that_is_not_what_was_meant_is_found_out() {
    let text = |bytes: &str| Content::Text(bytes.into());
    let meant = image(vec![entry("/etc/a", text("a")), entry("/etc/b", Content::Link("a".to_owned()))]);
    let wrong = |change: &dyn Fn(&mut PackageImage)| {
        let mut written = meant.clone();
        change(&mut written);
        mistaken(&meant, &written)
    };
    let found = [
        wrong(&|image| image.metadata.version = "1.17.1".parse().unwrap()),
        wrong(&|image| image.metadata.arch = Arch::Amd64),
        wrong(&|image| image.date = SourceDate::from_epoch(1)),
        wrong(&|image| image.entries[0].mode = Mode::REGULAR),
        wrong(&|image| image.entries[0].owner.group = "adm".to_owned()),
        wrong(&|image| image.entries[1].content = Content::Link("c".to_owned())),
    ];
    let expected = [
        "Version: 1.17.1-00",
        "Architecture: amd64",
        "header of `debian-binary`",
        "mode or time of `./etc/a`",
        "owner of",
        "type of",
    ];
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.contains(expected), "{found} / {expected}");
    }
    for change in [text("b"), text("ab"), Content::Directory] {
        // The list of MD5 sums gives these away before the bytes do.
        assert!(wrong(&|image| image.entries[0].content = change.clone()).contains("`./md5sums`"));
    }
}

#[test]
fn damage_is_found_at_every_place() {
    // One file among the headers, one with a block of its own.
    for size in [3000, LARGE] {
        let on_disk = OnDisk::new(size);
        let texts = DebWriter.render(&on_disk.image, &Templates::new(Tree::embedded_templates())).unwrap();
        let payload = Payload::new(&on_disk.image, documents::packed(&texts).unwrap()).unwrap();
        let members = members::collect(&texts, &payload).unwrap();
        with_packer(Compression::Xz(0), |packer| {
            let mut out = tempfile::tempfile().unwrap();
            let data = write_archive(&payload, &members, on_disk.image.date, packer, &mut out).unwrap();
            let mut bytes = Vec::new();
            out.rewind().unwrap();
            out.read_to_end(&mut bytes).unwrap();
            let check = read_back::Check { image: &on_disk.image, payload: &payload, members: &members, packer };
            for at in 0..bytes.len() {
                let mut damaged = tempfile::tempfile().unwrap();
                bytes[at] ^= 0xff;
                damaged.write_all(&bytes).unwrap();
                bytes[at] ^= 0xff;
                assert!(check.run(&data, &mut damaged).is_err(), "byte {at} of {}", bytes.len());
            }
        });
    }
}
