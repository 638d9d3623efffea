//! What is no package, or one that means harm, and state files that somebody has been at: a clear error and a documented
//! exit code, nothing half-done, and what clients see stays as it was.

use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread;

use fs_err as fs;

use super::reader::Reader;
use super::rig::{Made, Rig, refused};
use super::stop::Stop;
use crate::index_files::apt::{control, dpkg_deb};
use crate::program::{done, run};

/// Refuses files in a channel that shows a release, and changes nothing. Returns what is said.
#[track_caller]
fn refuses(rig: &Rig, codes: &[i32], files: &[PathBuf]) -> String {
    let before = rig.state();
    let ran = run(&mut rig.publish("stable/v1.36", files));
    assert!(codes.contains(&ran.code) && ran.stdout.is_empty(), "{files:?}: {}: {}", ran.code, ran.stderr);
    assert!(ran.stderr.contains("error: ") && ran.stderr.contains("hint: "), "{files:?}: {}", ran.stderr);
    assert_eq!(rig.state(), before, "{files:?}");
    ran.stderr
}

fn with_a_release() -> Rig {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    rig
}

/// The size of an RPM's lead in bytes.
const LEAD: usize = 96;

#[test]
fn names_that_are_paths_get_nowhere() {
    let rig = with_a_release();
    let long = "n".repeat(300);
    for (name, version, arch) in [
        ("../evil", "1", "all"),
        ("/etc/evil", "1", "all"),
        ("evil", "../1", "all"),
        ("evil", "1", "../all"),
        ("ev%2fil", "1", "all"),
        ("evil", "1%00", "all"),
        (&long, "1", "all"),
        ("evil", "1\u{7}", "all"),
        ("evil", "1\u{85}", "all"),
        ("", "1", "all"),
    ] {
        let deb = dpkg_deb(rig.folder.path(), &control(name, version, arch), "true", "evil_1_all.deb");
        let said = refuses(&rig, &[7], &[deb]);
        assert!(said.contains("evil_1_all.deb") && !said.contains('\u{7}'), "{said}");
    }
    // The name in an RPM's header, and with it what the header's digest is of. That of the lead is nobody's.
    let good = Made::get().packages("1.36.2", &["kubectl", "x86_64.rpm"]).remove(0);
    let bytes = fs::read(&good).unwrap();
    let path = rig.folder.path().join(good.file_name().unwrap());
    let names: [&[u8]; 6] =
        [b"../evil\0", b"/x/evil\0", b"ev\nil.x\0", b"ev%2fil\0", b"ev\x1b[2Jx\0", b"e\xff\xfe\xc3(il\0"];
    for evil in names {
        let at = LEAD + bytes[LEAD..].windows(8).position(|window| window == b"kubectl\0").unwrap();
        let mut changed = bytes.clone();
        changed[at..at + 8].copy_from_slice(evil);
        fs::write(&path, changed).unwrap();
        let said = refuses(&rig, &[7, 11], std::slice::from_ref(&path));
        assert!(said.contains("kubectl-1.36.2") && !said.contains('\u{1b}'), "{said}");
    }
    assert!(!rig.folder.path().join("evil").exists());
    rig.assert_whole();
}

#[test]
fn files_that_end_early_are_refused_wherever_they_end() {
    let rig = with_a_release();
    for words in [["kubectl", "amd64.deb"], ["kubectl", "x86_64.rpm"]] {
        let package = Made::get().packages("1.36.2", &words).remove(0);
        let bytes = fs::read(&package).unwrap();
        let half = rig.folder.path().join(package.file_name().unwrap());
        let lengths = (0..12).map(|part| bytes.len() * part / 12).chain([1, 8, 96, bytes.len() - 1]);
        for length in lengths {
            fs::write(&half, &bytes[..length]).unwrap();
            // 11 where what is there is a package, and its signature is of more.
            let said = refuses(&rig, &[7, 11], std::slice::from_ref(&half));
            assert!(said.contains(half.file_name().unwrap().to_str().unwrap()), "{length}: {said}");
        }
    }
    rig.assert_whole();
}

#[test]
fn a_file_that_is_written_to_meanwhile_is_published_whole_or_not() {
    let rig = with_a_release();
    let package = Made::get().packages("1.36.2", &["kubectl", "amd64.deb"]).remove(0);
    let bytes = fs::read(&package).unwrap();
    let path = rig.folder.path().join(package.file_name().unwrap());
    let (mut refused, mut published) = (0, 0);
    for round in 0..12 {
        fs::write(&path, &bytes).unwrap();
        let stop = Stop::default();
        let ran = thread::scope(|scope| {
            scope.spawn(|| {
                // As somebody copies it there once more.
                let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
                while !stop.is_said() {
                    file.set_len(bytes.len() as u64 / 2).unwrap();
                    file.seek(std::io::SeekFrom::Start(0)).unwrap();
                    file.write_all(&bytes).unwrap();
                    thread::sleep(std::time::Duration::from_micros(300 * round));
                }
            });
            let _failed = stop.on_failure();
            let ran = run(&mut rig.publish("stable/v1.36", std::slice::from_ref(&path)));
            stop.say();
            ran
        });
        match ran.code {
            0 => published += 1,
            7 | 11 => refused += 1,
            code => panic!("{code}: {}", ran.stderr),
        }
        rig.assert_whole();
    }
    eprintln!("{published} published, {refused} refused");
    done(&mut rig.publish("stable/v1.36", &[package]));
    rig.assert_whole();
}

