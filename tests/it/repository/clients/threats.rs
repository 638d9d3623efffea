//! Who holds what, and what package managers make of it that were set up with the files that a repository generates: the
//! network (an old state for ever), the store, the key of packages, that of index files, another repository of the machine.
//! Changes by somebody without any key are in `matrix`, and apt's preferences in `snippets`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use fs_err as fs;
use tempfile::{NamedTempFile, TempDir};

use super::Machine as _;
use super::apt::{Apt, Shape};
use super::rpm_md::{Kind, RpmMd};
use crate::debian::system::{NODE, SEQUOIA};
use crate::program::{command, done, tool};
use crate::repository::keys::another;
use crate::repository::rig::{Made, Rig};
use crate::repository::server::Serving;

/// Where a certificate is that nobody changes who can write to the repository.
const KEYRING: &str = "/etc/pki/rpm-gpg/RPM-GPG-KEY-example";
const RPM_KINDS: [Kind; 3] = [Kind::Dnf4, Kind::Dnf5, Kind::Zypper];

/// An address at which now this repository lies and now that one: whoever can write there decides.
struct Stage {
    folder: TempDir,
    server: Serving,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("shown");
        drop(Rig::at(&place));
        let server = Serving::start(place.to_str().unwrap(), &[]);
        Self { folder, server }
    }

    fn show(&self, root: &Path) {
        let shown = self.folder.path().join("shown");
        fs::remove_dir_all(&shown).unwrap();
        tool("cp", ["-a", root.to_str().unwrap(), shown.to_str().unwrap()]);
    }

    /// Makes a repository that believes to lie there, of a release signed by the key that made the packages.
    fn rig(&self, version: &str) -> Rig {
        let rig = Rig::new();
        done(&mut rig.without_key(&format!("repo configure --url {}", self.server.url)));
        rig.publish_release("stable/v1.36", version);
        rig
    }

    /// Makes one whose index files another key signs than its packages.
    fn of_two_keys(&self, version: &str) -> Rig {
        let (rig, old) = (self.rig(version), Made::get().key());
        let new = another(&rig, "indices");
        done(rig.without_key("repo resign").arg("--sign-key").arg(old).arg("--also-sign-key").arg(&new));
        done(rig.without_key("repo resign").arg("--sign-key").arg(new));
        rig
    }
}

/// Returns a file for clients, as it lies in a repository.
fn given(root: &Path, end: &str) -> String {
    fs::read_to_string(root.join(format!("channels/stable-v1.36/example-stable-v1.36{end}"))).unwrap()
}

/// A `.repo` as it is given, under the name by which the test knows it. By default some dnf takes what it cannot read for
/// nothing, and says so on the way.
fn named(repo: &str) -> String {
    let named = repo.replace("[example-stable-v1.36]", "[kubernetes]");
    let named = named.replace("name=Example stable/v1.36", "name=Kubernetes");
    assert_ne!(named, repo);
    named + "skip_if_unavailable=0\n"
}

/// A machine with dnf or zypper that was set up with the files of a repository, and got the certificates when it was.
fn rpm_machine(kind: Kind, root: &Path) -> RpmMd {
    let machine = RpmMd::new(kind);
    let key = machine.keep("key.asc", &fs::read_to_string(root.join("key.asc")).unwrap());
    machine.subscribe_by(&[("kubernetes.repo", &named(&given(root, "-keyring.repo").replace(KEYRING, &key)))]);
    if kind == Kind::Zypper {
        machine.import("key.asc");
    }
    machine
}

/// Machines with apt that were set up so.
fn apts(root: &Path) -> [Apt; 2] {
    [NODE, SEQUOIA].map(|system| {
        let apt = Apt::of(system, Shape::Dists);
        apt.subscribe_as_given(&[("example.sources", &given(root, ".sources"))]);
        apt
    })
}

