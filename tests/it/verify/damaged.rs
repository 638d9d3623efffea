//! Packages that are damaged or made to deceive, and where the fault is found to be.

use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::inspect::{ar, deb, rpm};

/// One file of a tar archive: name, type, content or target.
type Item<'a> = (&'a str, tar::EntryType, &'a str);

fn tar(items: &[Item<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, content) in items {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o755);
        let is_link = matches!(*kind, tar::EntryType::Symlink | tar::EntryType::Link);
        // What the library would refuse to write is what a test wants.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        if is_link {
            header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
        }
        let content = if is_link { "" } else { content };
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn deb_of(folder: &Path, control: &[Item<'_>], data: &[Item<'_>]) -> PathBuf {
    ar(folder, &[("debian-binary", b"2.0\n"), ("control.tar", &tar(control)), ("data.tar", &tar(data))])
}

const FILE: tar::EntryType = tar::EntryType::Regular;
const LINK: tar::EntryType = tar::EntryType::Symlink;
const NAME: tar::EntryType = tar::EntryType::Link;
const CONTROL: Item<'_> = ("./control", FILE, "Package: a\nVersion: 1\nArchitecture: all\n");

#[test]
fn names_that_lead_elsewhere_are_found() {
    let folder = TempDir::new().unwrap();
    for (data, words) in [
        (&[("./a/../../etc/x", FILE, "")][..], "`/a/../../etc/x` leads out of its folder"),
        (&[("../x", FILE, "")], "`/../x` leads out"),
        (&[("./a//b", FILE, "")], "`/a//b` leads out of its folder, or is written in a roundabout way"),
        (&[("./a", FILE, "1"), ("a", FILE, "2")], "`/a` stands there twice"),
        (&[("./a", LINK, "/etc"), ("./a/passwd", FILE, "")], "`/a/passwd` lies below `/a`, which is no directory"),
        (&[("./a", NAME, "./b"), ("./b", FILE, "")], "`/a` is a name of `/b`, which no file before it has"),
        (&[("./a", NAME, "/etc/passwd")], "`/a` is a name of `/etc/passwd`"),
    ] {
        assert_bad(&deb_of(folder.path(), &[CONTROL], data), "structure", words);
    }
    let twice = [("./d/", tar::EntryType::Directory, ""), ("./d", tar::EntryType::Directory, "")];
    assert_eq!(alone(&deb_of(folder.path(), &[CONTROL], &twice)).outcome(), Outcome::Good);
}

#[test]
fn fields_that_dpkg_refuses_are_found() {
    let folder = TempDir::new().unwrap();
    let of = |control: &str| deb_of(folder.path(), &[("./control", FILE, control)], &[]);
    for (control, words) in [
        ("Package: a/b\nVersion: 1\nArchitecture: all\n", "`Package` holds `a/b`"),
        ("Package: a\nVersion: v1\nArchitecture: all\n", "`Version` holds `v1`"),
        ("Package: a\nVersion: x:1\nArchitecture: all\n", "`Version` holds `x:1`"),
        ("Package: a\nVersion: 1-\nArchitecture: all\n", "`Version` holds `1-`"),
        ("Package: a\nVersion: 1\nArchitecture: all\nInstalled-Size: big\n", "`Installed-Size` holds `big`"),
    ] {
        assert_bad(&of(control), "structure", words);
    }
    let path = deb_of(folder.path(), &[CONTROL, ("./../postinst", FILE, "")], &[]);
    assert_bad(&path, "structure", "the control archive has a file `../postinst`");
    let path = deb_of(folder.path(), &[CONTROL, ("./conffiles", FILE, "/etc/x\n")], &[]);
    assert_bad(&path, "structure", "the configuration file `/etc/x` is not in the package");
}

