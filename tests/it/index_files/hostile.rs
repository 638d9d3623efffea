//! Packages that mean harm: nothing of them gets into an index file but as what it is.

use std::path::Path;

use fs_err as fs;
use kubepkg::compression::Compression;
use kubepkg::digest::Digest;
use kubepkg::package::reader::{DebHead, FileList, Head, Scan};
use kubepkg::repository::apt::{Contents, Packages};
use kubepkg::repository::{Earlier, Fragment};
use proptest::prelude::*;
use tempfile::TempDir;

use super::apt::{control, dpkg_deb};
use super::rpm_md::rpmbuild;
use super::text_of;

fn refused(path: &Path) -> String {
    let error = Fragment::read(path, FileList::Wanted).unwrap_err().to_string();
    error.replace(&format!("{}/", path.parent().unwrap().display()), "")
}

#[test]
fn debs_whose_names_are_paths_or_whose_fields_are_more_are_refused() {
    let folder = TempDir::new().unwrap();
    for (control, error) in [
        (control("../evil", "1", "amd64"), "`x.deb`: name: `../evil` has a `/`, which is not for a deb"),
        (control("evil", "1/../../2", "amd64"), "`x.deb`: version: `1/../../2` has a `/`, which is not for a deb"),
        (control("evil", "1", "../all"), "`x.deb`: architecture: `../all` has a `.`, which is not for a deb"),
        (control("evil", "a:1", "all"), "`x.deb`: version: `a:1` has no number before its colon"),
        (control("-evil", "1", "all"), "`x.deb`: name: `-evil` begins with no letter or digit"),
        (control("evil", "1\u{1b}[2J", "all"), "`x.deb`: `Version`: the control character `\\u{1b}`"),
        (
            control("evil", "1", "all") + "Package: good\n",
            "`x.deb`: control.tar.gz: control: line 6: the field `Package` stands there twice",
        ),
        (
            control("evil", "1", "all") + "\nPackage: good\n",
            "`x.deb`: control.tar.gz: control: line 7: a second stanza",
        ),
        (
            control("evil", "1", "all") + "Depends: a (>= 1)) b\n",
            "`x.deb`: `Depends`: `a (>= 1)) b` is no relation (Policy 7.1)",
        ),
        (control("evil", "1", "all") + "X: a\rFilename: b\n", "`x.deb`: `X`: the control character `\\r`"),
        ("Package: x\nVersion: 1\n".to_owned(), "`x.deb`: `Architecture`: there is none"),
        (control(&"n".repeat(200), "1", "all"), "has more than 128 bytes"),
        (
            control("evil", "1", "all") + "X: " + &"x".repeat(2 << 20) + "\n",
            "`x.deb`: control: more than 1048576 bytes",
        ),
    ] {
        let said = refused(&dpkg_deb(folder.path(), &control, "true", "x.deb"));
        assert!(said.ends_with(error), "{said}\n{error}");
    }
}

#[test]
fn fields_of_the_repository_are_not_the_packages_to_say() {
    let folder = TempDir::new().unwrap();
    let lies = "Filename: evil.deb\nSize: 1\nSHA256: 00\nMD5sum: 00\nStatus: install ok installed\nConffiles:\n /x 0\n";
    let deb = dpkg_deb(folder.path(), &(control("good", "1", "all") + lies), "true", "x.deb");
    let fragment = Fragment::read(&deb, FileList::Unwanted).unwrap();
    let mut packages = Packages::new(Earlier::default()).unwrap();
    packages.add(&fragment, "pool/good_1_all.deb").unwrap();
    let text = text_of(&packages.finish("", &[Compression::None]).unwrap()[0]);
    let expected = format!(
        "Package: good\nArchitecture: all\nVersion: 1\nMaintainer: A <a@b.c>\nFilename: pool/good_1_all.deb\nSize: {}\n\
         SHA256: {}\nDescription: d\n\n",
        fragment.size(),
        fragment.sha256().hex()
    );
    assert_eq!(text, expected);
    assert_eq!(fragment.file_name(), "good_1_all.deb");
}

