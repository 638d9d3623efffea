//! Debs, judged by dpkg, ar, lintian and the shell.

mod clients;
mod lintian;
mod maintainer_scripts;
mod refused;
mod reproducible;

use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;
use kubepkg::arch::Arch;
use kubepkg::format::Format;
use kubepkg::image::{Content, Entry, Formats, LintOverride, Metadata, OnInstall, Owner, PackageImage, Role, Service};
use kubepkg::package::{Compression, DebWriter, PackageWriter, Texts, WriteError};
use kubepkg::relation::{Dependency, Operator, Relation, RelationKind};
use kubepkg::template::Templates;
use kubepkg::tree::Tree;
use kubepkg::version::Channel;

use crate::packing::with_packer;

/// An x86-64 program that exits with 0: an ELF header, one program header, nine bytes of code.
fn program() -> Vec<u8> {
    let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
    elf.resize(16, 0);
    elf.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    for address in [0x40_0078_u64, 64, 0] {
        elf.extend(address.to_le_bytes());
    }
    elf.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    elf.extend([1, 0, 0, 0, 5, 0, 0, 0]);
    for value in [0, 0x40_0000_u64, 0x40_0000, 129, 129, 0x1000] {
        elf.extend(value.to_le_bytes());
    }
    elf.extend(*b"\xb8\x3c\0\0\0\x31\xff\x0f\x05");
    elf
}

const UNIT: &str = "[Unit]\nDescription=kubelet: The Kubernetes Node Agent\nDocumentation=https://kubernetes.io/docs/\n\n\
    [Service]\nExecStart=/usr/bin/kubelet\nRestart=always\n\n[Install]\nWantedBy=multi-user.target\n";

fn entry(path: &str, mode: &str, role: Role, content: Content) -> Entry {
    let (path, mode) = (path.parse().unwrap(), mode.parse().unwrap());
    Entry { path, mode, owner: Owner::root(), role, content, formats: Formats::All }
}

fn text(text: &str) -> Content {
    Content::Text(text.into())
}

fn metadata(name: &str) -> Metadata {
    Metadata {
        name: name.parse().unwrap(),
        version: "1.17.0".parse().unwrap(),
        deb_revision: "1.1".parse().unwrap(),
        rpm_revision: "0".parse().unwrap(),
        arch: Arch::Amd64,
        summary: "node agent of Kubernetes".to_owned(),
        description: "The agent that runs on every node of a Kubernetes cluster. It starts the containers of the \
            pods that the control plane gives to the node, and watches them.\n\nIt is configured by kubeadm."
            .to_owned(),
        license: "Apache-2.0".to_owned(),
        homepage: "https://kubernetes.io".to_owned(),
        maintainer: "Kubernetes Authors <dev@kubernetes.io>".to_owned(),
        vendor: Some("Example".to_owned()),
        section: "net".to_owned(),
        priority: "optional".to_owned(),
        channel: Channel::Release,
        copyright: vec!["2014-2019 The Kubernetes Authors".to_owned()],
    }
}

/// A package with every kind of entry but units: it installs without scripts.
fn plain_image(name: &str) -> PackageImage {
    PackageImage {
        metadata: metadata(name),
        relations: Vec::new(),
        services: Vec::new(),
        scripts: Vec::new(),
        lint_overrides: Vec::new(),
        entries: vec![
            entry(&format!("/etc/default/{name}"), "0644", Role::ConfigKept, text("KUBELET_EXTRA_ARGS=\n")),
            entry("/etc/kubernetes/manifests", "0755", Role::Plain, Content::Directory),
            entry(&format!("/usr/bin/{name}"), "0755", Role::Plain, Content::Text(program())),
            entry(&format!("/usr/bin/{name}-link"), "0777", Role::Plain, Content::Link(name.to_owned())),
        ],
        date: "2019-12-07".parse().unwrap(),
    }
}

fn depends(kind: RelationKind, names: &[&str], constraint: Option<(Operator, &str)>) -> Relation {
    let dependency = |name: &&str| Dependency {
        name: (*name).to_owned(),
        constraint: constraint.map(|(operator, version)| (operator, version.to_owned())),
    };
    Relation { kind, format: Format::Deb, alternatives: names.iter().map(dependency).collect() }
}

/// A package like the kubelet's of pkgs.k8s.io.
fn kubelet_image() -> PackageImage {
    let mut image = plain_image("kubelet");
    image.entries.retain(|entry| !matches!(entry.content, Content::Link(_)));
    image.entries.push(entry("/usr/lib/systemd/system/kubelet.service", "0644", Role::Plain, text(UNIT)));
    image.entries.push(entry("/usr/share/doc/kubelet/README.md", "0644", Role::Doc, text("# kubelet\n")));
    image.entries.push(entry("/var/lib/kubelet", "0755", Role::Plain, Content::Directory));
    image.relations = vec![
        depends(RelationKind::Recommends, &["conntrack"], None),
        depends(RelationKind::Requires, &["iptables"], Some((Operator::AtLeast, "1.4.21"))),
        depends(RelationKind::Requires, &["iproute2", "iproute"], None),
        depends(RelationKind::Requires, &["iproute2", "iproute"], None),
    ];
    let unit = "kubelet.service".to_owned();
    image.services = vec![Service { unit, on_install: OnInstall::Preset, formats: Formats::All }];
    image.lint_overrides = [
        ("statically-linked-binary", "upstream links its programs statically"),
        ("no-manual-page", "upstream writes no manual pages"),
    ]
    .map(|(tag, reason)| LintOverride { format: Format::Deb, tag: tag.to_owned(), reason: reason.to_owned() })
    .into();
    image
}

fn render(image: &PackageImage) -> Result<Texts, WriteError> {
    DebWriter.render(image, &Templates::new(Tree::embedded_templates()))
}

/// Writes the package into `folder` under its conventional name.
fn write(image: &PackageImage, compression: Compression, folder: &Path) -> PathBuf {
    let path = folder.join(image.file_name(Format::Deb));
    write_to(image, compression, &path);
    path
}

fn write_to(image: &PackageImage, compression: Compression, path: &Path) {
    let mut out = fs::OpenOptions::new().read(true).write(true).create_new(true).open(path).unwrap();
    let texts = render(image).unwrap();
    with_packer(compression, |packer| DebWriter.write(image, &texts, packer, out.file_mut())).unwrap();
}

/// Runs a program that must succeed, and returns what it printed.
fn run(program: &str, args: impl IntoIterator<Item = impl AsRef<std::ffi::OsStr>>) -> String {
    let mut command = Command::new(program);
    command.args(args).env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{stdout}{stderr}", output.status);
    stdout.into_owned()
}
