//! Where the passphrase comes from, and where it never goes.

use std::io::Write as _;
use std::process::Stdio;

use super::*;
use crate::cli::Ran;

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
    command.current_dir(rig.path()).env("KUBEPKG_UPSTREAM", crate::mirror::fixtures());
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
fn debug_output_of_keys_has_no_secrets() {
    let (_keys, key) = locked();
    let locked = kubepkg::sign::LockedKey::parse(&fs_err::read(key).unwrap(), u32::MAX / 2 + 1).unwrap_err();
    assert!(locked.to_string().contains("expired"), "{locked}");
}
