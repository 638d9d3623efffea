//! What apt and dnf make of a repository: what is in it they read, what somebody else did to it they refuse.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fs_err as fs;
use tempfile::TempDir;

use super::rig::{Made, Rig};

/// A client with nothing but one repository.
pub(super) struct Client {
    folder: TempDir,
}

impl Client {
    pub(super) fn new() -> Self {
        let client = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["state/lists/partial", "cache/archives/partial", "root", "repos.d", "downloads", "log"] {
            fs::create_dir_all(client.path(folder)).unwrap();
        }
        fs::write(client.path("status"), "").unwrap();
        client
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn apt(&self, source: &str, program: &str, arguments: &[&str]) -> Output {
        let list = self.path("sources.list");
        fs::write(&list, format!("deb [signed-by={}] {source}\n", Made::get().certificate().display())).unwrap();
        let options = [
            ("Dir::Etc::sourcelist", list),
            ("Dir::Etc::sourceparts", "-".into()),
            ("Dir::State", self.path("state")),
            ("Dir::State::status", self.path("status")),
            ("Dir::Cache", self.path("cache")),
            ("APT::Architecture", "amd64".into()),
            ("APT::Architectures", "amd64".into()),
            ("APT::Update::Error-Mode", "any".into()),
            ("APT::Sandbox::User", "root".into()),
        ];
        let mut command = Command::new("timeout");
        command.args(["120", program]).env("LC_ALL", "C.UTF-8").current_dir(self.path("downloads"));
        for (name, value) in options {
            command.arg("-o").arg(format!("{name}={}", value.display()));
        }
        command.args(arguments).output().unwrap()
    }

    /// Refreshes, and returns what was wrong.
    pub(super) fn refresh_apt(&self, source: &str) -> String {
        let output = self.apt(source, "apt-get", &["update"]);
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        let wrong = said.lines().filter(|line| ["W:", "E:", "Err:"].iter().any(|start| line.starts_with(start)));
        let wrong: Vec<&str> = wrong.collect();
        assert_eq!(output.status.success(), wrong.is_empty(), "{said}");
        wrong.join("\n")
    }

    pub(super) fn dnf(&self, root: &Path, arguments: &[&str]) -> Output {
        fs::write(
            self.path("repos.d/example.repo"),
            format!(
                "[example]\nname=example\nbaseurl=file://{}/core:/stable:/v1.36/rpm/\nenabled=1\ngpgcheck=1\n\
                 repo_gpgcheck=1\ngpgkey=file://{}\nskip_if_unavailable=0\n",
                root.display(),
                root.join("key.asc").display(),
            ),
        )
        .unwrap();
        let set = |name: &str, value: PathBuf| format!("--setopt={name}={}", value.display());
        Command::new("timeout")
            .args(["120", "dnf", "-y", "--releasever=9", "--setopt=plugins=0", "--forcearch=x86_64"])
            .args([
                set("reposdir", self.path("repos.d")),
                set("cachedir", self.path("dnf")),
                set("logdir", self.path("log")),
            ])
            .arg(format!("--installroot={}", self.path("root").display()))
            .args(arguments)
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", self.folder.path())
            .output()
            .unwrap()
    }

    #[track_caller]
    pub(super) fn refresh_dnf(&self, root: &Path) {
        let output = self.dnf(root, &["--refresh", "makecache"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

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
    let client = Client::new();
    client.refresh_dnf(rig.root());
    rig.publish_release("stable/v1.36", "1.36.2");
    client.refresh_dnf(rig.root());
    let listed = client.dnf(
        rig.root(),
        &["-q", "repoquery", "--available", "--qf", "%{name}-%{version}-%{release}.%{arch}", "kubelet"],
    );
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("kubelet-1.36.1-") && listed.contains("kubelet-1.36.2-"), "{listed}");
    let path = rig.root().join("core:/stable:/v1.36/rpm/repodata/repomd.xml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("<revision>", "<revision>9", 1)).unwrap();
    let output = Client::new().dnf(rig.root(), &["makecache"]);
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
