//! Packages that are damaged or made to harm: an error with file, place and limit, and never a panic.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use tempfile::TempDir;

use super::{chain, deb, open, rpm};

/// Writes an ar archive.
pub(crate) fn ar(folder: &Path, members: &[(&str, &[u8])]) -> PathBuf {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        writeln!(bytes, "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 0, "100644", content.len()).unwrap();
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(2), b'\n');
    }
    let path = folder.join("x.deb");
    fs_err::write(&path, bytes).unwrap();
    path
}

/// Writes a tar archive.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

#[track_caller]
fn error(path: &Path) -> String {
    chain(&open(path).expect_err("a bad package was read"), path)
}

const VERSION: (&str, &[u8]) = ("debian-binary", b"2.0\n");

#[test]
fn what_is_no_package_is_told_so() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x.deb");
    for bytes in [&b""[..], b"!<arch>", b"<html>not found</html>", b"PK\x03\x04...."] {
        fs_err::write(&path, bytes).unwrap();
        assert_eq!(error(&path), "`x.deb` is neither a deb nor an RPM");
    }
    assert!(error(&folder.path().join("absent.rpm")).contains("absent.rpm"));
    assert!(error(folder.path()).contains("directory"));
}

#[test]
fn members_must_be_those_of_a_deb_in_their_order() {
    let folder = TempDir::new().unwrap();
    let (control, data) = (tar(&[("control", b"Package: a\nVersion: 1\nArchitecture: all\n")]), tar(&[]));
    let of = |members: &[(&str, &[u8])]| error(&ar(folder.path(), members));
    let (control, data) = (("control.tar", &control[..]), ("data.tar", &data[..]));
    assert!(open(&ar(folder.path(), &[VERSION, control, data])).is_ok());
    for (members, text) in [
        (&[][..], "ar archive: the first member is not `debian-binary`: no deb"),
        (&[control], "ar archive: the first member is not `debian-binary`: no deb"),
        (&[VERSION], "ar archive: no member `control.tar`"),
        (&[VERSION, data, control], "ar archive: `data.tar` where `control.tar` with a known compression should be"),
        (&[VERSION, control], "ar archive: no member `data.tar`"),
        (
            &[VERSION, control, ("extra", b""), data],
            "ar archive: `extra` where `data.tar` with a known compression should be",
        ),
        (
            &[VERSION, control, ("data.tar.lz4", b"")],
            "ar archive: `data.tar.lz4` where `data.tar` with a known compression should be",
        ),
        (&[("debian-binary", b"3.0\n"), control, data], "member `debian-binary`: version `3.0` is not 2.x"),
        (
            &[("debian-binary", b"2.\x1b[2J"), control, data],
            "member `debian-binary`: version `2.\\u{1b}[2J` is not 2.x",
        ),
        (&[("debian-binary", &[b'2'; 5000]), control, data], "member `debian-binary`: more than 4096 bytes"),
        (&[VERSION, ("control.tar", b""), data], "control.tar: ends early"),
        (&[VERSION, ("control.tar", &[0; 1024]), data], "control.tar: no file `control`"),
        (&[VERSION, ("control.tar.gz", b"no gzip"), data], "control.tar.gz: ends early"),
        (
            &[VERSION, ("control.tar.gz", b"this is no gzip"), data],
            "control.tar.gz: cannot be unpacked: invalid gzip header",
        ),
    ] {
        assert_eq!(of(members), format!("`x.deb`: {text}"));
    }
}

#[test]
fn the_control_stanza_is_checked() {
    let folder = TempDir::new().unwrap();
    let data = tar(&[]);
    let of = |files: &[(&str, &[u8])]| {
        error(&ar(folder.path(), &[VERSION, ("control.tar", &tar(files)), ("data.tar", &data)]))
    };
    let good = &b"Package: a\nVersion: 1\nArchitecture: all\n"[..];
    assert_eq!(of(&[("control", b"Package: a\n")]), "`x.deb`: control.tar: control: no field `Version`");
    assert_eq!(
        of(&[("control", b"Package: a\nVersion: 1\npackage: b\n")]),
        "`x.deb`: control.tar: control: line 3: the field `package` stands there twice"
    );
    assert_eq!(of(&[("control", good), ("./control", good)]), "`x.deb`: control.tar: two files `control`");
}

