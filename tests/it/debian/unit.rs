//! The unit in the eyes of systemd's own tools.

use super::*;

const VERIFY: [&str; 6] =
    ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", "--root=/", "kubelet.service"];

#[test]
fn the_unit_and_its_drop_in_are_verified_in_both_profiles() {
    for profile in ["current", "legacy"] {
        let root = Root::new();
        root.install_set(&Set::with("1.17.0", &["--profile", profile, "--cri-tools-version", "1.21.0"]));
        root.ok(&VERIFY);
        let shown = root.ok(&["systemd-analyze", "--root=/", "cat-config", "systemd/system/kubelet.service"]);
        let drop_in = match profile {
            "legacy" => "# /etc/systemd/system/kubelet.service.d/10-kubeadm.conf\n",
            _ => "# /usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf\n",
        };
        assert!(shown.contains(drop_in) && shown.contains("EnvironmentFile=-/etc/default/kubelet\n"), "{shown}");

        root.write("/etc/systemd/system/kubelet.service.d/20-wrong.conf", "[Service]\nRestarts=always\n");
        let said = root.fails(&VERIFY);
        assert!(said.contains("Unknown key 'Restarts'"), "{said}");
    }
}

#[test]
fn the_unit_is_enabled_where_systemd_is_not_installed() {
    let root = Root::without_systemd();
    root.install_set(&Set::new("1.36.2"));
    let link = root.ok(&["readlink", "/etc/systemd/system/multi-user.target.wants/kubelet.service"]);
    assert_eq!(link, "/lib/systemd/system/kubelet.service\n");
    root.assert_whole(&SET);
}

#[test]
fn a_preset_decides_at_the_first_installation_alone() {
    let root = Root::new();
    root.write("/etc/systemd/system-preset/10-nodes.preset", "disable kubelet.service\n");
    root.install_set(&Set::new("1.36.1"));
    assert_eq!(root.enabled(), "disabled");
    root.install_set(&Set::new("1.36.2"));
    assert_eq!(root.enabled(), "disabled");
    root.ok(&["systemctl", "enable", "kubelet.service"]);
    root.install_set(&Set::new("1.37.1"));
    assert_eq!(root.enabled(), "enabled");
}
