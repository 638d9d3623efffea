//! Installation with apt: the set together, single packages, what is missing.

use super::*;

#[test]
fn the_set_is_installed_together_and_is_whole() {
    let root = Root::new();
    root.install_set(&Set::new("1.17.0"));
    let expected = [
        "cri-tools 1.21.0-1.1 ii",
        "kubeadm 1.17.0-1.1 ii",
        "kubectl 1.17.0-1.1 ii",
        "kubelet 1.17.0-1.1 ii",
        "kubernetes-cni 0.8.6-1.1 ii",
    ];
    assert_eq!(root.packages(&SET), expected);
    root.assert_whole(&SET);
    for (program, said) in [
        ("kubelet", "Kubernetes v1.17.0\n"),
        ("kubeadm", "kubeadm version v1.17.0\n"),
        ("kubectl", "Client Version: v1.17.0\n"),
        ("crictl", "crictl version v1.21.0\n"),
    ] {
        assert_eq!(root.ok(&[program, "--version"]), said);
    }
    assert_eq!(root.enabled(), "enabled");
    assert_eq!(root.services(), [""; 0]);
    root.ok(&["sh", "-c", "echo >>/usr/bin/kubelet"]);
    assert_eq!(root.ok(&["dpkg", "--verify", "kubelet"]), "??5??????   /usr/bin/kubelet\n");
}

/// Makes the folder of the packages a repository that apt knows.
fn make_repository(root: &Root, set: &Set) {
    root.put(&set.debs);
    let folder = set.debs[0].parent().unwrap().to_str().unwrap();
    root.write("/packages/Packages", &run("dpkg-scanpackages", &["--multiversion", folder]).replace(folder, "."));
    root.write("/etc/apt/sources.list", "deb [trusted=yes] file:/packages ./\n");
    root.ok(&["apt-get", "-o", "APT::Update::Error-Mode=any", "update"]);
}

#[test]
fn kubeadm_pulls_the_set_out_of_a_repository() {
    let root = Root::new();
    make_repository(&root, &Set::new("1.17.0"));
    root.ok(&["apt-get", "install", "--assume-yes", "--no-install-recommends", "kubeadm"]);
    assert_eq!(root.packages(&SET).iter().filter(|line| line.ends_with(" ii")).count(), SET.len());
    root.assert_whole(&SET);
}

#[test]
fn kubeadm_needs_the_kubelet_until_1_30_alone() {
    let root = Root::new();
    let said = root.refuses(&Set::new("1.17.0").only(&["kubeadm"]));
    assert!(said.contains("unmet dependencies"), "{said}");
    for missing in [
        "Depends: kubelet (>= 1.13.0) but it is not installable",
        "Depends: kubectl (>= 1.13.0)",
        "Depends: kubernetes-cni (>= 0.7.5)",
        "Depends: cri-tools (>= 1.13.0)",
    ] {
        assert!(said.contains(missing), "{missing}: {said}");
    }
    assert_eq!(root.packages(&SET), [""; 0]);
    root.install(&Set::new("1.36.2").only(&["kubeadm"]));
    assert_eq!(root.packages(&SET), ["kubeadm 1.36.2-1.1 ii"]);
    root.assert_whole(&["kubeadm"]);
}

#[test]
fn a_missing_or_too_old_companion_is_refused() {
    let root = Root::new();
    let set = Set::new("1.36.2");
    let said = root.refuses(&set.only(&["kubelet", "kubeadm"]));
    assert!(said.contains("kubelet : Depends: kubernetes-cni (>= 1.2.0) but it is not installable"), "{said}");
    root.install(&Set::new("1.17.0").only(&["kubernetes-cni"]));
    let said = root.refuses(&set.only(&["kubelet"]));
    assert!(said.contains("kubelet : Depends: kubernetes-cni (>= 1.2.0)"), "{said}");
    root.install(&set.only(&["kubelet", "kubernetes-cni"]));
    assert_eq!(root.packages(&SET), ["kubelet 1.36.2-1.1 ii", "kubernetes-cni 1.9.1-1.1 ii"]);
}

#[test]
fn what_the_kubelet_needs_of_debian_is_asked_for() {
    for (version, needed) in [("1.17.0", "conntrack"), ("1.17.0", "ebtables"), ("1.36.2", "iptables")] {
        let root = Root::new();
        root.ok(&["dpkg", "--purge", needed]);
        let said = root.refuses(&Set::new(version).only(&["kubelet", "kubernetes-cni"]));
        assert!(said.contains(&format!("kubelet : Depends: {needed}")), "{said}");
    }
}
