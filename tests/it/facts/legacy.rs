//! `--profile legacy`: what apt.kubernetes.io and the yum repository beside it served.

use kubepkg::format::Format::{self, Deb, Rpm};
use kubepkg::plan::{Formats, Moment, OnInstall, Role};

use super::{build, files, requires, set, text};

#[test]
fn names_revisions_and_texts_are_the_old_ones() {
    let plan = set("1.17.0", "legacy");
    let file = |component: &str, format: Format| {
        let package = build(&plan, component).packages.iter().find(|package| package.format == format);
        package.unwrap().file_name.clone()
    };
    assert_eq!(file("kubelet", Deb), "kubelet_1.17.0-00_amd64.deb");
    assert_eq!(file("kubelet", Rpm), "kubelet-1.17.0-0.x86_64.rpm");
    assert_eq!(file("kubernetes-cni", Deb), "kubernetes-cni_0.7.5-00_amd64.deb");
    assert_eq!(file("cri-tools", Rpm), "cri-tools-1.13.0-0.x86_64.rpm");
    for (component, summary, description) in [
        (
            "kubeadm",
            "Kubernetes Cluster Bootstrapping Tool",
            "The Kubernetes command line tool for bootstrapping a Kubernetes cluster.",
        ),
        (
            "kubectl",
            "Kubernetes Command Line Tool",
            "The Kubernetes command line tool for interacting with the Kubernetes API.",
        ),
        ("kubelet", "Kubernetes Node Agent", "The node agent of Kubernetes, the container cluster manager"),
        ("kubernetes-cni", "Kubernetes CNI", "The binaries required to provision container networking"),
        (
            "cri-tools",
            "Container Runtime Interface Tools",
            "Binaries that interact with the container runtime through the container runtime interface",
        ),
    ] {
        let metadata = &build(&plan, component).metadata;
        assert_eq!((metadata.summary.as_str(), metadata.description.as_str()), (summary, description));
        assert_eq!(metadata.maintainer, "Kubernetes Authors <kubernetes-dev+release@googlegroups.com>");
    }
}

/// Kubernetes; kubernetes-cni and cri-tools beside it; what kubeadm requires of both, in deb and RPM.
#[test]
fn companions_and_requirements_are_those_of_the_day() {
    for (version, cni, cri, in_deb, in_rpm) in [
        ("1.16.10", "0.7.5", "1.13.0", ("0.7.5", "1.13.0"), ("0.7.5", "1.13.0")),
        ("1.16.11", "0.8.6", "1.13.0", ("0.8.6", "1.13.0"), ("0.8.6", "1.13.0")),
        ("1.17.0", "0.7.5", "1.13.0", ("0.7.5", "1.13.0"), ("0.7.5", "1.13.0")),
        ("1.17.7", "0.8.6", "1.13.0", ("0.8.6", "1.13.0"), ("0.8.6", "1.13.0")),
        ("1.18.3", "0.7.5", "1.13.0", ("0.7.5", "1.13.0"), ("0.7.5", "1.13.0")),
        ("1.19.0", "0.8.6", "1.13.0", ("0.8.6", "1.13.0"), ("0.8.6", "1.13.0")),
        ("1.20.0", "0.8.7", "1.13.0", ("0.8.7", "1.13.0"), ("0.8.6", "1.13.0")),
        ("1.23.0", "0.8.7", "1.23.0", ("0.8.7", "1.19.0"), ("0.8.6", "1.19.0")),
        ("1.24.1", "0.8.7", "1.24.2", ("0.8.7", "1.23.0"), ("0.8.6", "1.19.0")),
        ("1.25.1", "1.1.1", "1.25.0", ("1.1.1", "1.25.0"), ("0.8.6", "1.19.0")),
        ("1.27.0", "1.2.0", "1.26.0", ("1.1.1", "1.25.0"), ("0.8.6", "1.19.0")),
    ] {
        let plan = set(version, "legacy");
        let of = |name: &str| build(&plan, name).metadata.version.to_string();
        assert_eq!((of("kubernetes-cni").as_str(), of("cri-tools").as_str()), (cni, cri), "{version}");
        let least = if build(&plan, "kubelet").metadata.version.minor() < 23 { "1.13.0" } else { "1.19.0" };
        let deb = format!(
            "cri-tools (>= {}), kubectl (>= {least}), kubelet (>= {least}), kubernetes-cni (>= {})",
            in_deb.1, in_deb.0
        );
        let rpm = format!(
            "cri-tools >= {}, kubectl >= {least}, kubelet >= {least}, kubernetes-cni >= {}",
            in_rpm.1, in_rpm.0
        );
        assert_eq!(requires(build(&plan, "kubeadm"), Deb), deb, "{version}");
        assert_eq!(requires(build(&plan, "kubeadm"), Rpm), rpm, "{version}");
    }
    let plan = set("1.17.0", "legacy");
    let deb = "conntrack, ebtables, ethtool, iproute2, iptables (>= 1.4.21), kubernetes-cni (>= 0.7.5), mount, socat, util-linux";
    let rpm = "conntrack, ebtables, ethtool, iproute, iptables >= 1.4.21, kubernetes-cni >= 0.7.5, socat, util-linux";
    assert_eq!(requires(build(&plan, "kubelet"), Deb), deb);
    assert_eq!(requires(build(&plan, "kubelet"), Rpm), rpm);
}

#[test]
fn the_deb_starts_the_kubelet_and_the_rpm_does_nothing() {
    let plan = set("1.17.0", "legacy");
    let kubelet = build(&plan, "kubelet");
    let [service] = &kubelet.services[..] else { panic!("{:?}", kubelet.services) };
    let found = (service.unit.as_str(), service.on_install, service.formats);
    assert_eq!(found, ("kubelet.service", OnInstall::Start, Formats::Only(Deb)));
    let [script] = &build(&plan, "kubeadm").scripts[..] else { panic!("one script") };
    assert_eq!((script.moment, script.formats), (Moment::AfterInstall, Formats::Only(Deb)));
    // The writer itself reloads systemd for whatever ships units.
    assert!(script.body.contains("deb-systemd-invoke restart kubelet.service"), "{}", script.body);
    // Today's is neither started nor restarted.
    let plan = set("1.36.2", "current");
    let [service] = &build(&plan, "kubelet").services[..] else { panic!("one service") };
    assert_eq!((service.on_install, service.formats), (OnInstall::Preset, Formats::All));
    assert!(plan.builds.iter().all(|build| build.scripts.is_empty()));
}

#[test]
fn the_drop_in_is_configuration_in_the_deb_alone() {
    let plan = set("1.17.0", "legacy");
    let (kubeadm, kubelet) = (build(&plan, "kubeadm"), build(&plan, "kubelet"));
    let (deb, rpm) = (files(kubeadm, Deb), files(kubeadm, Rpm));
    let drop_in = deb["/etc/systemd/system/kubelet.service.d/10-kubeadm.conf"];
    assert_eq!(drop_in.role, Role::ConfigKept);
    assert!(text(drop_in).contains("\nEnvironmentFile=-/etc/default/kubelet\n"));
    assert!(!deb.contains_key("/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf"));
    let drop_in = rpm["/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf"];
    assert_eq!(drop_in.role, Role::Plain);
    assert!(text(drop_in).contains("\nEnvironmentFile=-/etc/sysconfig/kubelet\n"));
    // The RPM brought the file that its drop-in reads; the deb left it to the user.
    assert_eq!(files(kubelet, Rpm)["/etc/sysconfig/kubelet"].role, Role::ConfigKept);
    assert!(!files(kubelet, Deb).contains_key("/etc/default/kubelet"));
}
