//! `Packages`, `Contents` and `Release`, against apt-ftparchive.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fs_err as fs;
use kubepkg::compression::Compression;
use kubepkg::package::reader::FileList;
use kubepkg::repository::apt::{Contents, Layout, Packages, Suite, Upgrades};
use kubepkg::repository::{Earlier, Fragment, IndexError, IndexFile};
use kubepkg::source_date::SourceDate;
use tempfile::TempDir;

use super::{DATE, fragments, run, suite, text_of};
use crate::built;

/// Every field that has a place of its own, and some that have none, in no order.
const ODD: &str = "package: odd\nVERSION: 1:1.0~rc.1-1\nX-Foo: bar\nX-Empty:\nLicense: Apache-2.0\nArchitecture: all
Maintainer: Émile <e@example.org>\nInstalled-Size: 40\nDepends: a (>= 1),\n b | c,\n d\nPre-Depends: dpkg (>= 1.19)
Breaks: x (<< 2)\nConflicts: y\nProvides: p (= 1), q\nEnhances: z\nRecommends: r\nSuggests: s\nReplaces: t
Multi-Arch: foreign\nEssential: no\nProtected: yes\nImportant: yes\nBuild-Essential: yes\nTag: role::program,
 implemented-in::c\nTask: t1\nSource: src (1.0)\nOrigin: Example\nBugs: https://example.org/bugs
Built-Using: go (= 1)\nStatic-Built-Using: go2 (= 1)\nOriginal-Maintainer: X <x@example.org>\nSection: admin
Priority: optional\nPhased-Update-Percentage: 10\nClass: c\nAuto-Built-Package: debug-symbols\nKernel-Version: 6
Built-For-Profiles: stage1\nPackage-Type: deb\nSubarchitecture: s\nInstaller-Menu-Item: 3\nVcs-Git: https://x
Homepage: https://example.org\nDescription: short\n   verbatim\n .\n long\ttab\nRuby-Versions: all\n";

/// Makes a deb of a control file and the files of a shell command, which runs in its root.
pub(crate) fn dpkg_deb(folder: &Path, control: &str, files: &str, name: &str) -> PathBuf {
    let tree = folder.join("tree");
    if tree.exists() {
        fs::remove_dir_all(&tree).unwrap();
    }
    fs::create_dir_all(tree.join("DEBIAN")).unwrap();
    fs::write(tree.join("DEBIAN/control"), control).unwrap();
    run(&tree, "sh", &["-euc", files]);
    fs::create_dir_all(folder.join("debs")).unwrap();
    let deb = folder.join("debs").join(name);
    let options = ["-Zgzip", "-z1", "--nocheck", "--root-owner-group", "--build"];
    run(folder, "dpkg-deb", &[&options[..], &["tree", deb.to_str().unwrap()]].concat());
    deb
}

/// A plain control file.
pub(crate) fn control(name: &str, version: &str, arch: &str) -> String {
    format!("Package: {name}\nVersion: {version}\nArchitecture: {arch}\nMaintainer: A <a@b.c>\nDescription: d\n")
}

fn packages(debs: &[Fragment]) -> Vec<IndexFile> {
    let mut packages = Packages::new(Earlier::default()).unwrap();
    for deb in debs {
        packages.add(deb, &format!("debs/{}", deb.file_name())).unwrap();
    }
    packages.finish("", &[Compression::None]).unwrap()
}

