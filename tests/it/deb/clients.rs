//! What dpkg, ar and dpkg-dev make of a package.

use std::process::Command;

use super::*;

#[test]
fn dpkg_reads_the_fields_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let deb = write(&kubelet_image(), Compression::default(), folder.path());
    assert!(deb.ends_with("kubelet_1.17.0-1.1_amd64.deb"));
    let fields = run("dpkg-deb", ["--field".as_ref(), deb.as_os_str()]);
    let expected = "\
Package: kubelet
Version: 1.17.0-1.1
Section: net
Priority: optional
Architecture: amd64
Maintainer: Kubernetes Authors <dev@kubernetes.io>
Origin: Example
Installed-Size: 25
Depends: iptables (>= 1.4.21), iproute2 | iproute
Recommends: conntrack
Homepage: https://kubernetes.io
Description: node agent of Kubernetes
 The agent that runs on every node of a Kubernetes cluster. It starts the
 containers of the pods that the control plane gives to the node, and watches
 them.
 .
 It is configured by kubeadm.
";
    assert_eq!(fields, expected);
    assert_eq!(run("ar", ["t".as_ref(), deb.as_os_str()]), "debian-binary\ncontrol.tar.xz\ndata.tar.xz\n");
    let members = run("dpkg-deb", ["--info".as_ref(), deb.as_os_str()]);
    for member in ["conffiles", "control", "md5sums", "postinst             #!/bin/sh", "postrm", "prerm"] {
        assert!(members.contains(member), "{member}: {members}");
    }
    assert!(!members.contains("preinst"), "{members}");
    let conffiles = run("dpkg-deb", ["--info".as_ref(), deb.as_os_str(), "conffiles".as_ref()]);
    assert_eq!(conffiles, "/etc/default/kubelet\n");
}

#[test]
fn dpkg_lists_every_directory_owner_and_mode() {
    let folder = tempfile::tempdir().unwrap();
    let mut image = plain_image("kubectl");
    image.entries[2].owner = Owner { user: "etcd".to_owned(), group: "adm".to_owned() };
    image.entries[1].mode = "0700".parse().unwrap();
    image.entries[2].mode = "4710".parse().unwrap();
    let deb = write(&image, Compression::None, folder.path());
    let listed = run("dpkg-deb", ["--contents".as_ref(), deb.as_os_str()]);
    let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    let names: Vec<String> =
        lines.iter().map(|fields| [fields[0], fields[1], &fields[5..].join(" ")].join(" ")).collect();
    let expected = [
        "drwxr-xr-x root/root ./",
        "drwxr-xr-x root/root ./etc/",
        "drwxr-xr-x root/root ./etc/default/",
        "-rw-r--r-- root/root ./etc/default/kubectl",
        "drwxr-xr-x root/root ./etc/kubernetes/",
        "drwx------ root/root ./etc/kubernetes/manifests/",
        "drwxr-xr-x root/root ./usr/",
        "drwxr-xr-x root/root ./usr/bin/",
        "-rws--x--- etcd/adm ./usr/bin/kubectl",
        "lrwxrwxrwx root/root ./usr/bin/kubectl-link -> kubectl",
        "drwxr-xr-x root/root ./usr/share/",
        "drwxr-xr-x root/root ./usr/share/doc/",
        "drwxr-xr-x root/root ./usr/share/doc/kubectl/",
        "-rw-r--r-- root/root ./usr/share/doc/kubectl/changelog.Debian.gz",
        "-rw-r--r-- root/root ./usr/share/doc/kubectl/copyright",
    ];
    assert_eq!(names, expected);
    assert!(lines.iter().all(|fields| fields[3..5] == ["2019-12-07", "00:00"]), "{listed}");
}

/// Makes a root with an empty database of packages, and returns it with dpkg's option for it.
fn empty_root(folder: &Path) -> (PathBuf, String) {
    let root = folder.join("root");
    fs::create_dir_all(root.join("var/lib/dpkg/updates")).unwrap();
    fs::create_dir_all(root.join("var/lib/dpkg/info")).unwrap();
    fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    let option = format!("--root={}", root.display());
    (root, option)
}

