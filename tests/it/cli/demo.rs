//! The command of the front page, and what follows from it.

use super::*;

/// Copies what is committed: what a fresh clone has.
fn clone_to(folder: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output().unwrap();
    assert!(list.status.success());
    for file in String::from_utf8(list.stdout).unwrap().split_terminator('\0') {
        let copy = folder.join(file);
        fs_err::create_dir_all(copy.parent().unwrap()).unwrap();
        fs_err::copy(root.join(file), copy).unwrap();
    }
}

#[test]
fn ten_packages_come_of_one_command_on_a_fresh_clone() {
    let rig = Rig::new();
    clone_to(rig.path());
    let mut command = rig.command("build --version 1.17.0 --arch arm64 --upstream fixtures/upstream");
    let ran = Ran::from(command.env_remove("KUBEPKG_UPSTREAM").output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let expected = [
        "dist/cri-tools_1.21.0-1.1_arm64.deb",
        "dist/cri-tools-1.21.0-1.1.aarch64.rpm",
        "dist/kubeadm_1.17.0-1.1_arm64.deb",
        "dist/kubeadm-1.17.0-1.1.aarch64.rpm",
        "dist/kubectl_1.17.0-1.1_arm64.deb",
        "dist/kubectl-1.17.0-1.1.aarch64.rpm",
        "dist/kubelet_1.17.0-1.1_arm64.deb",
        "dist/kubelet-1.17.0-1.1.aarch64.rpm",
        "dist/kubernetes-cni_0.8.6-1.1_arm64.deb",
        "dist/kubernetes-cni-0.8.6-1.1.aarch64.rpm",
    ];
    assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), expected);
    assert_eq!(rig.packages().len(), expected.len());
    rig.assert_tidy();
}

#[test]
fn the_architecture_is_this_machines_unless_another_is_named() {
    let rig = Rig::new();
    let output = Command::new("dpkg").arg("--print-architecture").output().unwrap();
    let host = String::from_utf8(output.stdout).unwrap();
    let plan = rig.good("plan kubectl --version 1.30.0 --json").json();
    let expected = match host.trim() {
        "i386" => "386",
        "armhf" => "arm",
        "ppc64el" => "ppc64le",
        other => other,
    };
    let arches: Vec<_> = plan["builds"].as_array().unwrap().iter().map(|build| &build["arch"]).collect();
    assert_eq!(arches, [expected]);
}

#[test]
fn what_was_fetched_is_built_without_a_network() {
    let rig = Rig::new();
    rig.good("fetch kubectl --version stable-1.36 --arch amd64");
    let offline = |line: &str| {
        let mut command = rig.command(line);
        Ran::from(command.arg("--offline").output().unwrap())
    };
    let ran = offline("build kubectl --version stable-1.36 --arch amd64");
    assert_eq!((ran.code, ran.stdout.lines().count()), (0, 2), "{}", ran.stderr);
    let ran = offline("build kubectl --version 1.36.2 --arch arm64");
    assert!(ran.code == 5 && ran.stderr.contains("run once without `--offline`"), "{}", ran.stderr);
    // What a mirror said is never taken for upstream's word.
    let mut command = rig.command("build kubectl --version 1.36.2 --arch amd64 --offline");
    let ran = Ran::from(command.env_remove("KUBEPKG_UPSTREAM").output().unwrap());
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    rig.assert_tidy();
}

#[test]
fn markers_channels_and_partial_versions_lead_to_versions() {
    let rig = Rig::new();
    for (selection, version) in [
        ("--version stable", "1.37.1"),
        ("--version v1.36.2", "1.36.2"),
        ("--version 1.36", "1.36.2"),
        ("--version latest", "1.36.0-rc.1"),
        ("--version ci/latest", "1.38.0-alpha.2.97+8eb85c40f2b1ca"),
        ("--channel release", "1.37.1"),
    ] {
        let plan = rig.good(&format!("plan kubectl --arch amd64 {selection} --json")).json();
        assert_eq!(plan["builds"][0]["version"], version, "{selection}");
    }
}

#[test]
fn a_local_build_is_packaged_for_what_it_holds() {
    let rig = Rig::new();
    let folder = rig.path().join("_output/bin/linux/arm64");
    fs_err::create_dir_all(&folder).unwrap();
    let program = mirror::fixtures().join(mirror::program("1.36.2", "arm64", "kubectl"));
    fs_err::copy(program, folder.join("kubectl")).unwrap();
    let ran = rig.good("build kubectl --version 1.36.2 --arch all --from-dir _output");
    assert_eq!(ran.stdout, "dist/kubectl_1.36.2-1.1_arm64.deb\ndist/kubectl-1.36.2-1.1.aarch64.rpm\n");
    assert!(ran.stderr.contains("warning: "), "nobody vouches for it, which must be told: {}", ran.stderr);
}
