//! Relations and companions.

use kubepkg::format::Format::{self, Deb, Rpm};
use kubepkg::plan::Plan;
use kubepkg::relation::{Operator, RelationKind};

use super::{PROFILES, VERSIONS, build, files, relations, requires, set, text};

/// Version; lowest kubelet and kubectl; lowest kubernetes-cni; lowest cri-tools. `-` is none. From 1.24 on these are the
/// rows of krel's metadata.yaml; before, those of the packages of apt.kubernetes.io.
const KUBEADM: [(&str, &str, &str, &str); 34] = [
    ("1.16.0", "1.13.0", "0.7.5", "1.13.0"),
    ("1.16.10", "1.13.0", "0.7.5", "1.13.0"),
    ("1.16.11", "1.13.0", "0.8.6", "1.13.0"),
    ("1.17.0", "1.13.0", "0.7.5", "1.13.0"),
    ("1.17.6", "1.13.0", "0.7.5", "1.13.0"),
    ("1.17.7", "1.13.0", "0.8.6", "1.13.0"),
    ("1.18.3", "1.13.0", "0.7.5", "1.13.0"),
    ("1.18.4", "1.13.0", "0.8.6", "1.13.0"),
    ("1.19.0", "1.13.0", "0.8.6", "1.13.0"),
    ("1.19.1", "1.13.0", "0.8.7", "1.13.0"),
    ("1.22.0", "1.13.0", "0.8.7", "1.13.0"),
    ("1.23.0", "1.19.0", "0.8.7", "1.19.0"),
    ("1.24.0", "1.19.0", "0.8.7", "1.23.0"),
    ("1.24.1", "1.19.0", "0.8.7", "1.23.0"),
    ("1.24.2", "1.19.0", "0.8.7", "1.24.2"),
    ("1.24.4", "1.19.0", "0.8.7", "1.24.2"),
    ("1.24.5", "1.19.0", "1.1.1", "1.25.0"),
    // krel compares pre-releases as numbers: this one is below 1.25.0 and above 1.24.5.
    ("1.25.0-rc.0", "1.19.0", "1.1.1", "1.25.0"),
    ("1.25.0", "1.19.0", "0.8.7", "1.24.2"),
    ("1.25.0-4+0123456789abcd", "1.19.0", "0.8.7", "1.24.2"),
    ("1.25.1", "1.19.0", "1.1.1", "1.25.0"),
    ("1.28.0-rc.1", "1.19.0", "1.1.1", "1.25.0"),
    ("1.28.0", "1.19.0", "1.2.0", "1.28.0"),
    ("1.29.0", "1.19.0", "1.2.0", "1.28.0"),
    ("1.30.0-alpha.1", "1.19.0", "1.2.0", "1.28.0"),
    ("1.30.0", "-", "-", "1.30.0"),
    ("1.31.0", "-", "-", "1.30.0"),
    ("1.32.0-rc.2", "-", "-", "1.30.0"),
    ("1.32.0", "-", "-", "-"),
    ("1.35.0", "-", "-", "-"),
    ("1.36.0", "-", "-", "-"),
    ("1.36.1-4+0123456789abcd", "-", "-", "-"),
    ("1.37.0", "-", "-", "-"),
    ("1.38.0-alpha.2.97+8eb85c40f2b1ca", "-", "-", "-"),
];

#[test]
fn kubeadm_requires_what_upstreams_does() {
    for (version, kubernetes, cni, cri) in KUBEADM {
        let named = [("cri-tools", cri), ("kubectl", kubernetes), ("kubelet", kubernetes), ("kubernetes-cni", cni)];
        let named: Vec<_> = named.into_iter().filter(|(_, least)| *least != "-").collect();
        let plan = set(version, "current");
        let in_deb: Vec<String> = named.iter().map(|(name, least)| format!("{name} (>= {least})")).collect();
        let in_rpm: Vec<String> = named.iter().map(|(name, least)| format!("{name} >= {least}")).collect();
        assert_eq!(requires(build(&plan, "kubeadm"), Deb), in_deb.join(", "), "{version}");
        assert_eq!(requires(build(&plan, "kubeadm"), Rpm), in_rpm.join(", "), "{version}");
    }
}

