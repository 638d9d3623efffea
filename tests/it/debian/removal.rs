//! What stays after a removal, and that nothing stays after a purge.

use std::collections::BTreeSet;

use super::*;

const LINK: &str = "/etc/systemd/system/multi-user.target.wants/kubelet.service";

/// Every path of the root with its kind, mode and target, but those that belong to dpkg, apt and the test.
fn contents(root: &Root) -> String {
    let listing = "find / -xdev \\( -path /proc -o -path /packages -o -path /var/lib/dpkg -o -path /var/log \
        -o -path /var/cache -o -path /var/lib/apt \\) -prune -o -printf '%p %y %m %u %g %l\\n' | sort";
    root.ok(&["sh", "-c", listing])
}

#[test]
fn a_removal_keeps_what_the_administrator_may_have_changed() {
    let root = Root::new();
    let set = Set::new("1.36.2");
    root.install_set(&set);
    root.write("/etc/default/kubelet", "KUBELET_EXTRA_ARGS=--v=4\n");
    root.write("/var/lib/kubelet/config.yaml", "kind: KubeletConfiguration\n");
    root.write("/etc/kubernetes/manifests/etcd.yaml", "kind: Pod\n");
    let remove = [&["apt-get", "remove", "--assume-yes"], SET.as_slice()].concat();
    root.ok(&remove);
    assert_eq!(root.packages(&SET), ["kubeadm 1.36.2-1.1 rc", "kubelet 1.36.2-1.1 rc"]);
    for kept in ["/etc/default/kubelet", "/var/lib/kubelet/config.yaml", "/etc/kubernetes/manifests/etcd.yaml", LINK] {
        assert!(root.has(kept), "{kept}");
    }
    for gone in ["/usr/bin/kubelet", "/opt/cni", "/etc/cni", "/usr/lib/systemd/system/kubelet.service.d"] {
        assert!(!root.has(gone), "{gone}");
    }

    root.install_set(&set);
    assert_eq!(root.read("/etc/default/kubelet"), "KUBELET_EXTRA_ARGS=--v=4\n");
    assert_eq!(root.enabled(), "enabled");
    root.ok(&["systemctl", "disable", "kubelet.service"]);
    root.ok(&remove);
    root.install_set(&set);
    assert_eq!(root.enabled(), "disabled");
}

#[test]
fn a_purge_leaves_nothing_of_the_packages() {
    let set = Set::new("1.36.2");
    let cases = [(Root::new(), &set), (Root::without_systemd(), &set), (Root::new(), &Set::with("1.17.0", &LEGACY))];
    for (root, set) in cases {
        let before = contents(&root);
        root.install_set(set);
        assert!(root.has(LINK));
        root.ok(&[&["apt-get", "purge", "--assume-yes"], SET.as_slice()].concat());
        assert_eq!(root.packages(&SET), [""; 0]);
        let after = contents(&root);
        let (before, after): (BTreeSet<_>, BTreeSet<_>) = (before.lines().collect(), after.lines().collect());
        assert_eq!(after.difference(&before).collect::<Vec<_>>(), [&""; 0]);
        // Debian's base-files makes /opt without owning it, so dpkg takes it away with the last package that has it.
        assert_eq!(before.difference(&after).collect::<Vec<_>>(), [&"/opt d 755 root root "]);
    }
}
