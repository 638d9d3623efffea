//! The files for clients, used as they are by apt, dnf and zypper.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fs_err as fs;
use tempfile::TempDir;

use super::clients::{Kind, RpmMd};
use super::rig::{Made, Rig};
use super::server::Serving;
use crate::program::done;

/// A machine with files of a repository where its package managers expect them.
pub(crate) struct Machine {
    folder: TempDir,
}

impl Machine {
    pub(crate) fn new(files: &[PathBuf]) -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        for folder in [
            "state/lists/partial",
            "cache/archives/partial",
            "sources",
            "preferences",
            "root",
            "bin",
            "log",
            "dpkg/updates",
        ] {
            fs::create_dir_all(machine.path(folder)).unwrap();
        }
        fs::write(machine.path("dpkg/status"), "").unwrap();
        for file in files {
            machine.add(file);
        }
        machine
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn add(&self, file: &Path) {
        let folder = match file.extension().unwrap().to_str().unwrap() {
            "pref" => "preferences",
            _ => "sources",
        };
        fs::copy(file, self.path(folder).join(file.file_name().unwrap())).unwrap();
    }

    /// The configuration of apt.
    fn configuration(&self) -> PathBuf {
        let options = [
            ("Dir::Etc::sourcelist", PathBuf::from("/dev/null")),
            ("Dir::Etc::sourceparts", self.path("sources")),
            ("Dir::Etc::preferencesparts", self.path("preferences")),
            ("Dir::State", self.path("state")),
            ("Dir::State::status", self.path("dpkg/status")),
            ("Dir::Cache", self.path("cache")),
            ("APT::Architecture", "amd64".into()),
            ("APT::Architectures", "amd64".into()),
            ("APT::Update::Error-Mode", "any".into()),
            ("APT::Sandbox::User", "root".into()),
            ("DPkg::Options::", format!("--admindir={}", self.path("dpkg").display()).into()),
        ];
        let text: String = options.iter().map(|(name, value)| format!("{name} \"{}\";\n", value.display())).collect();
        let path = self.path("apt.conf");
        fs::write(&path, text).unwrap();
        path
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        self.command(program, arguments).output().unwrap()
    }

    fn command<A: AsRef<OsStr>>(&self, program: &str, arguments: &[A]) -> Command {
        let mut command = Command::new("timeout");
        command.args(["120", program]).args(arguments).current_dir(self.path("root"));
        command.env("LC_ALL", "C.UTF-8").env("HOME", self.folder.path()).env("APT_CONFIG", self.configuration());
        command
    }

    #[track_caller]
    pub(crate) fn done(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.run(program, arguments);
        let words = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}\n{words}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn candidate(&self, package: &str) -> String {
        let policy = self.done("apt-cache", &["policy", package]);
        let line = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "));
        line.unwrap_or_else(|| panic!("{policy}")).to_owned()
    }

    pub(crate) fn dnf(&self, arguments: &[&str]) -> Output {
        self.command("dnf", &self.dnf_options()).args(arguments).output().unwrap()
    }

    fn dnf_options(&self) -> [String; 8] {
        let set = |name: &str, value: PathBuf| format!("--setopt={name}={}", value.display());
        [
            "-y".to_owned(),
            "--releasever=9".to_owned(),
            "--setopt=plugins=0".to_owned(),
            "--forcearch=x86_64".to_owned(),
            set("reposdir", self.path("sources")),
            set("cachedir", self.path("dnf")),
            set("logdir", self.path("log")),
            format!("--installroot={}", self.path("root").display()),
        ]
    }
}

/// The files of a repository, as the command writes them.
fn files(rig: &Rig, more: &[&str]) -> Vec<PathBuf> {
    let folder = rig.folder.path().join(format!("files{}", more.len()));
    let mut clients = rig.without_key("repo clients stable/v1.36");
    let told = done(clients.args(["--output", folder.to_str().unwrap()]).args(more));
    told.lines().map(PathBuf::from).collect()
}

fn file<'f>(files: &'f [PathBuf], name: &str) -> &'f PathBuf {
    let wanted = format!("example-stable-v1.36{name}");
    files.iter().find(|path| path.ends_with(&wanted)).unwrap_or_else(|| panic!("no {wanted}: {files:?}"))
}

