//! Installing, upgrading, downgrading and removing.

use fs_err as fs;

use super::client::{Client, Recommended, Root};
use crate::built;

const SETTINGS: &str = "/etc/sysconfig/kubelet";

/// What the set of 1.17.0 is, with the packages that Kubernetes does not version.
const SET: [&str; 6] = [
    "cri-tools-1.21.0-1.1",
    "iptables-1.8.9-1",
    "kubeadm-1.17.0-1.1",
    "kubectl-1.17.0-1.1",
    "kubelet-1.17.0-1.1",
    "kubernetes-cni-0.8.6-1.1",
];

const RELOAD: &str = "systemctl daemon-reload";

/// Installs kubeadm and kubelet, which bring the rest, and removes everything again.
fn the_set_comes_and_goes(client: Client) {
    let repositories = client.system().with("old", "1.17.0", &[]);
    let root = Root::new(client, Recommended::Leave);
    root.offer(&repositories, &["old"]);
    root.install(&["system"]);
    let folders = ["bin", "opt", "usr"];
    let before = root.tree(&folders);
    root.install(&["kubeadm", "kubelet"]);
    assert_eq!(root.installed(), SET);
    let (preset, removal): (_, &[&str]) = match client {
        Client::Dnf => ("helper install-system-units kubelet.service", &["helper remove-system-units kubelet.service"]),
        Client::Zypper => (
            "systemctl --no-reload preset kubelet.service",
            &["systemctl --no-reload disable kubelet.service", "systemctl stop kubelet.service"],
        ),
    };
    // The kubelet's unit, then kubeadm's drop-in.
    assert_eq!(root.calls(), [preset, RELOAD, RELOAD]);
    let names = ["cri-tools", "kubeadm", "kubectl", "kubelet", "kubernetes-cni"];
    assert_eq!(root.rpm(&[&["-V"], &names[..]].concat()), "");
    assert_eq!(fs::read(root.path("/usr/bin/kubelet")).unwrap(), {
        fs::read(built::upstream().join("dl.k8s.io/release/v1.17.0/bin/linux/amd64/kubelet")).unwrap()
    });

    root.remove(&names);
    assert_eq!(root.installed(), ["iptables-1.8.9-1"]);
    let calls = root.calls();
    assert_eq!(calls.iter().filter(|call| *call == RELOAD).count(), 2, "{calls:?}");
    assert_eq!(calls.iter().filter(|call| *call != RELOAD).collect::<Vec<_>>(), removal);
    assert_eq!(root.tree(&folders), before, "something was left behind");
    for path in ["/etc/cni", "/etc/kubernetes", "/var/lib/kubelet", SETTINGS] {
        assert!(!root.path(path).exists(), "{path}");
    }
}

/// Changes the settings, upgrades to a version with the same settings, then to a vendor's with others.
fn changed_settings_are_kept(client: Client) {
    let vendor = tempfile::tempdir().unwrap();
    built::kubepkg(&["spec", "export", vendor.path().to_str().unwrap()]);
    let templates = vendor.path().join("templates");
    fs::write(templates.join("files/kubelet.env"), "KUBELET_EXTRA_ARGS=--v=1\n").unwrap();
    let templates = ["--template-dir", templates.to_str().unwrap(), "--revision", "2.1"];
    let repositories =
        client.system().with("old", "1.17.0", &[]).with("new", "1.36.2", &[]).with("vendor", "1.36.2", &templates);
    let root = Root::new(client, Recommended::Leave);
    root.offer(&repositories, &["old"]);
    root.install(&["system", "kubeadm", "kubelet"]);
    let mine = "KUBELET_EXTRA_ARGS=--v=2\n";
    fs::write(root.path(SETTINGS), mine).unwrap();
    root.calls();

    root.offer(&repositories, &["old", "new"]);
    root.upgrade();
    assert!(root.installed().contains(&"kubelet-1.36.2-1.1".to_owned()), "{:?}", root.installed());
    assert_eq!(root.text(SETTINGS), mine);
    assert!(!root.path("/etc/sysconfig/kubelet.rpmnew").exists(), "the shipped settings are the same");
    // Neither preset, nor stopped, nor started: two scriptlets of each package that brings something for systemd.
    assert_eq!(root.calls(), [RELOAD; 4]);

    root.offer(&repositories, &["old", "new", "vendor"]);
    root.upgrade();
    assert_eq!(root.text(SETTINGS), mine);
    assert_eq!(root.text("/etc/sysconfig/kubelet.rpmnew"), "KUBELET_EXTRA_ARGS=--v=1\n");

    root.remove(&["kubeadm", "kubelet"]);
    assert!(!root.path(SETTINGS).exists());
    assert_eq!(root.text("/etc/sysconfig/kubelet.rpmsave"), mine);
}