#[test]
fn who_can_write_brings_a_key_of_his_own() {
    let stage = Stage::new();
    let (ours, theirs) = (stage.rig("1.36.1"), stage.of_two_keys("1.36.2"));
    stage.show(ours.root());
    let (apts, machines) = (apts(ours.root()), RPM_KINDS.map(|kind| (kind, rpm_machine(kind, ours.root()))));
    let trusting = RpmMd::new(Kind::Dnf4);
    trusting.subscribe_by(&[("kubernetes.repo", &named(&given(ours.root(), ".repo")))]);
    for apt in &apts {
        apt.update().unwrap();
    }
    for machine in machines.iter().map(|(_, machine)| machine).chain([&trusting]) {
        machine.make_cache().unwrap();
    }
    stage.show(theirs.root());
    for apt in &apts {
        let said = apt.update().expect_err("another key");
        assert!(said.contains("NO_PUBKEY") || said.contains("Missing key"), "{said}");
    }
    for (kind, machine) in &machines {
        let said = machine.make_cache().expect_err("another key");
        let words = ["Bad GPG signature", "Bad PGP signature", "Signing key not found", "signing key received"];
        assert!(words.iter().any(|words| said.contains(words)), "{kind:?}: {said}");
    }
    // Whose key lies where the repository does, and who says yes to everything: the same who writes one writes the other.
    trusting.make_cache().unwrap();
    assert_eq!(trusting.versions("kubelet"), ["1.36.2-1.1"]);
}

#[test]
fn who_can_write_and_has_the_key_of_packages() {
    let stage = Stage::new();
    let (ours, theirs) = (stage.of_two_keys("1.36.2"), stage.rig("1.36.1"));
    stage.show(ours.root());
    let (apts, machines) = (apts(ours.root()), RPM_KINDS.map(|kind| rpm_machine(kind, ours.root())));
    for apt in &apts {
        apt.update().unwrap();
    }
    for machine in &machines {
        machine.make_cache().unwrap();
        assert_eq!(machine.versions("kubelet"), ["1.36.2-1.1"]);
    }
    stage.show(theirs.root());
    // apt is not given certificates of those who sign packages alone.
    for apt in &apts {
        let said = apt.update().expect_err("the key of packages");
        assert!(said.contains("NO_PUBKEY") || said.contains("Missing key"), "{said}");
    }
    // dnf and zypper have one list: a key that signs packages has to be kept as safe as the other one.
    for machine in &machines {
        machine.make_cache().unwrap();
        assert_eq!(machine.versions("kubelet"), ["1.36.1-1.1"]);
    }
}

#[test]
fn who_has_the_key_of_index_files_alone() {
    let stage = Stage::new();
    let ours = stage.rig("1.36.1");
    stage.show(ours.root());
    let root = stage.folder.path().join("shown/core:/stable:/v1.36/rpm");
    let unsigned = root.join("x86_64/kubectl-1.36.1-1.1.x86_64.rpm");
    // A name of its own: the others are links to the same bytes.
    let bytes = fs::read(&unsigned).unwrap();
    fs::remove_file(&unsigned).unwrap();
    fs::write(&unsigned, bytes).unwrap();
    tool("rpmsign", ["--delsign", unsigned.to_str().unwrap()]);
    fs::remove_dir_all(root.join("repodata")).unwrap();
    tool("createrepo_c", ["--quiet", "--no-database", root.to_str().unwrap()]);
    sign(&root.join("repodata/repomd.xml"));
    let list = format!("{}core:/stable:/v1.36/rpm/\n", stage.server.url);
    fs::write(root.join("mirrorlist"), list).unwrap();
    for kind in RPM_KINDS {
        let machine = rpm_machine(kind, ours.root());
        machine.make_cache().unwrap();
        let said = machine.try_install(&["kubectl"]).expect_err("nobody signed it");
        let words = ["is not signed", "not signed", "Signature verification failed"];
        assert!(words.iter().any(|words| said.contains(words)), "{kind:?}: {said}");
        machine.try_install(&["cri-tools"]).unwrap_or_else(|said| panic!("{kind:?}: {said}"));
    }
}