#[test]
fn apt_takes_every_source_as_it_is() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let files = files(&rig, &[]);
    for source in [".sources", "-flat.sources"] {
        let machine = Machine::new(&[file(&files, source).clone()]);
        machine.done("apt-get", &["update"]);
        machine.done("apt-get", &["download", "kubeadm"]);
        assert!(machine.path("root/kubeadm_1.36.1-1.1_amd64.deb").exists());
    }
    // The keyring of the package lies at its place, in a namespace of this program alone.
    let machine = Machine::new(&[file(&files, "-keyring.sources").clone()]);
    let key = rig.root().join("key.gpg");
    let script = "mount -t tmpfs none /usr/share/keyrings && cp \"$0\" /usr/share/keyrings/example-archive-keyring.gpg \
                  && apt-get update";
    machine.done("unshare", &["--mount", "sh", "-c", script, key.to_str().unwrap()]);
    assert_eq!(machine.candidate("kubeadm"), "1.36.1-1.1");
}

#[test]
fn apt_preferences_keep_others_out_and_versions_in() {
    let (rig, other) = (Rig::new(), Rig::named("Other"));
    rig.publish_release("stable/v1.36", "1.36.1");
    let ours = files(&rig, &[]);
    // Another source has a higher version, under another name.
    other.publish_release("stable/v1.36", "1.36.2");
    let theirs: Vec<PathBuf> =
        files(&other, &[]).into_iter().filter(|path| path.ends_with("other-stable-v1.36-flat.sources")).collect();
    let machine = Machine::new(&[file(&ours, ".sources").clone(), theirs[0].clone()]);
    machine.done("apt-get", &["update"]);
    assert_eq!(machine.candidate("kubelet"), "1.36.2-1.1");
    machine.add(file(&ours, ".pref"));
    assert_eq!(machine.candidate("kubelet"), "1.36.1-1.1");
    // A new release does not come to who holds the version.
    rig.publish_release("stable/v1.36", "1.36.2");
    let machine = Machine::new(&[file(&ours, ".sources").clone()]);
    machine.done("apt-get", &["update"]);
    assert_eq!(machine.candidate("kubelet"), "1.36.2-1.1");
    machine.add(file(&ours, "-version.pref"));
    assert_eq!(machine.candidate("kubelet"), "1.36.1-1.1");
    // And the same by apt-mark, where they are installed.
    let installed = ["cri-tools", "kubeadm", "kubectl", "kubelet", "kubernetes-cni"].map(|name| {
        format!(
            "Package: {name}\nStatus: install ok installed\nMaintainer: A <a@example.org>\nArchitecture: amd64\n\
             Version: 1.36.1-1.1\nDescription: x\n\n",
        )
    });
    fs::write(machine.path("dpkg/status"), installed.concat()).unwrap();
    let hold = file(&ours, "-hold.sh").to_str().unwrap();
    machine.done("sh", &[hold]);
    assert_eq!(machine.done("apt-mark", &["showhold"]).lines().count(), 5);
    machine.done("sh", &[hold, "off"]);
    assert_eq!(machine.done("apt-mark", &["showhold"]), "");
}

#[test]
fn both_dnfs_stay_at_the_versions_of_a_lock() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let server = Serving::start(&rig.place, &[]);
    done(&mut rig.without_key(&format!("repo configure --url {}", server.url)));
    let files = files(&rig, &["--format", "rpm"]);
    rig.publish_release("stable/v1.36", "1.36.2");
    // The plugin of dnf 4, where the file that it reads is this one.
    let machine = Machine::new(&[file(&files, ".repo").clone()]);
    let package = versionlock();
    fs::copy(package.join("dnf-plugins/versionlock.py"), machine.path("bin/versionlock.py")).unwrap();
    let list = file(&files, "-versionlock.list").display();
    fs::write(machine.path("bin/versionlock.conf"), format!("[main]\nenabled=1\nlocklist={list}\n")).unwrap();
    let install = |more: &[String]| {
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let mut dnf = machine.command("dnf", &machine.dnf_options());
        let output = dnf.env("PYTHONPATH", &package).args(more).args(["install", "--downloadonly", "kubectl"]);
        let output = output.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        said
    };
    assert!(install(&[]).contains("1.36.2-1.1"));
    let bin = machine.path("bin").display().to_string();
    let locked = install(
        &["plugins=1".into(), format!("pluginpath={bin}"), format!("pluginconfpath={bin}")]
            .map(|setting| format!("--setopt={setting}")),
    );
    assert!(locked.contains("1.36.1-1.1") && !locked.contains("1.36.2-1.1"), "{locked}");
    // dnf 5 needs none.
    let machine = RpmMd::new(Kind::Dnf5);
    machine.subscribe_to(&format!("baseurl={}core:/stable:/v1.36/rpm/", server.url), &Made::get().certificate());
    machine.lock(&fs::read_to_string(file(&files, "-versionlock.toml")).unwrap());
    machine.install_names(&["kubectl"]);
    assert_eq!(machine.kubectl(), "1.36.1-1.1");
}

