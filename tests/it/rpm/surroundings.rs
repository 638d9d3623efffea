//! The same image gives the same bytes, wherever and however often it is written.

use std::path::Path;
use std::process::Command;

use fs_err as fs;
use kubepkg::image::Content;

use super::{CODECS, image, write};

/// Names the folder into which the child process writes.
const FOLDER: &str = "KUBEPKG_TEST_FOLDER";

fn write_all(folder: &Path) {
    let mut image = image::kubelet("1.17.0");
    // Several blocks for any codec that works on blocks.
    let numbers: Vec<u8> = (0..400_000_u32).flat_map(|number| number.wrapping_mul(number).to_le_bytes()).collect();
    image.entries[4].content = Content::Text(numbers);
    for codec in CODECS {
        let package = write(&image, codec, folder);
        fs::rename(package, folder.join(codec.to_string())).unwrap();
    }
}

#[test]
#[ignore = "a child of `the_surroundings_leave_no_trace`"]
#[expect(clippy::disallowed_methods, reason = "the parent says where to write")]
fn write_for_the_parent() {
    write_all(Path::new(&std::env::var(FOLDER).unwrap()));
}

#[test]
fn the_surroundings_leave_no_trace() {
    let here = tempfile::tempdir().unwrap();
    write_all(here.path());
    let program = std::env::current_exe().unwrap();
    for surroundings in [
        "umask 077; cd /; TZ=Pacific/Kiritimati LC_ALL=tr_TR.UTF-8 HOSTNAME=elsewhere exec",
        "umask 000; SOURCE_DATE_EPOCH=1 exec taskset --cpu-list 0",
    ] {
        let there = tempfile::tempdir().unwrap();
        let script = format!("{surroundings} \"$0\" --exact rpm::surroundings::write_for_the_parent --ignored");
        let child = Command::new("sh").args(["-c", &script]).arg(&program).env(FOLDER, there.path()).output().unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
        for codec in CODECS.map(|codec| codec.to_string()) {
            let [mine, theirs] = [&here, &there].map(|folder| fs::read(folder.path().join(&codec)).unwrap());
            assert!(mine == theirs, "{codec} in: {surroundings}");
        }
    }
}
