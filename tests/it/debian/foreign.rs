//! Packages of other architectures: dpkg takes them for what they are, and their programs run.

use super::*;

/// Debian's name of an architecture, ours, the emulator, and the components that have all of their programs for it.
const ARCHES: [(&str, &str, &str); 4] = [
    ("arm64", "arm64", "qemu-aarch64-static"),
    ("armhf", "arm", "qemu-arm-static"),
    ("ppc64el", "ppc64le", "qemu-ppc64le-static"),
    ("s390x", "s390x", "qemu-s390x-static"),
];

#[test]
fn programs_of_other_architectures_run_under_an_emulator() {
    for (debian, arch, emulator) in ARCHES {
        let set = Set::of(&["--version", "1.17.0", "--arch", arch]);
        let folder = tempfile::tempdir().unwrap();
        for deb in &set.debs {
            assert!(file_name(deb).ends_with(&format!("_{debian}.deb")));
            run("dpkg-deb", &["--extract", deb.to_str().unwrap(), folder.path().to_str().unwrap()]);
        }
        for (program, said) in [
            ("usr/bin/kubelet", "Kubernetes v1.17.0\n"),
            ("usr/bin/kubeadm", "kubeadm version v1.17.0\n"),
            ("usr/bin/kubectl", "Client Version: v1.17.0\n"),
            ("usr/bin/crictl", "crictl version v1.21.0\n"),
            ("opt/cni/bin/bridge", "CNI bridge plugin v0.8.6\n"),
        ] {
            let program = folder.path().join(program);
            assert_eq!(run(emulator, &[program.to_str().unwrap(), "--version"]), said, "{debian}");
        }
    }
}

#[test]
fn dpkg_installs_packages_of_an_architecture_that_was_added() {
    let root = Root::new();
    for (debian, arch, _) in ARCHES {
        let deb = Set::of(&["kubectl", "--version", "1.17.0", "--arch", arch]);
        let said = root.refuses(&deb.debs);
        assert!(said.contains(&format!("kubectl:{debian}")) || said.contains("does not match"), "{said}");
        root.ok(&["dpkg", "--add-architecture", debian]);
        root.install_set(&deb);
        let shown = root.ok(&[
            "dpkg-query",
            "--show",
            "--showformat=${binary:Package} ${Architecture} ${db:Status-Abbrev}",
            "kubectl",
        ]);
        assert_eq!(shown.trim_end(), format!("kubectl:{debian} {debian} ii"));
        root.ok(&["dpkg", "--purge", "kubectl"]);
    }
}
