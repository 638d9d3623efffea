//! apt in a Debian of its own, or on this machine in folders of its own.

use std::path::Path;

use fs_err as fs;

use super::places::IN_ROOT;
use super::tampering::Files;
use super::{Machine, Place, SET, said};
use crate::debian::root::{Network, Root};
use crate::debian::system::System;

/// A shape in which apt finds the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
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

/// A Debian with apt, in which packages can be installed.
pub(super) struct Apt {
    root: Root,
    shape: Shape,
}

impl Apt {
    pub(super) fn of(system: System, shape: Shape) -> Self {
        Self { root: Root::on(system, Network::Machine), shape }
    }

    /// Runs it; a warning is an error, too.
    fn run(&self, program: &str, arguments: &[&str]) -> Result<String, String> {
        // A root has no terminals, for which dpkg asks.
        let strict = ["APT::Update::Error-Mode=any", "Acquire::Retries=0", "Dpkg::Use-Pty=0"];
        let strict = strict.iter().flat_map(|option| ["-o", option]).collect::<Vec<_>>();
        let words = [&["env", "--chdir=/tmp", program][..], &strict, arguments].concat();
        said(&mut self.root.command(&words), |line| ["W:", "E:", "Err:"].iter().any(|start| line.starts_with(start)))
    }

    /// Makes repositories known by files as they are given to clients: `.sources` and preferences.
    pub(super) fn subscribe_as_given(&self, files: &[(&str, &str)]) {
        for (name, text) in files {
            let folder = if name.ends_with(".pref") { "preferences.d" } else { "sources.list.d" };
            self.root.write(&format!("/etc/apt/{folder}/{name}"), text);
        }
    }

    /// Runs `apt-get update`.
    pub(super) fn update(&self) -> Result<String, String> {
        self.run("apt-get", &["update"])
    }

    /// A root has a copy of a folder, as new as the last look at it.
    fn copy(&self, place: &Place) {
        if let Some(folder) = place.folder() {
            self.root.put_folder(folder, IN_ROOT);
        }
    }
}

impl Machine for Apt {
    fn subscribe(&self, place: &Place, certificate: &Path) {
        self.copy(place);
        self.root.write("/etc/apt/keyrings/example.asc", &fs::read_to_string(certificate).unwrap());
        let source = self.shape.source(&place.url(Some(IN_ROOT)));
        let line = format!("deb [signed-by=/etc/apt/keyrings/example.asc] {source}\n");
        self.root.write("/etc/apt/sources.list.d/example.list", &line);
        self.root.ok(&["sh", "-c", "rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb"]);
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
        let all = self.root.ok(&["dpkg-query", "--show", "--showformat=${Package} ${Version} ${db:Status-Status}\n"]);
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