#[test]
fn the_unit_is_enabled_once_kept_disabled_at_upgrade_and_forgotten_at_purge() {
    let folder = tempfile::tempdir().unwrap();
    let (root, root_option) = empty_root(folder.path());
    let dpkg = |args: &[&str]| {
        run("dpkg", [&[root_option.as_str(), "--force-script-chrootless,depends"], args].concat());
    };
    let link = root.join("etc/systemd/system/multi-user.target.wants/kubelet.service");
    let mut image = kubelet_image();
    let old = write(&image, Compression::default(), folder.path());
    image.metadata.version = "1.18.0".parse().unwrap();
    let new = write(&image, Compression::default(), folder.path());

    dpkg(&["--install", old.to_str().unwrap()]);
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("/usr/lib/systemd/system/kubelet.service"));
    run("systemctl", [root_option.as_str(), "disable", "kubelet.service"]);
    dpkg(&["--install", new.to_str().unwrap()]);
    assert!(fs::symlink_metadata(&link).is_err());
    run("systemctl", [root_option.as_str(), "enable", "kubelet.service"]);
    dpkg(&["--remove", "kubelet"]);
    assert!(fs::symlink_metadata(&link).is_ok());
    dpkg(&["--purge", "kubelet"]);
    assert!(fs::symlink_metadata(&link).is_err());
    assert!(!root.join("var/lib/systemd/deb-systemd-helper-enabled/kubelet.service.dsh-also").exists());
}

#[test]
fn dpkg_installs_and_verifies_a_package_and_finds_what_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    let deb = write(&plain_image("kubectl"), Compression::default(), folder.path());
    let (root, root_option) = empty_root(folder.path());
    let dpkg = |args: &[&str]| run("dpkg", [&[root_option.as_str()], args].concat());
    dpkg(&["--force-script-chrootless", "--install", deb.to_str().unwrap()]);
    assert_eq!(dpkg(&["--verify", "kubectl"]), "");
    assert!(dpkg(&["--status", "kubectl"]).contains("Conffiles:\n /etc/default/kubectl "));
    assert_eq!(fs::read(root.join("usr/bin/kubectl")).unwrap(), program());
    assert_eq!(fs::read_link(root.join("usr/bin/kubectl-link")).unwrap(), Path::new("kubectl"));

    fs::write(root.join("usr/bin/kubectl"), "x").unwrap();
    fs::write(root.join("etc/default/kubectl"), "KUBELET_EXTRA_ARGS=--v=2\n").unwrap();
    let output = Command::new("dpkg").args([&root_option, "--verify", "kubectl"]).output().unwrap();
    let found = String::from_utf8(output.stdout).unwrap();
    assert_eq!(found, "??5?????? c /etc/default/kubectl\n??5??????   /usr/bin/kubectl\n");

    dpkg(&["--force-script-chrootless", "--remove", "kubectl"]);
    assert!(!root.join("usr").exists() && root.join("etc/default/kubectl").exists());
    dpkg(&["--force-script-chrootless", "--purge", "kubectl"]);
    assert!(!root.join("etc").exists());
}

#[test]
fn every_codec_and_level_holds_the_same_archive() {
    let folder = tempfile::tempdir().unwrap();
    let image = kubelet_image();
    let levels = [Compression::None]
        .into_iter()
        .chain((1..=9).map(Compression::Gzip))
        .chain((0..=9).map(Compression::Xz))
        .chain([1, 3, 9, 19].map(Compression::Zstd));
    let mut archives = Vec::new();
    for compression in levels {
        let deb = folder.path().join(format!("{compression}.deb"));
        write_to(&image, compression, &deb);
        let extension = match compression {
            Compression::None => "",
            Compression::Gzip(_) => ".gz",
            Compression::Xz(_) => ".xz",
            Compression::Zstd(_) => ".zst",
        };
        let members = run("ar", ["t".as_ref(), deb.as_os_str()]);
        assert_eq!(members, format!("debian-binary\ncontrol.tar{extension}\ndata.tar{extension}\n"));
        let output = |option: &str| {
            let output = Command::new("dpkg-deb").args([option.as_ref(), deb.as_os_str()]).output().unwrap();
            assert!(output.status.success(), "{compression}: {output:?}");
            output.stdout
        };
        archives.push((output("--fsys-tarfile"), output("--ctrl-tarfile")));
    }
    assert!(archives[0].0.len() > 10_000 && archives.iter().all(|archive| *archive == archives[0]));
}