/// Signs `repomd.xml` with the key of the repository.
fn sign(repomd: &Path) {
    let home = tempfile::tempdir().unwrap();
    let options = ["--batch", "--quiet", "--homedir", home.path().to_str().unwrap()];
    tool("gpg", [&options[..], &["--import", Made::get().key().to_str().unwrap()]].concat());
    tool("gpg", [&options[..], &["--armor", "--detach-sign", repomd.to_str().unwrap()]].concat());
    tool("gpgconf", ["--homedir", home.path().to_str().unwrap(), "--kill", "all"]);
}

#[test]
fn who_stands_between_shows_an_old_state_for_ever() {
    let stage = Stage::new();
    let days_ago = |days: u32| tool("date", ["--date", &format!("{days} days ago"), "+%s"]).trim().to_owned();
    let (folder, key) = (tempfile::tempdir().unwrap(), key_of(&days_ago(9)));
    let root = folder.path().join("repo");
    let run = |line: &str, days: u32, packages: &[PathBuf]| {
        let mut words: Vec<&OsStr> = line.split(' ').map(OsStr::new).collect();
        words.extend(packages.iter().map(|path| path.as_os_str()));
        words.extend([OsStr::new("--sign-key"), key.path().as_os_str(), OsStr::new("-qq")]);
        let mut command = command();
        command.env("SOURCE_DATE_EPOCH", days_ago(days)).env("KUBEPKG_REPO", &root).args(words);
        done(&mut command);
    };
    run(&format!("repo init {} --name Example", root.display()), 3, &[]);
    run(&format!("repo configure --valid-days 2 --url {}", stage.server.url), 3, &[]);
    run(&format!("repo trust {}", Made::get().certificate().display()), 3, &[]);
    run("publish --channel stable/v1.36", 3, &Made::get().packages("1.36.1", &["kubectl", ".deb"]));
    stage.show(&root);
    let apts = apts(&root);
    for apt in &apts {
        let said = apt.update().expect_err("its time is over");
        assert!(said.contains("expired") || said.contains("is not valid"), "{said}");
    }
    run("repo refresh", 1, &[]);
    stage.show(&root);
    for apt in &apts {
        apt.update().unwrap();
    }
}

/// Makes a key of the past.
fn key_of(time: &str) -> NamedTempFile {
    let (home, file) = (tempfile::tempdir().unwrap(), NamedTempFile::new().unwrap());
    let gpg = |arguments: &[&str]| {
        let options = ["--batch", "--yes", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback"];
        let own = ["--faked-system-time", time, "--homedir", home.path().to_str().unwrap()];
        tool("gpg", [&options[..], &own, arguments].concat());
    };
    gpg(&["--quick-generate-key", "Release Team <release@example.org>", "ed25519", "cert,sign", "5y"]);
    gpg(&["--armor", "--output", file.path().to_str().unwrap(), "--export-secret-keys"]);
    tool("gpgconf", ["--homedir", home.path().to_str().unwrap(), "--kill", "all"]);
    file
}

#[test]
fn another_repository_has_a_higher_version() {
    let stages = [Stage::new(), Stage::new()];
    let (ours, theirs) = (stages[0].rig("1.36.1"), stages[1].rig("1.36.2"));
    stages[0].show(ours.root());
    stages[1].show(theirs.root());
    // It says nothing of its priority.
    let other = given(theirs.root(), ".repo").replace("priority=90\n", "").replace("example", "other");
    for kind in RPM_KINDS {
        let machine = RpmMd::new(kind);
        machine.subscribe_by(&[("kubernetes.repo", &named(&given(ours.root(), ".repo"))), ("other.repo", &other)]);
        machine.keep("key.asc", &fs::read_to_string(ours.root().join("key.asc")).unwrap());
        if kind == Kind::Zypper {
            machine.import("key.asc");
        }
        machine.install_names(&["kubectl"]);
        assert_eq!(machine.kubectl(), "1.36.1-1.1", "{kind:?}");
    }
}