#[test]
fn md5sums_are_compared_with_the_files() {
    let folder = TempDir::new().unwrap();
    let of = |sums: &str, data: &[Item<'_>]| deb_of(folder.path(), &[CONTROL, ("./md5sums", FILE, sums)], data);
    let empty = "d41d8cd98f00b204e9800998ecf8427e";
    let (a, b) = (("./a", FILE, ""), ("./b", FILE, "b"));
    assert_eq!(alone(&of(&format!("{empty}  a\n"), &[a])).outcome(), Outcome::Good);
    for (sums, words) in [
        (
            format!("{empty}  a\n{empty}  b\n"),
            "`/b` has the MD5 92eb5ffee6ae2fec3ad71c777531578f, and the package says d41d8",
        ),
        (format!("{empty}  a\n"), "`md5sums` does not name `/b`"),
        (
            format!("{empty}  a\n92eb5ffee6ae2fec3ad71c777531578f  b\n{empty}  c\n"),
            "`md5sums` names `c`, which the package does not have",
        ),
    ] {
        assert_bad(&of(&sums, &[a, b]), "digests", words);
    }
}

#[test]
fn what_stands_behind_the_end_is_found() {
    let folder = TempDir::new().unwrap();
    let (control, data) = (tar(&[CONTROL]), tar(&[]));
    let version = ("debian-binary", &b"2.0\n"[..]);
    let longer = [data.as_slice(), b"more"].concat();
    for (members, words) in [
        (&[version, ("control.tar", &control), ("data.tar", longer.as_slice())], "data.tar: goes on after its end"),
        (&[version, ("control.tar", &longer), ("data.tar", data.as_slice())], "control.tar: goes on after its end"),
        (&[version, ("control.tar", &control[..1024]), ("data.tar", data.as_slice())], "control.tar: ends early"),
        (&[version, ("control.tar", &control), ("data.tar", b"")], "data.tar: ends early"),
    ] {
        assert_bad(&ar(folder.path(), members), "structure", words);
    }
    let path = ar(folder.path(), &[version, ("control.tar", &control), ("data.tar", &data)]);
    let good = fs_err::read(&path).unwrap();
    for (more, words) in [(&b"x"[..], "ends early"), (&[b'x'; 60], "no ar header")] {
        fs_err::write(&path, [&good, more].concat()).unwrap();
        assert_bad(&path, "structure", words);
    }
    let package = deb::build(folder.path(), &["-Zgzip"]);
    for length in [-1, -2] {
        let bytes = fs_err::read(&package).unwrap();
        let cut = folder.path().join("cut.deb");
        fs_err::write(&cut, &bytes[..bytes.len().checked_add_signed(length).unwrap()]).unwrap();
        assert_bad(&cut, "structure", "");
    }
}

/// Where the parts of a package begin.
pub(super) fn parts(package: &Path) -> Vec<(usize, String)> {
    let mut begin = 0;
    let mut parts = Vec::new();
    for member in kubepkg::package::reader::open(package).unwrap().members {
        parts.push((begin, member.name));
        begin += usize::try_from(member.size).unwrap();
    }
    parts
}

/// The name of a part of a file, by where it begins.
pub(super) fn part(parts: &[(usize, String)], at: usize) -> &str {
    &parts.iter().rev().find(|(begin, _)| *begin <= at).unwrap().1
}

/// Flips one bit at every `step`th byte, and returns the bytes for which nobody noticed.
pub(super) fn unnoticed(package: &Path, step: usize, verify: impl Fn(&Path) -> Outcome) -> Vec<usize> {
    let good = fs_err::read(package).unwrap();
    let folder = TempDir::new().unwrap();
    let changed = folder.path().join("changed");
    let mut unnoticed = Vec::new();
    for at in (0..good.len()).step_by(step) {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        fs_err::write(&changed, bytes).unwrap();
        if verify(&changed) == Outcome::Good {
            unnoticed.push(at);
        }
    }
    unnoticed
}

/// Where ar has what nobody needs: times, owners and modes of members.
pub(super) fn is_idle_in_ar(bytes: &[u8], at: usize) -> bool {
    let headers = (0..bytes.len() - 1).filter(|end| &bytes[*end..*end + 2] == b"`\n").map(|end| end.wrapping_sub(58));
    headers.into_iter().any(|start| (start.wrapping_add(16)..start.wrapping_add(48)).contains(&at))
}

#[test]
fn any_flipped_bit_of_a_deb_is_found() {
    let folder = TempDir::new().unwrap();
    let package = deb::build(folder.path(), &["-Zxz", "--uniform-compression"]);
    let bytes = fs_err::read(&package).unwrap();
    let minor_version = b"!<arch>\n".len() + 60 + 2;
    let found = unnoticed(&package, 1, |path| alone(path).outcome());
    let unexplained: Vec<usize> =
        found.into_iter().filter(|at| !is_idle_in_ar(&bytes, *at) && *at != minor_version).collect();
    assert_eq!(unexplained, Vec::<usize>::new());
}

#[test]
fn any_flipped_bit_of_an_rpm_is_found() {
    let folder = TempDir::new().unwrap();
    let package = rpm::build(folder.path(), "w6.xzdio");
    let parts = parts(&package);
    let found = unnoticed(&package, 3, |path| alone(path).outcome());
    // The lead holds what rpm stopped reading; no digest covers the signature header.
    let covered: Vec<usize> =
        found.iter().copied().filter(|at| ["header", "payload"].contains(&part(&parts, *at))).collect();
    assert_eq!(covered, Vec::<usize>::new());
    let lead: Vec<usize> = found.into_iter().filter(|at| part(&parts, *at) == "lead").collect();
    assert!(lead.iter().all(|at| (5..78).contains(at)), "{lead:?}");
}
