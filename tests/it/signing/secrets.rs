//! Where the passphrase comes from, and where it never goes.

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};

use super::keeper::Keeper;
use super::*;
use crate::fault_server::{Act, FaultServer};
use crate::mirror::files;

const PASSPHRASE: &str = "correct horse battery staple";

fn locked() -> (Keys, PathBuf) {
    let keys = Keys::new();
    keys.generate("ed25519", PASSPHRASE);
    let key = keys.export("secret.asc", PASSPHRASE, "--export-secret-keys");
    (keys, key)
}

#[test]
fn a_passphrase_comes_from_a_file_or_the_environment_or_the_terminal() {
    let ((keys, key), rig) = (locked(), Rig::new());
    let file = keys.path("passphrase");
    fs_err::write(&file, format!("{PASSPHRASE}\nnot this\n")).unwrap();
    let line = format!("{BUILD} --no-cache --sign-key {}", key.display());
    rig.good(&format!("{line} --sign-passphrase-file {}", file.display()));
    let by_file = rig.packages();
    let ran = Ran::from(rig.command(&line).env("KUBEPKG_SIGN_PASSPHRASE", PASSPHRASE).output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(rig.packages() == by_file);
    fs_err::remove_dir_all(rig.dist()).unwrap();
    // script(1) gives the program a terminal.
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &format!("{} {line}", crate::cli::KUBEPKG), "/dev/null"]);
    command
        .current_dir(rig.path())
        .env("KUBEPKG_UPSTREAM", crate::mirror::fixtures())
        .env("KUBEPKG_TRUST_ROOT", crate::mirror::trust_root());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(1));
    writeln!(input, "{PASSPHRASE}").unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("Passphrase of"), "{said}");
    assert!(!said.contains(PASSPHRASE), "typed text is not shown: {said}");
    assert!(rig.packages() == by_file);
}

#[test]
fn without_the_right_passphrase_nothing_is_signed_and_nothing_is_told() {
    let ((keys, key), rig) = (locked(), Rig::new());
    let line = format!("{BUILD} -v --sign-key {}", key.display()).replace("--quiet ", "");
    rig.fails(&line, 2, "needs a passphrase");
    let file = keys.path("passphrase");
    for wrong in ["wrong secret", "", &format!(" {PASSPHRASE}")] {
        fs_err::write(&file, wrong).unwrap();
        let ran = rig.fails(&format!("{line} --sign-passphrase-file {}", file.display()), 8, "the passphrase does not");
        for secret in ["wrong secret", PASSPHRASE] {
            assert!(!ran.stderr.contains(secret) && !ran.stdout.contains(secret), "{}", ran.stderr);
        }
    }
    rig.fails(&format!("{line} --sign-passphrase-file {}", keys.path("none").display()), 7, "none");
    assert!(rig.packages().is_empty());
}

#[test]
fn what_is_told_of_keys_has_no_secrets() {
    let keys = Keys::new();
    keys.generate("ed25519", "");
    let bytes = fs_err::read(keys.secret()).unwrap();
    let binary = keys.path("secret.pgp");
    keys.gpg(&["--output", binary.to_str().unwrap(), "--export-secret-keys"]);
    let locked = kubepkg::sign::LockedKey::parse(&bytes, u32::MAX / 2 - 1).unwrap_err();
    assert!(locked.to_string().contains("expired"), "{locked}");
    let now = crate::program::tool("date", ["+%s"]).trim().parse().unwrap();
    let locked = kubepkg::sign::LockedKey::parse(&bytes, now).unwrap();
    let told = format!("{locked:?}") + &format!("{:?}", locked.unlock(b"").unwrap());
    assert!(told.contains(&keys.fingerprints()[1]) && !told.to_lowercase().contains("secret"), "{told}");
}

