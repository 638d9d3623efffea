//! The first hour of a repository: one command makes it and its key, another one publishes.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;
use tempfile::TempDir;

use super::rig::{Made, refused};
use crate::program::{command, done, run};

fn inside(folder: &Path, line: &str) -> Command {
    let mut command = command();
    command.current_dir(folder).args(line.split(' '));
    command
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Copies packages to `dist`, signed by the key that the configuration names.
fn dist(folder: &Path) -> Vec<PathBuf> {
    fs::create_dir_all(folder.join("dist")).unwrap();
    let copy = |package: &PathBuf| {
        let to = folder.join("dist").join(package.file_name().unwrap());
        fs::copy(package, &to).unwrap();
        to
    };
    let packages: Vec<PathBuf> = Made::get().packages("1.36.2", &["kubectl"]).iter().map(copy).collect();
    done(inside(folder, "sign -qq").args(&packages));
    packages
}

#[test]
fn one_command_makes_everything_and_another_one_publishes() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    fs::write(folder.join(".gitignore"), "/dist").unwrap();
    assert_eq!(done(&mut inside(folder, "repo init --algorithm ed25519 -qq")), "./repo\n");
    assert_eq!(names(folder), [".gitignore", "kubepkg.yaml", "kubernetes.secret.asc", "repo"]);
    let key = folder.join("kubernetes.secret.asc");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_to_string(folder.join(".gitignore")).unwrap(), "/dist\n/kubernetes.secret.asc\n");
    let configuration = fs::read_to_string(folder.join("kubepkg.yaml")).unwrap();
    let keys = done(&mut inside(folder, "repo keys -q"));
    let (fingerprint, _) = keys.split_once(' ').unwrap();
    let expected = format!("repo: ./repo\nrepo-key: \"{fingerprint}\"\nsign:\n  key: kubernetes.secret.asc\n");
    assert_eq!(configuration, expected);
    let shown = done(inside(folder, "key show -q").arg(&key));
    assert!(shown.contains("user     Kubernetes <kubernetes@localhost>\n"), "{shown}");
    let packages = dist(folder);
    let lines = done(inside(folder, "publish --channel stable/v1.36 -q").args(&packages));
    assert_eq!(lines.lines().count(), packages.len(), "{lines}");
    assert_eq!(done(inside(folder, "publish --repo ./repo --channel stable/v1.36 -q").args(&packages)), "");
    assert_eq!(done(&mut inside(folder, "repo check -q")), "");
    // From anywhere else the configuration finds both.
    let elsewhere = TempDir::new().unwrap();
    let mut check = inside(elsewhere.path(), "repo check -q --config");
    assert_eq!(done(check.arg(folder.join("kubepkg.yaml"))), "");
    // Once is enough.
    refused(2, &mut inside(folder, "repo init"), "there is a repository at `./repo`");
}

#[test]
fn nothing_that_is_there_is_changed() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    fs::write(folder.join("kubepkg.yaml"), "maintainer: Acme <acme@example.org>\n").unwrap();
    let ran = run(&mut inside(folder, "repo init s --name Acme --algorithm ed25519 -q"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("add to it:\nrepo: \"s\"\nrepo-key: \""), "{}", ran.stderr);
    assert!(ran.stderr.contains("\"\nsign:\n  key: acme.secret.asc\n"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(folder.join("kubepkg.yaml")).unwrap(), "maintainer: Acme <acme@example.org>\n");
    let shown = done(&mut inside(folder, "key show -q acme.secret.asc"));
    assert!(shown.contains("user     Acme <acme@example.org>\n"), "{shown}");
    // A key is never overwritten.
    let before = fs::read(folder.join("acme.secret.asc")).unwrap();
    refused(7, &mut inside(folder, "repo init other --name Acme --algorithm ed25519"), "is there already");
    assert_eq!(fs::read(folder.join("acme.secret.asc")).unwrap(), before);
    assert!(!folder.join("other").exists());
}

#[test]
fn what_fails_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    fs::write(folder.join("file"), "").unwrap();
    let init = "repo init ./file/repo --algorithm ed25519 --store-retries 0";
    assert_ne!(run(&mut inside(folder, init)).code, 0);
    refused(2, &mut inside(folder, "repo init --algorithm ed25519 --name Acme --user nobody"), "is no user of a key");
    assert_eq!(names(folder), ["file"]);
}
