//! An image that has one of everything an RPM can hold.

use kubepkg::arch::Arch;
use kubepkg::format::Format;
use kubepkg::image::{
    Content, Entry, Formats, LintOverride, Metadata, Moment, OnInstall, Owner, PackageImage, Role, Script, Service,
};
use kubepkg::relation::{Dependency, Operator, Relation, RelationKind};
use kubepkg::source_date::SourceDate;
use kubepkg::version::Channel;

/// Midnight of 2019-12-07.
pub(super) const DATE: u32 = 1_575_676_800;

pub(super) fn metadata(name: &str, version: &str) -> Metadata {
    Metadata {
        name: name.parse().unwrap(),
        version: version.parse().unwrap(),
        deb_revision: "1.1".parse().unwrap(),
        rpm_revision: "1".parse().unwrap(),
        arch: Arch::Amd64,
        summary: "Node agent of 100% Kubernetes clusters".to_owned(),
        description: "The node agent of Kubernetes, the container cluster manager, which runs on each node and \
                      keeps 100% of its containers (%{name}) running."
            .to_owned(),
        license: "Apache-2.0".to_owned(),
        homepage: "https://kubernetes.io/".to_owned(),
        maintainer: "Release Engineering <release@example.com>".to_owned(),
        vendor: Some("Example".to_owned()),
        section: "net".to_owned(),
        priority: "optional".to_owned(),
        channel: Channel::Release,
        copyright: vec!["2014 The Kubernetes Authors".to_owned()],
    }
}

pub(super) fn entry(path: &str, mode: &str, role: Role, content: Content) -> Entry {
    let (path, mode) = (path.parse().unwrap(), mode.parse().unwrap());
    Entry { path, mode, owner: Owner::root(), role, content, formats: Formats::All }
}

pub(super) fn text(text: &str) -> Content {
    Content::Text(text.as_bytes().to_vec())
}

pub(super) fn relation(kind: RelationKind, alternatives: &[(&str, Option<(Operator, &str)>)]) -> Relation {
    let alternatives = alternatives
        .iter()
        .map(|(name, constraint)| Dependency {
            name: (*name).to_owned(),
            constraint: constraint.map(|(operator, version)| (operator, version.to_owned())),
        })
        .collect();
    Relation { kind, format: Format::Rpm, alternatives }
}

pub(super) fn script(moment: Moment, body: &str) -> Script {
    Script { moment, formats: Formats::All, body: body.to_owned() }
}

fn relations() -> Vec<Relation> {
    use Operator::{AtLeast, Below, Exactly};
    use RelationKind::{Breaks, Conflicts, Provides, Recommends, Replaces, Requires, Suggests};
    vec![
        relation(Requires, &[("util-linux", None)]),
        relation(Requires, &[("iptables", Some((AtLeast, "1.4.21")))]),
        relation(Requires, &[("libc.so.6(GLIBC_2.34)(64bit)", None)]),
        relation(Requires, &[("conntrack", None), ("conntrack-tools", Some((AtLeast, "1.4")))]),
        relation(Requires, &[("util-linux", None)]),
        relation(Recommends, &[("kubernetes-cni", Some((AtLeast, "1.2.0~rc.1")))]),
        relation(Suggests, &[("cri-tools", None)]),
        relation(Conflicts, &[("docker-kubelet", None)]),
        relation(Breaks, &[("kubeadm", Some((Below, "1.10")))]),
        relation(Replaces, &[("hyperkube", Some((Below, "1.19")))]),
        relation(Provides, &[("kubernetes-node", Some((Exactly, "1.17")))]),
    ]
}

fn entries(binary: Vec<u8>) -> Vec<Entry> {
    use Content::{Directory, Link};
    vec![
        entry("/etc/kubernetes", "0755", Role::Plain, Directory),
        entry("/etc/kubernetes/manifests", "0750", Role::Plain, Directory),
        entry("/etc/kubernetes/policy.conf", "0600", Role::Config, text("policy\n")),
        entry("/etc/sysconfig/kubelet", "0644", Role::ConfigKept, text("KUBELET_EXTRA_ARGS=\n")),
        entry("/usr/bin/kubelet", "0755", Role::Plain, Content::Text(binary)),
        entry("/usr/bin/node-agent", "0777", Role::Plain, Link("kubelet".to_owned())),
        entry(
            "/usr/lib/systemd/system/kubelet.service",
            "0644",
            Role::Plain,
            text("[Service]\nExecStart=/usr/bin/kubelet\n"),
        ),
        entry("/usr/share/doc/kubelet", "0755", Role::Plain, Directory),
        entry("/usr/share/doc/kubelet/README.md", "0644", Role::Doc, text("# kubelet\n")),
        entry("/usr/share/licenses/kubelet", "0755", Role::Plain, Directory),
        entry("/usr/share/licenses/kubelet/LICENSE", "0644", Role::License, text("Apache License\n")),
        entry("/var/lib/kubelet", "0755", Role::Plain, Directory),
        entry("/var/lib/kubelet/README.md", "0644", Role::Plain, text("")),
    ]
}

/// A kubelet with one of everything. Its binary is the test machine's `true`.
pub(super) fn kubelet(version: &str) -> PackageImage {
    PackageImage {
        metadata: metadata("kubelet", version),
        relations: relations(),
        services: vec![Service {
            unit: "kubelet.service".to_owned(),
            on_install: OnInstall::Preset,
            formats: Formats::All,
        }],
        scripts: vec![
            script(Moment::BeforeInstall, "printf 'before %s\\n' \"$1\" >>\"${LOG:-/dev/null}\""),
            script(Moment::AfterRemove, "echo after removal >>\"${LOG:-/dev/null}\"\n"),
        ],
        lint_overrides: Vec::new(),
        entries: entries(fs_err::read("/bin/true").unwrap()),
        date: SourceDate::from_epoch(DATE),
    }
}

/// A package of one file and nothing else.
pub(super) fn plain(name: &str, version: &str) -> PackageImage {
    PackageImage {
        metadata: metadata(name, version),
        relations: Vec::new(),
        services: Vec::new(),
        scripts: Vec::new(),
        lint_overrides: Vec::new(),
        entries: vec![entry("/usr/share/plain", "0644", Role::Plain, text("plain\n"))],
        date: SourceDate::from_epoch(DATE),
    }
}

pub(super) fn meant(tag: &str, reason: &str) -> LintOverride {
    LintOverride { format: Format::Rpm, tag: tag.to_owned(), reason: reason.to_owned() }
}
