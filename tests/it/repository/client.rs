//! apt and dnf, each with nothing but one repository.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fs_err as fs;
use tempfile::TempDir;

use super::rig::Made;

/// The two ways in which apt finds a repository in a folder.
pub(crate) fn sources(root: &Path) -> [String; 2] {
    let root = root.display();
    [format!("file:{root} stable-v1.36 main"), format!("file:{root}/core:/stable:/v1.36/deb/ /")]
}

/// A client with nothing but one repository.
pub(crate) struct Client {
    folder: TempDir,
}

impl Client {
    pub(crate) fn new() -> Self {
        let client = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["state/lists/partial", "cache/archives/partial", "root", "repos.d", "downloads", "log"] {
            fs::create_dir_all(client.path(folder)).unwrap();
        }
        fs::write(client.path("status"), "").unwrap();
        client
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn apt(&self, source: &str, program: &str, arguments: &[&str]) -> Output {
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
    pub(crate) fn refresh_apt(&self, source: &str) -> String {
        let output = self.apt(source, "apt-get", &["update"]);
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        let wrong = said.lines().filter(|line| ["W:", "E:", "Err:"].iter().any(|start| line.starts_with(start)));
        let wrong: Vec<&str> = wrong.collect();
        assert_eq!(output.status.success(), wrong.is_empty(), "{said}");
        wrong.join("\n")
    }

    pub(crate) fn dnf(&self, base: &str, key: &str, arguments: &[&str]) -> Output {
        fs::write(
            self.path("repos.d/example.repo"),
            format!(
                "[example]\nname=example\nbaseurl={base}\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey={key}\n\
                 skip_if_unavailable=0\n",
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
    pub(crate) fn refresh_dnf(&self, base: &str, key: &str) {
        let output = self.dnf(base, key, &["--refresh", "makecache"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