#[test]
fn every_stanza_is_that_of_apt_ftparchive() {
    let folder = TempDir::new().unwrap();
    let files = "mkdir -p opt 'usr/share/a b' && touch opt/x 'usr/share/a b/y z' && ln -s x opt/link";
    dpkg_deb(folder.path(), ODD, files, "odd_1.0~rc.1-1_all.deb");
    dpkg_deb(folder.path(), &control("odd", "1.0-1", "all"), files, "odd_1.0-1_all.deb");
    let options = ["--arch", "amd64,arm64", "--format", "deb"];
    for deb in built::write("build", "1.36.2", &options, &folder.path().join("built")) {
        fs::copy(&deb, folder.path().join("debs").join(deb.file_name().unwrap())).unwrap();
    }
    let debs: Vec<_> = fs::read_dir(folder.path().join("debs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let fragments = fragments(&debs, FileList::Wanted);
    let stanzas = |text: &str| -> BTreeMap<String, String> {
        let key = |stanza: &str| stanza.lines().find(|line| line.starts_with("SHA256: ")).unwrap().to_owned();
        text.trim_end().split("\n\n").map(|stanza| (key(stanza), stanza.to_owned())).collect()
    };
    let digests = ["--no-md5", "--no-sha1", "--no-sha512"];
    let theirs = run(folder.path(), "apt-ftparchive", &[&digests[..], &["packages", "debs"]].concat());
    let ours = text_of(&packages(&fragments)[0]);
    let (ours, theirs) = (stanzas(&ours), stanzas(&theirs));
    assert_eq!(ours.len(), debs.len());
    for (digest, stanza) in &theirs {
        assert_eq!(&ours[digest], stanza);
    }
    // Contents: theirs has a head of its own.
    let mut contents = Contents::default();
    for deb in &fragments {
        contents.add(deb).unwrap();
    }
    let ours = text_of(&contents.finish("Contents-amd64", &[Compression::None]).unwrap()[0]);
    let lines = |text: &str| -> Vec<String> {
        let mut lines: Vec<_> =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&ours), lines(&run(folder.path(), "apt-ftparchive", &["contents", "debs"])));
}

#[test]
fn stanzas_are_in_the_order_of_versions() {
    let folder = TempDir::new().unwrap();
    let deb = |name: &str, version: &str, arch: &str| {
        let file = format!("{name}_{}_{arch}.deb", version.replace("1:", ""));
        dpkg_deb(folder.path(), &control(name, version, arch), "true", &file)
    };
    let debs = [
        deb("b", "1.10-1", "amd64"),
        deb("b", "1.9-1", "arm64"),
        deb("b", "1.9-1", "amd64"),
        deb("b", "1.10~rc.1-1", "amd64"),
        deb("a", "1:0.1", "all"),
        deb("b", "1:0.5-1", "amd64"),
    ];
    let fragments = fragments(&debs, FileList::Unwanted);
    let found: Vec<_> =
        fragments.iter().map(|deb| format!("{} {} {}", deb.name(), deb.version(), deb.arch())).collect();
    let order =
        ["a 1:0.1 all", "b 1.9-1 amd64", "b 1.9-1 arm64", "b 1.10~rc.1-1 amd64", "b 1.10-1 amd64", "b 1:0.5-1 amd64"];
    assert_eq!(found, order);
    assert_eq!(fragments[0].file_name(), "a_0.1_all.deb");
    let mut packages = Packages::new(Earlier::default()).unwrap();
    packages.add(&fragments[1], "x.deb").unwrap();
    let twice = packages.add(&fragments[1], "y.deb").unwrap_err();
    assert_eq!(twice.to_string(), "b 1.9-1 amd64 (deb) stands there twice");
    assert!(matches!(packages.add(&fragments[0], "x.deb"), Err(IndexError::Order(_))));
    assert!(matches!(packages.add(&fragments[2], "../x.deb"), Err(IndexError::Field(_))));
}

#[test]
fn release_lists_what_is_not_served_and_every_digest_is_right() {
    let folder = TempDir::new().unwrap();
    let deb = dpkg_deb(folder.path(), &control("kubectl", "1-1", "amd64"), "true", "kubectl_1-1_amd64.deb");
    let debs = fragments(&[deb], FileList::Unwanted);
    let layout = Layout::Dists { component: "main".to_owned() };
    let served = [Compression::Gzip(6), Compression::Xz(6), Compression::Zstd(9)];
    let mut packages = Packages::new(Earlier::default()).unwrap();
    packages.add(&debs[0], "pool/kubectl_1-1_amd64.deb").unwrap();
    let mut files = packages.finish(&layout.packages_folder("amd64"), &served).unwrap();
    let empty = Packages::new(Earlier::default()).unwrap();
    files.extend(empty.finish(&layout.packages_folder("arm64"), &served).unwrap());
    assert!(files[0].bytes.is_none() && files[1..4].iter().all(|file| file.bytes.is_some()));
    assert!(files[1].by_hash().starts_with("main/binary-amd64/by-hash/SHA256/"), "{}", files[1].by_hash());
    let stated =
        Suite { signed_by: vec!["A".repeat(40)], ..suite(&layout, Upgrades::OnceInstalled, &["amd64", "arm64"]) };
    let release = stated.release(DATE, Some(SourceDate::from_epoch(1_800_000_000)), &files).unwrap();
    let (head, digests) = release.split_once("SHA256:\n").unwrap();
    let expected = "Origin: Example\nLabel: Kubernetes\nSuite: stable\nCodename: stable\n\
        Date: Tue, 14 Nov 2023 22:13:20 UTC\nValid-Until: Fri, 15 Jan 2027 08:00:00 UTC\nNotAutomatic: yes\n\
        ButAutomaticUpgrades: yes\nAcquire-By-Hash: yes\nArchitectures: amd64 arm64\nComponents: main\n\
        Description: packages of Kubernetes\nSigned-By: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
    assert_eq!(head, expected);
    let listed: Vec<Vec<&str>> = digests.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(listed.len(), 8);
    for (tool, extension) in [("cat", ""), ("zcat", ".gz"), ("xzcat", ".xz"), ("zstdcat", ".zst")] {
        let path = format!("main/binary-amd64/Packages{extension}");
        let line = listed.iter().find(|line| line[2] == path).unwrap();
        let file = files.iter().find(|file| file.path == path).unwrap();
        assert_eq!([line[0], line[1]], [file.stored.sha256.hex(), &file.stored.size.to_string()]);
        if let Some(bytes) = &file.bytes {
            fs::write(folder.path().join("x"), bytes).unwrap();
            let text = run(folder.path(), "sh", &["-c", &format!("{tool} <x")]);
            assert_eq!(kubepkg::digest::Digest::sha256(&text), files[0].stored.sha256);
            assert!(text.starts_with("Package: kubectl\n") && text.ends_with("Description: d\n\n"), "{text}");
        }
    }
    // Nothing for an architecture is a file all the same.
    assert_eq!(listed.iter().find(|line| line[2] == "main/binary-arm64/Packages").unwrap()[1], "0");
}

#[test]
fn a_release_holds_one_line_a_field() {
    let layout = Layout::Flat;
    let good = suite(&layout, Upgrades::Automatic, &["amd64"]);
    assert!(!good.release(DATE, None, &[]).unwrap().contains("Components"));
    let with = |change: fn(&mut Suite)| {
        let mut suite = good.clone();
        change(&mut suite);
        suite.release(DATE, None, &[]).unwrap_err().to_string()
    };
    assert_eq!(with(|suite| suite.label = "a\nb".into()), "`Label`: `a\\nb` is more than a line");
    assert_eq!(with(|suite| suite.origin = "a ".into()), "`Origin`: `a ` begins or ends with a blank");
    assert_eq!(with(|suite| suite.architectures.push("a b".into())), "`Architectures`: `a b` is no word");
    assert_eq!(with(|suite| suite.signed_by.push("/key.asc".into())), "`Signed-By`: `/key.asc` is no fingerprint");
}
