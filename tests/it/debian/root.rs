//! Throw-away copies of the system, in which commands run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use fs_err as fs;
use tempfile::TempDir;

use super::system::{NODE, System, roots};
use super::{Set, file_name, run};

/// How the copy comes to be.
#[derive(Clone, Copy, PartialEq)]
enum Copy {
    /// An overlay over the system, mounted for each command in a name space of its own: it cannot be left behind.
    Overlay,
    /// A copy of all files, where overlays cannot be mounted.
    Files,
}

/// What a copy has of the network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Network {
    /// An idle loopback of its own.
    None,
    /// The machine's, and with it the servers of a test.
    Machine,
}

/// The three folders of an overlay and what runs on top of them.
const IN_OVERLAY: &str = "mount -t overlay overlay -o lowerdir=\"$1\",upperdir=\"$2/upper\",workdir=\"$2/work\" \"$2/root\" \
    && mount --rbind /proc \"$2/root/proc\" && root=\"$2/root\" && shift 2 && exec chroot \"$root\" \"$@\"";

/// A copy of the system. It is gone when it is dropped.
pub(crate) struct Root {
    system: PathBuf,
    folder: TempDir,
    copy: Copy,
    network: Network,
}

impl Root {
    pub(super) fn new() -> Self {
        Self::of(NODE)
    }

    pub(super) fn of(system: System) -> Self {
        Self::on(system, Network::None)
    }

    pub(crate) fn on(system: System, network: Network) -> Self {
        static COPY: OnceLock<Copy> = OnceLock::new();
        let system = system.folder();
        let copy = *COPY.get_or_init(|| {
            let probe = Self { system: system.clone(), folder: folder(), copy: Copy::Overlay, network };
            let status = probe.command(&["true"]).stderr(Stdio::null()).status().unwrap();
            if status.success() { Copy::Overlay } else { Copy::Files }
        });
        let root = Self { system, folder: folder(), copy, network };
        if copy == Copy::Files {
            run("cp", &["-a", &format!("{}/.", root.system.display()), root.at("root").to_str().unwrap()]);
        }
        root
    }

