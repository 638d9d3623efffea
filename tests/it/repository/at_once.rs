//! Packages that are published by the run that builds them.

use std::path::Path;
use std::process::Command;

use fs_err as fs;

use super::rig::{Rig, refused};
use crate::built;
use crate::program::{command, done, run};

/// Builds a release of one architecture into `dist`.
fn build(rig: &Rig, more: &str) -> Command {
    let folder = rig.folder.path().display();
    let upstream = built::upstream();
    rig.command(&format!(
        "build --version 1.36.2 --arch amd64 --compression gzip:1 --upstream {} --cache-dir {folder}/cache --output {folder}/dist {more}",
        upstream.display()
    ))
}

fn packages(dist: &Path) -> Vec<String> {
    let names = crate::mirror::files(dist).into_iter().map(|path| path.display().to_string());
    names.filter(|name| name.ends_with(".deb") || name.ends_with(".rpm")).collect()
}

/// The same command, of whose files every opening is written down.
fn traced(command: &Command, log: &Path) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-s", "4096", "-e", "trace=open,openat,openat2", "-o"]).arg(log);
    strace.arg(command.get_program()).args(command.get_args()).env_clear();
    strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    strace.current_dir(env!("CARGO_MANIFEST_DIR"));
    strace
}

#[test]
fn what_a_run_built_is_opened_once_more_and_only_to_be_copied() {
    let rig = Rig::new();
    let log = rig.folder.path().join("opened");
    done(&mut traced(&build(&rig, "--publish stable/v1.36"), &log));
    let built = packages(&rig.folder.path().join("dist"));
    assert_eq!(built.len(), 10, "{built:?}");
    let opened = fs::read_to_string(&log).unwrap();
    for package in &built {
        let times = opened.matches(&format!("\"{package}\"")).count();
        assert_eq!(times, 1, "{package}");
    }
    rig.assert_whole();
    // What another run reads of the same files is the same.
    let head = fs::read(rig.root().join(".kubepkg/head/stable/v1.36.json")).unwrap();
    let files: Vec<std::path::PathBuf> = built.iter().map(Into::into).collect();
    assert_eq!(done(&mut rig.publish("stable/v1.36", &files)), "");
    assert_eq!(fs::read(rig.root().join(".kubepkg/head/stable/v1.36.json")).unwrap(), head);
}

#[test]
fn what_an_earlier_run_built_is_published_too() {
    let rig = Rig::new();
    done(&mut build(&rig, "--quiet"));
    let ran = run(&mut build(&rig, "--publish stable/v1.36 --json"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let told: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(told["published"]["added"].as_array().unwrap().len(), 10, "{told}");
    rig.assert_whole();
    let before = rig.state();
    done(&mut build(&rig, "--publish stable/v1.36"));
    assert_eq!(rig.state(), before);
}

#[test]
fn what_cannot_be_published_is_not_built() {
    let rig = Rig::new();
    let mut keyless = rig.without_key("build --version 1.36.2 --publish stable/v1.36");
    refused(2, &mut keyless, "no key");
    assert!(!rig.folder.path().join("dist").exists());
}

/// `kubepkg repo init` and `kubepkg key generate` make keys whose subkey signs.
#[test]
fn a_subkey_of_the_repository_signs_what_is_built() {
    let folder = tempfile::tempdir().unwrap();
    done(command().current_dir(folder.path()).args([
        "repo",
        "init",
        "--name",
        "Acme",
        "--algorithm",
        "ed25519",
        "-qq",
    ]));
    let mut build = command();
    build.current_dir(folder.path()).args(["build", "kubectl", "--version", "1.36.2", "--arch", "amd64", "-q"]);
    build.args(["--compression", "gzip:1", "--cache-dir", "cache", "--publish", "stable/v1.36", "--upstream"]);
    done(build.arg(built::upstream()));
    let checked = run(command().current_dir(folder.path()).args(["repo", "check", "--digests", "-q"]));
    assert_eq!((checked.code, checked.stdout.as_str()), (0, ""), "{}", checked.stderr);
    let shown = done(command().current_dir(folder.path()).args(["repo", "history", "stable/v1.36"]));
    assert!(shown.contains("+2 -0"), "{shown}");
}
