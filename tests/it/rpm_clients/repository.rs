//! dnf and zypper with a repository whose files are ours, all signatures checked.

use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;
use kubepkg::compression::Compression;
use kubepkg::package::reader::FileList;
use kubepkg::repository::Earlier;
use kubepkg::repository::Fragment;
use kubepkg::repository::rpmmd::{
    Advisory, AdvisoryKind, AdvisoryPackage, DataFile, Group, Reference, comps, updateinfo,
};
use tempfile::TempDir;

use super::client::Client;
use super::repositories::Repositories;
use super::run;
use crate::built;
use crate::index_files::{DATE, Key, fragments, metadata, write_rpm_md};

fn advisory(packages: &[Fragment]) -> Advisory<'_> {
    Advisory {
        id: "kubernetes-1.36.2".to_owned(),
        kind: AdvisoryKind::Security,
        from: "release@example.org".to_owned(),
        title: "Kubernetes 1.36.2".to_owned(),
        description: "A hole & its <end>.".to_owned(),
        severity: Some("important".to_owned()),
        issued: DATE,
        references: vec![Reference {
            href: "https://example.org/CVE-2026-0001".to_owned(),
            id: "CVE-2026-0001".to_owned(),
            title: "a hole".to_owned(),
            kind: "cve".to_owned(),
        }],
        packages: packages.iter().map(AdvisoryPackage::from).collect(),
    }
}

fn group() -> Group {
    Group {
        id: "kubernetes-node".to_owned(),
        name: "Kubernetes node".to_owned(),
        description: "what a node needs".to_owned(),
        packages: vec!["kubelet".to_owned(), "kubeadm".to_owned()],
    }
}

/// A root folder that knows our repository and that of the system.
struct Root {
    folder: TempDir,
    client: Client,
    system: Repositories,
    repository: PathBuf,
    key: Key,
}

impl Root {
    /// Packages are not signed here; what names their digests is.
    fn new(client: Client, compression: Compression) -> Self {
        let (folder, key) = (TempDir::new().unwrap(), Key::new());
        let repository = folder.path().join("repository");
        let packages = built::write("build", "1.36.2", &["--arch", "amd64,arm64", "--format", "rpm"], &repository);
        let fragments = fragments(&packages, FileList::Unwanted);
        let mut files = metadata(&fragments, compression);
        files.push(updateinfo([advisory(&fragments)], compression, Earlier::default()).unwrap());
        files.push(comps(&[group()], compression).unwrap());
        files.push(DataFile::of_bytes("kubepkg-lock", "lock.json", b"{}\n".to_vec()));
        write_rpm_md(&repository, &files);
        key.sign_repomd(&repository);
        let root = Self { system: client.system(), folder, client, repository, key };
        root.configure();
        root
    }

    fn configure(&self) {
        let ours = format!(
            "[kubernetes]\nname=Kubernetes\nbaseurl=file://{}\nenabled=1\nautorefresh=1\nrepo_gpgcheck=1\ngpgkey=file://{}\n\
             gpgcheck={}\nskip_if_unavailable=0\n",
            self.repository.display(),
            self.key.public().display(),
            // zypper takes the digests of signed metadata for a package's signature; dnf does not.
            u8::from(matches!(self.client, Client::Zypper)),
        );
        for folder in ["etc/repos.d", "etc/zypp/repos.d"] {
            let folder = self.folder.path().join("root").join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("all.repo"), self.system.configuration(&["system"]) + &ours).unwrap();
        }
        let root = self.folder.path().join("root");
        run("rpm", &["--root", root.to_str().unwrap(), "--import", self.key.public().to_str().unwrap()]);
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let root = self.folder.path().join("root");
        let mut command = Command::new("timeout");
        command.args(["--kill-after=10", "120"]).env("LC_ALL", "C.UTF-8").env("HOME", "/root");
        match self.client {
            Client::Dnf => {
                let option = |name: &str, folder: &Path| format!("--setopt={name}={}", folder.display());
                command.args(["dnf", "-y", "--releasever=9", "--setopt=plugins=0", "--setopt=install_weak_deps=0"]);
                command.arg(option("reposdir", &root.join("etc/repos.d")));
                command.arg(option("cachedir", &root.join("cache"))).arg("--installroot").arg(&root);
            }
            Client::Zypper => {
                command.args(["zypper", "--non-interactive", "--root"]).arg(&root);
            }
        }
        command.args(arguments);
        command
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(output.status.success(), "{:?} {arguments:?}: {said}", self.client);
        said
    }

    #[track_caller]
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(!output.status.success(), "{:?} {arguments:?}: {said}", self.client);
        said
    }

    fn refresh(&self) -> [&'static str; 2] {
        match self.client {
            Client::Dnf => ["makecache", "--refresh"],
            Client::Zypper => ["refresh", "--force"],
        }
    }
}

