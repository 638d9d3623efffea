//! Index files of apt and rpm-md: against the tools of the distributions, and with packages that mean harm.

pub(crate) mod apt;
mod hostile;
mod kept;
mod large;
mod rpm_md;

use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;
use kubepkg::compression::Compression;
use kubepkg::package::reader::FileList;
use kubepkg::repository::apt::{Contents, Layout, Packages, Suite, Upgrades};
use kubepkg::repository::rpmmd::{DataFile, EarlierMetadata, Metadata, REPOMD, Repomd};
use kubepkg::repository::{Earlier, Fragment, IndexFile, rpmmd};
use kubepkg::source_date::SourceDate;
use tempfile::TempDir;

/// A time before any test runs.
pub(crate) const DATE: SourceDate = SourceDate::from_epoch(1_700_000_000);

/// Runs a program in a folder. It must succeed; returns what it printed.
#[track_caller]
pub(crate) fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    command.env("HOME", folder).env("SOURCE_DATE_EPOCH", DATE.epoch().to_string());
    let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn write(folder: &Path, path: &str, bytes: &[u8]) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Reads packages and sorts them as index files have them.
pub(crate) fn fragments(packages: &[PathBuf], list: FileList) -> Vec<Fragment> {
    let mut fragments: Vec<_> = packages.iter().map(|package| Fragment::read(package, list).unwrap()).collect();
    fragments.sort_by(Fragment::compare_places);
    fragments
}

/// Copies a package to the place that its index says.
fn place(package: &Fragment, packages: &[PathBuf], folder: &Path, place: &str) {
    let name = package.file_name();
    let from = packages.iter().find(|path| path.ends_with(&name)).unwrap_or_else(|| panic!("{name}: {packages:?}"));
    write(folder, place, &fs::read(from).unwrap());
}

pub(crate) fn suite(layout: &Layout, upgrades: Upgrades, architectures: &[&str]) -> Suite {
    Suite {
        origin: "Example".to_owned(),
        label: "Kubernetes".to_owned(),
        suite: "stable".to_owned(),
        codename: "stable".to_owned(),
        description: "packages of Kubernetes".to_owned(),
        upgrades,
        architectures: architectures.iter().map(|&arch| arch.to_owned()).collect(),
        components: match layout {
            Layout::Dists { component } => vec![component.clone()],
            Layout::Flat => Vec::new(),
        },
        signed_by: Vec::new(),
    }
}

/// Makes an apt repository in `folder`. apt finds its index files by their digests alone. Returns the folder of
/// `Release`, which somebody has to sign.
pub(crate) fn apt_repository(folder: &Path, layout: &Layout, suite: &Suite, debs: &[PathBuf]) -> PathBuf {
    let served = [Compression::Gzip(6), Compression::Xz(2)];
    let fragments = fragments(debs, FileList::Wanted);
    let top = match layout {
        Layout::Dists { .. } => folder.join("dists/stable"),
        Layout::Flat => folder.to_owned(),
    };
    let mut files = Vec::new();
    let groups: Vec<Option<&String>> = match layout {
        Layout::Dists { .. } => suite.architectures.iter().map(Some).collect(),
        Layout::Flat => vec![None],
    };
    for arch in groups {
        let (mut packages, mut contents) = (Packages::new(Earlier::default()).unwrap(), Contents::default());
        for deb in fragments.iter().filter(|deb| arch.is_none_or(|arch| deb.arch() == arch || deb.arch() == "all")) {
            let file_name = match layout {
                Layout::Dists { component } => format!("pool/{component}/{}/{}", deb.name(), deb.file_name()),
                Layout::Flat => format!("{}/{}", deb.arch(), deb.file_name()),
            };
            place(deb, debs, folder, &file_name);
            packages.add(deb, &file_name).unwrap();
            contents.add(deb).unwrap();
        }
        let arch = arch.map_or("all", String::as_str);
        files.extend(packages.finish(&layout.packages_folder(arch), &served).unwrap());
        files.extend(contents.finish(&layout.contents(arch), &[Compression::Gzip(6)]).unwrap());
    }
    for file in &files {
        if let Some(bytes) = &file.bytes {
            write(&top, &file.by_hash(), bytes);
        }
    }
    write(&top, "Release", suite.release(DATE, None, &files).unwrap().as_bytes());
    top
}

