//! dnf and zypper, which install into a folder as if it was a machine of Red Hat or SUSE.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use fs_err as fs;
use tempfile::TempDir;

use super::places::IN_ROOT;
use super::tampering::Files;
use super::{Machine, Place, SET, said};
use crate::debian::root::{Network, Root};
use crate::debian::system::NEWEST;
use crate::rpm_clients::repositories::{Repositories, UnitHelper};

/// A package manager that reads rpm-md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::repository) enum Kind {
    Dnf4,
    /// Debian 12 has none: it runs in a newer Debian.
    Dnf5,
    Zypper,
}

/// What the packages depend on besides each other.
fn system() -> &'static Repositories {
    static SYSTEM: OnceLock<Repositories> = OnceLock::new();
    SYSTEM.get_or_init(|| Repositories::new(UnitHelper::Present))
}

/// A machine with dnf or zypper.
pub(in crate::repository) struct RpmMd {
    kind: Kind,
    /// Where dnf 5 is.
    root: Option<Root>,
    folder: TempDir,
}

/// In the root of dnf 5: what is in a folder of this machine for the others.
const FOLDER: &str = "/machine";

impl RpmMd {
    pub(in crate::repository) fn new(kind: Kind) -> Self {
        let machine = Self {
            kind,
            root: (kind == Kind::Dnf5).then(|| Root::on(NEWEST, Network::Machine)),
            folder: tempfile::tempdir().unwrap(),
        };
        if let Some(root) = &machine.root {
            root.put_folder(system().path(), "system");
        }
        for name in ["etc/repos.d", "root/etc/zypp/repos.d", "log"] {
            fs::create_dir_all(machine.folder.path().join(name)).unwrap();
        }
        machine
    }

    fn at(&self, path: &str) -> PathBuf {
        match self.root {
            Some(_) => Path::new(FOLDER).join(path),
            None => self.folder.path().join(path),
        }
    }

    fn write(&self, path: &str, text: &str) {
        match &self.root {
            Some(root) => root.write(self.at(path).to_str().unwrap(), text),
            None => fs::write(self.at(path), text).unwrap(),
        }
    }

    /// Debian's rpm has its database in the home folder, here that of the root that it works in.
    fn program(&self, words: &[&str]) -> Command {
        if let Some(root) = &self.root {
            return root.command(words);
        }
        let mut command = Command::new("timeout");
        command.args(["--kill-after=10", "120"]).args(words).env("LC_ALL", "C.UTF-8").env("HOME", "/root");
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let option = |name: &str, path: &str| format!("--setopt={name}={}", self.at(path).display());
        let install_root = self.at("root").display().to_string();
        let words: Vec<String> = match self.kind {
            Kind::Dnf4 | Kind::Dnf5 => {
                let program = if self.kind == Kind::Dnf4 { "dnf" } else { "dnf5" };
                let fixed = ["-y", "--releasever=9", "--forcearch=x86_64", "--setopt=plugins=0", "--setopt=retries=1"];
                let own = [
                    "--setopt=install_weak_deps=0".to_owned(),
                    option("reposdir", "etc/repos.d"),
                    option("cachedir", "cache"),
                    option("logdir", "log"),
                    format!("--installroot={install_root}"),
                ];
                [program].iter().chain(&fixed).map(|&word| word.to_owned()).chain(own).collect()
            }
            Kind::Zypper => ["zypper", "--non-interactive", "--root", &install_root].map(str::to_owned).to_vec(),
        };
        let words: Vec<&str> = words.iter().map(String::as_str).chain(arguments.iter().copied()).collect();
        said(&mut self.program(&words), |_| false)
    }

    fn copy(&self, place: &Place) {
        if let (Some(root), Some(folder)) = (&self.root, place.folder()) {
            root.put_folder(folder, IN_ROOT);
        }
    }

    /// Makes a repository known, by its line in a `.repo` file, and forgets what was fetched before.
    pub(in crate::repository) fn subscribe_to(&self, source: &str, certificate: &Path) {
        self.write("key.asc", &fs::read_to_string(certificate).unwrap());
        let ours = format!(
            "[kubernetes]\nname=Kubernetes\n{source}\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\npkg_gpgcheck=1\n\
             autorefresh=0\ngpgkey=file://{}\nskip_if_unavailable=0\n",
            self.at("key.asc").display(),
        );
        self.subscribe_by(&[("kubernetes.repo", &ours)]);
        if self.kind == Kind::Zypper {
            // zypper asks a person before it trusts the first key of a repository.
            self.import("key.asc");
        }
    }

    /// Makes repositories known by their `.repo` files, and forgets what was fetched before.
    pub(super) fn subscribe_by(&self, files: &[(&str, &str)]) {
        let system = match self.root {
            Some(_) => "[system]\nname=system\nbaseurl=file:///system/system\nenabled=1\ngpgcheck=0\n".to_owned(),
            None => system().configuration(&["system"]),
        };
        for folder in ["etc/repos.d", "root/etc/zypp/repos.d"] {
            for (name, text) in [("system.repo", system.as_str())].iter().chain(files) {
                self.write(&format!("{folder}/{name}"), text);
            }
        }
        let forgotten = ["cache", "root/var/cache/zypp"].map(|path| self.at(path).display().to_string());
        said(&mut self.program(&["rm", "-rf", &forgotten[0], &forgotten[1]]), |_| false).unwrap();
    }

