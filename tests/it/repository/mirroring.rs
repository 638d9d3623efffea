//! `kubepkg repo mirror`: packages of other repositories, over HTTP, whatever the server does.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use fs_err as fs;
use tempfile::TempDir;

use super::client::{Client, sources};
use super::foreign::{self, Gpg};
use super::rig::{Made, Rig, refused};
use crate::fault_server::{Act, FaultServer, Request, cut, status};
use crate::program::{command, done};

/// A repository of somebody else with a key of its own, in the shape of a build service, and a server that shows it.
pub(super) struct Elsewhere {
    folder: TempDir,
    pub(super) gpg: Gpg,
    server: FaultServer,
    /// What the server does to some files.
    trouble: Arc<Mutex<Option<(&'static str, Trouble)>>>,
}

#[derive(Clone, Copy)]
enum Trouble {
    Missing,
    Cut,
    OtherBytes,
    /// Once.
    Unavailable,
}

impl Elsewhere {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("source.asc");
        let user = ["--algorithm", "ed25519", "--user", "Elsewhere <else@example.org>"];
        done(command().args(["key", "generate", "-qq"]).args(user).arg(&key));
        let gpg = Gpg::with(&key);
        foreign::flat(&folder.path().join("deb"), &both("deb"), &gpg);
        let (root, trouble) = (folder.path().to_owned(), Arc::new(Mutex::new(None)));
        let troubled = Arc::clone(&trouble);
        let server = FaultServer::start(move |request| answer(&root, request, &troubled));
        Self { folder, gpg, server, trouble }
    }