/// Returns the Python modules of dnf 4's plugins. Debian's package of them cannot be installed beside zypper, so its files
/// are taken out of it, once.
fn versionlock() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dnf-plugins-core");
    if !folder.exists() {
        let partial = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let script = "apt-get download -o APT::Sandbox::User=root dnf-plugins-core && dpkg-deb -x *.deb .";
        let said = Command::new("sh").args(["-ec", script]).current_dir(partial.path()).output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        fs::rename(partial.keep(), &folder).unwrap();
    }
    folder.join("usr/lib/python3/dist-packages")
}

#[test]
fn dnf_and_zypper_take_the_repository_as_it_is() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let server = Serving::start(&rig.place, &[]);
    done(&mut rig.without_key(&format!("repo configure --url {}", server.url)));
    // What lies in the repository is what the command writes.
    let files = files(&rig, &["--format", "rpm"]);
    for path in &files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let served = server.get(&format!("/channels/stable-v1.36/{name}"));
        assert_eq!((served.status, served.body), (200, fs::read(path).unwrap()), "{name}");
    }
    assert!(files.iter().all(|path| path.extension().is_some_and(|end| end != "sources")), "{files:?}");
    let listed = |machine: &Machine, more: &[&str]| {
        let output = machine.dnf(&[more, &["-q", "repoquery", "--available", "--arch", "x86_64", "kubelet"]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let machine = Machine::new(&[file(&files, ".repo").clone()]);
    assert_eq!(listed(&machine, &[]), "kubelet-0:1.36.1-1.1.x86_64\n");
    let machine = Machine::new(&[file(&files, "-exclude.repo").clone()]);
    assert_eq!(listed(&machine, &[]), "");
    assert_eq!(listed(&machine, &["--disableexcludes=example-stable-v1.36"]), "kubelet-0:1.36.1-1.1.x86_64\n");
    // zypper is given the address of the file, as the page says.
    let machine = Machine::new(&[]);
    let root = machine.path("root").display().to_string();
    let zypper =
        |arguments: &[&str]| machine.done("zypper", &[&["--non-interactive", "--root", &root], arguments].concat());
    machine.done("rpm", &["--root", &root, "--import", Made::get().certificate().to_str().unwrap()]);
    zypper(&["addrepo", &format!("{}channels/stable-v1.36/example-stable-v1.36.repo", server.url)]);
    let told = zypper(&["--gpg-auto-import-keys", "refresh"]) + &zypper(&["search", "--details", "kubelet"]);
    assert!(told.contains("1.36.1-1.1"), "{told}");
    // Locks of zypper, by the same program that holds packages of apt: here it is alone.
    let wrapper = format!("#!/bin/sh\nexec /usr/bin/zypper --non-interactive --root {root} \"$@\"\n");
    fs::write(machine.path("bin/zypper"), wrapper).unwrap();
    let hold = file(&files, "-hold.sh").to_str().unwrap();
    let script = "chmod +x \"$1/zypper\"; PATH=$1 /bin/sh \"$0\"; PATH=$1 /bin/sh \"$0\" off";
    let told = machine.done("sh", &["-c", script, hold, machine.path("bin").to_str().unwrap()]);
    assert!(told.contains("Specified lock") || told.contains("lock"), "{told}");
    assert!(zypper(&["locks"]).contains("no package locks"), "{}", zypper(&["locks"]));
}
