//! What packages do not have, and what the program does not do.

use std::process::Command;

use kubepkg::format::Format;
use kubepkg::image::{Content, Entry, Formats, Metadata, Owner, PackageImage, Role};
use kubepkg::package::{Compression, writer};
use kubepkg::template::Templates;
use kubepkg::tree::Tree;

use crate::cli::Rig;
use crate::packing::with_packer;

const KUBECTL: &str = "build kubectl --version 1.36.2 --arch amd64";
const DEB: &str = "dist/kubectl_1.36.2-1.1_amd64.deb";
const RPM: &str = "dist/kubectl-1.36.2-1.1.x86_64.rpm";

/// Runs a tool in the rig's folder, and returns what it prints.
#[track_caller]
fn tool(rig: &Rig, line: &str) -> String {
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().unwrap());
    let output = command.args(words).current_dir(rig.path()).env("LC_ALL", "C.UTF-8").output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn scripts_of_a_spec_have_the_shell_in_both_formats() {
    let rig = Rig::new();
    rig.good("spec export mine");
    let path = rig.path().join("mine/specs/kubectl.yaml");
    let text = fs_err::read_to_string(&path).unwrap();
    let script = "scripts:\n  - {at: before-install, run: \"echo mine\"}\nfiles:\n";
    fs_err::write(path, text.replacen("files:\n", script, 1)).unwrap();
    rig.good(&format!("{KUBECTL} --spec-dir mine/specs"));
    let preinst = tool(&rig, &format!("dpkg-deb --info {DEB} preinst"));
    assert!(preinst.starts_with("#!/bin/sh\n") && preinst.contains("echo mine"), "{preinst}");
    let scripts = tool(&rig, &format!("rpm -qp --nosignature --scripts {RPM}"));
    assert!(scripts.starts_with("preinstall scriptlet (using /bin/sh):\n"), "{scripts}");
    assert!(tool(&rig, &format!("rpm -qp --nosignature --requires {RPM}")).contains("/bin/sh\n"));
}

#[test]
fn a_level_of_compression_holds_for_both_formats() {
    for (compression, codec) in
        [("gzip:1", "gzip"), ("xz:0", "xz"), ("xz:9", "xz"), ("zstd:19", "zstd"), ("none", "none")]
    {
        let rig = Rig::new();
        rig.good(&format!("{KUBECTL} --compression {compression}"));
        let packages = rig.good(&format!("inspect --json {DEB} {RPM}")).json()["packages"].clone();
        for package in packages.as_array().unwrap() {
            assert_eq!(package["payload_compression"]["codec"], codec, "{compression}: {}", package["format"]);
        }
    }
    for bad in ["zstd:99", "zstd:fastest", "gzip:0", "xz:10", "lzma"] {
        for format in ["deb", "rpm"] {
            Rig::new().fails(&format!("{KUBECTL} --format {format} --compression {bad}"), 2, bad);
        }
    }
}

#[test]
fn what_is_for_one_format_is_not_in_the_other() {
    let rig = Rig::new();
    rig.good("spec export mine");
    let path = rig.path().join("mine/specs/kubectl.yaml");
    let text = fs_err::read_to_string(&path).unwrap();
    let rows = "relations:\n  - {requires: {system: only-rpm}, when: {format: rpm}}\n  \
        - {requires: {system: only-deb}, when: {format: deb}}\nfiles:\n";
    fs_err::write(path, text.replacen("files:\n", rows, 1)).unwrap();
    rig.good(&format!("{KUBECTL} --spec-dir mine/specs"));
    assert_eq!(tool(&rig, &format!("dpkg-deb --field {DEB} Depends")), "only-deb\n");
    let requires = tool(&rig, &format!("rpm -qp --nosignature --requires {RPM}"));
    assert!(requires.contains("only-rpm\n") && !requires.contains("only-deb"), "{requires}");
}

#[test]
fn a_pre_release_asks_for_an_rpm_that_sorts_it() {
    let rig = Rig::new();
    rig.good("build kubectl --version 1.36.0-rc.1 --arch amd64 --format rpm");
    let rpm = "dist/kubectl-1.36.0~rc.1-1.1.x86_64.rpm";
    let requires = tool(&rig, &format!("rpm -qp --nosignature --requires {rpm}"));
    assert!(requires.contains("rpmlib(TildeInVersions) <= 4.10.0-1\n"), "{requires}");
    assert_eq!(tool(&rig, &format!("rpm -qp --nosignature --queryformat %{{VERSION}} {rpm}")), "1.36.0~rc.1");
}

