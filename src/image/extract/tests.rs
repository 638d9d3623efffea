use std::io::Cursor;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::Header;
use tempfile::TempDir;

use super::*;

fn upstream(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/upstream/github.com").join(path)
}

fn path(text: &str) -> RelativePath {
    text.parse().unwrap()
}

fn member(name: &str, kind: EntryType, data: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(data.len() as u64);
    header.set_mode(0o4777);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(data);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn tarball(members: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = members.concat();
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn unpack_within(limits: Limits, bytes: &[u8], wanted: &Wanted) -> Result<Vec<(String, Digests)>, ExtractError> {
    let scratch = TempDir::new().unwrap();
    Unpacking { archive: "a.tgz", wanted, scratch: scratch.path(), limits }.run(Cursor::new(bytes))
}

fn unpack(bytes: &[u8], wanted: &Wanted) -> Result<Vec<(String, Digests)>, ExtractError> {
    unpack_within(LIMITS, bytes, wanted)
}

fn all() -> Wanted {
    Wanted::AllBut(Vec::new())
}

const FILE: EntryType = EntryType::Regular;

#[test]
fn crictl_is_taken_out_whatever_its_owner() {
    let path_of_archive =
        upstream("kubernetes-sigs/cri-tools/releases/download/v1.36.0/crictl-v1.36.0-linux-amd64.tar.gz");
    let archive = Artifact::for_test(&path_of_archive);
    let scratch = TempDir::new().unwrap();
    let [member] = &extract(&archive, &Wanted::One(path("crictl")), scratch.path()).unwrap()[..] else { panic!() };
    assert_eq!((member.name.as_str(), &member.archive), ("crictl", &archive));
    let bytes = fs_err::read(&member.path).unwrap();
    let mut hasher = Hasher::default();
    hasher.update(&bytes);
    assert!(bytes.starts_with(b"\x7fELF"));
    assert_eq!(hasher.finish(), member.digests);
}

#[test]
fn the_plugins_are_taken_out_without_licence_and_readme_and_sorted() {
    let base = "containernetworking/plugins/releases/download";
    for (archive, count) in [
        ("v0.7.5/cni-plugins-arm-v0.7.5.tgz", 13),
        ("v0.8.6/cni-plugins-linux-arm64-v0.8.6.tgz", 16),
        ("v1.9.1/cni-plugins-linux-riscv64-v1.9.1.tgz", 18),
    ] {
        let archive = Artifact::for_test(&upstream(&format!("{base}/{archive}")));
        let scratch = TempDir::new().unwrap();
        let wanted = Wanted::AllBut(vec![path("LICENSE"), path("README.md")]);
        let members = extract(&archive, &wanted, scratch.path()).unwrap();
        assert_eq!(members.len(), count);
        assert!(members.is_sorted_by(|a, b| a.name < b.name));
        assert!(members.iter().all(|member| !member.name.contains(['.', '/'])));
        assert_eq!(fs_err::read_dir(scratch.path()).unwrap().count(), count);
    }
}

#[test]
fn plain_tar_and_names_in_folders_are_read() {
    let bytes = tarball(&[
        member("linux-amd64/", EntryType::Directory, b""),
        member("./linux-amd64/./helm", FILE, b"helm"),
        member("linux-amd64/a name with blanks", FILE, b"x"),
    ]);
    for bytes in [bytes.clone(), gzip(&bytes)] {
        let files = unpack(&bytes, &Wanted::One(path("linux-amd64/helm"))).unwrap();
        assert_eq!((files[0].0.as_str(), files[0].1.size), ("linux-amd64/helm", 4));
        assert!(matches!(unpack(&bytes, &all()), Err(ExtractError::MemberName { .. })));
    }
}

#[test]
fn long_names_are_read() {
    let name = "n".repeat(150);
    let long = member("././@LongLink", EntryType::GNULongName, format!("{name}\0").as_bytes());
    let files = unpack(&tarball(&[long, member("n", FILE, b"x")]), &all()).unwrap();
    assert_eq!(files[0].0, name);
}

#[test]
fn a_missing_member_is_an_error_that_lists_what_is_there() {
    let members: Vec<Vec<u8>> = (0..20).map(|at| member(&format!("./m{at}"), FILE, b"")).collect();
    let error = unpack(&tarball(&members), &Wanted::One(path("crictl"))).unwrap_err().to_string();
    assert_eq!(
        error,
        "`a.tgz` has no member `crictl`; it has `m0`, `m1`, `m2`, `m3`, `m4`, `m5`, `m6`, `m7`, `m8`, `m9`"
    );
    let error = unpack(&tarball(&[]), &all()).unwrap_err().to_string();
    assert_eq!(error, "`a.tgz` has no member to package; it has none");
}

#[test]
fn hostile_names_are_refused_even_of_members_that_nobody_wants() {
    for name in ["../crictl", "a/../../b", "/etc/passwd", "..", ".", "./", "b\u{1}/..", "file/"] {
        let bytes = tarball(&[member("crictl", FILE, b"x"), member(name, FILE, b"x")]);
        let result = unpack(&bytes, &Wanted::One(path("crictl")));
        assert!(matches!(result, Err(ExtractError::Name { .. })), "{name}: {result:?}");
    }
}

#[test]
fn the_same_name_twice_is_refused() {
    for twin in ["crictl", "./crictl", ".//crictl"] {
        let bytes = tarball(&[member("crictl", FILE, b"x"), member(twin, FILE, b"y")]);
        assert!(matches!(unpack(&bytes, &Wanted::One(path("crictl"))), Err(ExtractError::Twice { .. })), "{twin}");
    }
}

#[test]
fn links_and_devices_are_no_files() {
    for kind in [EntryType::Symlink, EntryType::Link, EntryType::Char, EntryType::Fifo] {
        let bytes = tarball(&[member("bridge", FILE, b"x"), member("host-local", kind, b"")]);
        assert!(matches!(unpack(&bytes, &all()), Err(ExtractError::NotAFile { .. })), "{kind:?}");
        assert_eq!(unpack(&bytes, &Wanted::One(path("bridge"))).unwrap().len(), 1, "{kind:?}");
    }
}

#[test]
fn each_limit_is_named() {
    let bytes = tarball(&[member("a", FILE, &[0; 3000]), member("b", FILE, &[0; 3000])]);
    let limits = Limits { members: 2, member: 3000, total: bytes.len() as u64, headers: 1024 };
    assert_eq!(unpack_within(limits, &bytes, &all()).unwrap().len(), 2);
    for (limits, says) in [
        (Limits { members: 1, ..limits }, "limit of 1 members"),
        (Limits { member: 2999, ..limits }, "limit of 2999 bytes in one member"),
        (Limits { total: 6000, ..limits }, "limit of 6000 bytes in all"),
    ] {
        let error = unpack_within(limits, &gzip(&bytes), &all()).unwrap_err().to_string();
        assert!(error.ends_with(says), "{error}");
    }
    let bomb = member("././@LongLink", EntryType::GNULongName, &vec![b'n'; 2 << 20]);
    let error = unpack(&gzip(&tarball(&[bomb, member("n", FILE, b"x")])), &all()).unwrap_err().to_string();
    assert!(error.ends_with("limit of 1048576 bytes of headers"), "{error}");
}

#[test]
fn a_bomb_behind_the_end_is_stopped() {
    let mut bytes = tarball(&[member("a", FILE, b"x")]);
    bytes.resize(1 << 20, 0);
    assert!(unpack(&gzip(&bytes), &all()).is_ok());
    let error = unpack_within(Limits { total: 100_000, ..LIMITS }, &gzip(&bytes), &all()).unwrap_err();
    assert!(matches!(error, ExtractError::Limit { what: "bytes in all", .. }), "{error}");
}

#[test]
fn no_cut_off_or_damaged_archive_is_taken_for_a_whole_one() {
    let data: Vec<u8> = (0..700_u32).map(|at| (at * at % 251) as u8).collect();
    let whole = gzip(&tarball(&[member("a", FILE, &data)]));
    for len in 1..whole.len() {
        assert!(unpack(&whole[..len], &all()).is_err(), "{len}");
    }
    let plain = tarball(&[member("a", FILE, &data)]);
    for len in 1..512 + data.len() {
        assert!(unpack(&plain[..len], &all()).is_err(), "{len}");
    }
    let mut flipped = whole.clone();
    let middle = whole.len() / 2;
    flipped[middle] ^= 0x10;
    assert!(matches!(unpack(&flipped, &all()), Err(ExtractError::Archive { .. })));
}

#[test]
fn nothing_may_stand_behind_the_end() {
    let bytes = tarball(&[member("a", FILE, b"x")]);
    let with = |more: &[u8]| [&bytes[..], more].concat();
    assert!(matches!(unpack(&with(b"more"), &all()), Err(ExtractError::Trailing { .. })));
    assert!(matches!(unpack(&gzip(&with(b"more")), &all()), Err(ExtractError::Trailing { .. })));
    let behind_gzip = [gzip(&bytes), b"more than a gzip header".to_vec()].concat();
    assert!(matches!(unpack(&behind_gzip, &all()), Err(ExtractError::Archive { .. })));
    assert!(matches!(unpack(b"<!DOCTYPE html>", &all()), Err(ExtractError::Archive { .. })));
}
