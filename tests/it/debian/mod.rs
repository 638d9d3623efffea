//! The built set in a real Debian: debootstrap, apt, dpkg, systemd's own tools, lintian.

mod booted;
mod foreign;
mod install;
mod lintian;
mod oldest;
mod removal;
mod repository;
pub(crate) mod root;
mod signatures;
pub(crate) mod system;
mod unit;
mod upgrade;

use std::path::{Path, PathBuf};
use std::process::Command;

use root::Root;

/// The components of a node, in the order in which the tests name them.
const SET: [&str; 5] = ["cri-tools", "kubeadm", "kubectl", "kubelet", "kubernetes-cni"];

/// The legacy profile. Its own cri-tools has a pinned digest, which no stand-in can have.
const LEGACY: [&str; 4] = ["--profile", "legacy", "--cri-tools-version", "1.21.0"];

/// Debs that the program built out of `fixtures/upstream`.
struct Set {
    /// Holds the debs as long as the set lives.
    _folder: tempfile::TempDir,
    debs: Vec<PathBuf>,
}

impl Set {
    /// Builds the debs of one version for amd64.
    fn new(version: &str) -> Self {
        Self::with(version, &[])
    }

    fn with(version: &str, arguments: &[&str]) -> Self {
        Self::of(&[&["--version", version, "--arch", "amd64"], arguments].concat())
    }

    /// Builds debs as the arguments say.
    fn of(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = env!("CARGO_BIN_EXE_kubepkg");
        let output = Command::new(program)
            .env_clear()
            .env("KUBEPKG_TRUST_ROOT", crate::mirror::trust_root())
            .current_dir(folder.path())
            .args(["build", "--format", "deb", "--cache-dir", "cache", "--output", "dist", "--upstream"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/upstream"))
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let paths = String::from_utf8(output.stdout).unwrap();
        let debs: Vec<_> = paths.lines().map(|path| folder.path().join(path)).collect();
        assert!(!debs.is_empty(), "{arguments:?}");
        Self { _folder: folder, debs }
    }

    /// The debs of some components.
    fn only(&self, components: &[&str]) -> Vec<PathBuf> {
        let find = |name: &&str| {
            let mut debs = self.debs.iter().filter(|deb| file_name(deb).starts_with(&format!("{name}_")));
            debs.next().unwrap_or_else(|| panic!("{name}: {:?}", self.debs)).clone()
        };
        components.iter().map(find).collect()
    }
}

fn file_name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// Runs a program of the machine, which must succeed, and returns what it printed.
fn run(program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    let output = command.args(arguments).env("LC_ALL", "C.UTF-8").output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{stdout}{stderr}", output.status);
    stdout.into_owned()
}