#[test]
fn files_that_are_half_there_or_of_no_format_are_refused() {
    let folder = TempDir::new().unwrap();
    let deb = dpkg_deb(folder.path(), &control("good", "1", "all"), "head -c 9999 /dev/urandom >x", "x.deb");
    let bytes = fs::read(&deb).unwrap();
    for length in [4, 8, 40, 70, 100, 200, bytes.len() / 2, bytes.len() - 2] {
        fs::write(&deb, &bytes[..length]).unwrap();
        assert!(Fragment::read(&deb, FileList::Unwanted).is_err(), "{length} bytes");
    }
    rpmbuild(folder.path(), include_bytes!("sample.spec"), &["-bb"]);
    let rpm = folder.path().join("packages/sample-1.2~rc1^git7-3.el9.noarch.rpm");
    let bytes = fs::read(&rpm).unwrap();
    for length in [4, 96, 110, 4000, 5000] {
        fs::write(&rpm, &bytes[..length]).unwrap();
        assert!(Fragment::read(&rpm, FileList::Unwanted).is_err(), "{length} bytes");
    }
}

#[test]
fn rpms_with_control_characters_are_refused() {
    let folder = TempDir::new().unwrap();
    let spec = b"Name: evil\nVersion: 1\nRelease: 1\nSummary: a\x1b[2Jb\nLicense: L\nBuildArch: noarch\n%description\nd\n%files\n";
    rpmbuild(folder.path(), spec, &["-bb"]);
    let said = refused(&folder.path().join("packages/evil-1-1.noarch.rpm"));
    assert_eq!(said, "`evil-1-1.noarch.rpm`: summary: the control character `\\u{1b}`");
}

#[test]
fn every_byte_of_an_rpms_header_may_be_wrong() {
    let folder = TempDir::new().unwrap();
    rpmbuild(folder.path(), include_bytes!("sample.spec"), &["-bb"]);
    let rpm = folder.path().join("packages/sample-1.2~rc1^git7-3.el9.noarch.rpm");
    let bytes = fs::read(&rpm).unwrap();
    let mut texts = Vec::new();
    for at in (0..9000).step_by(13) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xff;
        fs::write(&rpm, damaged).unwrap();
        if let Ok(fragment) = Fragment::read(&rpm, FileList::Unwanted) {
            let files = super::metadata(&[fragment], Compression::None);
            texts.push(text_of(&files[0].file));
        }
    }
    // Whatever they say, it is XML.
    fs::write(folder.path().join("x.xml"), texts.join("\0")).unwrap();
    let parse = "import sys, xml.dom.minidom\nfor text in open('x.xml', 'rb').read().split(b'\\0'): xml.dom.minidom.parseString(text)";
    super::run(folder.path(), "python3", &["-c", parse]);
    assert!(texts.len() > 100, "{}", texts.len());
}

fn deb(fields: Vec<(String, String)>, files: Vec<String>) -> Scan {
    Scan {
        sha256: Digest::sha256("x"),
        size: 1,
        head: Head::Deb(DebHead { fields, files: Some(files), is_signed: false }),
    }
}

proptest! {
    #[test]
    fn a_stanza_is_one_stanza(name in ".{0,8}|Filename|filename", value in "(.|\n|\r| |\t|Filename: x){0,12}", file in "(.|\n| |/){1,12}") {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let fields = vec![field("Package", "good"), field("Version", "1"), field("Architecture", "all"), field(&name, &value)];
        if let Ok(fragment) = Fragment::of(&deb(fields, vec![file])) {
            let mut packages = Packages::new(Earlier::default()).unwrap();
            packages.add(&fragment, "pool/good.deb").unwrap();
            let text = text_of(&packages.finish("", &[Compression::None]).unwrap()[0]);
            prop_assert_eq!(text.matches("\n\n").count(), 1, "{}", text);
            let starts = |field: &str| text.lines().filter(|line| line.to_lowercase().starts_with(field)).count();
            prop_assert_eq!((starts("filename:"), starts("sha256:"), starts("package:")), (1, 1, 1), "{}", text);
            let names: Vec<_> = text.trim_end().lines().filter(|line| !line.starts_with([' ', '\t'])).collect();
            prop_assert!(names.iter().all(|line| line.split_once(':').is_some()), "{}", text);
            prop_assert!(text.trim_end_matches('\n').lines().all(|line| !line.trim().is_empty()), "{}", text);
            let mut contents = Contents::default();
            contents.add(&fragment).unwrap();
            let text = text_of(&contents.finish("Contents-all", &[Compression::None]).unwrap()[0]);
            prop_assert!(text.lines().count() == 1 && text.ends_with(" good\n"), "{:?}", text);
        }
    }
}
