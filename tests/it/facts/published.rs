//! What upstream publishes: architectures, URLs, digests, and what archives hold.

use kubepkg::arch::Arch;
use kubepkg::plan::plan;
use kubepkg::plan::{Arches, Build, DigestSource, Download, Plan, PlanError, PlannedContent, Presence, Source};

use super::{CATALOG, TEMPLATES, build, planned, request, set};

/// The download of a component.
fn download<'a>(plan: &'a Plan, component: &str) -> &'a Download {
    let build = build(plan, component);
    match &build.sources[..] {
        [source] => match source.source {
            Source::Download(index) => &plan.downloads[index],
            Source::LocalBuild(_) => panic!("{component} is local"),
        },
        _ => panic!("{component} has {} sources", build.sources.len()),
    }
}

/// The digests of a download, one a line.
fn digests(download: &Download) -> Vec<String> {
    download
        .verification
        .digests()
        .iter()
        .map(|source| match source {
            DigestSource::Pinned(digest) => digest.to_string(),
            DigestSource::Published { url, algorithm, entry, presence } => {
                let optional = if *presence == Presence::Optional { " if published" } else { "" };
                format!("{algorithm} of {entry} in {url}{optional}")
            }
        })
        .collect()
}

#[test]
fn architectures_are_those_that_upstream_builds() {
    let servers = "amd64 arm64 ppc64le s390x";
    for (version, nodes, clients, cri, cni) in [
        (
            "1.17.0",
            "amd64 arm64 arm ppc64le s390x",
            "amd64 arm64 arm 386 ppc64le s390x",
            "amd64 arm64 arm 386 ppc64le s390x",
            "amd64 arm64 arm ppc64le s390x",
        ),
        (
            "1.26.0",
            "amd64 arm64 arm ppc64le s390x",
            "amd64 arm64 arm 386 ppc64le s390x",
            "amd64 arm64 arm 386 ppc64le s390x",
            "amd64 arm64 arm ppc64le s390x",
        ),
        (
            "1.27.0",
            servers,
            "amd64 arm64 arm 386 ppc64le s390x",
            "amd64 arm64 arm 386 ppc64le s390x",
            "amd64 arm64 arm ppc64le riscv64 s390x",
        ),
        (
            "1.28.0",
            servers,
            "amd64 arm64 arm 386 ppc64le s390x",
            "amd64 arm64 arm 386 ppc64le riscv64 s390x",
            "amd64 arm64 arm ppc64le riscv64 s390x",
        ),
        (
            "1.29.0",
            servers,
            "amd64 arm64 arm 386 ppc64le s390x",
            "amd64 arm64 386 ppc64le riscv64 s390x",
            "amd64 arm64 arm ppc64le riscv64 s390x",
        ),
        (
            "1.37.0",
            servers,
            "amd64 arm64 arm 386 ppc64le s390x",
            "amd64 arm64 386 ppc64le riscv64 s390x",
            "amd64 arm64 arm ppc64le riscv64 s390x",
        ),
    ] {
        let plan = planned(&kubepkg::plan::Request { arches: Arches::All, ..request(version, "current") });
        let of = |name: &str| {
            let mine = plan.builds.iter().filter(|build| build.metadata.name.as_str() == name);
            mine.map(|build| build.metadata.arch.as_str()).collect::<Vec<_>>().join(" ")
        };
        let found = ["kubelet", "kubeadm", "kubectl", "cri-tools", "kubernetes-cni"].map(of);
        assert_eq!(found, [nodes, nodes, clients, cri, cni].map(str::to_owned), "{version}");
    }
}

#[test]
fn an_architecture_that_is_not_published_is_refused_with_the_reason() {
    for (component, version, arch, reason) in [
        (
            "kubelet",
            "1.30.0",
            Arch::Arm,
            "`kubelet` 1.30.0 is not published for arm; published: amd64, arm64, ppc64le, s390x (arm only in versions `<1.27.0-alpha.0`)",
        ),
        (
            "kubectl",
            "1.36.2",
            Arch::Riscv64,
            "`kubectl` 1.36.2 is not published for riscv64; published: amd64, arm64, arm, 386, ppc64le, s390x",
        ),
    ] {
        let mut request = request(version, "current");
        request.components = [component.to_owned()].into();
        request.arches = Arches::These([arch].into());
        let error = plan(&CATALOG, &TEMPLATES, &request).unwrap_err();
        assert!(matches!(error, PlanError::NotPublished { .. }), "{error:?}");
        assert_eq!(error.to_string(), reason);
    }
}

#[test]
fn programs_of_kubernetes_come_with_two_digests_and_a_list() {
    for (version, folder) in [
        ("1.17.0", "https://dl.k8s.io/release/v1.17.0"),
        ("1.36.0-rc.1", "https://dl.k8s.io/release/v1.36.0-rc.1"),
        ("1.38.0-alpha.2.97+8eb85c40f2b1ca", "https://dl.k8s.io/ci/v1.38.0-alpha.2.97%2B8eb85c40f2b1ca"),
        ("1.36.1-4+0123456789abcd", "https://dl.k8s.io/ci/v1.36.1-4%2B0123456789abcd"),
    ] {
        let plan = set(version, "current");
        for name in ["kubeadm", "kubectl", "kubelet"] {
            let download = download(&plan, name);
            let url = format!("{folder}/bin/linux/amd64/{name}");
            assert_eq!(download.url.as_str(), url);
            assert_eq!(
                digests(download),
                [
                    format!("sha512 of {name} in {url}.sha512"),
                    format!("sha256 of {name} in {url}.sha256"),
                    format!("sha256 of bin/linux/amd64/{name} in {folder}/SHA256SUMS if published"),
                ]
            );
        }
    }
}