#[test]
fn a_decompression_bomb_is_stopped_at_the_limit() {
    let folder = TempDir::new().unwrap();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&tar(&[("huge", &vec![0; 17 << 20])])).unwrap();
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < 100_000);
    let path = ar(folder.path(), &[VERSION, ("control.tar.gz", &bomb), ("data.tar", b"")]);
    assert_eq!(error(&path), "`x.deb`: control.tar.gz: more than 16777216 bytes");
}

#[test]
fn long_names_are_limited() {
    let folder = TempDir::new().unwrap();
    let control = tar(&[("control", b"Package: a\nVersion: 1\nArchitecture: all\n")]);
    let of = |name: &str| {
        let data = tar(&[(name, b"")]);
        open(&ar(folder.path(), &[VERSION, ("control.tar", &control), ("data.tar", &data)]))
    };
    assert_eq!(of(&"d/".repeat(2000)).unwrap().files[0].path.len(), 4000);
    let path = folder.path().join("x.deb");
    let error = chain(&of(&"d/".repeat(40_000)).unwrap_err(), &path);
    assert_eq!(error, "`x.deb`: data.tar: more than 65536 bytes in one name");
}

#[test]
fn a_package_cut_anywhere_is_an_error() {
    let folder = TempDir::new().unwrap();
    for package in [deb::build(folder.path(), &["-Zxz"]), rpm::build(folder.path(), "w6.xzdio")] {
        let bytes = fs_err::read(&package).unwrap();
        let inspection = open(&package).unwrap();
        // Of an RPM only the headers are read.
        let payload = inspection.members.iter().find(|member| member.name == "payload").map_or(0, |member| member.size);
        let needed = bytes.len() - usize::try_from(payload).unwrap();
        let cut = folder.path().join("cut");
        for length in (0..needed - 1).step_by(needed / 200) {
            fs_err::write(&cut, &bytes[..length]).unwrap();
            assert!(error(&cut).starts_with("`cut`"), "{length}");
        }
    }
}

/// Builds one package of each kind, once: compressed ones to damage streams, plain ones to damage what is inside.
fn packages() -> &'static [Vec<u8>] {
    static PACKAGES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    PACKAGES.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let deb = |compression| deb::build(folder.path(), &[compression, "--uniform-compression"]);
        let mut packages: Vec<_> =
            ["-Znone", "-Zgzip", "-Zxz", "-Zzstd"].map(|option| fs_err::read(deb(option)).unwrap()).into();
        let rpm = rpm::build(folder.path(), "w.ufdio");
        let payload = open(&rpm).unwrap().members[3].size;
        let mut bytes = fs_err::read(rpm).unwrap();
        bytes.truncate(bytes.len() - usize::try_from(payload).unwrap() + 16);
        packages.push(bytes);
        packages
    })
}

#[test]
fn no_damage_makes_the_reader_panic() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("damaged");
    let edits = prop::collection::vec((any::<Index>(), any::<u8>(), 0..4_usize), 1..12);
    let mut runner = TestRunner::new(Config { cases: 2000, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(any::<Index>(), edits), |(package, edits)| {
        let mut bytes = package.get(packages()).clone();
        for (at, byte, kind) in edits {
            let at = at.index(bytes.len().max(1));
            match kind {
                0 if !bytes.is_empty() => drop(bytes.remove(at)),
                1 => bytes.insert(at, byte),
                // Numbers in headers are most often wrong by being huge.
                2 => bytes[at..].iter_mut().take(4).for_each(|digit| *digit = byte | 0x80),
                _ => bytes[at..].iter_mut().take(1).for_each(|one| *one = byte),
            }
        }
        fs_err::write(&path, &bytes).unwrap();
        if let Err(error) = open(&path) {
            prop_assert!(error.to_string().contains("damaged"));
        }
        Ok(())
    });
    outcome.unwrap();
}