/// Starts a build that has opened its key and waits for a server that says nothing.
fn waiting(prepare: impl FnOnce(&Rig, &mut Command)) -> (Rig, FaultServer, Child) {
    let server = FaultServer::start(|_| vec![Act::Stall]);
    let rig = Rig::with_upstream(server.url(""));
    let built = rig.command(BUILD);
    // Cores are allowed, as far as this system allows them, and no signal is ignored as those of background jobs may be.
    let mut command = Command::new("prlimit");
    command
        .args(["--core=unlimited", "--", "env", "--default-signal=QUIT"])
        .arg(built.get_program())
        .args(built.get_args());
    command.env_clear().envs(built.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(rig.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    prepare(&rig, &mut command);
    let mut child = command.spawn().unwrap();
    for _ in 0..3000 {
        if server.connections() > 0 {
            return (rig, server, child);
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended before");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("it asks for nothing");
}

/// Ends a program by a signal that makes it leave a core, and returns whether it did, with all that it left and said.
fn dumped(rig: &Rig, child: Child, signal: &str) -> (bool, Vec<u8>) {
    crate::cli::signal(signal, child.id());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.signal().is_some(), "{:?}", output.status);
    let left =
        files(rig.path()).into_iter().filter(|path| path.file_name().unwrap().to_str().unwrap().contains("core"));
    let left = left.flat_map(|path| fs_err::read(path).unwrap());
    (output.status.core_dumped(), [output.stdout, output.stderr].concat().into_iter().chain(left).collect())
}

fn contains(bytes: &[u8], secret: &[u8]) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret)
}

#[test]
fn a_program_that_is_killed_leaves_no_core_with_secrets() {
    let (keys, key) = locked();
    let file = keys.path("passphrase");
    fs_err::write(&file, PASSPHRASE).unwrap();
    let (rig, _server, child) = waiting(|_, _| {});
    assert!(dumped(&rig, child, "QUIT").0, "this system writes no cores at all, so that nothing is proven");
    for signal in ["QUIT", "ABRT"] {
        let (rig, _server, child) = waiting(|_, command| {
            command.arg("--sign-key").arg(&key).arg("--sign-passphrase-file").arg(&file);
        });
        let (has_core, left) = dumped(&rig, child, signal);
        assert!(!has_core && !contains(&left, PASSPHRASE.as_bytes()), "{signal}");
        let (rig, _server, child) = waiting(|_, command| {
            command.arg("--sign-key").arg(&key).env("KUBEPKG_SIGN_PASSPHRASE", PASSPHRASE);
        });
        let (has_core, left) = dumped(&rig, child, signal);
        assert!(!has_core && !contains(&left, PASSPHRASE.as_bytes()), "{signal}");
    }
}

#[test]
fn the_list_of_processes_shows_no_secret() {
    let (keys, key) = locked();
    let file = keys.path("passphrase");
    fs_err::write(&file, PASSPHRASE).unwrap();
    let (_rig, _server, mut child) = waiting(|_, command| {
        command.arg("--sign-key").arg(&key).arg("--sign-passphrase-file").arg(&file);
    });
    for shown in ["cmdline", "environ", "comm", "status"] {
        let bytes = fs_err::read(format!("/proc/{}/{shown}", child.id())).unwrap();
        assert!(!bytes.is_empty() && !contains(&bytes, PASSPHRASE.as_bytes()), "{shown}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A program that keeps a key writes down what it gets to see.
#[test]
fn programs_that_keep_keys_do_not_get_the_passphrase() {
    let keys = Keys::new();
    keys.generate("ed25519", "");
    let (script, seen) = (keys.path("keeper"), keys.path("seen"));
    let real = crate::program::root("tests/it/signing/keeper.py");
    let text =
        format!("#!/bin/sh\ntr '\\0' '\\n' </proc/$$/environ >>{0}\necho \"$@\" >>{0}\nexec {real}\n", seen.display());
    fs_err::write(&script, text).unwrap();
    assert!(Command::new("chmod").arg("+x").arg(&script).status().unwrap().success());
    let rig = Rig::new();
    // Only for what it prepares: the key as a file.
    Keeper::Command.sign(&keys, &mut rig.command(BUILD));
    let mut command = rig.command(BUILD);
    command.arg("--sign-command").arg(&script).arg("--sign-certificate").arg(keys.public());
    command.env("KEEPER_KEY", keys.path("secret.pgp")).env("KUBEPKG_SIGN_PASSPHRASE", PASSPHRASE);
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let seen = fs_err::read_to_string(seen).unwrap();
    assert!(seen.contains("KUBEPKG_SIGN_ALGORITHM=ed25519") && !seen.contains(PASSPHRASE), "{seen}");
}
