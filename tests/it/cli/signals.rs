//! The program is interrupted, terminated or killed at any moment.

use std::process::Child;
use std::time::{Duration, Instant};

use super::*;
use crate::fault_server::{Act, cut};
use crate::mirror::program;

const LINE: &str = "build kubectl --version 1.36.2 --arch amd64";
const OLD: &str = "kubectl_1.36.2-1.1_amd64.deb";
const PIECE: usize = 100_000;

/// Bytes without a pattern, the same in every run.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..count.div_ceil(8)).flat_map(next).collect()
}

/// A mirror with a kubectl that takes seconds to compress.
fn heavy(size: usize) -> Mirror {
    let mirror = Mirror::of_release("1.36.2");
    let file = program("1.36.2", "amd64", "kubectl");
    mirror.publish(&file, &[mirror.read(&file), noise(size)].concat());
    mirror
}

fn start(rig: &Rig, line: &str) -> Child {
    rig.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits for something that the running program does.
#[track_caller]
fn wait_for(child: &mut Child, mut seen: impl FnMut() -> bool) {
    while !seen() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn largest(folder: &Path) -> Option<u64> {
    files(folder).iter().filter_map(|path| Some(fs_err::metadata(path).ok()?.len())).max()
}

/// Ends the program in a way, and checks that only the older good package is there.
#[track_caller]
fn end(rig: &Rig, mut child: Child, name: &str, expected: i32) {
    signal(name, child.id());
    assert_eq!(code(child.wait().unwrap()), expected);
    assert_eq!(rig.leftovers(), Vec::<PathBuf>::new());
    assert_eq!(rig.packages(), BTreeMap::from([(OLD.to_owned(), b"older and good".to_vec())]));
}

fn with_an_older_package(upstream: impl std::fmt::Display) -> Rig {
    let rig = Rig::with_upstream(upstream);
    fs_err::create_dir(rig.dist()).unwrap();
    fs_err::write(rig.dist().join(OLD), "older and good").unwrap();
    rig
}

const SIGNALS: [(&str, i32); 2] = [("INT", 130), ("TERM", 143)];

#[test]
fn an_interrupted_fetch_leaves_nothing() {
    let mirror = heavy(10 * PIECE);
    for pieces in 0..10 {
        let folder = mirror.path().to_owned();
        let server = FaultServer::start(move |request| {
            if !request.target().ends_with("/kubectl") {
                return Mirror::answer(&folder, request);
            }
            let bytes = fs_err::read(folder.join(request.target().trim_start_matches('/'))).unwrap();
            [cut(&[], &bytes, pieces * PIECE), vec![Act::Stall]].concat()
        });
        let rig = with_an_older_package(server.url(""));
        let mut child = start(&rig, LINE);
        let came = |count: usize| largest(&rig.cache().join("tmp")).is_some_and(|size| size >= count as u64);
        wait_for(&mut child, || {
            came(pieces * PIECE) && server.requests().iter().any(|request| request.target().ends_with("/kubectl"))
        });
        let (name, expected) = SIGNALS[pieces % 2];
        end(&rig, child, name, expected);
    }
}

#[test]
fn an_interrupted_compressor_leaves_nothing() {
    let mirror = heavy(20 * PIECE);
    for pieces in 0..10 {
        let rig = with_an_older_package(mirror.path().display());
        // An RPM is compressed in memory, so of that only the beginning can be seen.
        let format = if pieces == 9 { "rpm" } else { "deb" };
        let mut child = start(&rig, &format!("{LINE} --format {format}"));
        let written = |count: usize| {
            rig.leftovers().iter().any(|folder| {
                let packages = files(folder).into_iter().filter(|path| path.extension().is_some());
                packages.filter_map(|path| fs_err::metadata(path).ok()).any(|found| found.len() >= count as u64)
            })
        };
        wait_for(&mut child, || written(if pieces == 9 { 0 } else { pieces * PIECE }));
        let (name, expected) = SIGNALS[pieces % 2];
        end(&rig, child, name, expected);
    }
}

#[test]
fn an_interrupted_render_leaves_nothing() {
    let server = FaultServer::start(|_| vec![Act::Stall]);
    let rig = Rig::with_upstream(server.url(""));
    let mut child = start(&rig, "render kubectl --version 1.36.2 --arch amd64");
    wait_for(&mut child, || !server.requests().is_empty());
    assert!(!rig.leftovers().is_empty(), "its folder for unpacked files");
    signal("TERM", child.id());
    assert_eq!(code(child.wait().unwrap()), 143);
    rig.assert_tidy();
}

#[test]
fn what_a_killed_run_left_is_swept_by_the_next() {
    let mirror = heavy(20 * PIECE);
    let rig = with_an_older_package(mirror.path().display());
    for _ in 0..3 {
        let mut child = start(&rig, LINE);
        wait_for(&mut child, || rig.leftovers().iter().any(|folder| largest(folder) > Some(0)));
        signal("KILL", child.id());
        assert_eq!(code(child.wait().unwrap()), 137);
        assert!(!rig.leftovers().is_empty());
        assert_eq!(rig.packages()[OLD], b"older and good");
    }
    rig.good(&format!("{LINE} --compression none"));
    rig.assert_tidy();
}

/// Pseudo-random moments of a run, the same in every test.
fn moments(count: u32, of: Duration) -> impl Iterator<Item = Duration> {
    noise(count as usize).into_iter().take(count as usize).map(move |byte| of.mul_f64(f64::from(byte) / 255.0))
}

#[test]
fn a_run_that_is_killed_at_any_moment_leaves_whole_files_and_no_harm() {
    let line = "build kubelet kubernetes-cni --version 1.36.2 --arch amd64 --compression gzip:1";
    let expected = Rig::new();
    let begin = Instant::now();
    expected.good(line);
    let (whole, length) = (expected.written(), begin.elapsed());
    let rig = Rig::new();
    for (place, moment) in moments(30, length).enumerate() {
        if place % 3 == 0 {
            let _ = fs_err::remove_dir_all(rig.cache());
            let _ = fs_err::remove_dir_all(rig.dist());
        }
        let mut child = start(&rig, line);
        std::thread::sleep(moment.min(Duration::from_secs(1)));
        signal("KILL", child.id());
        child.wait().unwrap();
        for (name, bytes) in visible(&rig) {
            assert!(whole[&name] == bytes, "{name} is not whole after {moment:?}");
        }
        for path in packages(&rig.dist()) {
            papers::assert_papers(&path);
        }
        if place % 3 == 2 {
            rig.good(line);
            assert!(rig.written() == whole);
            rig.assert_tidy();
        }
    }
}

/// The packages and papers that have their names.
fn visible(rig: &Rig) -> BTreeMap<String, Vec<u8>> {
    let entries = fs_err::read_dir(rig.dist()).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).map(|path| (name(&path), fs_err::read(&path).unwrap())).collect()
}

#[test]
fn signals_at_any_moment_leave_nothing() {
    let line = "build kubelet kubernetes-cni --version 1.36.2 --arch amd64 --compression gzip:1";
    let rig = Rig::new();
    let begin = Instant::now();
    rig.good(line);
    let (whole, length) = (rig.written(), begin.elapsed());
    for (place, moment) in moments(20, length).enumerate() {
        let _ = fs_err::remove_dir_all(rig.cache());
        let mut child = start(&rig, line);
        std::thread::sleep(moment.min(Duration::from_secs(1)));
        let (name, expected) = SIGNALS[place % 2];
        signal(name, child.id());
        let ended = code(child.wait().unwrap());
        assert!(ended == expected || ended == 0, "{name} after {moment:?}: {ended}");
        assert_eq!(rig.leftovers(), Vec::<PathBuf>::new(), "{name} after {moment:?}");
        assert!(rig.written() == whole, "{name} after {moment:?}");
    }
}
