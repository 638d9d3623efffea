//! The packages of the real program in the hands of dnf, zypper, rpm, rpmbuild and rpmlint.

mod client;
mod life;
mod lint;
pub(crate) mod repositories;
mod repository;
mod spec_files;

use std::process::Command;

/// Runs a program within two minutes. It must succeed; returns what it printed.
fn run(program: &str, arguments: &[&str]) -> String {
    let limits = ["--kill-after=10", "120", program];
    // Debian's rpm has its database in the home folder, here that of the root that it works in.
    let output = Command::new("timeout")
        .args(limits)
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", "/root")
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{stdout}{stderr}", output.status);
    stdout.into_owned()
}