    /// Writes a file of the machine, and returns where it is.
    pub(super) fn keep(&self, name: &str, text: &str) -> String {
        self.write(name, text);
        self.at(name).display().to_string()
    }

    /// Lets rpm believe in the certificates of a file of the machine.
    pub(super) fn import(&self, name: &str) {
        let (root, key) = (self.at("root"), self.at(name));
        let import = ["rpm", "--root", root.to_str().unwrap(), "--import", key.to_str().unwrap()];
        said(&mut self.program(&import), |_| false).unwrap();
    }

    /// Fetches the index files, as if their time was over. The error is what the package manager says.
    pub(in crate::repository) fn make_cache(&self) -> Result<(), String> {
        match self.kind {
            Kind::Zypper => self.run(&["refresh", "--force", "--repo", "kubernetes"]),
            _ => self.run(&["makecache", "--refresh", "--disablerepo=system"]),
        }
        .map(drop)
    }

    /// Returns the `repomd.xml` that was fetched.
    pub(in crate::repository) fn repomd(&self) -> String {
        let place = match self.kind {
            Kind::Zypper => "root/var/cache/zypp/raw/kubernetes",
            _ => "cache/kubernetes-*",
        };
        let cat = format!("cat {}/repodata/repomd.xml", self.at(place).display());
        said(&mut self.program(&["sh", "-c", &cat]), |_| false).unwrap()
    }

    /// Writes what dnf 5 has of versions that it does not leave.
    pub(in crate::repository) fn lock(&self, table: &str) {
        self.write("root/etc/dnf/versionlock.toml", table);
    }

    /// Returns the version of kubectl that is installed.
    pub(in crate::repository) fn kubectl(&self) -> String {
        let installed = self.installed();
        let version = installed.iter().find_map(|line| line.strip_prefix("kubectl "));
        version.unwrap_or_else(|| panic!("{installed:?}")).to_owned()
    }

    pub(in crate::repository) fn install_names(&self, names: &[&str]) {
        self.try_install(names).unwrap();
    }

    /// Installs, or returns what the package manager says.
    pub(super) fn try_install(&self, names: &[&str]) -> Result<String, String> {
        let options: &[&str] = match self.kind {
            Kind::Zypper => &["install", "--no-recommends"],
            _ => &["install"],
        };
        self.run(&[options, names].concat())
    }
}

impl Machine for RpmMd {
    fn subscribe(&self, place: &Place, certificate: &Path) {
        self.copy(place);
        let url = place.url(self.root.as_ref().map(|_| IN_ROOT));
        self.subscribe_to(&format!("baseurl={url}/core:/stable:/v1.36/rpm/"), certificate);
    }

    fn refresh(&self, place: &Place) -> Result<(), String> {
        self.copy(place);
        self.make_cache()
    }

    fn versions(&self, name: &str) -> Vec<String> {
        let mut versions: Vec<String> = if self.kind == Kind::Zypper {
            let rows = self.run(&["--no-refresh", "search", "--details", "--match-exact", name]).unwrap();
            let rows = rows.lines().map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
            let rows = rows.filter(|row| row.len() == 6 && row[1] == name && row[4] == "x86_64");
            rows.filter(|row| row[5] == "Kubernetes").map(|row| row[3].to_owned()).collect()
        } else {
            let format = "%{name}|%{version}-%{release}\n";
            let rows = self.run(&["-q", "repoquery", "--repo=kubernetes", "--qf", format, name]).unwrap();
            rows.lines().filter_map(|row| row.strip_prefix(&format!("{name}|")).map(str::to_owned)).collect()
        };
        versions.sort();
        versions
    }

    fn download(&self, place: &Place, name: &str) -> Result<(), String> {
        self.copy(place);
        match self.kind {
            Kind::Zypper => self.run(&["--no-refresh", "install", "--download-only", "--no-recommends", name]),
            _ => self.run(&["install", "--downloadonly", name]),
        }
        .map(drop)
    }

    fn install(&self, place: &Place) {
        self.copy(place);
        self.install_names(&["system"]);
        self.install_names(&["kubeadm", "kubelet", "kubectl", "cri-tools"]);
    }

    fn upgrade(&self, place: &Place) {
        self.copy(place);
        self.run(&[if self.kind == Kind::Zypper { "update" } else { "upgrade" }]).unwrap();
    }

    fn installed(&self) -> Vec<String> {
        let root = self.at("root").display().to_string();
        let query = ["rpm", "--root", &root, "-qa", "--qf", "%{NAME} %{VERSION}-%{RELEASE}\n"];
        let all = said(&mut self.program(&query), |_| false).unwrap();
        let ours = all.lines().filter(|line| SET.iter().any(|name| line.starts_with(&format!("{name} "))));
        let mut ours: Vec<String> = ours.map(str::to_owned).collect();
        ours.sort();
        ours
    }

    fn files(&self) -> Files {
        Files {
            signed: "core:/stable:/v1.36/rpm/repodata/repomd.xml",
            signature: "core:/stable:/v1.36/rpm/repodata/repomd.xml.asc",
            index: ("core:/stable:/v1.36/rpm/repodata", "-primary.xml."),
            mutable: "core:/stable:/v1.36/rpm/repodata",
            packages: "core:/stable:/v1.36/rpm/x86_64",
        }
    }
}
