//! A root folder that dnf or zypper works in.

use std::path::{Path, PathBuf};

use fs_err as fs;
use tempfile::TempDir;

use super::repositories::{Repositories, UnitHelper};
use super::run;

/// A package manager.
#[derive(Debug, Clone, Copy)]
pub(super) enum Client {
    Dnf,
    Zypper,
}

impl Client {
    /// Returns a system as the client's distributions have it: one with the helper and one without.
    pub(super) fn system(self) -> Repositories {
        Repositories::new(match self {
            Self::Dnf => UnitHelper::Present,
            Self::Zypper => UnitHelper::Absent,
        })
    }
}

/// What happens to packages that are only recommended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Recommended {
    Install,
    Leave,
}

/// A root folder.
pub(super) struct Root {
    folder: TempDir,
    client: Client,
    recommended: Recommended,
}

impl Root {
    pub(super) fn new(client: Client, recommended: Recommended) -> Self {
        let root = Self { folder: tempfile::tempdir().unwrap(), client, recommended };
        for folder in ["etc/repos.d", "etc/zypp/repos.d", "var/cache/dnf"] {
            fs::create_dir_all(root.path(folder)).unwrap();
        }
        root
    }

    /// Returns a path below the root.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path.trim_start_matches('/'))
    }

    pub(super) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Offers the system and these releases, and no others.
    pub(super) fn offer(&self, repositories: &Repositories, names: &[&str]) {
        let configuration = repositories.configuration(&[&["system"], names].concat());
        for file in ["etc/repos.d/all.repo", "etc/zypp/repos.d/all.repo"] {
            fs::write(self.path(file), &configuration).unwrap();
        }
    }

    /// Installs packages; `NAME-VERSION-RELEASE` may be older than what is there.
    pub(super) fn install(&self, packages: &[&str]) {
        let command: &[&str] = match (self.client, self.recommended) {
            (Client::Dnf, _) => &["install"],
            (Client::Zypper, Recommended::Install) => &["install", "--oldpackage", "--recommends"],
            (Client::Zypper, Recommended::Leave) => &["install", "--oldpackage", "--no-recommends"],
        };
        self.call(&[command, packages].concat());
    }

    /// Upgrades everything to the newest that is offered.
    pub(super) fn upgrade(&self) {
        self.call(&[match self.client {
            Client::Dnf => "upgrade",
            Client::Zypper => "update",
        }]);
    }

    pub(super) fn remove(&self, packages: &[&str]) {
        self.call(&[&["remove"], packages].concat());
    }

    fn call(&self, arguments: &[&str]) {
        let root = self.folder.path().to_str().unwrap();
        match self.client {
            Client::Dnf => {
                let configuration = self.path("etc/dnf.conf");
                let (reposdir, cache) = (self.path("etc/repos.d"), self.path("var/cache/dnf"));
                fs::write(
                    &configuration,
                    format!(
                        "[main]\nplugins=0\nbest=1\nclean_requirements_on_remove=0\nreposdir={}\ncachedir={}\ninstall_weak_deps={}\n",
                        reposdir.display(),
                        cache.display(),
                        u8::from(matches!(self.recommended, Recommended::Install)),
                    ),
                )
                .unwrap();
                let options = ["-y", "-c", configuration.to_str().unwrap(), "--installroot", root, "--releasever", "9"];
                run("dnf", &[&options, arguments].concat());
            }
            Client::Zypper => {
                let options = ["--root", root, "--non-interactive", "--no-gpg-checks"];
                run("zypper", &[&options, arguments].concat());
            }
        }
    }

    pub(super) fn rpm(&self, arguments: &[&str]) -> String {
        run("rpm", &[&["--root", self.folder.path().to_str().unwrap()], arguments].concat())
    }

    /// Returns `NAME-VERSION-RELEASE` of what is installed, without the system.
    pub(super) fn installed(&self) -> Vec<String> {
        let all = self.rpm(&["-qa", "--qf", "%{NAME}-%{VERSION}-%{RELEASE}\n"]);
        let mut names: Vec<String> =
            all.lines().filter(|name| !name.starts_with("system-")).map(str::to_owned).collect();
        names.sort();
        names
    }

    /// Returns how systemd was called since it was asked last.
    pub(super) fn calls(&self) -> Vec<String> {
        let path = self.path("calls");
        let calls = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, "").unwrap();
        calls.lines().map(str::to_owned).collect()
    }

    /// Lists everything below some folders.
    pub(super) fn tree(&self, folders: &[&str]) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = folders.iter().map(|folder| self.path(folder)).collect();
        let mut next = 0;
        while let Some(path) = found.get(next).cloned() {
            if path.is_dir() && !path.is_symlink() {
                found.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
            next += 1;
        }
        let mut found: Vec<PathBuf> =
            found.iter().map(|path| Path::new("/").join(path.strip_prefix(self.folder.path()).unwrap())).collect();
        found.sort();
        found
    }
}
