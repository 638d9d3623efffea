//! What was made before is not made again, where nothing would be different.

use super::*;
use crate::mirror::program;

const BUILD: &str = "build kubectl kubeadm --version 1.36.2 --arch amd64";

/// Returns how many packages a run wrote, and how many it left as they were.
fn counts(ran: &Ran) -> (usize, usize) {
    (ran.stderr.matches("       Wrote ").count(), ran.stderr.matches("   Unchanged ").count())
}

#[test]
fn the_second_run_changes_nothing_and_says_the_same() {
    let rig = Rig::new();
    let first = rig.good(BUILD);
    let (packages, times) = (rig.packages(), modified(&rig));
    let second = rig.good(BUILD);
    assert_eq!((counts(&first), counts(&second)), ((4, 0), (0, 4)));
    assert_eq!((first.stdout, rig.packages(), modified(&rig)), (second.stdout, packages, times));
    let [first, second] = ["--json --no-cache", "--json"].map(|option| rig.good(&format!("{BUILD} {option}")).json());
    assert_eq!(first, second);
}

fn modified(rig: &Rig) -> Vec<std::time::SystemTime> {
    files(&rig.dist()).iter().map(|path| path.metadata().unwrap().modified().unwrap()).collect()
}

#[test]
fn only_what_is_gone_or_damaged_is_made_again() {
    let rig = Rig::new();
    rig.good(BUILD);
    let packages = rig.packages();
    let deb = rig.dist().join("kubectl_1.36.2-1.1_amd64.deb");
    for change in [
        |path: &Path| fs_err::remove_file(path).unwrap(),
        |path: &Path| fs_err::write(path, "shorter").unwrap(),
        |path: &Path| {
            let mut bytes = fs_err::read(path).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            fs_err::write(path, bytes).unwrap();
        },
    ] {
        change(&deb);
        let ran = rig.good(BUILD);
        assert_eq!((counts(&ran), rig.packages()), ((1, 3), packages.clone()));
    }
}

#[test]
fn whatever_decides_the_bytes_makes_a_package_anew() {
    let mirror = Mirror::of_release("1.36.2");
    let rig = Rig::with_upstream(mirror.path().display());
    rig.good(BUILD);
    for option in ["--revision 7", "--compression gzip:1", "--vendor Example", "--no-cache"] {
        assert_eq!(counts(&rig.good(&format!("{BUILD} {option}"))), (4, 0), "{option}");
    }
    // Upstream publishes other bytes, with digests that agree: one program, so two packages.
    rig.good(BUILD);
    let file = program("1.36.2", "amd64", "kubectl");
    let mut bytes = mirror.read(&file);
    bytes.push(0);
    mirror.publish(&file, &bytes);
    assert_eq!(counts(&rig.good(BUILD)), (2, 2));
    // The bytes are not looked at where nothing is made of them, but a digest that changed is.
    mirror.put(&file, "other");
    assert_eq!(counts(&rig.good(BUILD)), (0, 4));
    mirror.put(&format!("{file}.sha512"), "0".repeat(128));
    assert_eq!(rig.run(BUILD).code, 6);
}

#[test]
fn a_record_that_is_damaged_or_of_another_package_counts_for_nothing() {
    let rig = Rig::new();
    rig.good(BUILD);
    let records = files(&rig.cache().join("results"));
    assert_eq!(records.len(), 4);
    let other = fs_err::read(&records[1]).unwrap();
    for (record, bytes) in records.iter().zip([other.as_slice(), b"{}", b"", &other[..20]]) {
        fs_err::write(record, bytes).unwrap();
    }
    assert_eq!(counts(&rig.good(BUILD)), (4, 0));
    assert_eq!(counts(&rig.good(BUILD)), (0, 4));
}

#[test]
fn a_local_build_is_always_made_anew() {
    let rig = Rig::new();
    let mirror = Mirror::of_release("1.36.2");
    let folder = rig.path().join("build/bin/linux/amd64");
    fs_err::create_dir_all(&folder).unwrap();
    fs_err::write(folder.join("kubectl"), mirror.read(&program("1.36.2", "amd64", "kubectl"))).unwrap();
    let line = "build kubectl --version 1.36.2 --arch amd64 --from-dir build";
    for _ in 0..2 {
        assert_eq!(counts(&rig.good(line)), (2, 0));
    }
}

#[test]
fn offline_the_cache_vouches() {
    let rig = Rig::new();
    rig.good(BUILD);
    assert_eq!(counts(&rig.good(&format!("{BUILD} --offline"))), (0, 4));
}