    /// A copy without systemd, as most images of containers are.
    pub(super) fn without_systemd() -> Self {
        let root = Self::new();
        root.ok(&["dpkg", "--purge", "systemd"]);
        assert_eq!(root.fails(&["which", "systemctl"]), "");
        root
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns a command in there, which ends after five minutes.
    pub(crate) fn command(&self, command: &[&str]) -> Command {
        let timeout = ["timeout", "--kill-after=5", "300"];
        let mut chroot = match self.copy {
            Copy::Overlay => {
                let mut unshare = Command::new("unshare");
                unshare.arg("--mount").args((self.network == Network::None).then_some("--net"));
                unshare.args(["sh", "-c", IN_OVERLAY, "sh"]).arg(&self.system).arg(self.folder.path());
                unshare
            }
            Copy::Files => {
                let mut chroot = Command::new("chroot");
                chroot.arg(self.at("root"));
                chroot
            }
        };
        chroot.args(timeout).args(command).stdin(Stdio::null()).env_clear().envs([
            ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            ("HOME", "/root"),
            ("LC_ALL", "C.UTF-8"),
            ("DEBIAN_FRONTEND", "noninteractive"),
        ]);
        chroot
    }

    /// Runs a command, which must succeed, and returns what it printed.
    #[track_caller]
    pub(crate) fn ok(&self, command: &[&str]) -> String {
        let output = self.command(command).output().unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{command:?}: {}\n{stdout}{stderr}", output.status);
        stdout.into_owned()
    }

    /// Runs a command, which must fail, and returns what it printed on both streams.
    #[track_caller]
    pub(super) fn fails(&self, command: &[&str]) -> String {
        let output = self.command(command).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        assert!(!output.status.success(), "{command:?}: {text}");
        text
    }

    /// Writes a file.
    pub(crate) fn write(&self, path: &str, text: &str) {
        self.ok(&["sh", "-c", "mkdir -p \"${1%/*}\" && printf %s \"$2\" >\"$1\"", "sh", path, text]);
    }

    /// Returns the text of a file.
    #[track_caller]
    pub(crate) fn read(&self, path: &str) -> String {
        self.ok(&["cat", path])
    }

    /// Says whether there is something at a path, be it a link to nowhere.
    pub(super) fn has(&self, path: &str) -> bool {
        let found = self.ok(&["sh", "-c", "if [ -e \"$1\" ] || [ -L \"$1\" ]; then echo yes; fi", "sh", path]);
        found == "yes\n"
    }

    /// The folder that is `/` in there, of which only what is new may be touched.
    fn top(&self) -> PathBuf {
        match self.copy {
            Copy::Overlay => self.at("upper"),
            Copy::Files => self.at("root"),
        }
    }

    /// Copies a folder to `/NAME`, in place of what is there.
    pub(crate) fn put_folder(&self, folder: &Path, name: &str) {
        let to = self.top().join(name);
        if to.exists() {
            fs::remove_dir_all(&to).unwrap();
        }
        run("cp", &["-a", folder.to_str().unwrap(), to.to_str().unwrap()]);
        run("chmod", &["-R", "a+rX", to.to_str().unwrap()]);
    }

    /// Copies packages into the folder `/packages`, and returns their paths there.
    pub(super) fn put(&self, packages: &[PathBuf]) -> Vec<String> {
        let top = self.top();
        fs::create_dir_all(top.join("packages")).unwrap();
        let put = |package: &PathBuf| {
            fs::copy(package, top.join("packages").join(file_name(package))).unwrap();
            format!("/packages/{}", file_name(package))
        };
        packages.iter().map(put).collect()
    }

    /// Returns apt's command line for debs that are copied into the root.
    pub(super) fn apt_install(&self, options: &[&str], debs: &[PathBuf]) -> Vec<String> {
        let apt = ["apt-get", "install", "--assume-yes", "--no-install-recommends"];
        let fixed = apt.iter().chain(options).map(|&word| word.to_owned());
        fixed.chain(self.put(debs)).collect()
    }

    /// Installs debs with apt.
    #[track_caller]
    pub(super) fn install(&self, debs: &[PathBuf]) -> String {
        self.ok(&words(&self.apt_install(&[], debs)))
    }

    /// Installs all debs of a set.
    #[track_caller]
    pub(super) fn install_set(&self, set: &Set) {
        self.install(&set.debs);
    }

    /// Has apt refuse to install debs, and returns what it says.
    #[track_caller]
    pub(super) fn refuses(&self, debs: &[PathBuf]) -> String {
        self.fails(&words(&self.apt_install(&[], debs)))
    }

    /// Returns `name version state` of those packages that dpkg knows.
    pub(super) fn packages(&self, names: &[&str]) -> Vec<String> {
        let known = self.ok(&["dpkg-query", "--show", "--showformat=${Package} ${Version} ${db:Status-Abbrev}\n"]);
        let known = known.lines().filter(|line| names.iter().any(|name| line.starts_with(&format!("{name} "))));
        known.map(|line| line.trim_end().to_owned()).collect()
    }

    /// Checks that dpkg finds the packages whole.
    #[track_caller]
    pub(super) fn assert_whole(&self, names: &[&str]) {
        assert_eq!(self.ok(&[&["dpkg", "--verify"], names].concat()), "");
        assert_eq!(self.ok(&["dpkg", "--audit"]), "");
    }

    /// Says what systemd makes of the unit's enabling.
    pub(super) fn enabled(&self) -> String {
        let state = self.ok(&["sh", "-c", "systemctl --root=/ is-enabled kubelet.service || true"]);
        state.trim_end().to_owned()
    }

    /// Returns what was asked of services since the last time.
    pub(super) fn services(&self) -> Vec<String> {
        let log = self.ok(&["sh", "-c", "cd /var/log && touch services && cat services && rm services"]);
        log.lines().map(str::to_owned).collect()
    }
}

pub(super) fn words(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

fn folder() -> TempDir {
    fs::create_dir_all(roots()).unwrap();
    let folder = TempDir::with_prefix_in("copy-", roots()).unwrap();
    for name in ["upper", "work", "root"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    // The first folder of a root is its `/`, which everybody may enter.
    run("chmod", &["0755", Path::new(folder.path()).join("upper").to_str().unwrap()]);
    folder
}
