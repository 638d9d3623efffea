//! Bundles: one archive, unpacked where there is no network, is a repository that apt and dnf take with its signatures.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::rig::{Rig, refused};
use super::s3::Server;
use super::snippets::Machine;
use crate::program::{done, kubepkg, tool};

/// Where a bundle of the test is to be unpacked.
fn destination(rig: &Rig) -> PathBuf {
    rig.folder.path().join("place/kubernetes")
}

/// Writes a bundle, and returns the archive.
#[track_caller]
fn bundle(rig: &Rig, line: &str, file: &str) -> PathBuf {
    let output = rig.folder.path().join(file);
    let mut command = rig.without_key(format!("repo bundle {line}").trim());
    let command = command.arg("--output").arg(&output).arg("--destination").arg(destination(rig));
    assert_eq!(done(command), format!("{}\n", output.display()));
    output
}

fn unpack(rig: &Rig, archive: &Path) -> PathBuf {
    let place = destination(rig);
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    tool("tar", ["-xf", archive.to_str().unwrap(), "-C", place.parent().unwrap().to_str().unwrap()]);
    place
}

#[test]
fn it_is_a_repository_for_apt_and_dnf_where_it_is_unpacked() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    rig.publish_release("stable/v1.36", "1.36.2");
    rig.publish_release("staging/v1.36", "1.36.2");
    let plain = bundle(&rig, "stable/v1.36", "set.tar");
    let listed = tool("tar", ["--numeric-owner", "-tvf", plain.to_str().unwrap()]);
    assert!(listed.lines().all(|line| line.contains(" 0/0 ") && !line.contains("staging")), "{listed}");
    let place = unpack(&rig, &plain);
    // The repository that it came from is not needed any more.
    fs::rename(rig.root(), rig.folder.path().join("away")).unwrap();
    assert_eq!(kubepkg(&["repo", "check", "--repo", place.to_str().unwrap(), "--digests", "-q"]), "");
    let package = place.join("pool/main/k/kubelet/kubelet_1.36.2-1.1_amd64.deb");
    let beside = place.join("core:/stable:/v1.36/deb/amd64/kubelet_1.36.2-1.1_amd64.deb");
    assert_eq!(fs::metadata(&package).unwrap().ino(), fs::metadata(beside).unwrap().ino());
    let files = place.join("channels/stable-v1.36");
    for source in [".sources", "-flat.sources"] {
        let machine = Machine::new(&[files.join(format!("example-stable-v1.36{source}"))]);
        machine.done("apt-get", &["update"]);
        machine.done("apt-get", &["download", "kubelet"]);
        let got = fs::read(machine.path("root/kubelet_1.36.2-1.1_amd64.deb")).unwrap();
        assert_eq!(got, fs::read(&package).unwrap());
    }
    let machine = Machine::new(&[files.join("example-stable-v1.36.repo")]);
    let output = machine.dnf(&["install", "--downloadonly", "--downloaddir", "rpms", "kubernetes-cni"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read_dir(machine.path("root/rpms")).unwrap().count(), 1);
    let steps = fs::read_to_string(place.join("INSTALL.txt")).unwrap();
    assert!(steps.contains("sudo tar -xf BUNDLE -C ") && steps.contains("sudo apt-get install kubelet"), "{steps}");
    assert!(steps.contains(&format!("sudo cp {}/example-stable-v1.36.sources", files.display())), "{steps}");
}

#[test]
fn the_same_state_gives_the_same_archive_in_every_packing() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    rig.publish_release("rolling", "1.36.1");
    let plain = bundle(&rig, "", "one.tar");
    // Other channels, and what was before, leave no trace.
    let again = bundle(&rig, "rolling stable/v1.36", "two.tar");
    assert_eq!(fs::read(&plain).unwrap(), fs::read(&again).unwrap());
    for (name, unpacker) in [("set.tar.gz", "gzip"), ("set.tgz", "gzip"), ("set.tar.zst", "zstd")] {
        let packed = bundle(&rig, "", name);
        let output = std::process::Command::new(unpacker).args(["-dc"]).arg(&packed).output().unwrap();
        assert!(output.status.success() && output.stdout == fs::read(&plain).unwrap(), "{name}");
    }
    refused(
        2,
        rig.without_key("repo bundle").arg("--output").arg(rig.folder.path().join("set.zip")),
        "what archive that is to be",
    );
    let mut relative = rig.without_key("repo bundle --destination srv");
    refused(2, relative.arg("--output").arg(rig.folder.path().join("x.tar")), "takes an absolute path");
    let leftovers = crate::mirror::files(rig.folder.path()).into_iter();
    assert!(leftovers.filter(|path| path.to_str().unwrap().contains("/.kubepkg-")).count() == 0);
}

