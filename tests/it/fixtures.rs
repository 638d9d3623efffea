//! The fixtures are what their generator writes, and their programs run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Returns every file below `root` by its relative path.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs_err::read(&path).unwrap();
                found.insert(path.strip_prefix(root).unwrap().to_owned(), bytes);
            }
        }
    }
    found
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_generator_writes_what_is_committed() {
    let written = TempDir::new().unwrap();
    run(Command::new(fixtures().join("generate")).arg(written.path()));
    let fresh = files(written.path());
    for part in ["upstream", "elf"] {
        let committed = files(&fixtures().join(part));
        let fresh: BTreeMap<PathBuf, Vec<u8>> = fresh
            .iter()
            .filter_map(|(path, bytes)| Some((path.strip_prefix(part).ok()?.to_owned(), bytes.clone())))
            .collect();
        let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&committed), names(&fresh), "{part}: other files");
        let differing: Vec<&PathBuf> = fresh.keys().filter(|path| fresh[*path] != committed[*path]).collect();
        assert!(differing.is_empty(), "{part}: other bytes in {differing:?}");
    }
    for file in ["pins.yaml", "trusted_root.json", "release.key", "vendor/agent/specs/cosign.pub"] {
        assert_eq!(fresh[Path::new(file)], fs_err::read(fixtures().join(file)).unwrap(), "{file}");
    }
    let bytes: usize = fresh.values().map(Vec::len).sum();
    assert!(bytes < 3 << 20, "fixtures of {bytes} bytes");
}

#[test]
fn programs_say_their_name_and_version_on_every_architecture() {
    let bin = fixtures().join("upstream/dl.k8s.io/release/v1.17.0/bin/linux");
    assert_eq!(run(Command::new(bin.join("amd64/kubelet")).arg("--version")), "Kubernetes v1.17.0\n");
    assert_eq!(run(&mut Command::new(bin.join("amd64/kubeadm"))), "kubeadm version v1.17.0\n");
    for (emulator, arch) in [
        ("qemu-aarch64-static", "arm64"),
        ("qemu-arm-static", "arm"),
        ("qemu-i386-static", "386"),
        ("qemu-ppc64le-static", "ppc64le"),
        ("qemu-s390x-static", "s390x"),
    ] {
        let kubectl = bin.join(arch).join("kubectl");
        assert_eq!(run(Command::new(emulator).arg(kubectl)), "Client Version: v1.17.0\n", "{arch}");
    }
}

#[test]
fn programs_in_archives_run() {
    let github = fixtures().join("upstream/github.com");
    for (archive, member, line) in [
        (
            "kubernetes-sigs/cri-tools/releases/download/v1.30.1/crictl-v1.30.1-linux-riscv64.tar.gz",
            "crictl",
            "crictl version v1.30.1\n",
        ),
        (
            "containernetworking/plugins/releases/download/v1.8.0/cni-plugins-linux-riscv64-v1.8.0.tgz",
            "./tap",
            "CNI tap plugin v1.8.0\n",
        ),
    ] {
        let folder = TempDir::new().unwrap();
        run(Command::new("tar").arg("-xzf").arg(github.join(archive)).arg("-C").arg(folder.path()).arg(member));
        assert_eq!(run(Command::new("qemu-riscv64-static").arg(folder.path().join(member))), line);
    }
}

#[test]
fn digest_lists_are_believed_by_coreutils() {
    let upstream = fixtures().join("upstream");
    for (folder, tool, list) in [
        ("dl.k8s.io/release/v1.36.2", "sha256sum", "SHA256SUMS"),
        ("dl.k8s.io/ci/v1.38.0-alpha.2.97+8eb85c40f2b1ca", "sha512sum", "SHA512SUMS"),
        (
            "github.com/containernetworking/plugins/releases/download/v0.7.5",
            "sha1sum",
            "cni-plugins-amd64-v0.7.5.tgz.sha1",
        ),
    ] {
        run(Command::new(tool).args(["--check", "--strict", list]).current_dir(upstream.join(folder)));
    }
}
