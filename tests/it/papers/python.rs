//! Validators from `PyPI`, installed once into the folder of the tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

/// What is installed: the published schemas of `CycloneDX`, and in-toto's own definitions of its predicates.
const PACKAGES: [&str; 3] =
    ["cyclonedx-python-lib[json-validation]==11.12.0", "in-toto-attestation==0.9.3", "packageurl-python==0.17.6"];

/// The folder of the packages; its name changes with what is in it.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let tests = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let name = format!("python-{}", &kubepkg::digest::Digest::sha256(PACKAGES.concat()).hex()[..12]);
    let folder = tests.join(name);
    if !folder.exists() {
        let unfinished = tempfile::tempdir_in(tests).unwrap();
        let target = unfinished.path().join("packages");
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--no-compile", "--target"]).arg(&target).args(PACKAGES);
        let output = pip.output().unwrap();
        assert!(output.status.success(), "pip: {}", String::from_utf8_lossy(&output.stderr));
        // Another test run may have been faster.
        assert!(fs_err::rename(&target, &folder).is_ok() || folder.exists());
    }
    folder
});

/// Runs a script and returns what it printed.
pub(super) fn run(script: &str, arguments: &[&Path]) -> String {
    let mut python = Command::new("python3");
    python.args(["-c", script]).args(arguments).env("PYTHONPATH", &*FOLDER);
    let Output { status, stdout, stderr } = python.output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}
