//! rpm-md, element by element against `createrepo_c`.

use std::path::{Path, PathBuf};

use fs_err as fs;
use kubepkg::compression::Compression;
use kubepkg::package::reader::FileList;
use kubepkg::repository::rpmmd::PrimaryOfUrls;
use kubepkg::repository::{Earlier, Fragment};
use tempfile::TempDir;

use super::{Key, fragments, metadata, run, write_rpm_md};
use crate::built;

/// A package whose texts are in Latin-1, byte by byte.
const LATIN: &[u8] = b"Name: latin\nVersion: 1\nRelease: 1\nSummary: plain\nLicense: X\nBuildArch: noarch\n\
    %description\ncaf\xe9\n%install\nmkdir -p %{buildroot}/opt/latin\ntouch %{buildroot}/opt/latin/caf\xe9\n\
    %files\n/opt/latin\n%changelog\n* Tue Nov 14 2023 Jos\xe9 <a@example.org> - 1\n- n\xe9e\n";

/// Builds a spec file into `folder` with what `more` says.
pub(super) fn rpmbuild(folder: &Path, spec: &[u8], more: &[&str]) {
    fs::write(folder.join("x.spec"), spec).unwrap();
    let top = format!("_topdir {}", folder.join("top").display());
    let places = ["_rpmdir", "_srcrpmdir"].map(|name| format!("{name} {}", folder.join("packages").display()));
    let defines = [
        &top,
        &places[0],
        &places[1],
        "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
        "__os_install_post %{nil}",
        "_invalid_encoding_terminates_build 0",
        "use_source_date_epoch_as_buildtime 1",
        "_buildhost builder",
        "_binary_payload w1.gzdio",
    ];
    let defines = defines.map(|define| ["--define", define]).concat();
    run(folder, "rpmbuild", &[&["--quiet", "--nodeps"], &defines[..], more, &["x.spec"]].concat());
}

/// The RPMs of rpmbuild and of kubepkg, each of which has the file time of its build.
fn packages(folder: &Path) -> Vec<PathBuf> {
    let sample = include_bytes!("sample.spec");
    rpmbuild(folder, sample, &["-ba"]);
    rpmbuild(folder, sample, &["-bb", "--define", "_binary_payload w3.zstdio", "--define", "Release 4"]);
    rpmbuild(folder, LATIN, &["-bb"]);
    let packages = folder.join("packages");
    for rpm in built::write("build", "1.36.2", &["--arch", "amd64", "--format", "rpm"], &folder.join("built")) {
        fs::copy(&rpm, packages.join(rpm.file_name().unwrap())).unwrap();
    }
    let mut paths: Vec<_> = fs::read_dir(&packages).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in &paths {
        let built = run(folder, "rpm", &["-qp", "--nosignature", "--qf", "%{BUILDTIME}", path.to_str().unwrap()]);
        run(folder, "touch", &["-d", &format!("@{built}"), path.to_str().unwrap()]);
    }
    assert!(paths.len() > 6, "{paths:?}");
    paths
}

/// The elements of one file of the `repodata` in `folder`.
fn elements(folder: &Path, kind: &str) -> String {
    let names = fs::read_dir(folder.join("repodata")).unwrap().map(|entry| entry.unwrap().path());
    let file = names.into_iter().find(|path| path.to_str().unwrap().ends_with(&format!("-{kind}.xml.gz"))).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/index_files/flatten.py");
    run(folder, "python3", &[script.to_str().unwrap(), file.to_str().unwrap()])
}

#[test]
fn every_element_is_that_of_createrepo() {
    let folder = TempDir::new().unwrap();
    let paths = packages(folder.path());
    let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
    write_rpm_md(&ours, &metadata(&fragments(&paths, FileList::Unwanted), Compression::Gzip(6)));
    fs::create_dir(&theirs).unwrap();
    let output = ["--outputdir", theirs.to_str().unwrap()];
    run(folder.path(), "createrepo_c", &[&["--quiet", "--no-database"], &output[..], &["packages"]].concat());
    for kind in ["primary", "filelists", "other"] {
        let (ours, theirs) = (elements(&ours, kind), elements(&theirs, kind));
        assert!(ours.lines().count() > 20, "{ours}");
        for (number, (our, their)) in ours.lines().zip(theirs.lines()).enumerate() {
            assert_eq!(our, their, "{kind}, line {number}");
        }
        assert_eq!(ours, theirs, "{kind}");
    }
    // What the sample is there for.
    let primary = elements(&ours, "primary");
    for line in [
        "/package/description [] 'café'",
        "/package/format/requires/entry [('name', 'libc.so.6(GLIBC_2.14)(64bit)')] ''",
        "/package/format/file [('type', 'ghost')] '/etc/ghost.conf'",
    ] {
        assert!(primary.lines().any(|found| found == line), "{line}\n{primary}");
    }
}

