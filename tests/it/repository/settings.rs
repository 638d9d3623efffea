//! What is chosen for a repository, as clients see it, before and after it is chosen anew.

use fs_err as fs;

use super::client::{Client, sources};
use super::rig::{Made, Rig, refused};
use crate::program::done;
use crate::rpm_clients::repositories::{Repositories, UnitHelper};

/// What apt-get or dnf printed; it must have succeeded.
#[track_caller]
fn said(output: &std::process::Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Where dnf finds the channel, and the key.
fn place(rig: &Rig) -> [String; 2] {
    let root = rig.root().display();
    [format!("file://{root}/core:/stable:/v1.36/rpm/"), format!("file://{root}/key.asc")]
}

#[track_caller]
fn refresh_dnf(client: &Client, rig: &Rig) {
    let [base, key] = place(rig);
    client.refresh_dnf(&base, &key);
}

fn ask_dnf(client: &Client, rig: &Rig, arguments: &[&str]) -> std::process::Output {
    let [base, key] = place(rig);
    client.dnf(&base, &key, arguments)
}

fn release(rig: &Rig) -> String {
    fs::read_to_string(rig.root().join("dists/stable-v1.36/Release")).unwrap()
}

#[test]
fn clients_follow_when_the_form_changes() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let (apt, dnf) = (Client::new(), Client::new());
    let [source, flat] = sources(rig.root());
    assert_eq!(apt.refresh_apt(&source), "");
    refresh_dnf(&dnf, &rig);
    let before = release(&rig);
    assert!(before.contains("/Packages.xz\n") && !before.contains("Valid-Until"), "{before}");
    let configure = "repo configure --apt-shape dists --apt-compression zstd --rpm-compression zstd --valid-days 7";
    // For how long clients believe it is signed, and the rest is not.
    refused(2, &mut rig.without_key(configure), "no key");
    done(&mut rig.command(configure));
    // Nothing changes before something is published.
    assert_eq!(release(&rig), before);
    let mut refresh = rig.command("repo refresh stable/v1.36");
    done(refresh.env("SOURCE_DATE_EPOCH", "1800000000"));
    let after = release(&rig);
    assert!(after.contains("/Packages.zst\n") && after.contains("/Packages.gz\n"), "{after}");
    assert!(!after.contains("/Packages.xz\n"), "{after}");
    let repomd = fs::read_to_string(rig.root().join("core:/stable:/v1.36/rpm/repodata/repomd.xml")).unwrap();
    assert!(repomd.contains("-primary.xml.zst\"") && !repomd.contains(".gz\""), "{repomd}");
    let date = |name: &str| after.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    assert_eq!(
        [date("Date: "), date("Valid-Until: ")],
        ["Fri, 15 Jan 2027 08:00:00 UTC", "Fri, 22 Jan 2027 08:00:00 UTC"]
    );
    rig.assert_whole_at("1800000000");
    refresh_dnf(&dnf, &rig);
    let listed =
        said(&ask_dnf(&dnf, &rig, &["-q", "repoquery", "--available", "--qf", "%{name}-%{version}", "kubelet"]));
    assert_eq!(listed, "kubelet-1.36.1\n");
    // The shape that is no longer written stays as it was, and its clients with it, until it is collected.
    assert_eq!(Client::new().refresh_apt(&flat), "");
}

#[test]
fn apt_follows_and_finds_files() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    for source in sources(rig.root()) {
        let apt = Client::new();
        assert_eq!(apt.refresh_apt(&source), "");
        done(&mut rig.command("repo configure --apt-compression xz,zstd --contents yes --valid-days 2"));
        rig.done("repo refresh stable/v1.36");
        assert_eq!(apt.refresh_apt(&source), "");
        // Those that were there before are looked into, too.
        rig.publish_release("stable/v1.36", "1.36.2");
        assert_eq!(apt.refresh_apt(&source), "");
        rig.assert_whole();
        for (file, package) in [("usr/bin/kubelet", "kubelet"), ("opt/cni/bin/bridge", "kubernetes-cni")] {
            let found = said(&apt.apt(&source, "apt-file", &["search", "--fixed-string", file]));
            assert_eq!(found, format!("{package}: /{file}\n"), "{source}");
        }
        let versions = said(&apt.apt(&source, "apt-cache", &["madison", "kubelet"]));
        assert_eq!(versions.lines().count(), 2, "{versions}");
        done(&mut rig.without_key("repo configure --contents no"));
    }
}

