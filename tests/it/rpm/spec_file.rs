//! The spec file: rpmbuild makes of it the package that was written.

use std::path::{Path, PathBuf};

use fs_err as fs;
use kubepkg::arch::Arch;
use kubepkg::image::{Content, PackageImage};
use kubepkg::package::Compression;
use kubepkg::package::rpm::sources;
use kubepkg::source_date::SourceDate;

use super::{image, query, render, run, write};

/// Everything in which the two have to agree.
const AGREED: &[&str] = &[
    "%{NAME} %{VERSION} %{RELEASE} %{ARCH} %{OS} %{SIZE}\n%{SUMMARY}\n%{DESCRIPTION}\n%{LICENSE}\n%{URL}\n%{VENDOR}\n%{PACKAGER}\n\
     %{GROUP}\n%{SOURCERPM}\n%{FILEDIGESTALGO}\n",
    "[%{FILENAMES} %{FILEMODES:octal} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILEFLAGS:fflags} %{FILEVERIFYFLAGS:hex} %{FILESIZES} \
     %{FILEMTIMES} %{FILEDIGESTS} %{FILELINKTOS} %{FILERDEVS} %{FILELANGS}\n]",
    "[%{PROVIDENEVRS}\n]",
    "[%{RECOMMENDNEVRS}\n]",
    "[%{SUGGESTNEVRS}\n]",
    "[%{CONFLICTNEVRS}\n]",
    "[%{OBSOLETENEVRS}\n]",
    "[%{CHANGELOGTIME} %{CHANGELOGNAME} %{CHANGELOGTEXT}\n]",
    "%{PREIN}\n%{PREINPROG}\n%{POSTIN}\n%{POSTINPROG}\n%{PREUN}\n%{PREUNPROG}\n%{POSTUN}\n%{POSTUNPROG}\n",
];

/// Lays out the sources and runs rpmbuild for the image's architecture.
fn rpmbuild(image: &PackageImage, folder: &Path) -> PathBuf {
    let spec = folder.join("package.spec");
    fs::write(&spec, render(image).get(&format!("{}.spec", image.metadata.name)).unwrap()).unwrap();
    fs::create_dir_all(folder.join("SOURCES")).unwrap();
    for source in sources(image) {
        let Content::Text(bytes) = &source.entry.content else { panic!("{} is not in memory", source.name) };
        fs::write(folder.join("SOURCES").join(source.name), bytes).unwrap();
    }
    build_binary(&spec, image.metadata.arch.rpm(), folder)
}

/// Runs rpmbuild below a folder that has the `SOURCES`, and returns the one package that it makes.
pub(crate) fn build_binary(spec: &Path, arch: &str, folder: &Path) -> PathBuf {
    let top = format!("_topdir {}", folder.display());
    let target = format!("{arch}-linux");
    run("rpmbuild", &["-bb", "--quiet", "--define", &top, "--target", &target, spec.to_str().unwrap()]);
    let built: Vec<_> = fs::read_dir(folder.join("RPMS").join(arch)).unwrap().collect();
    assert_eq!(built.len(), 1, "{built:?}");
    built.into_iter().next().unwrap().unwrap().path()
}

/// Returns the requirements, without the one that only says how the payload is compressed.
fn requires(package: &Path) -> Vec<String> {
    let all = query(package, &["--qf", "[%{REQUIRENEVRS} %{REQUIREFLAGS:deptype}\n]"]);
    all.lines().filter(|line| !line.starts_with("rpmlib(PayloadIs")).map(str::to_owned).collect()
}

fn assert_agreement(image: &PackageImage) {
    let folder = tempfile::tempdir().unwrap();
    assert_same(&rpmbuild(image, folder.path()), &write(image, Compression::default(), folder.path()));
}

/// Compares rpmbuild's package with ours.
pub(crate) fn assert_same(theirs: &Path, ours: &Path) {
    assert_eq!(theirs.file_name(), ours.file_name());
    for format in AGREED {
        let ask = |package| query(package, &["--qf", format]);
        assert_eq!(ask(theirs), ask(ours), "rpmbuild's on the left");
    }
    let plain_config = |lines: Vec<String>| -> Vec<String> {
        lines.into_iter().map(|line| line.replace(" config", " manual")).collect()
    };
    assert_eq!(requires(theirs), plain_config(requires(ours)), "rpmbuild's on the left");
}

#[test]
fn rpmbuild_makes_the_same_package() {
    assert_agreement(&image::kubelet("1.17.0-rc.1"));
}

#[test]
fn rpmbuild_makes_the_same_package_for_foreign_architectures() {
    for arch in [Arch::Arm64, Arch::S390x, Arch::Arm] {
        let mut image = image::kubelet("1.36.1-4+sha");
        image.metadata.arch = arch;
        image.entries[11].owner.user = "kube".to_owned();
        image.entries[4].mode = "4755".parse().unwrap();
        assert_agreement(&image);
    }
}

#[test]
fn rpmbuild_makes_the_same_package_of_little() {
    let mut image = image::plain("plain", "1.0.0");
    image.metadata.vendor = None;
    image.date = SourceDate::from_epoch(4_000_000_000);
    assert_agreement(&image);
}

#[test]
fn rpmbuild_refuses_another_architecture() {
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().join("kubelet.spec");
    fs::write(&spec, render(&image::kubelet("1.17.0")).get("kubelet.spec").unwrap()).unwrap();
    let arguments = ["-bb", "--target", "aarch64-linux", spec.to_str().unwrap()];
    let output = std::process::Command::new("rpmbuild").args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("aarch64"), "{said}");
}
