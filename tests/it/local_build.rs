//! `--from-dir`: a Kubernetes that the user built, also for architectures that upstream does not publish.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A local build for riscv64 with programs of version 1.30.1. Upstream publishes crictl 1.30.1 for riscv64, so its
/// fixture is a program of the right machine and version.
fn local_build(folder: &Path) -> PathBuf {
    let build = folder.join("_output");
    let bin = build.join("bin/linux/riscv64");
    fs_err::create_dir_all(&bin).unwrap();
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join(
        "fixtures/upstream/github.com/kubernetes-sigs/cri-tools/releases/download/v1.30.1/crictl-v1.30.1-linux-riscv64.tar.gz",
    );
    let unpacked = Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&bin).arg("crictl").status().unwrap();
    assert!(unpacked.success());
    for name in ["kubeadm", "kubectl", "kubelet"] {
        fs_err::copy(bin.join("crictl"), bin.join(name)).unwrap();
    }
    fs_err::remove_file(bin.join("crictl")).unwrap();
    build
}

fn kubepkg(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kubepkg"))
        .args(arguments)
        .args(["--from-dir", "_output", "--cache-dir", "cache"])
        .arg("--upstream")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/upstream"))
        .env("KUBEPKG_TRUST_ROOT", crate::mirror::trust_root())
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
fn an_architecture_of_ones_own_is_packaged_with_upstreams_companions() {
    let folder = tempfile::tempdir().unwrap();
    local_build(folder.path());
    let run = kubepkg(folder.path(), &["build", "--version", "1.30.1", "--arch", "riscv64"]);
    let words = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{words}");
    let paths = String::from_utf8(run.stdout).unwrap();
    assert_eq!(paths.lines().count(), 10);
    for file in
        ["kubelet_1.30.1-1.1_riscv64.deb", "cri-tools-1.30.1-1.1.riscv64.rpm", "kubernetes-cni_1.4.0-1.1_riscv64.deb"]
    {
        assert!(paths.contains(file), "{paths}");
    }
    assert!(words.contains("warning: _output/bin/linux/riscv64/kubelet is a local build"), "{words}");
}

#[test]
fn all_architectures_of_a_local_build_are_those_that_it_has() {
    let folder = tempfile::tempdir().unwrap();
    local_build(folder.path());
    let run = kubepkg(folder.path(), &["plan", "kubelet", "--version", "1.30.1", "--arch", "all"]);
    let table = String::from_utf8(run.stdout).unwrap();
    assert!(run.status.success());
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.contains("_output/bin/linux/riscv64/kubelet"), "{table}");
}

#[test]
fn a_local_build_of_another_version_or_machine_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let build = local_build(folder.path());
    let other_version = kubepkg(folder.path(), &["build", "kubelet", "--version", "1.30.2", "--arch", "riscv64"]);
    let words = String::from_utf8_lossy(&other_version.stderr).into_owned();
    assert_eq!(other_version.status.code(), Some(6), "{words}");
    assert!(words.contains("1.30.1"), "{words}");
    fs_err::rename(build.join("bin/linux/riscv64"), build.join("bin/linux/arm64")).unwrap();
    let other_machine = kubepkg(folder.path(), &["build", "kubelet", "--version", "1.30.1", "--arch", "arm64"]);
    assert_eq!(other_machine.status.code(), Some(6), "{}", String::from_utf8_lossy(&other_machine.stderr));
    assert!(
        !folder.path().join("dist").exists() || fs_err::read_dir(folder.path().join("dist")).unwrap().next().is_none()
    );
}

#[test]
fn a_local_build_without_the_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    local_build(folder.path());
    let run = kubepkg(folder.path(), &["build", "kubelet", "--version", "1.30.1", "--arch", "s390x"]);
    let words = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(5), "{words}");
    assert!(words.contains("_output/bin/linux/s390x/kubelet"), "{words}");
}