/// Offers one release more at a time, and asks for the newest.
fn newer_is_newer(client: Client) {
    let steps = [
        ("candidate", "1.36.0-rc.1", "1.36.0~rc.1-1.1"),
        ("release", "1.36.1", "1.36.1-1.1"),
        ("patch", "1.36.2", "1.36.2-1.1"),
        ("rebuild", "1.36.2", "1.36.2-2.1"),
        ("minor", "1.37.1", "1.37.1-1.1"),
        ("ci", "1.38.0-alpha.2.97+8eb85c40f2b1ca", "1.38.0~alpha.2.97+8eb85c40f2b1ca-1.1"),
    ];
    let mut repositories = client.system();
    for (name, version, _) in steps {
        let revision: &[&str] = if name == "rebuild" { &["--revision", "2.1"] } else { &[] };
        repositories = repositories.with(name, version, &[&["kubelet", "kubernetes-cni"], revision].concat());
    }
    let root = Root::new(client, Recommended::Leave);
    let kubelet = || root.rpm(&["-q", "--qf", "%{VERSION}-%{RELEASE}", "kubelet"]);
    let names = steps.map(|(name, ..)| name);
    for (step, (name, _, package)) in (1..).zip(steps) {
        root.offer(&repositories, &names[..step]);
        if step == 1 {
            root.install(&["system", "kubelet"]);
        } else {
            root.upgrade();
        }
        assert_eq!(kubelet(), package, "{name}");
    }
    root.calls();
    root.install(&["kubelet-1.36.1-1.1"]);
    assert_eq!(kubelet(), "1.36.1-1.1");
    assert_eq!(root.calls(), [RELOAD; 2], "a downgrade is an upgrade to systemd");
}

/// Since 1.37 iptables is only recommended.
fn recommended_packages_are_a_choice(client: Client) {
    let repositories = client.system().with("old", "1.36.2", &[]).with("new", "1.37.1", &[]);
    for (release, recommended, expected) in
        [("old", Recommended::Leave, true), ("new", Recommended::Leave, false), ("new", Recommended::Install, true)]
    {
        let root = Root::new(client, recommended);
        root.offer(&repositories, &[release]);
        root.install(&["system", "kubelet"]);
        let installed = root.installed();
        assert_eq!(installed.contains(&"iptables-1.8.9-1".to_owned()), expected, "{release} {recommended:?}");
        // Kubernetes needs no cri-tools and no kubectl on a node since 1.32.
        assert_eq!(installed.len(), 2 + usize::from(expected), "{installed:?}");
    }
}

#[test]
fn dnf_upgrades_from_the_legacy_profile() {
    let legacy = built::profile("legacy", "1.17.0");
    let repositories = Client::Dnf.system().with("old", "1.17.0", &legacy).with("new", "1.17.0", &[]);
    let root = Root::new(Client::Dnf, Recommended::Leave);
    root.offer(&repositories, &["old"]);
    root.install(&["system"]);
    let before = root.tree(&["opt", "usr"]);
    root.install(&["kubeadm", "kubelet"]);
    let set = [
        "cri-tools-1.21.0-0",
        "iptables-1.8.9-1",
        "kubeadm-1.17.0-0",
        "kubectl-1.17.0-0",
        "kubelet-1.17.0-0",
        "kubernetes-cni-0.7.5-0",
    ];
    assert_eq!(root.installed(), set);
    // The unit is the administrator's affair, before and after.
    assert_eq!(root.calls(), [RELOAD; 2]);
    root.offer(&repositories, &["old", "new"]);
    root.upgrade();
    assert_eq!(root.installed(), SET);
    assert_eq!(root.calls(), [RELOAD; 4]);
    root.remove(&["cri-tools", "kubeadm", "kubectl", "kubelet", "kubernetes-cni"]);
    assert_eq!(root.tree(&["opt", "usr"]), before, "something was left behind");
}

#[test]
fn dnf_installs_the_set_and_removes_it() {
    the_set_comes_and_goes(Client::Dnf);
}

#[test]
fn zypper_installs_the_set_and_removes_it() {
    the_set_comes_and_goes(Client::Zypper);
}

#[test]
fn dnf_keeps_changed_settings() {
    changed_settings_are_kept(Client::Dnf);
}

#[test]
fn zypper_keeps_changed_settings() {
    changed_settings_are_kept(Client::Zypper);
}

#[test]
fn dnf_orders_versions() {
    newer_is_newer(Client::Dnf);
}

#[test]
fn zypper_orders_versions() {
    newer_is_newer(Client::Zypper);
}

#[test]
fn dnf_installs_what_is_recommended_if_told() {
    recommended_packages_are_a_choice(Client::Dnf);
}

#[test]
fn zypper_installs_what_is_recommended_if_told() {
    recommended_packages_are_a_choice(Client::Zypper);
}
