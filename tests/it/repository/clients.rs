//! What apt and dnf make of a repository: what is in it they read, what somebody else did to it they refuse.

use std::path::Path;

use fs_err as fs;

use super::client::Client;
use super::rig::{Made, Rig};

/// The two ways in which apt finds the repository.
pub(super) fn sources(root: &Path) -> [String; 2] {
    let root = root.display();
    [format!("file:{root} stable-v1.36 main"), format!("file:{root}/core:/stable:/v1.36/deb/ /")]
}

#[test]
fn apt_finds_every_version_and_gets_the_published_bytes() {
    let rig = Rig::new();
    for source in sources(rig.root()) {
        let client = Client::new();
        if !rig.root().join("dists").exists() {
            rig.publish_release("stable/v1.36", "1.36.1");
        }
        assert_eq!(client.refresh_apt(&source), "");
        // A new release comes to a client that has the old one.
        rig.publish_release("stable/v1.36", "1.36.2");
        assert_eq!(client.refresh_apt(&source), "");
        let policy = client.apt(&source, "apt-cache", &["madison", "kubelet"]);
        let policy = String::from_utf8_lossy(&policy.stdout).into_owned();
        let versions: Vec<&str> = policy.lines().map(|line| line.split('|').nth(1).unwrap().trim()).collect();
        assert_eq!(versions, ["1.36.2-1.1", "1.36.1-1.1"], "{policy}");
        let got = client.apt(&source, "apt-get", &["download", "kubeadm=1.36.1-1.1"]);
        assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
        let published = Made::get().packages("1.36.1", &["kubeadm", "amd64.deb"]).remove(0);
        let file = client.path("downloads").join(published.file_name().unwrap());
        assert_eq!(fs::read(file).unwrap(), fs::read(published).unwrap());
    }
}

#[test]
fn apt_refuses_what_somebody_else_wrote() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let [source, _] = sources(rig.root());
    let path = rig.root().join("dists/stable-v1.36/InRelease");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("Origin: Example", "Origin: Elsewhere", 1)).unwrap();
    let wrong = Client::new().refresh_apt(&source);
    assert!(wrong.contains("BADSIG") || wrong.contains("signature"), "{wrong}");
    fs::write(&path, text).unwrap();
    assert_eq!(Client::new().refresh_apt(&source), "");
}

#[test]
fn dnf_finds_every_version_and_refuses_what_somebody_else_wrote() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let (client, root) = (Client::new(), rig.root().display());
    let (base, key) = (format!("file://{root}/core:/stable:/v1.36/rpm/"), format!("file://{root}/key.asc"));
    client.refresh_dnf(&base, &key);
    rig.publish_release("stable/v1.36", "1.36.2");
    client.refresh_dnf(&base, &key);
    let listed = client.dnf(
        &base,
        &key,
        &["-q", "repoquery", "--available", "--qf", "%{name}-%{version}-%{release}.%{arch}", "kubelet"],
    );
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("kubelet-1.36.1-") && listed.contains("kubelet-1.36.2-"), "{listed}");
    let path = rig.root().join("core:/stable:/v1.36/rpm/repodata/repomd.xml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("<revision>", "<revision>9", 1)).unwrap();
    let output = Client::new().dnf(&base, &key, &["makecache"]);
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