#[test]
fn dnf_knows_the_set_and_its_releases() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    rig.publish_release("stable/v1.36", "1.36.2");
    let client = Client::new();
    refresh_dnf(&client, &rig);
    let group = said(&ask_dnf(&client, &rig, &["group", "info", "kubernetes"]));
    for name in ["Kubernetes v1.36", "kubeadm", "kubelet", "kubectl", "cri-tools", "kubernetes-cni"] {
        assert!(group.contains(name), "{name}: {group}");
    }
    assert!(said(&ask_dnf(&client, &rig, &["group", "list", "--ids"])).contains("Kubernetes v1.36 (kubernetes)"));
    // A machine with the older release is told of the newer one.
    let system = Repositories::new(UnitHelper::Present);
    fs::write(client.path("repos.d/system.repo"), system.configuration(&["system"])).unwrap();
    said(&ask_dnf(&client, &rig, &["install", "system"]));
    let older = ["kubelet-1.36.1", "kubeadm-1.36.1", "kubectl-1.36.1"];
    said(&ask_dnf(&client, &rig, &[&["--setopt=install_weak_deps=0", "install"], &older[..]].concat()));
    let advisories = said(&ask_dnf(&client, &rig, &["-q", "updateinfo", "list", "--all"]));
    let words: Vec<Vec<&str>> = advisories.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(words.contains(&vec!["kubernetes-1.36.2", "bugfix", "kubelet-1.36.2-1.1.x86_64"]), "{advisories}");
    assert!(words.contains(&vec!["i", "kubernetes-1.36.1", "bugfix", "kubeadm-1.36.1-1.1.x86_64"]), "{advisories}");
    let advisories = said(&ask_dnf(&client, &rig, &["-q", "updateinfo", "list"]));
    assert!(advisories.contains("kubernetes-1.36.2") && !advisories.contains("kubernetes-1.36.1"), "{advisories}");
    said(&ask_dnf(&client, &rig, &["upgrade", "--advisory", "kubernetes-1.36.2"]));
    said(&ask_dnf(&client, &rig, &["group", "install", "kubernetes"]));
    let installed = said(&ask_dnf(&client, &rig, &["-q", "list", "--installed"]));
    for line in ["kubelet.x86_64", "cri-tools.x86_64", "1.36.2-1.1"] {
        assert!(installed.contains(line), "{line}: {installed}");
    }
}

#[test]
fn zypper_knows_the_releases() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.2");
    let root = rig.folder.path().join("root");
    let repositories = root.join("etc/zypp/repos.d");
    fs::create_dir_all(&repositories).unwrap();
    let url = format!("file://{}/core:/stable:/v1.36/rpm/", rig.root().display());
    let key = Made::get().certificate();
    let text = format!(
        "[example]\nname=example\nbaseurl={url}\nenabled=1\nrepo_gpgcheck=1\ngpgcheck=1\ngpgkey=file://{}\n",
        key.display()
    );
    fs::write(repositories.join("example.repo"), text).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let mut command = std::process::Command::new("timeout");
        command.args(["120", program]).arg("--root").arg(&root).args(arguments);
        said(&command.env("HOME", "/root").env("LC_ALL", "C.UTF-8").output().unwrap())
    };
    run("rpm", &["--import", key.to_str().unwrap()]);
    run("zypper", &["--non-interactive", "refresh"]);
    let patches = run("zypper", &["--non-interactive", "patches"]);
    assert!(patches.contains("kubernetes-1.36.2") && patches.contains("bugfix"), "{patches}");
}
