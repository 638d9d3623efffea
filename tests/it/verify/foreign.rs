//! Packages that the distributions' own tools made are good, in every compression.

use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::inspect::{deb, rpm, shell};

#[test]
fn packages_of_dpkg_deb_are_good() {
    let folder = TempDir::new().unwrap();
    for options in [&["-Znone"][..], &["-Zgzip"], &["-Zxz"], &["-Zzstd"], &["-Zxz", "--uniform-compression"]] {
        let report = alone(&deb::build(folder.path(), options));
        assert_eq!(report.outcome(), Outcome::Good, "{options:?}: {report:?}");
        assert_eq!(text(&report, "structure"), "deb 2.0 of 3 members; 18 entries", "{options:?}");
        assert_eq!(text(&report, "digests"), "MD5 of 4 files", "{options:?}");
    }
}

#[test]
fn packages_of_rpmbuild_are_good() {
    let folder = TempDir::new().unwrap();
    for payload in ["w9.gzdio", "w9.bzdio", "w6.xzdio", "w3.zstdio", "w7.lzdio", "w.ufdio"] {
        let report = alone(&rpm::build(folder.path(), payload));
        assert_eq!(report.outcome(), Outcome::Good, "{payload}: {report:?}");
        assert_eq!(text(&report, "structure"), "RPM 4 with 7 entries", "{payload}");
        let digests = text(&report, "digests");
        for part in
            ["SHA-1 of the header", "SHA-256 of the header", "SHA-256 of the payload", "MD5 of header and payload"]
        {
            assert!(digests.contains(part), "{payload}: {digests}");
        }
    }
}

/// Builds an RPM of a few lines of `%install` and `%files`.
fn build(folder: &Path, install: &str, files: &str) -> PathBuf {
    let spec = format!(
        "Name: small\nVersion: 1\nRelease: 1\nSummary: x\nLicense: x\nBuildArch: noarch\nAutoReqProv: no\n\
         %description\nx\n%install\nmkdir -p %{{buildroot}}/srv\ncd %{{buildroot}}/srv\n{install}\n%files\n{files}\n"
    );
    fs_err::write(folder.join("small.spec"), spec).unwrap();
    let top = folder.display();
    let line = format!("rpmbuild -bb --quiet --define '_topdir {top}/top' --define '_dbpath {top}/db' small.spec");
    shell(folder, &line);
    folder.join("top/RPMS/noarch/small-1-1.noarch.rpm")
}

#[test]
fn names_of_one_file_share_its_content() {
    let folder = TempDir::new().unwrap();
    let package = build(folder.path(), "printf same > one; ln one two; ln one three; ln -s one four", "/srv/*");
    let report = alone(&package);
    assert_eq!(report.outcome(), Outcome::Good, "{report:?}");
    let mut found = Vec::new();
    let walked = kubepkg::package::reader::walk(&package, &mut |entry, content| {
        found.push((entry.path.clone(), std::io::read_to_string(content)?));
        Ok(())
    });
    assert_eq!(walked.unwrap().files.len(), 4);
    assert_eq!(found.iter().map(|(_, content)| content.as_str()).collect::<Vec<_>>(), ["same"], "{found:?}");
}

#[test]
fn ghosts_are_not_in_the_payload() {
    let folder = TempDir::new().unwrap();
    let package = build(folder.path(), "printf x > one; touch two", "/srv/one\n%ghost /srv/two");
    assert_eq!(alone(&package).outcome(), Outcome::Good, "{:?}", alone(&package));
}

#[test]
fn a_deb_without_md5sums_says_so_and_is_good() {
    let folder = TempDir::new().unwrap();
    deb::build(folder.path(), &["-Zgzip"]);
    shell(folder.path(), "rm sample/DEBIAN/md5sums; dpkg-deb --root-owner-group -Zgzip -b sample bare.deb >&2");
    let report = alone(&folder.path().join("bare.deb"));
    assert_eq!(report.outcome(), Outcome::Good, "{report:?}");
    let digests = report.findings.iter().find(|finding| finding.check.as_str() == "digests").unwrap();
    assert_eq!(digests.outcome, Outcome::Unchecked);
    assert!(digests.text.contains("`md5sums` names no file"), "{}", digests.text);
}