#[test]
fn a_primary_of_urls_is_that_of_createrepo() {
    let folder = TempDir::new().unwrap();
    rpmbuild(folder.path(), include_bytes!("sample.spec"), &["-bb"]);
    let rpm = folder.path().join("packages/sample-1.2~rc1^git7-3.el9.noarch.rpm");
    let built = run(folder.path(), "rpm", &["-qp", "--nosignature", "--qf", "%{BUILDTIME}", rpm.to_str().unwrap()]);
    run(folder.path(), "touch", &["-d", &format!("@{built}"), rpm.to_str().unwrap()]);
    let base = "https://example.org/a?b&c/";
    let fragments = fragments(&[rpm], FileList::Unwanted);
    let primary = PrimaryOfUrls::new(1, Compression::Gzip(6), base.to_owned(), Earlier::default());
    let mut primary = primary.unwrap();
    primary.add(&fragments[0], &fragments[0].file_name()).unwrap();
    write_rpm_md(&folder.path().join("ours"), &[primary.finish().unwrap()]);
    run(folder.path(), "createrepo_c", &["--quiet", "--no-database", "--baseurl", base, "packages"]);
    let (ours, theirs) =
        (elements(&folder.path().join("ours"), "primary"), elements(&folder.path().join("packages"), "primary"));
    assert!(ours.contains("https://example.org/a?b&c/"), "{ours}");
    assert_eq!(ours, theirs);
}

#[test]
fn what_runs_before_and_after_a_transaction_has_to_be_there_before() {
    let folder = TempDir::new().unwrap();
    let spec = b"Name: early\nVersion: 1\nRelease: 1\nSummary: s\nLicense: L\nBuildArch: noarch\n\
        Requires(pretrans): one\nRequires(posttrans): two\nRequires(preun): three\n%description\nd\n%files\n";
    rpmbuild(folder.path(), spec, &["-bb"]);
    let rpm = folder.path().join("packages/early-1-1.noarch.rpm");
    let files = metadata(&fragments(&[rpm], FileList::Unwanted), Compression::None);
    let primary = super::text_of(&files[0].file);
    for (name, pre) in [("one", " pre=\"1\""), ("two", " pre=\"1\""), ("three", "")] {
        assert!(primary.contains(&format!("<rpm:entry name=\"{name}\"{pre}/>")), "{primary}");
    }
}

#[test]
fn relations_are_known_to_gates() {
    let folder = TempDir::new().unwrap();
    rpmbuild(folder.path(), include_bytes!("sample.spec"), &["-bb"]);
    let rpm = Fragment::read(&folder.path().join("packages/sample-1.2~rc1^git7-3.el9.noarch.rpm"), FileList::Unwanted)
        .unwrap();
    assert_eq!((rpm.name(), rpm.version(), rpm.arch()), ("sample", "2:1.2~rc1^git7-3.el9", "noarch"));
    assert_eq!(rpm.file_name(), "sample-1.2~rc1^git7-3.el9.noarch.rpm");
    assert_eq!(rpm.signers(), [""; 0]);
    let requires: Vec<String> =
        rpm.requires().map(|one| one.alternatives.iter().map(|one| one.name).collect::<Vec<_>>().join("|")).collect();
    assert!(requires.contains(&"ethtool|nftables".to_owned()) && requires.contains(&"(x if y)".to_owned()));
    assert!(rpm.provides().any(|one| one.name == "perl(A::B)") && rpm.provides().any(|one| one.name == "sample"));
    assert!(rpm.conflicts().any(|one| one.name == "old") && rpm.conflicts().any(|one| one.name == "older"));
    assert!(rpm.has_file("/usr/share/doc/sample/README") && rpm.has_file("/opt/a <&> b"));
    assert!(!rpm.has_file("/README") && !rpm.has_file("README"));
}

#[test]
fn who_signed_a_package_is_known() {
    let (folder, key) = (TempDir::new().unwrap(), Key::new());
    let secret = key.secret().display().to_string();
    let options = ["kubectl", "--arch", "amd64", "--format", "rpm", "--sign-key", &secret];
    let paths = built::write("build", "1.36.2", &options, &folder.path().join("built"));
    let certificates = kubepkg::sign::Certificate::parse(&fs::read(key.public()).unwrap()).unwrap();
    let by = kubepkg::package::signing::verify(&paths[0], &certificates).unwrap();
    assert_eq!(Fragment::read(&paths[0], FileList::Unwanted).unwrap().signers(), [by]);
}