#[test]
fn a_part_is_signed_anew_and_can_be_installed() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let output = rig.folder.path().join("part.tar.zst");
    let part = |rig: &Rig, line: &str| {
        let mut command = rig.command(&format!("repo bundle stable/v1.36 {line}"));
        command.arg("--output").arg(&output).arg("--destination").arg(destination(rig));
        command
    };
    let mut keyless = rig.without_key("repo bundle stable/v1.36 --arch amd64");
    refused(2, keyless.arg("--output").arg(&output), "no key");
    refused(11, &mut part(&rig, "--package kubeadm"), "is of no use without");
    assert!(!output.exists());
    done(&mut part(&rig, "--arch amd64 --package kubectl"));
    let place = unpack(&rig, &output);
    assert_eq!(kubepkg(&["repo", "check", "--repo", place.to_str().unwrap(), "--digests", "-q"]), "");
    let pool: Vec<String> = crate::mirror::files(&place.join("pool"))
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name.ends_with(".deb") || name.ends_with(".rpm"))
        .collect();
    assert_eq!(pool.len(), 2, "{pool:?}");
    assert!(pool.iter().all(|name| name.contains("amd64") || name.contains("x86_64")), "{pool:?}");
    let machine = Machine::new(&[place.join("channels/stable-v1.36/example-stable-v1.36.sources")]);
    machine.done("apt-get", &["update"]);
    assert_eq!(machine.candidate("kubectl"), "1.36.1-1.1");
    assert_eq!(machine.done("apt-cache", &["policy", "kubeadm"]), "");
    // What somebody put into the store who has no key is not signed here: a deb needs no signature of its own.
    let package = rig.root().join("pool/main/k/kubectl/kubectl_1.36.1-1.1_amd64.deb");
    let bill = PathBuf::from(format!("{}.cdx.json", package.display()));
    let other = rig.folder.path().join("kubectl_1.36.1-1.1_amd64.deb");
    fs::copy(&package, &other).unwrap();
    kubepkg(&["sign", "--remove", "-qq", other.to_str().unwrap()]);
    let good = fs::read(&bill).unwrap();
    for (path, bytes) in [(&bill, [&good[..], b"\n"].concat()), (&package, fs::read(&other).unwrap())] {
        fs::remove_file(path).unwrap();
        fs::write(path, bytes).unwrap();
        let words = format!("{}` is not what", path.strip_prefix(rig.root()).unwrap().display());
        refused(6, &mut part(&rig, "--arch amd64 --package kubectl"), &words);
        fs::remove_file(&bill).unwrap();
        fs::write(&bill, &good).unwrap();
    }
}

#[test]
fn a_bucket_is_bundled_too_and_what_is_damaged_is_not() {
    let server = Server::start();
    let rig = Rig::in_bucket(&server, "bundled");
    rig.publish_release("rolling", "1.36.1");
    let place = unpack(&rig, &bundle(&rig, "rolling", "set.tar"));
    assert_eq!(kubepkg(&["repo", "check", "--repo", place.to_str().unwrap(), "--digests", "-q"]), "");
    let damaged = Rig::new();
    damaged.publish_release("rolling", "1.36.1");
    let package = damaged.root().join("pool/main/k/kubelet/kubelet_1.36.1-1.1_amd64.deb");
    let mut bytes = fs::read(&package).unwrap();
    bytes[1000] ^= 1;
    fs::write(&package, bytes).unwrap();
    let output = damaged.folder.path().join("set.tar");
    refused(
        6,
        damaged.without_key("repo bundle").arg("--output").arg(&output),
        "kubelet_1.36.1-1.1_amd64.deb` is not what",
    );
    assert!(!output.exists());
}
