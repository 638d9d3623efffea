//! Upgrades: configuration, order of versions, what an administrator decided.

use super::*;

const ENV: &str = "/etc/default/kubelet";
const DROP_IN: &str = "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf";
const CI_BUILD: &str = "1.38.0-alpha.2.97+8eb85c40f2b1ca";

#[test]
fn what_an_administrator_did_to_the_configuration_survives() {
    let (old, new) = (Set::new("1.36.1"), Set::new("1.36.2"));
    let changed = "KUBELET_EXTRA_ARGS=--v=4\n";
    for (what, expected) in
        [("changed", Some(changed)), ("deleted", None), ("left alone", Some("KUBELET_EXTRA_ARGS=\n"))]
    {
        let root = Root::new();
        root.install_set(&old);
        match what {
            "changed" => root.write(ENV, changed),
            "deleted" => drop(root.ok(&["rm", ENV])),
            _ => (),
        }
        root.write(DROP_IN, "[Service]\n");
        let said = root.install(&new.debs);
        assert!(!said.contains("onfiguration file"), "{what}: {said}");
        assert_eq!(root.has(ENV).then(|| root.read(ENV)).as_deref(), expected, "{what}");
        assert!(root.read(DROP_IN).contains("\nExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS"), "{what}");
        let strays = root.ok(&["find", "/etc", "/usr", "-name", "*.dpkg-*"]);
        assert_eq!(strays, "", "{what}");
        assert!(root.packages(&SET).contains(&"kubelet 1.36.2-1.1 ii".to_owned()), "{what}");
        assert_eq!(root.enabled(), "enabled", "{what}");
    }
}

#[test]
fn pre_release_release_rebuild_and_ci_build_are_upgrades_in_this_order() {
    let root = Root::new();
    let sets = [
        ("1.36.0~rc.1-1.1", Set::new("1.36.0-rc.1")),
        ("1.36.1-1.1", Set::new("1.36.1")),
        ("1.36.1-1.2", Set::with("1.36.1", &["--revision", "1.2"])),
        ("1.36.2-1.1", Set::new("1.36.2")),
        ("1.38.0~alpha.2.97+8eb85c40f2b1ca-1.1", Set::new(CI_BUILD)),
    ];
    // The companions stay: the rebuild's have a higher revision too.
    root.install(&sets[0].1.only(&["cri-tools", "kubernetes-cni"]));
    let nodes = ["kubeadm", "kubectl", "kubelet"];
    for (version, set) in &sets {
        root.install(&set.only(&nodes));
        assert_eq!(root.packages(&nodes), nodes.map(|name| format!("{name} {version} ii")));
        root.assert_whole(&SET);
    }
    for (version, set) in sets.iter().rev().skip(1) {
        let said = root.refuses(&set.only(&["kubelet"]));
        assert!(
            said.contains("Packages were downgraded and -y was used without --allow-downgrades"),
            "{version}: {said}"
        );
    }
    let allowed = root.apt_install(&["--allow-downgrades"], &sets[1].1.only(&["kubelet"]));
    root.ok(&root::words(&allowed));
    assert_eq!(root.packages(&["kubelet"]), ["kubelet 1.36.1-1.1 ii"]);
    root.assert_whole(&["kubelet"]);
}

#[test]
fn a_unit_that_the_administrator_disabled_stays_disabled() {
    let root = Root::new();
    root.install_set(&Set::new("1.36.1"));
    root.ok(&["systemctl", "disable", "kubelet.service"]);
    root.install_set(&Set::new("1.36.2"));
    assert_eq!(root.enabled(), "disabled");
    root.ok(&["systemctl", "enable", "kubelet.service"]);
    root.install_set(&Set::new("1.37.1"));
    assert_eq!(root.enabled(), "enabled");
    root.ok(&["systemctl", "mask", "kubelet.service"]);
    root.install_set(&Set::new(CI_BUILD));
    assert_eq!(root.enabled(), "masked");
}

#[test]
fn packages_of_the_legacy_profile_are_older_than_current_ones_of_the_same_version() {
    let root = Root::new();
    root.install_set(&Set::with("1.17.0", &LEGACY));
    assert_eq!(root.packages(&["kubelet"]), ["kubelet 1.17.0-00 ii"]);
    root.install_set(&Set::new("1.17.0"));
    assert_eq!(root.packages(&["kubelet"]), ["kubelet 1.17.0-1.1 ii"]);
    root.assert_whole(&SET);
    assert_eq!(root.enabled(), "enabled");
}

/// Makes a kubelet as it was packaged before `/lib` and `/usr/lib` became one: its unit is in `/lib`.
fn older_kubelet(folder: &Path) -> PathBuf {
    let tree = folder.join("tree");
    let write = |path: &str, text: &str| {
        fs_err::create_dir_all(tree.join(path).parent().unwrap()).unwrap();
        fs_err::write(tree.join(path), text).unwrap();
    };
    let unit = "[Service]\nExecStart=/usr/bin/kubelet\n[Install]\nWantedBy=multi-user.target\n";
    write("usr/bin/kubelet", "#!/bin/sh\necho old\n");
    write("lib/systemd/system/kubelet.service", unit);
    write("etc/default/kubelet", "KUBELET_EXTRA_ARGS=\n");
    write("DEBIAN/conffiles", "/etc/default/kubelet\n");
    let control = "Package: kubelet\nVersion: 1.36.0-1.1\nArchitecture: amd64\nMaintainer: A <a@b.c>\n\
        Description: An older package of the kubelet\n";
    write("DEBIAN/control", control);
    let enable = "#!/bin/sh\nset -e\ndeb-systemd-helper enable kubelet.service >/dev/null\n";
    write("DEBIAN/postinst", enable);
    let tree = tree.to_str().unwrap();
    run("chmod", &["0755", &format!("{tree}/DEBIAN/postinst"), &format!("{tree}/usr/bin/kubelet")]);
    let deb = folder.join("kubelet_1.36.0-1.1_amd64.deb");
    run("dpkg-deb", &["--root-owner-group", "--build", tree, deb.to_str().unwrap()]);
    deb
}

#[test]
fn the_unit_survives_its_move_from_lib_to_usr_lib() {
    let (root, folder) = (Root::new(), tempfile::tempdir().unwrap());
    root.install(&[older_kubelet(folder.path())]);
    assert_eq!(root.enabled(), "enabled");
    root.write(ENV, "KUBELET_EXTRA_ARGS=--v=4\n");
    root.install_set(&Set::new("1.36.2"));
    assert!(root.read("/lib/systemd/system/kubelet.service").contains("The Kubernetes Node Agent"));
    assert!(root.read("/usr/lib/systemd/system/kubelet.service").contains("The Kubernetes Node Agent"));
    assert_eq!(root.read(ENV), "KUBELET_EXTRA_ARGS=--v=4\n");
    assert_eq!(root.enabled(), "enabled");
    assert_eq!(root.ok(&["kubelet", "--version"]), "Kubernetes v1.36.2\n");
    assert_eq!(root.ok(&["dpkg", "--verify", "kubelet"]), "??5?????? c /etc/default/kubelet\n");
}
