//! apt in a Debian of its own, or on this machine in folders of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;
use tempfile::TempDir;

use super::places::IN_ROOT;
use super::tampering::Files;
use super::{Machine, Place, SET, said};
use crate::debian::root::{Network, Root};
use crate::debian::system::System;

/// A shape in which apt finds the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::repository) enum Shape {
    Dists,
    Flat,
}

impl Shape {
    /// Returns what comes behind the URL in a line of `sources.list`.
    fn source(self, url: &str) -> String {
        match self {
            Self::Dists => format!("{url} stable-v1.36 main"),
            Self::Flat => format!("{url}/core:/stable:/v1.36/deb/ /"),
        }
    }
}

/// A machine with apt.
pub(in crate::repository) struct Apt {
    at: At,
    shape: Shape,
}

enum At {
    /// A system that can install packages.
    Root(Root),
    /// The apt of this machine. It knows nothing of what is installed here.
    Folder(TempDir),
}

impl Apt {
    pub(super) fn of(system: System, shape: Shape) -> Self {
        Self { at: At::Root(Root::on(system, Network::Machine)), shape }
    }

    pub(in crate::repository) fn of_this_machine(shape: Shape) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("status"), "").unwrap();
        Self { at: At::Folder(folder), shape }
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let strict = ["-o", "APT::Update::Error-Mode=any", "-o", "Acquire::Retries=0"];
        let words = [&[program][..], &strict, arguments].concat();
        let folder = match &self.at {
            At::Root(root) => return root.command(&[&["env", "--chdir=/tmp"], &words[..]].concat()),
            At::Folder(folder) => folder.path(),
        };
        let mut command = Command::new("timeout");
        command.args(["120", words[0]]).env("LC_ALL", "C.UTF-8").current_dir(folder);
        for (name, value) in [
            ("Dir::Etc::sourcelist", folder.join("sources.list")),
            ("Dir::Etc::sourceparts", PathBuf::from("-")),
            ("Dir::State::lists", folder.join("lists")),
            ("Dir::State::status", folder.join("status")),
            ("Dir::Cache", folder.join("cache")),
            ("APT::Architecture", PathBuf::from("amd64")),
            ("APT::Architectures", PathBuf::from("amd64")),
            ("APT::Sandbox::User", PathBuf::from("root")),
        ] {
            command.arg("-o").arg(format!("{name}={}", value.display()));
        }
        command.args(&words[1..]);
        command
    }

    /// Runs it; a warning is an error, too.
    fn run(&self, program: &str, arguments: &[&str]) -> Result<String, String> {
        said(&mut self.command(program, arguments), |line| {
            ["W:", "E:", "Err:"].iter().any(|start| line.starts_with(start))
        })
    }

    /// A root has a copy of a folder, as new as the last look at it.
    fn copy(&self, place: &Place) {
        if let (At::Root(root), Some(folder)) = (&self.at, place.folder()) {
            root.put_folder(folder, IN_ROOT);
        }
    }
}

impl Machine for Apt {
    fn subscribe(&self, place: &Place, certificate: &Path) {
        match &self.at {
            At::Root(root) => {
                self.copy(place);
                root.write("/etc/apt/keyrings/example.asc", &fs::read_to_string(certificate).unwrap());
                let source = self.shape.source(&place.url(Some(IN_ROOT)));
                let line = format!("deb [signed-by=/etc/apt/keyrings/example.asc] {source}\n");
                root.write("/etc/apt/sources.list.d/example.list", &line);
                root.ok(&["sh", "-c", "rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb"]);
            }
            At::Folder(folder) => {
                let line = format!("deb [signed-by={}] {}\n", certificate.display(), self.shape.source(&place.url(None)));
                fs::write(folder.path().join("sources.list"), line).unwrap();
                fs::remove_dir_all(folder.path().join("lists")).unwrap();
                fs::create_dir_all(folder.path().join("lists/partial")).unwrap();
            }
        }
    }

    fn refresh(&self, place: &Place) -> Result<(), String> {
        self.copy(place);
        self.run("apt-get", &["update"]).map(drop)
    }

    fn versions(&self, name: &str) -> Vec<String> {
        let rows = self.run("apt-cache", &["madison", name]).unwrap();
        let mut versions: Vec<String> =
            rows.lines().map(|row| row.split('|').nth(1).unwrap().trim().to_owned()).collect();
        versions.reverse();
        versions
    }

    fn download(&self, place: &Place, name: &str) -> Result<(), String> {
        self.copy(place);
        self.run("apt-get", &["download", name]).map(drop)
    }

    fn install(&self, place: &Place) {
        self.copy(place);
        let names = ["kubeadm", "kubelet", "kubectl", "cri-tools"];
        let options = ["install", "--assume-yes", "--no-install-recommends"];
        self.run("apt-get", &[&options[..], &names].concat()).unwrap();
    }

    fn upgrade(&self, place: &Place) {
        self.copy(place);
        self.run("apt-get", &["dist-upgrade", "--assume-yes", "--no-install-recommends"]).unwrap();
    }

    fn installed(&self) -> Vec<String> {
        let At::Root(root) = &self.at else { return Vec::new() };
        let all = root.ok(&["dpkg-query", "--show", "--showformat=${Package} ${Version} ${db:Status-Status}\n"]);
        let ours = all.lines().filter(|line| SET.iter().any(|name| line.starts_with(&format!("{name} "))));
        ours.filter_map(|line| line.strip_suffix(" installed").map(str::to_owned)).collect()
    }

    fn files(&self) -> Files {
        match self.shape {
            Shape::Dists => Files {
                signed: "dists/stable-v1.36/InRelease",
                signature: "dists/stable-v1.36/InRelease",
                index: ("dists/stable-v1.36/main/binary-amd64", "/by-hash/"),
                mutable: "dists/stable-v1.36",
                packages: "pool/main/k/kubectl",
            },
            Shape::Flat => Files {
                signed: "core:/stable:/v1.36/deb/InRelease",
                signature: "core:/stable:/v1.36/deb/InRelease",
                index: ("core:/stable:/v1.36/deb", "/by-hash/"),
                mutable: "core:/stable:/v1.36/deb",
                packages: "core:/stable:/v1.36/deb/amd64",
            },
        }
    }
}