#[test]
fn no_package_names_a_build_host() {
    let rig = Rig::new();
    rig.good(&format!("{KUBECTL} --compression none"));
    assert_eq!(tool(&rig, &format!("rpm -qp --nosignature --queryformat %{{BUILDHOST}} {RPM}")), "(none)");
    let host = tool(&rig, "uname -n");
    for path in [DEB, RPM] {
        let bytes = fs_err::read(rig.path().join(path)).unwrap();
        let host = host.trim().as_bytes();
        assert!(host.len() < 4 || !bytes.windows(host.len()).any(|window| window == host), "{path} names this machine");
    }
}

#[test]
fn messages_are_told_as_they_are() {
    let rig = Rig::new();
    for (line, first) in [
        ("plan", "error: no version"),
        ("build kubectl --version 1.36.9 --arch amd64", "error: not published: `"),
        ("plan nonesuch --version 1.36.2", "error: "),
        ("spec list --spec-dir absent", "error: "),
    ] {
        let message = rig.run(line).stderr;
        assert!(message.starts_with(first), "{message}");
        let begin = message.trim_start_matches("error: ").chars().next().unwrap();
        assert!(begin.is_lowercase() || begin == '`', "{message}");
        assert!(message.lines().all(|line| line == line.trim_end()), "{message:?}");
        assert!(!message.contains('\u{1b}'), "{message:?}");
    }
}

#[test]
fn formats_are_chosen_by_name() {
    for (option, expected) in [
        ("", vec![DEB, RPM]),
        ("--format deb", vec![DEB]),
        ("--format rpm", vec![RPM]),
        ("--format rpm,deb", vec![DEB, RPM]),
    ] {
        let ran = Rig::new().good(&format!("{KUBECTL} {option}"));
        assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), expected, "{option}");
    }
    Rig::new().fails(&format!("{KUBECTL} --format apk"), 2, "apk");
}

fn image_of(count: usize) -> PackageImage {
    let entry = |number: usize| Entry {
        path: format!("/usr/share/many/{}/{number:05}", number % 100).parse().unwrap(),
        mode: "0644".parse().unwrap(),
        owner: Owner::root(),
        role: Role::Plain,
        content: Content::Text(format!("{number}\n").into_bytes()),
        formats: Formats::All,
    };
    let mut entries: Vec<Entry> = (0..count).map(entry).collect();
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    let metadata = Metadata {
        name: "many".parse().unwrap(),
        version: "1.0.0".parse().unwrap(),
        deb_revision: "1".parse().unwrap(),
        rpm_revision: "1".parse().unwrap(),
        arch: "amd64".parse().unwrap(),
        summary: "many files".to_owned(),
        description: "So many files as no package of Kubernetes has.".to_owned(),
        license: "Apache-2.0".to_owned(),
        homepage: "https://kubernetes.io".to_owned(),
        maintainer: "Nobody <nobody@example.org>".to_owned(),
        vendor: None,
        section: "admin".to_owned(),
        priority: "optional".to_owned(),
        channel: kubepkg::version::Channel::Release,
        copyright: vec!["2026 Nobody".to_owned()],
    };
    PackageImage {
        metadata,
        relations: Vec::new(),
        services: Vec::new(),
        scripts: Vec::new(),
        lint_overrides: Vec::new(),
        entries,
        date: "2026-01-01".parse().unwrap(),
    }
}

#[test]
fn twenty_thousand_files_are_packaged() {
    const COUNT: usize = 20_000;
    let (rig, image) = (Rig::new(), image_of(COUNT));
    let templates = Templates::new(Tree::embedded_templates());
    for (format, list) in [(Format::Deb, "dpkg-deb --contents many"), (Format::Rpm, "rpm -qpl --nosignature many")] {
        let writer = writer(format);
        let texts = writer.render(&image, &templates).unwrap();
        let mut out = fs_err::OpenOptions::new();
        let mut out = out.read(true).write(true).create(true).truncate(true).open(rig.path().join("many")).unwrap();
        with_packer(Compression::Gzip(1), |packer| writer.write(&image, &texts, packer, out.file_mut())).unwrap();
        let listed = tool(&rig, list);
        assert_eq!(
            listed.lines().filter(|line| line.contains("/usr/share/many/") && !line.ends_with('/')).count(),
            COUNT
        );
    }
}
