//! The machine on which somebody publishes: its umask, its clock, its language, a disk that is full or read-only.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;

use super::reader::Reader;
use super::rig::{Made, Rig};
use crate::program::{done, run};
use crate::small_disk::SmallDisk;

/// All files with their bytes and their modes, by their paths in the repository.
fn tree(rig: &Rig) -> BTreeMap<PathBuf, (Vec<u8>, u32)> {
    let file = |path: PathBuf| {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        (path.strip_prefix(rig.root()).unwrap().to_owned(), (fs::read(&path).unwrap(), mode))
    };
    crate::mirror::files(rig.root()).into_iter().map(file).collect()
}

fn folders(root: &Path) -> Vec<u32> {
    let mut found = Vec::new();
    let mut left = vec![root.to_owned()];
    while let Some(folder) = left.pop() {
        found.push(fs::metadata(&folder).unwrap().permissions().mode() & 0o777);
        left.extend(fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()));
    }
    found
}

/// A check on the day of what was published.
#[track_caller]
fn assert_whole_then(rig: &Rig) {
    let ran = run(rig.without_key("repo check --digests").env("SOURCE_DATE_EPOCH", "1800000100"));
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
}

/// The program behind a umask.
fn behind(umask: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("umask {umask} && exec \"$@\""), "sh"]).arg(command.get_program());
    shell.args(command.get_args()).current_dir(command.get_current_dir().unwrap()).env_clear();
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

#[test]
fn a_repository_is_a_function_of_what_is_published_and_when() {
    // As with createrepo_c and aptly, who sets a umask has the last word on who may read; bytes do not depend on it.
    let machines = [("022", [0o644, 0o755], "UTC", "C"), ("077", [0o600, 0o700], "Asia/Kathmandu", "tr_TR.UTF-8")];
    let made = machines.map(|(umask, modes, zone, language)| {
        let rig = Rig::new();
        // Made under the umask of the tests, which is nobody's business here.
        for name in ["key.asc", "key.gpg", ".kubepkg/repository.json"] {
            let path = rig.root().join(name);
            if path.exists() {
                fs::set_permissions(&path, std::fs::Permissions::from_mode(modes[0])).unwrap();
            }
        }
        for (version, time) in [("1.36.1", "1800000000"), ("1.36.2", "1800000100")] {
            let mut files = Made::get().packages(version, &[]);
            if umask == "077" {
                files.reverse();
            }
            let mut command = behind(umask, &rig.publish("stable/v1.36", &files));
            done(command.env("SOURCE_DATE_EPOCH", time).env("TZ", zone).env("LC_ALL", language));
        }
        assert_whole_then(&rig);
        let tree = tree(&rig);
        for (path, (_, mode)) in &tree {
            assert!(*mode == modes[0] || path.ends_with("repository.json"), "{}: {mode:o}", path.display());
        }
        let public = ["dists", "pool", "core:"].map(|name| folders(&rig.root().join(name))).concat();
        assert!(public.iter().all(|mode| *mode == modes[1]), "{umask}: {public:?}");
        tree.into_iter().map(|(path, (bytes, _))| (path, bytes)).collect::<BTreeMap<_, _>>()
    });
    let [one, other] = made;
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (path, bytes) in &one {
        assert!(other[path] == *bytes, "{}", path.display());
    }
}

#[test]
fn a_clock_that_was_set_back_a_little_does_no_harm() {
    let rig = Rig::new();
    let publish = |version: &str, time: &str| {
        let mut publish = rig.publish("stable/v1.36", &Made::get().packages(version, &[]));
        done(publish.env("SOURCE_DATE_EPOCH", time));
    };
    publish("1.36.1", "1800000000");
    publish("1.36.2", "1799999995");
    assert_whole_then(&rig);
    let release = fs::read_to_string(rig.root().join("dists/stable-v1.36/Release")).unwrap();
    // apt takes what is older than what it has for nothing new.
    assert!(release.contains("\nDate: Fri, 15 Jan 2027 08:00:00 UTC\n"), "{release}");
}

#[test]
fn a_full_disk_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("disk");
    let disk = SmallDisk::mount(&at, "3m");
    let rig = Rig::at(&at.join("repo"));
    let reader = Reader::of(&rig);
    rig.publish_release("stable/v1.36", "1.36.1");
    let before = reader.everything();
    let newer = Made::get().packages("1.36.2", &[]);
    let (mut failed, filler) = (0, at.join("filler"));
    for left in (0..8).map(|step| step * 20) {
        fs::write(&filler, vec![1; 4 << 20]).unwrap_err();
        let size = fs::metadata(&filler).unwrap().len();
        fs::OpenOptions::new().write(true).open(&filler).unwrap().set_len(size.saturating_sub(left << 10)).unwrap();
        let ran = run(&mut rig.publish("stable/v1.36", &newer));
        let seen = reader.everything();
        if ran.code == 0 {
            assert!(seen.len() > before.len());
            break;
        }
        failed += 1;
        assert_eq!(ran.code, 7, "{}", ran.stderr);
        assert!(ran.stderr.contains("No space left on device"), "{}", ran.stderr);
        assert!(before.iter().all(|package| seen.contains(package)), "{left}: {seen:?}");
        fs::remove_file(&filler).unwrap();
        let ran = run(&mut rig.without_key("repo check"));
        // Names that clients fetch may be of before, and the lists of what there is with them.
        let is_old =
            ["is not that of generation", "does not show generation"].iter().any(|words| ran.stdout.contains(words));
        assert!(ran.code == 0 || is_old, "{left}: {}", ran.stdout);
    }
    assert!(failed > 2, "{failed}");
    let _ = fs::remove_file(&filler);
    rig.publish_release("stable/v1.36", "1.36.2");
    rig.assert_whole();
    drop(disk);
}

#[test]
fn a_read_only_repository_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("disk");
    let disk = SmallDisk::mount(&at, "8m");
    let rig = Rig::at(&at.join("repo"));
    rig.publish_release("stable/v1.36", "1.36.1");
    let mount = |options: &str| {
        assert!(Command::new("mount").args(["-o", options]).arg(&at).status().unwrap().success());
    };
    mount("remount,ro");
    let before = rig.state();
    rig.assert_whole();
    done(&mut rig.without_key("repo history stable/v1.36"));
    let ran = run(&mut rig.publish("stable/v1.36", &Made::get().packages("1.36.2", &[])));
    assert!(ran.code == 7 && ran.stderr.contains("Read-only file system"), "{}: {}", ran.code, ran.stderr);
    // What it shows already needs no write.
    rig.publish_release("stable/v1.36", "1.36.1");
    assert_eq!(rig.state(), before);
    mount("remount,rw");
    rig.publish_release("stable/v1.36", "1.36.2");
    rig.assert_whole();
    drop(disk);
}