#[test]
fn names_longer_than_a_header_field_survive() {
    let folder = tempfile::tempdir().unwrap();
    let mut image = plain_image("kubectl");
    let long: Vec<String> = [95, 97, 98, 99, 100, 200].map(|length| format!("/opt/{}", "n".repeat(length - 5))).into();
    let deep = format!("/srv{}", format!("/{}", "d".repeat(120)).repeat(5));
    image.entries.extend(long.iter().map(|path| entry(path, "0644", Role::Plain, text(path))));
    image.entries.push(entry(&format!("{deep}/link"), "0777", Role::Plain, Content::Link(deep.clone())));
    let deb = write(&image, Compression::Gzip(6), folder.path());
    let root = folder.path().join("x");
    run("dpkg-deb", ["-x".as_ref(), deb.as_os_str(), root.as_os_str()]);
    for path in &long {
        assert_eq!(&fs::read_to_string(root.join(&path[1..])).unwrap(), path);
    }
    assert_eq!(fs::read_link(root.join(&deep[1..]).join("link")).unwrap(), Path::new(&deep));
}

#[test]
fn the_installed_size_is_the_one_that_dpkg_gencontrol_computes() {
    let folder = tempfile::tempdir().unwrap();
    let mut image = kubelet_image();
    for (size, name) in [(0, "a"), (1, "b"), (1024, "c"), (1025, "d"), (70_000, "e")] {
        image.entries.push(entry(&format!("/opt/{name}"), "0644", Role::Plain, Content::Text(vec![7; size])));
    }
    image.entries.push(entry("/opt/link", "0777", Role::Plain, Content::Link("a".to_owned())));
    let deb = write(&image, Compression::Gzip(1), folder.path());
    let at = |name: &str| folder.path().join(name).display().to_string();
    run("dpkg-deb", ["-x", deb.to_str().unwrap(), &at("kubelet")]);
    fs::write(
        at("control"),
        "Source: kubelet\nMaintainer: A <a@b.c>\n\nPackage: kubelet\nArchitecture: any\nDescription: d\n",
    )
    .unwrap();
    fs::write(
        at("changelog"),
        "kubelet (1-1) unstable; urgency=low\n\n  * x\n\n -- A <a@b.c>  Sat, 07 Dec 2019 00:00:00 +0000\n",
    )
    .unwrap();
    let (package_dir, control, changelog, files) = (
        format!("-P{}", at("kubelet")),
        format!("-c{}", at("control")),
        format!("-l{}", at("changelog")),
        format!("-f{}", at("files")),
    );
    let stanza = run("dpkg-gencontrol", [&package_dir, &control, &changelog, &files, "-O"]);
    let computed = stanza.lines().find_map(|line| line.strip_prefix("Installed-Size: ")).unwrap();
    let ours = run("dpkg-deb", ["--field", deb.to_str().unwrap(), "Installed-Size"]);
    assert_eq!(ours.trim(), computed);
}

#[test]
fn the_changelog_is_one_that_dpkg_parses() {
    let folder = tempfile::tempdir().unwrap();
    let mut image = kubelet_image();
    image.metadata.version = "1.18.0-beta.2".parse().unwrap();
    image.metadata.channel = Channel::Prerelease;
    let deb = write(&image, Compression::default(), folder.path());
    let root = folder.path().join("x");
    run("dpkg-deb", ["-x".as_ref(), deb.as_os_str(), root.as_os_str()]);
    let packed = root.join("usr/share/doc/kubelet/changelog.Debian.gz");
    run("gzip", ["--test".as_ref(), packed.as_os_str()]);
    let changelog = run("gzip", ["-dc".as_ref(), packed.as_os_str()]);
    assert_eq!(changelog, render(&image).unwrap().get("usr/share/doc/kubelet/changelog.Debian").unwrap());
    let plain = folder.path().join("changelog");
    fs::write(&plain, changelog).unwrap();
    let parsed = run("dpkg-parsechangelog", ["-l".as_ref(), plain.as_os_str()]);
    for line in [
        "Source: kubelet",
        "Version: 1.18.0~beta.2-1.1",
        "Urgency: medium",
        "Maintainer: Kubernetes Authors <dev@kubernetes.io>",
        "Date: Sat, 07 Dec 2019 00:00:00 +0000",
        "Timestamp: 1575676800",
    ] {
        assert!(parsed.lines().any(|found| found == line), "{line}: {parsed}");
    }
}