    /// Adds the RPMs, signed by its own key.
    fn with_rpms(self) -> Self {
        let (signed, key) = (self.path("signed"), self.path("source.asc"));
        fs::create_dir_all(&signed).unwrap();
        let copy = |package: PathBuf| {
            let copy = signed.join(package.file_name().unwrap());
            fs::copy(package, &copy).unwrap();
            copy
        };
        let rpms: Vec<PathBuf> = both("rpm").into_iter().map(copy).collect();
        done(command().args(["sign", "-qq", "--sign-key"]).arg(&key).args(&rpms));
        foreign::rpm_md(&self.path("rpm"), &rpms, &self.gpg);
        self
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn trouble(&self, trouble: Option<(&'static str, Trouble)>) {
        *self.trouble.lock().unwrap() = trouble;
    }

    /// Mirrors one of its folders.
    pub(super) fn mirror(&self, rig: &Rig, folder: &str, more: &[&str]) -> Command {
        self.mirror_of(rig, &self.server.url(&format!("/{folder}")), more)
    }

    fn mirror_of(&self, rig: &Rig, from: &str, more: &[&str]) -> Command {
        let mut mirror = rig.command("repo mirror --channel stable/v1.36 --store-retries 1");
        mirror.env("XDG_CACHE_HOME", self.path("cache"));
        mirror.arg("--key").arg(self.gpg.certificate()).arg(from).args(more);
        mirror
    }

    /// How often package files were asked for.
    fn packages_asked(&self) -> usize {
        let is_package = |request: &Request| request.target().ends_with(".deb") || request.target().ends_with(".rpm");
        self.server.requests().iter().filter(|request| is_package(request)).count()
    }
}

/// The packages of both releases in one format.
pub(super) fn both(format: &str) -> Vec<PathBuf> {
    let all = ["1.36.1", "1.36.2"].map(|version| Made::get().packages(version, &[])).concat();
    all.into_iter().filter(|path| path.extension().is_some_and(|end| end == format)).collect()
}

fn answer(root: &Path, request: &Request, trouble: &Mutex<Option<(&'static str, Trouble)>>) -> Vec<Act> {
    let trouble = *trouble.lock().unwrap();
    let Some((_, trouble)) = trouble.filter(|(name, _)| request.target().contains(name)) else {
        return foreign::serve(root, request);
    };
    let bytes = || fs::read(root.join(request.target().trim_start_matches('/'))).unwrap();
    match trouble {
        Trouble::Missing => status("404 Not Found", &[]),
        Trouble::Cut => cut(&[], &bytes(), 100),
        Trouble::OtherBytes => {
            let mut bytes = bytes();
            bytes[200] ^= 1;
            crate::fault_server::ok(bytes)
        }
        Trouble::Unavailable if request.count == 0 => status("503 Service Unavailable", &["Retry-After: 0"]),
        Trouble::Unavailable => foreign::serve(root, request),
    }
}

#[test]
fn a_minor_of_another_repository_becomes_a_channel() {
    let (elsewhere, rig) = (Elsewhere::new().with_rpms(), Rig::new());
    let listed = done(&mut elsewhere.mirror(&rig, "deb", &["--dry-run", "--newest", "1", "--arch", "amd64"]));
    let names: Vec<&str> = listed.lines().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    assert_eq!(names, ["cri-tools", "kubeadm", "kubectl", "kubelet", "kubernetes-cni"], "{listed}");
    assert!(listed.contains("+ kubelet 1.36.2-1.1 amd64 (deb)") && !rig.root().join("pool").exists(), "{listed}");
    assert_eq!(elsewhere.packages_asked(), 0);
    // All of it, in both formats, with a server that needs to be asked twice.
    elsewhere.trouble(Some(("kube", Trouble::Unavailable)));
    let debs = done(&mut elsewhere.mirror(&rig, "deb", &[]));
    assert_eq!(debs.lines().count(), 2 * (2 * 3 + 2), "{debs}");
    assert!(!done(&mut rig.without_key("repo keys")).contains("Elsewhere"));
    done(&mut elsewhere.mirror(&rig, "rpm", &[]));
    let keys = done(&mut rig.without_key("repo keys"));
    assert!(keys.lines().any(|line| line.contains("  packages ") && line.contains("Elsewhere")), "{keys}");
    rig.assert_whole();
    let history = done(&mut rig.without_key("repo history stable/v1.36"));
    assert!(history.contains("mirror of http://127.0.0.1:") && !history.contains("legacy"), "{history}");
    // What the channel has is not fetched again; what was fetched is in the cache.
    let asked = elsewhere.packages_asked();
    assert_eq!(done(&mut elsewhere.mirror(&rig, "deb", &[])), "");
    let other = Rig::new();
    assert_eq!(done(&mut elsewhere.mirror(&other, "deb", &[])), debs);
    assert_eq!(elsewhere.packages_asked(), asked);
    // And from the folder itself.
    let folder = elsewhere.path("rpm").display().to_string();
    assert_eq!(done(&mut elsewhere.mirror_of(&other, &folder, &["--package", "kubectl"])).lines().count(), 4);
    installs(&rig);
}

/// apt and dnf install from the result.
fn installs(rig: &Rig) {
    let [source, _] = sources(rig.root());
    let apt = Client::new();
    assert_eq!(apt.refresh_apt(&source), "");
    let root = apt.path("root");
    for folder in ["info", "updates", "triggers"] {
        fs::create_dir_all(root.join("var/lib/dpkg").join(folder)).unwrap();
    }
    fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    let status = format!("Dir::State::status={}", root.join("var/lib/dpkg/status").display());
    let to_root = format!("DPkg::Options::=--root={}", root.display());
    let got = apt.apt(&source, "apt-get", &["-o", &status, "-o", &to_root, "-y", "install", "kubectl=1.36.1-1.1"]);
    assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
    assert!(root.join("usr/bin/kubectl").is_file());
    let dnf = Client::new();
    let (base, key) = (
        format!("file://{}/core:/stable:/v1.36/rpm/", rig.root().display()),
        format!("file://{}", rig.root().join("key.asc").display()),
    );
    let got = dnf.dnf(&base, &key, &["install", "kubectl-1.36.1"]);
    let said = String::from_utf8_lossy(&got.stdout) + String::from_utf8_lossy(&got.stderr);
    assert!(got.status.success() && dnf.path("root/usr/bin/kubectl").is_file(), "{said}");
}

#[test]
fn what_is_not_as_its_index_says_is_not_taken() {
    let (elsewhere, rig) = (Elsewhere::new().with_rpms(), Rig::new());
    for (name, trouble, code, words) in [
        ("kubelet_1.36.2", Trouble::OtherBytes, 6, "is not the file that was published"),
        ("kubelet_1.36.2", Trouble::Cut, 5, "the connection failed"),
        ("kubelet_1.36.2", Trouble::Missing, 5, "not published"),
        ("Packages.gz", Trouble::OtherBytes, 6, "Packages.gz: has another SHA-256"),
        ("Packages", Trouble::Missing, 6, "Packages: is not there"),
        ("InRelease", Trouble::OtherBytes, 6, "nothing is taken from"),
        ("Release", Trouble::Missing, 4, "neither `InRelease`"),
    ] {
        elsewhere.trouble(Some((name, trouble)));
        refused(code, &mut elsewhere.mirror(&rig, "deb", &[]), words);
        assert!(!rig.root().join("pool").exists() && !rig.root().join("dists").exists(), "{name}");
    }
    elsewhere.trouble(None);
    let nobody = Gpg::unknown();
    let mut mirror = rig.command("repo mirror --channel stable/v1.36");
    mirror.arg("--key").arg(nobody.certificate()).arg(elsewhere.server.url("/deb"));
    refused(6, &mut mirror, "none of the given keys");
    // A package alone is no set: the same gates as ever, and whoever signed it is trusted no more than before.
    refused(11, &mut elsewhere.mirror(&rig, "deb", &["--package", "kubelet"]), "requires `");
    let keys = done(&mut rig.without_key("repo keys"));
    refused(11, &mut elsewhere.mirror(&rig, "rpm", &["--package", "kubelet"]), "requires `");
    assert_eq!(done(&mut rig.without_key("repo keys")), keys);
    refused(4, &mut elsewhere.mirror(&rig, "deb", &["--package", "nothing"]), "none is meant for channel");
    let mut elsewhere_channel = rig.command("repo mirror --channel stable/v1.35 --package kubelet");
    elsewhere_channel.arg("--key").arg(elsewhere.gpg.certificate()).arg(elsewhere.server.url("/deb"));
    refused(4, &mut elsewhere_channel, "none is meant for channel `stable/v1.35`");
}

#[test]
fn an_older_state_is_not_taken_again() {
    let (elsewhere, rig) = (Elsewhere::new(), Rig::new());
    let names = ["InRelease", "Release", "Release.gpg"].map(|name| elsewhere.path("deb").join(name));
    let before: Vec<Vec<u8>> = names.iter().map(|path| fs::read(path).unwrap()).collect();
    foreign::index_flat(&elsewhere.path("deb"), &elsewhere.gpg, "Mon Nov 23 20:27:38 2020");
    done(&mut elsewhere.mirror(&rig, "deb", &["--package", "kubectl", "--version", "1.36.1"]));
    for (path, bytes) in names.iter().zip(before) {
        fs::write(path, bytes).unwrap();
    }
    refused(6, &mut elsewhere.mirror(&rig, "deb", &[]), "somebody put an older state back");
    foreign::index_flat(&elsewhere.path("deb"), &elsewhere.gpg, "Tue Nov 24 20:27:38 2020");
    let taken = done(&mut elsewhere.mirror(&rig, "deb", &["--package", "kubectl", "--version", "1.36.2"]));
    assert_eq!(taken, "+ kubectl 1.36.2-1.1 amd64 (deb)\n+ kubectl 1.36.2-1.1 arm64 (deb)\n");
}

#[test]
fn a_repository_of_ours_is_a_source_like_any_other() {
    let (source, rig) = (Rig::new(), Rig::new());
    source.publish_release("stable/v1.36", "1.36.2");
    let root = source.root().to_owned();
    let server = FaultServer::start(move |request| foreign::serve(&root, request));
    let certificate = Made::get().certificate();
    let cache = rig.folder.path().join("cache");
    let mirror = |line: &str| {
        let mut mirror = rig.command(&format!("repo mirror --channel staging/v1.36 {line}"));
        mirror.env("XDG_CACHE_HOME", &cache).arg("--key").arg(&certificate);
        mirror
    };
    let suite = "--suite stable-v1.36 --component main";
    assert_eq!(done(&mut mirror(&format!("{} {suite}", server.url("")))).lines().count(), 10);
    assert_eq!(done(&mut mirror(&format!("{}/core:/stable:/v1.36/deb/", server.url("")))), "");
    assert_eq!(done(&mut mirror(&format!("{}/core:/stable:/v1.36/rpm", source.place))).lines().count(), 10);
    rig.assert_whole();
    refused(4, &mut mirror(&server.url("")), "neither `InRelease` nor `repodata/repomd.xml`");
    let mut ftp = rig.without_key("repo mirror ftp://x --channel rolling");
    refused(2, ftp.arg("--key").arg(&certificate), "`ftp:` is no store");
}
