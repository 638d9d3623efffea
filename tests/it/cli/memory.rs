//! Memory follows the number of jobs, whatever the size and the number of packages.

use super::*;
use crate::mirror::program;

/// What each job may have: the tables of `xz -6`, what goes into it and what comes out.
const JOB_KIB: u64 = 120 << 10;
/// What the program has besides.
const BASE_KIB: u64 = 50 << 10;
/// The size of a kubelet.
const SIZE: usize = 120 << 20;
/// What cannot be compressed, so that the compressor uses all of its tables.
const NOISE: usize = 3 << 20;

/// A mirror of two programs as large as upstream's.
fn large() -> Mirror {
    let mirror = Mirror::of_release("1.36.2");
    for name in ["kubelet", "kubectl"] {
        let file = program("1.36.2", "amd64", name);
        let mut bytes = mirror.read(&file);
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        while bytes.len() < NOISE {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            bytes.extend(&state.to_be_bytes()[..4]);
        }
        bytes.resize(SIZE, 0);
        mirror.publish(&file, &bytes);
    }
    mirror
}

/// Runs the program to its end, and returns the most memory that it ever had, in KiB.
fn peak(command: &mut Command) -> u64 {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let ended = loop {
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        let text = fs_err::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(peak).max(peak);
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    assert_eq!(code(ended), 0);
    peak
}

#[test]
fn large_programs_are_packaged_in_little_memory() {
    let mirror = large();
    let rig = Rig::with_upstream(mirror.path().display());
    let line = "build kubelet kubectl --version 1.36.2 --arch amd64";
    for (compression, jobs) in [("xz:6", 1), ("xz:6", 2), ("gzip", 2), ("zstd", 1), ("none", 2)] {
        let most = peak(&mut rig.command(&format!("{line} --compression {compression} --jobs {jobs} --no-cache")));
        assert!(most > 20 << 10, "{most} KiB is less than the program itself");
        assert!(most < BASE_KIB + jobs * JOB_KIB, "{compression}, {jobs} jobs: {most} KiB");
        assert_eq!(rig.packages().len(), 4);
    }
    rig.assert_tidy();
}
