//! What is asked of a systemd that runs. It is a stand-in, which writes down what it is asked and hands on to the real
//! program what needs no running system.

use super::*;

const STAND_IN: &str = "#!/bin/sh\necho \"systemctl $*\" >>/var/log/services\ncase \"$*\" in\n\
    --root=* | *is-enabled*) exec /usr/bin/systemctl.real --root=/ \"$@\" ;;\n*is-active*) exit 3 ;;\nesac\n";

const PRESET: &str = "systemctl --root=/ --system --preset-mode=enable-only preset kubelet.service";
const RELOAD: &str = "systemctl --system daemon-reload";

/// A root that looks as if systemd ran in it.
fn booted() -> Root {
    let root = Root::new();
    root.ok(&["mkdir", "-p", "/run/systemd/system"]);
    root.ok(&["mv", "/usr/bin/systemctl", "/usr/bin/systemctl.real"]);
    root.write("/usr/bin/systemctl", STAND_IN);
    root.ok(&["chmod", "0755", "/usr/bin/systemctl"]);
    root
}

#[test]
fn the_kubelet_is_never_started_and_is_stopped_at_removal() {
    let root = booted();
    root.install_set(&Set::new("1.36.1"));
    let asked = root.services();
    assert!(asked.contains(&PRESET.to_owned()) && asked.contains(&RELOAD.to_owned()), "{asked:?}");
    assert!(asked.iter().all(|call| [PRESET, RELOAD].contains(&call.as_str())), "{asked:?}");

    root.install_set(&Set::new("1.36.2"));
    let asked = root.services();
    assert!(!asked.is_empty() && asked.iter().all(|call| call == RELOAD), "{asked:?}");

    root.ok(&["apt-get", "purge", "--assume-yes", "kubeadm"]);
    assert_eq!(root.services(), [RELOAD]);
    root.ok(&["apt-get", "purge", "--assume-yes", "kubelet"]);
    // The last line is deb-systemd-helper's, which has taken the link away.
    let stopped = ["policy kubelet.service stop", "systemctl stop kubelet.service", RELOAD, "systemctl daemon-reload"];
    assert_eq!(root.services(), stopped);
}

#[test]
fn the_legacy_profile_starts_the_kubelet_and_restarts_it() {
    let root = booted();
    let set = Set::with("1.17.0", &LEGACY);
    root.install(&set.only(&["kubelet", "kubernetes-cni"]));
    let asked = root.services();
    let start = "systemctl --quiet --system start kubelet.service";
    assert!(
        asked.contains(&PRESET.to_owned()) && asked.contains(&"policy kubelet.service start".to_owned()),
        "{asked:?}"
    );
    assert_eq!(asked.last().unwrap(), start);

    root.install_set(&set);
    let restart = [
        RELOAD,
        "policy kubelet.service restart",
        "systemctl --system is-enabled -- kubelet.service",
        "systemctl --system --quiet is-active -- kubelet.service",
        "systemctl --quiet --system restart kubelet.service",
    ];
    assert_eq!(root.services(), restart);
    let conffiles = root.ok(&["dpkg-query", "--show", "--showformat=${Conffiles}", "kubeadm"]);
    assert!(conffiles.contains(" /etc/systemd/system/kubelet.service.d/10-kubeadm.conf "), "{conffiles}");

    root.ok(&["systemctl", "--root=/", "disable", "kubelet.service"]);
    root.services();
    let rebuilt = ["--profile", "legacy", "--revision", "01", "--cri-tools-version", "1.21.0"];
    root.install_set(&Set::with("1.17.0", &rebuilt));
    let asked = root.services();
    let policies = asked.iter().filter(|call| *call == "policy kubelet.service restart");
    assert_eq!(policies.count(), 2, "{asked:?}");
    assert!(!asked.iter().any(|call| call.starts_with("systemctl --quiet --system ")), "{asked:?}");
}

#[test]
fn a_policy_against_starts_is_obeyed() {
    let root = booted();
    root.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n");
    root.install_set(&Set::with("1.17.0", &LEGACY));
    let asked = root.services();
    assert!(asked.iter().all(|call| [PRESET, RELOAD].contains(&call.as_str())), "{asked:?}");
    assert_eq!(root.enabled(), "enabled");
}