#[test]
fn the_kubelet_requires_its_plugins_and_what_its_minor_runs() {
    let old = "conntrack, ebtables, ethtool, iproute2, iptables (>= 1.4.21), kubernetes-cni (>= CNI), mount, socat, util-linux";
    let without_socat =
        "conntrack, ethtool, iproute2, iptables (>= 1.4.21), kubernetes-cni (>= CNI), mount, util-linux";
    let without_conntrack = "iptables (>= 1.4.21), kubernetes-cni (>= CNI), mount, util-linux";
    let without_iptables = "kubernetes-cni (>= CNI), mount, util-linux";
    for (version, cni, all) in [
        ("1.17.0", "0.7.5", old),
        ("1.17.7", "0.8.6", old),
        ("1.23.0", "0.8.7", old),
        ("1.24.5", "1.1.1", old),
        ("1.25.0", "0.8.7", old),
        ("1.28.0", "1.2.0", old),
        ("1.31.0", "1.2.0", old),
        ("1.32.0-rc.2", "1.2.0", without_socat),
        ("1.34.0", "1.2.0", without_socat),
        ("1.35.0", "1.2.0", without_conntrack),
        ("1.36.2", "1.2.0", without_conntrack),
        ("1.37.0", "1.2.0", without_iptables),
    ] {
        let plan = set(version, "current");
        let kubelet = build(&plan, "kubelet");
        let all = all.replace("CNI", cni);
        assert_eq!(requires(kubelet, Deb), all, "{version}");
        // `mount` is a part of util-linux where RPM is used, and two packages have other names.
        let in_rpm = all.replace("mount, ", "").replace("iproute2", "iproute").replace("conntrack", "conntrack-tools");
        let in_rpm = in_rpm.replace(" (>= ", " >= ").replace(')', "");
        assert_eq!(requires(kubelet, Rpm), in_rpm, "{version}");
        let weak = if version == "1.37.0" { vec!["iptables (>= 1.4.21)"] } else { vec![] };
        assert_eq!(relations(kubelet, RelationKind::Recommends, Deb), weak, "{version}");
    }
}

#[test]
fn the_others_require_nothing() {
    for (version, profile) in [("1.17.0", "current"), ("1.17.0", "legacy"), ("1.36.2", "current")] {
        let plan = set(version, profile);
        for name in ["kubectl", "cri-tools", "kubernetes-cni"] {
            // RPM's kubernetes-cni of old required the kubelet, which requires it: a circle, left out.
            assert!(build(&plan, name).relations.is_empty(), "{name} of {version}");
        }
    }
}

/// Kubernetes; kubernetes-cni; cri-tools of the current profile.
const COMPANIONS: [(&str, &str, &str); 27] = [
    // pkgs.k8s.io never had these; cri-tools publishes digests from 1.21 on.
    ("1.16.0", "0.8.6", "1.21.0"),
    ("1.17.0", "0.8.6", "1.21.0"),
    ("1.18.4", "0.8.6", "1.21.0"),
    ("1.19.0", "0.8.7", "1.21.0"),
    ("1.20.0-alpha.1", "0.8.7", "1.21.0"),
    ("1.21.0", "0.8.7", "1.21.0"),
    ("1.22.0", "0.8.7", "1.22.0"),
    ("1.23.0", "0.8.7", "1.23.0"),
    ("1.24.0", "1.1.1", "1.24.2"),
    ("1.24.5", "1.1.1", "1.25.0"),
    ("1.25.0", "1.1.1", "1.25.0"),
    ("1.26.0", "1.1.1", "1.26.0"),
    ("1.27.0-rc.1", "1.2.0", "1.26.0"),
    ("1.27.0", "1.2.0", "1.26.0"),
    ("1.28.0", "1.2.0", "1.28.0"),
    ("1.29.0", "1.3.0", "1.29.0"),
    ("1.30.0-alpha.1", "1.4.0", "1.30.1"),
    ("1.30.0", "1.4.0", "1.30.1"),
    ("1.31.0", "1.5.1", "1.31.1"),
    ("1.32.0", "1.6.0", "1.32.0"),
    ("1.33.0", "1.6.0", "1.33.0"),
    ("1.34.0", "1.7.1", "1.34.0"),
    ("1.35.0", "1.8.0", "1.35.0"),
    ("1.36.0", "1.9.1", "1.36.0"),
    ("1.36.2", "1.9.1", "1.36.0"),
    ("1.37.0", "1.9.1", "1.36.0"),
    ("1.38.0-alpha.2.97+8eb85c40f2b1ca", "1.9.1", "1.36.0"),
];

#[test]
fn companions_are_those_of_the_minor() {
    for (version, cni, cri) in COMPANIONS {
        let plan = set(version, "current");
        let of = |name: &str| build(&plan, name).metadata.version.to_string();
        assert_eq!((of("kubernetes-cni").as_str(), of("cri-tools").as_str()), (cni, cri), "{version}");
        for name in ["kubeadm", "kubelet", "kubectl"] {
            assert_eq!(of(name), version);
        }
    }
}