#[test]
fn companions_come_with_the_digests_of_their_time() {
    let crictl = |version: &str| {
        format!(
            "https://github.com/kubernetes-sigs/cri-tools/releases/download/v{version}/crictl-v{version}-linux-amd64.tar.gz"
        )
    };
    for (version, profile, cri, kinds) in [
        ("1.36.2", "current", "1.36.0", vec!["sha512", "sha256"]),
        ("1.23.0", "current", "1.23.0", vec!["sha512", "sha256"]),
        ("1.22.0", "current", "1.22.0", vec!["sha256"]),
        ("1.17.0", "current", "1.21.0", vec!["sha256"]),
    ] {
        let plan = set(version, profile);
        let download = download(&plan, "cri-tools");
        let url = crictl(cri);
        assert_eq!(download.url.as_str(), url);
        let name = url.rsplit('/').next().unwrap();
        let expected: Vec<String> = kinds.iter().map(|kind| format!("{kind} of {name} in {url}.{kind}")).collect();
        assert_eq!(digests(download), expected);
    }
    // Without a file of digests, those out of the release notes.
    let plan = set("1.17.0", "legacy");
    let pinned = "sha256:9bdbea7a2b382494aff2ff014da328a042c5aba9096a7772e57fdf487e5a1d51";
    let old = download(&plan, "cri-tools");
    assert_eq!((old.url.as_str(), digests(old)), (crictl("1.13.0").as_str(), vec![pinned.to_owned()]));
    for (version, profile, archive) in [
        ("1.17.0", "legacy", "v0.7.5/cni-plugins-amd64-v0.7.5.tgz"),
        ("1.17.0", "current", "v0.8.6/cni-plugins-linux-amd64-v0.8.6.tgz"),
        ("1.36.2", "current", "v1.9.1/cni-plugins-linux-amd64-v1.9.1.tgz"),
    ] {
        let plan = set(version, profile);
        let download = download(&plan, "kubernetes-cni");
        let url = format!("https://github.com/containernetworking/plugins/releases/download/{archive}");
        let name = archive.rsplit('/').next().unwrap();
        assert_eq!(download.url.as_str(), url);
        let expected = ["sha512", "sha256"].map(|kind| format!("{kind} of {name} in {url}.{kind}"));
        assert_eq!(digests(download), expected);
    }
}

/// The plugins that are installed.
fn plugins(build: &Build) -> String {
    let members = build.files.iter().find_map(|file| match &file.content {
        PlannedContent::Members { members, .. } if file.path.as_str() == "/opt/cni/bin" => Some(members),
        _ => None,
    });
    let mut names: Vec<&str> = members.unwrap().iter().map(kubepkg::path::RelativePath::as_str).collect();
    names.sort_unstable();
    names.join(" ")
}

#[test]
fn plugins_are_those_of_the_release() {
    let first = "bridge dhcp flannel host-device host-local ipvlan loopback macvlan portmap ptp sample tuning vlan";
    let second = "bandwidth bridge dhcp firewall flannel host-device host-local ipvlan loopback macvlan portmap ptp sbr static tuning vlan";
    let now = "bandwidth bridge dhcp dummy firewall host-device host-local ipvlan loopback macvlan portmap ptp sbr static tap tuning vlan vrf";
    for (cni, names) in [
        ("0.7.5", first.to_owned()),
        ("0.8.6", second.to_owned()),
        ("0.8.7", second.to_owned()),
        ("0.9.1", format!("{second} vrf")),
        ("1.0.0", format!("{second} vrf").replace("flannel ", "")),
        ("1.1.1", format!("{second} vrf").replace("flannel ", "")),
        ("1.2.0", now.replace("tap ", "")),
        ("1.3.0", now.to_owned()),
        ("1.9.1", now.to_owned()),
    ] {
        let mut request = request("1.36.2", "current");
        request.components = ["kubernetes-cni".to_owned()].into();
        request.component_versions = [("kubernetes-cni".to_owned(), cni.parse().unwrap())].into();
        assert_eq!(plugins(build(&planned(&request), "kubernetes-cni")), names, "{cni}");
    }
}

/// Packages are dated by their release, so that the same plan gives the same bytes on any day.
#[test]
fn packages_have_the_date_of_their_release() {
    for (version, kubernetes, cni) in [
        ("1.17.0", "2019-12-09", "2020-05-13"),
        ("1.17.7", "2019-12-09", "2020-05-13"),
        ("1.36.0-rc.1", "2026-04-22", "2026-02-19"),
    ] {
        let plan = set(version, "current");
        let date = |name: &str| build(&plan, name).date.to_string();
        assert_eq!(
            (date("kubelet"), date("kubernetes-cni")),
            (format!("{kubernetes}T00:00:00Z"), format!("{cni}T00:00:00Z"))
        );
    }
}