fn the_set_is_installed(client: Client) {
    for compression in [Compression::Gzip(6), Compression::Zstd(9)] {
        let root = Root::new(client, compression);
        root.ok(&root.refresh());
        let listed = match client {
            Client::Dnf => root.ok(&["repoquery", "--repo=kubernetes", "--qf", "%{name}-%{evr}.%{arch}", "kubelet"]),
            Client::Zypper => root.ok(&["search", "--details", "--repo", "kubernetes", "kubelet"]),
        };
        assert!(listed.contains("1.36.2-1.1") && listed.contains("x86_64"), "{listed}");
        root.ok(&["install", "system"]);
        root.ok(&["install", "kubeadm", "kubelet", "kubectl", "cri-tools"]);
        let installed = run("rpm", &["--root", root.folder.path().join("root").to_str().unwrap(), "-qa"]);
        for name in ["cri-tools-", "kubeadm-1.36.2", "kubectl-1.36.2", "kubelet-1.36.2", "kubernetes-cni-"] {
            assert!(installed.lines().any(|line| line.starts_with(name)), "{name}: {installed}");
        }
        match client {
            Client::Dnf => {
                let files = root.ok(&["repoquery", "--repo=kubernetes", "--list", "kubelet"]);
                assert!(files.contains("/usr/bin/kubelet\n"), "{files}");
                let advisory = root.ok(&["updateinfo", "info", "--all"]);
                assert!(advisory.contains("kubernetes-1.36.2") && advisory.contains("CVE-2026-0001"), "{advisory}");
                assert!(root.ok(&["group", "info", "kubernetes-node"]).contains("kubelet"));
            }
            Client::Zypper => {
                let patches = root.ok(&["patches"]);
                assert!(patches.contains("kubernetes-1.36.2") && patches.contains("important"), "{patches}");
            }
        }
    }
}

fn what_was_changed_is_refused(client: Client) {
    let changes: [fn(&Root); 3] = [
        |root| {
            let repomd = root.repository.join("repodata/repomd.xml");
            let text = fs::read_to_string(&repomd).unwrap();
            fs::write(&repomd, text.replace("<revision>7", "<revision>8")).unwrap();
        },
        |root| {
            Key::new().sign(
                "--detach-sign",
                &root.repository.join("repodata/repomd.xml"),
                &root.repository.join("repodata/repomd.xml.asc"),
            );
        },
        |root| {
            let files = fs::read_dir(root.repository.join("repodata")).unwrap().map(|entry| entry.unwrap().path());
            let primary = files.into_iter().find(|path| path.to_str().unwrap().contains("-primary.xml")).unwrap();
            fs::write(&primary, fs::read(&primary).unwrap().iter().map(|byte| byte ^ 1).collect::<Vec<u8>>()).unwrap();
        },
    ];
    for (number, change) in changes.iter().enumerate() {
        let root = Root::new(client, Compression::Gzip(6));
        change(&root);
        let said = root.fails(&[&root.refresh()[..], &["--repo", "kubernetes"]].concat());
        let words = match client {
            Client::Dnf => ["Bad GPG signature", "Bad GPG signature", "checksum doesn't match"],
            Client::Zypper => {
                ["Signature verification failed", "Signature verification failed", "Digest verification failed"]
            }
        };
        assert!(said.contains(words[number]), "{number}: {said}");
    }
}

#[test]
fn dnf_installs_the_set_from_a_signed_repository() {
    the_set_is_installed(Client::Dnf);
}

#[test]
fn zypper_installs_the_set_from_a_signed_repository() {
    the_set_is_installed(Client::Zypper);
}

#[test]
fn dnf_refuses_what_was_changed() {
    what_was_changed_is_refused(Client::Dnf);
}

#[test]
fn zypper_refuses_what_was_changed() {
    what_was_changed_is_refused(Client::Zypper);
}