/// What `dpkg` and `rpm` would say of a bound, by their own rules.
fn satisfies(version: &str, operator: Operator, bound: &str, format: Format) -> bool {
    let order = match format {
        Deb => version.parse::<debversion::Version>().unwrap().cmp(&bound.parse().unwrap()),
        Rpm => {
            // A bound without a release is compared by version alone.
            let (version, _) = version.rsplit_once('-').unwrap();
            rpm_version::Evr::new("", version, "").cmp(&rpm_version::Evr::new("", bound, ""))
        }
    };
    match operator {
        Operator::AtLeast => order.is_ge(),
        Operator::Below => order.is_lt(),
        Operator::Exactly => order.is_eq(),
    }
}

/// Checks every relation between components of the set and returns how many there are.
fn closed(plan: &Plan, version: &str) -> usize {
    let mut checked = 0;
    for one in &plan.builds {
        for relation in one.relations.iter().filter(|relation| relation.kind == RelationKind::Requires) {
            let dependency = &relation.alternatives[0];
            let wanted = plan.builds.iter().find(|other| other.metadata.name.as_str() == dependency.name);
            let (Some(wanted), Some((operator, bound))) = (wanted, &dependency.constraint) else { continue };
            let there = wanted.metadata.full_version(relation.format);
            let name = &one.metadata.name;
            assert!(satisfies(&there, *operator, bound, relation.format), "{version}: {name}: {relation}, not {there}");
            checked += 1;
        }
    }
    checked
}

#[test]
fn every_set_can_be_installed_by_itself() {
    for version in VERSIONS {
        for profile in PROFILES {
            // The kubelet's plugins are required in both formats, in every version.
            assert!(closed(&set(version, profile), version) >= 2, "{version} {profile}");
        }
    }
    assert!(!satisfies("1.36.0~rc.1-1", Operator::AtLeast, "1.36.0", Deb));
    assert!(!satisfies("1.36.0~rc.1-1", Operator::AtLeast, "1.36.0", Rpm));
}

/// A row that ends before the next begins would leave a version without its requirement.
#[test]
fn no_version_falls_between_two_rows() {
    for version in VERSIONS {
        for profile in PROFILES {
            let plan = set(version, profile);
            for format in Format::ALL {
                let names = |component: &str| {
                    let all = relations(build(&plan, component), RelationKind::Requires, format);
                    all.iter().map(|one| one.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
                };
                let minor = build(&plan, "kubeadm").metadata.version.minor();
                if minor < 30 {
                    assert_eq!(
                        names("kubeadm"),
                        ["cri-tools", "kubectl", "kubelet", "kubernetes-cni"],
                        "{version} {profile}"
                    );
                }
                let plugins = names("kubelet").into_iter().filter(|name| name == "kubernetes-cni").count();
                assert_eq!(plugins, 1, "{version} {profile}");
            }
        }
    }
}

/// `(a or b)` needs rpm 4.13, which RHEL 7 and SLE 12 do not have.
#[test]
fn no_shipped_relation_is_rich() {
    for version in VERSIONS {
        for profile in PROFILES {
            let plan = set(version, profile);
            let rich = plan.builds.iter().flat_map(|build| &build.relations).find(|relation| relation.is_rich());
            assert_eq!(rich, None, "{version} {profile}");
        }
    }
}

/// The kubelet ships the file with the user's arguments that kubeadm's drop-in reads.
#[test]
fn the_drop_in_reads_the_file_that_the_kubelet_ships() {
    for version in VERSIONS {
        let plan = set(version, "current");
        for (format, settings) in [(Deb, "/etc/default/kubelet"), (Rpm, "/etc/sysconfig/kubelet")] {
            let kubeadm = files(build(&plan, "kubeadm"), format);
            let drop_in = text(kubeadm["/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf"]);
            let read: Vec<&str> = drop_in.lines().filter_map(|line| line.strip_prefix("EnvironmentFile=")).collect();
            assert_eq!(read, ["-/var/lib/kubelet/kubeadm-flags.env".to_owned(), format!("-{settings}")], "{version}");
            let kubelet = files(build(&plan, "kubelet"), format);
            assert_eq!(text(kubelet[settings]), "KUBELET_EXTRA_ARGS=\n", "{version}");
            let others =
                ["/etc/default/kubelet", "/etc/sysconfig/kubelet"].into_iter().filter(|path| *path != settings);
            assert!(others.into_iter().all(|path| !kubelet.contains_key(path)), "{version}");
        }
    }
}