#[test]
fn the_same_twice_is_once_and_the_same_name_twice_is_refused() {
    let rig = with_a_release();
    let one = Made::get().packages("1.36.2", &["kubectl", "amd64.deb"]).remove(0);
    let copy = rig.folder.path().join(one.file_name().unwrap());
    fs::copy(&one, &copy).unwrap();
    done(crate::program::command().args(["sign", "--remove", "-qq"]).arg(&copy));
    let said = refuses(&rig, &[11], &[one.clone(), copy.clone()]);
    assert!(said.contains("is there with other bytes"), "{said}");
    fs::copy(&one, &copy).unwrap();
    assert_eq!(done(&mut rig.publish("stable/v1.36", &[one.clone(), copy, one])).lines().count(), 1);
    rig.assert_whole();
}

#[test]
fn packages_of_an_architecture_are_in_its_index_alone() {
    let rig = with_a_release();
    for (arch, other) in [("amd64", "arm64"), ("arm64", "amd64")] {
        let index = rig.root().join(format!("dists/stable-v1.36/main/binary-{arch}/Packages"));
        let text = fs::read_to_string(index).unwrap();
        assert_eq!(text.matches(&format!("Architecture: {arch}\n")).count(), 5, "{text}");
        assert!(!text.contains(&format!("_{other}.deb")), "{text}");
    }
}

/// Makes other bytes of those of a file, and of another one.
type Damage = fn(&[u8], &[u8]) -> Vec<u8>;

/// State files, by what they are for.
fn state_files(rig: &Rig) -> Vec<PathBuf> {
    let all = crate::mirror::files(&rig.root().join(".kubepkg"));
    all.into_iter().filter(|path| path.is_file()).collect()
}

#[test]
fn state_files_that_somebody_was_at_are_told_and_not_built_on() {
    let rig = with_a_release();
    rig.publish_release("staging/v1.36", "1.36.2");
    let reader = Reader::of(&rig);
    rig.done("repo refresh stable/v1.36");
    let seen = reader.everything();
    let newer = Made::get().packages("1.36.2", &[]);
    let files = state_files(&rig);
    assert!(files.len() > 8, "{files:?}");
    let damages: [Damage; 4] = [
        |bytes, _| bytes[..bytes.len() / 2].to_vec(),
        |_, _| Vec::new(),
        |bytes, _| {
            bytes.iter().enumerate().map(|(at, byte)| if at == bytes.len() / 2 { byte ^ 4 } else { *byte }).collect()
        },
        // That of something else.
        |_, other| other.to_vec(),
    ];
    let mut told = 0;
    for (number, path) in files.iter().enumerate() {
        let bytes = fs::read(path).unwrap();
        let other = fs::read(&files[(number + 1) % files.len()]).unwrap();
        for damage in damages.iter().skip(number % 2).step_by(2) {
            fs::write(path, damage(&bytes, &other)).unwrap();
            let before = rig.state();
            let ran = run(&mut rig.publish("stable/v1.36", &newer[..1]));
            let what = path.strip_prefix(rig.root()).unwrap().display().to_string();
            // Old generations and what only they name are not needed for the next one.
            assert!([0, 6, 7, 8].contains(&ran.code), "{what}: {}: {}", ran.code, ran.stderr);
            if ran.code == 0 {
                fs::write(path, &bytes).unwrap();
                rig.done("repo rollback stable/v1.36 --to 2");
                continue;
            }
            told += 1;
            // With a bit of a certificate the file reads well, and no key is its key.
            assert!(ran.code == 8 || ran.stderr.contains(".kubepkg/"), "{what}: {}", ran.stderr);
            assert!(ran.stderr.contains("hint: "), "{what}: {}", ran.stderr);
            assert_eq!(rig.state(), before, "{what}");
            fs::write(path, &bytes).unwrap();
            assert_eq!(reader.everything(), seen, "{what}");
        }
    }
    assert!(told >= 5, "{told}");
    rig.publish_release("stable/v1.36", "1.36.2");
    rig.assert_whole();
}

#[test]
fn a_folder_that_is_no_repository_stays_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new();
    let mut publish = rig.publish("stable/v1.36", &Made::get().packages("1.36.1", &["kubectl"]));
    publish.arg("--repo").arg(folder.path());
    assert_ne!(run(&mut publish).code, 0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let mut publish = crate::program::command();
    let line = ["publish", "--channel", "stable/v1.36", "--repo"];
    publish.args(line).arg(folder.path()).arg("--sign-key").arg(Made::get().key());
    refused(4, publish.args(Made::get().packages("1.36.1", &["kubectl"])), "there is no repository at");
    assert_eq!(fs::read_dir(Path::new(folder.path())).unwrap().count(), 0);
}