/// Renders rpm-md of packages that lie beside `repodata`.
pub(crate) fn metadata(fragments: &[Fragment], compression: Compression) -> Vec<DataFile> {
    let count = fragments.len() as u64;
    let mut metadata = Metadata::new(count, compression, EarlierMetadata::default()).unwrap();
    for rpm in fragments {
        metadata.add(rpm, &rpm.file_name()).unwrap();
    }
    metadata.finish().unwrap()
}

/// Writes files of rpm-md and the `repomd.xml` that lists them.
pub(crate) fn write_rpm_md(folder: &Path, files: &[DataFile]) {
    for DataFile { file, .. } in files {
        write(folder, &file.path, file.bytes.as_ref().unwrap());
    }
    let repomd = Repomd { revision: "7".to_owned(), date: DATE, content: Vec::new() };
    write(folder, REPOMD, repomd.render(files).unwrap().as_bytes());
}

/// A key that signs what index files are listed in.
pub(crate) struct Key(TempDir);

impl Key {
    pub(crate) fn new() -> Self {
        let key = Self(TempDir::new().unwrap());
        key.gpg(&[
            "--passphrase",
            "",
            "--quick-generate-key",
            "Release Team <release@example.org>",
            "ed25519",
            "sign",
            "5y",
        ]);
        key.gpg(&["--armor", "--output", "public.asc", "--export"]);
        key.gpg(&["--armor", "--passphrase", "", "--output", "secret.asc", "--export-secret-keys"]);
        key
    }

    /// The armored secret key, which has no passphrase.
    fn secret(&self) -> PathBuf {
        self.0.path().join("secret.asc")
    }

    fn gpg(&self, arguments: &[&str]) {
        let fixed = ["--batch", "--yes", "--quiet", "--pinentry-mode", "loopback", "--homedir", "."];
        run(self.0.path(), "gpg", &[&fixed[..], arguments].concat());
    }

    /// The armored public key.
    pub(crate) fn public(&self) -> PathBuf {
        self.0.path().join("public.asc")
    }

    /// Signs a file: inline, or detached and armored.
    pub(crate) fn sign(&self, how: &str, from: &Path, to: &Path) {
        let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap());
        self.gpg(&["--digest-algo", "SHA512", "--armor", "--output", to, how, from]);
    }

    /// Signs `Release` in both ways.
    pub(crate) fn sign_release(&self, top: &Path) {
        self.sign("--clear-sign", &top.join("Release"), &top.join("InRelease"));
        self.sign("--detach-sign", &top.join("Release"), &top.join("Release.gpg"));
    }

    /// Signs `repomd.xml` and puts the key beside it.
    pub(crate) fn sign_repomd(&self, folder: &Path) {
        self.sign("--detach-sign", &folder.join(REPOMD), &folder.join(rpmmd::SIGNATURE));
        fs::copy(self.public(), folder.join(rpmmd::KEY)).unwrap();
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // Its agent would go on without its folder.
        let _ = Command::new("gpgconf").arg("--homedir").arg(self.0.path()).args(["--kill", "all"]).status();
    }
}

/// The text of a file of rpm-md or of an index of apt.
fn text_of(file: &IndexFile) -> String {
    let bytes = file.bytes.as_deref().unwrap();
    if file.open == file.stored {
        return String::from_utf8(bytes.to_vec()).unwrap();
    }
    std::io::read_to_string(flate2::read::MultiGzDecoder::new(bytes)).unwrap()
}
