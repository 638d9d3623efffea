//! Full disks: a clean error, nothing left, nothing lost. Mounting needs root.

use super::*;
use crate::small_disk::SmallDisk;

/// Fills a disk to the last byte.
fn fill(disk: &Path) -> PathBuf {
    let filler = disk.join("filler");
    let error = fs_err::write(&filler, vec![1; 1 << 20]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    filler
}

#[test]
fn a_full_output_folder_loses_nothing() {
    let rig = Rig::new();
    let disk = SmallDisk::mount(&rig.dist(), "256k");
    let line = "build kubectl --version 1.36.2 --arch amd64 --compression none";
    let mut earlier = rig.command(line);
    assert!(earlier.env("SOURCE_DATE_EPOCH", "1000000000").output().unwrap().status.success());
    let good = rig.packages();
    let filler = fill(&rig.dist());
    let unpacks = "build kubernetes-cni --version 1.36.2 --arch amd64 --compression none";
    for line in [line, unpacks, &format!("{line} --format rpm"), &format!("{line} --format deb")] {
        let ran = rig.fails(line, 7, "No space left on device");
        assert!(ran.stdout.is_empty() && ran.stderr.contains("`--output`"), "{line}: {}", ran.stderr);
        let mut now = rig.packages();
        now.remove("filler");
        assert_eq!(now, good, "{line}");
        assert_eq!(rig.leftovers(), Vec::<PathBuf>::new(), "{line}");
    }
    fs_err::remove_file(filler).unwrap();
    rig.good(line);
    assert!(rig.packages() != good && rig.packages().len() == good.len());
    rig.assert_tidy();
    drop(disk);
}

#[test]
fn a_disk_that_fills_up_in_between_keeps_what_was_complete() {
    let rig = Rig::new();
    let disk = SmallDisk::mount(&rig.dist(), "100k");
    let ran = rig.fails("build --version 1.36.2 --arch amd64 --compression none", 7, "No space left on device");
    let told: Vec<String> = ran.stdout.lines().map(|path| name(Path::new(path))).collect();
    let mut kept: Vec<String> = rig.packages().into_keys().collect();
    let mut sorted = told.clone();
    sorted.sort();
    kept.sort();
    assert!(sorted == kept && kept.len() < 10, "{told:?} were told, {kept:?} are there");
    rig.assert_tidy();
    drop(disk);
}

#[test]
fn a_full_cache_is_told_apart() {
    let rig = Rig::new();
    let disk = SmallDisk::mount(&rig.cache(), "64k");
    let filler = fill(&rig.cache());
    let line = "build kubectl --version 1.36.2 --arch amd64 --compression none";
    let ran = rig.fails(line, 7, "No space left on device");
    assert!(ran.stderr.contains("`--cache-dir`"), "{}", ran.stderr);
    rig.assert_tidy();
    fs_err::remove_file(filler).unwrap();
    rig.good(line);
    rig.assert_tidy();
    drop(disk);
}
