//! Packages as the real program makes them of the fixtures.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::mirror::trust_root;

/// The small mirror of upstream.
pub(crate) fn upstream() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/upstream")
}

/// Runs kubepkg with nothing of the machine's configuration. It must succeed; returns the lines that it printed.
pub(crate) fn kubepkg(arguments: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_kubepkg"))
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("KUBEPKG_TRUST_ROOT", trust_root())
        .current_dir("/")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "kubepkg {}: {said}", arguments.join(" "));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Runs `kubepkg COMMAND` on a version into a folder, which gets a cache beside it, and returns the paths of what was
/// written.
pub(crate) fn write(command: &str, version: &str, more: &[&str], folder: &Path) -> Vec<PathBuf> {
    let upstream = upstream().display().to_string();
    let (output, cache) = (folder.display().to_string(), format!("{}.cache", folder.display()));
    let places = ["--upstream", &upstream, "--cache-dir", &cache, "--output", &output, "--quiet"];
    kubepkg(&[&[command, "--version", version], &places[..], more].concat()).iter().map(PathBuf::from).collect()
}

/// Returns the options for a profile of a version. The companions that the legacy profile names are not all among the
/// fixtures: some are pinned by digests that no stand-in can have.
pub(crate) fn profile<'a>(profile: &'a str, version: &str) -> Vec<&'a str> {
    let minor: u32 = version.split('.').nth(1).unwrap().parse().unwrap();
    let companions: &[&str] = match (profile, minor) {
        ("legacy", ..30) => &["--cri-tools-version=1.21.0"],
        ("legacy", 30) => &["--cri-tools-version=1.30.1", "--cni-version=1.4.0"],
        ("legacy", _) => &["--cri-tools-version=1.36.0", "--cni-version=1.9.1"],
        _ => &[],
    };
    [&["--profile", profile], companions].concat()
}
