//! The package of certificates: clean, and the way on which machines come to know another key.

use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;
use tempfile::TempDir;

use super::keys::another;
use super::rig::{Made, Rig};
use crate::program::{command, done, run, tool};

/// Writes the packages of certificates to `folder`, and returns their paths.
fn keyring(rig: &Rig, folder: &Path, version: &str, keys: &[&PathBuf]) -> Vec<PathBuf> {
    let mut make = rig.without_key(&format!("repo keyring --version {version}"));
    make.arg("--output").arg(folder);
    for (nth, key) in keys.iter().enumerate() {
        make.arg(if nth == 0 { "--sign-key" } else { "--also-sign-key" }).arg(key);
    }
    done(&mut make).lines().map(PathBuf::from).collect()
}

fn publish(rig: &Rig, packages: &[PathBuf], keys: &[&PathBuf]) {
    let mut publish = rig.without_key("publish --channel stable/v1.36");
    for (nth, key) in keys.iter().enumerate() {
        publish.arg(if nth == 0 { "--sign-key" } else { "--also-sign-key" }).arg(key);
    }
    done(publish.args(packages));
}

#[test]
fn linters_find_nothing() {
    let rig = Rig::new();
    let folder = rig.folder.path().join("dist");
    let packages = keyring(&rig, &folder, "2026.11.26", &[&Made::get().key()]);
    let names: Vec<&str> = packages.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(
        names,
        ["example-archive-keyring_2026.11.26-1_all.deb", "example-archive-keyring-2026.11.26-1.noarch.rpm"]
    );
    // lintian knows no signatures inside of debs.
    let deb = rig.folder.path().join(names[0]);
    fs::copy(&packages[0], &deb).unwrap();
    done(command().args(["sign", "--remove", "-qq"]).arg(&deb));
    let found = tool("lintian", ["--no-cfg", "--allow-root", "--fail-on=none", deb.to_str().unwrap()]);
    assert_eq!(found, "", "{found}");
    let configuration = rig.folder.path().join("rpmlint.toml");
    // Debian's rpmlint knows no licence and not this key; certificates are replaced and not edited.
    fs::write(
        &configuration,
        "ValidLicenses = [\"Apache-2.0\"]\nFilters = [\"non-conffile-in-etc\", \"no-documentation\", \"no-buildhost-tag\", \"unknown-key\"]\n",
    )
    .unwrap();
    let said = tool("rpmlint", ["-c", configuration.to_str().unwrap(), packages[1].to_str().unwrap()]);
    assert!(said.contains("; 0 errors, 0 warnings"), "{said}");
    let holds = tool("rpm", ["-qlp", packages[1].to_str().unwrap()]);
    assert_eq!(holds, "/etc/pki/rpm-gpg/RPM-GPG-KEY-example\n");
    // The same certificates make the same bytes.
    let again = keyring(&rig, &rig.folder.path().join("again"), "2026.11.26", &[&Made::get().key()]);
    for (one, other) in packages.iter().zip(&again) {
        assert_eq!(fs::read(one).unwrap(), fs::read(other).unwrap());
    }
    publish(&rig, &packages, &[&Made::get().key()]);
    rig.assert_whole();
}

/// A machine with nothing but dpkg's folders, on which apt and dpkg install for real.
struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        for folder in [
            "var/lib/dpkg/info",
            "var/lib/dpkg/updates",
            "lists/partial",
            "cache/archives/partial",
            "log",
            "usr/share/keyrings",
        ] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        for file in ["status", "available"] {
            fs::write(root.path().join("var/lib/dpkg").join(file), "").unwrap();
        }
        Self(root)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Where the package has its certificates.
    fn keyring(&self) -> PathBuf {
        self.path("usr/share/keyrings/example-archive-keyring.gpg")
    }

    /// Runs apt-get, and returns whether all was well, and what it said.
    fn apt(&self, repository: &Path, arguments: &[&str]) -> (bool, String) {
        let list = self.path("sources.list");
        let (key, place) = (self.keyring(), repository.display());
        fs::write(&list, format!("deb [signed-by={}] file:{place} stable-v1.36 main\n", key.display())).unwrap();
        let options = [
            ("Dir::Etc::sourcelist", list.display().to_string()),
            ("Dir::Etc::sourceparts", "-".to_owned()),
            ("Dir::State", self.0.path().display().to_string()),
            ("Dir::State::status", self.path("var/lib/dpkg/status").display().to_string()),
            ("Dir::Cache", self.path("cache").display().to_string()),
            ("Dir::Log", self.path("log").display().to_string()),
            ("APT::Architecture", "amd64".to_owned()),
            ("APT::Architectures", "amd64".to_owned()),
            ("APT::Update::Error-Mode", "any".to_owned()),
            ("APT::Sandbox::User", "root".to_owned()),
            ("DPkg::Options::", format!("--root={}", self.0.path().display())),
            ("DPkg::Options::", "--log=/dev/null".to_owned()),
        ];
        let mut command = Command::new("timeout");
        command.args(["120", "apt-get", "-y", "-q"]).env("LC_ALL", "C.UTF-8").env("DEBIAN_FRONTEND", "noninteractive");
        for (name, value) in options {
            command.arg("-o").arg(format!("{name}={value}"));
        }
        let output = command.args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.success(), said.into_owned())
    }

    #[track_caller]
    fn done(&self, repository: &Path, arguments: &[&str]) {
        let (well, said) = self.apt(repository, arguments);
        assert!(well && !said.contains("W: "), "{arguments:?}: {said}");
    }
}

/// Nothing is wrong, and something is said of a package of certificates, with what to type.
#[track_caller]
fn assert_warned(rig: &Rig, words: &str) {
    let ran = run(&mut rig.without_key("repo check"));
    assert_eq!((ran.code, &*ran.stdout), (0, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("`kubepkg publish dist/example-archive-keyring* --channel` stable/v1.36"),
        "{}",
        ran.stderr
    );
    let told: serde_json::Value = serde_json::from_str(&done(rig.without_key("repo check").arg("--json"))).unwrap();
    let told = (told["keys"].to_string(), told["warnings"][0].clone());
    let said = format!("{}: {}", told.1["file"].as_str().unwrap(), told.1["cause"].as_str().unwrap());
    assert!(told.0 == "[]" && said.contains(words), "{told:?}");
}

/// Something is wrong with a package of certificates.
#[track_caller]
fn assert_wrong(rig: &Rig, words: &str) {
    let ran = run(&mut rig.without_key("repo check"));
    assert!(ran.code == 6 && ran.stdout.contains(words), "{words}: {}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("warning: machines get"), "{}", ran.stderr);
}

#[test]
fn packages_that_lock_machines_out_are_wrong() {
    let (rig, dist) = (Rig::new(), tempfile::tempdir().unwrap());
    let (old, new) = (Made::get().key(), another(&rig, "new"));
    publish(&rig, &keyring(&rig, dist.path(), "1.0.1", &[&old]), &[&old]);
    let resign = |keys: &[&PathBuf]| {
        let mut resign = rig.without_key("repo resign");
        for (nth, key) in keys.iter().enumerate() {
            resign.arg(if nth == 0 { "--sign-key" } else { "--also-sign-key" }).arg(key);
        }
        done(&mut resign);
    };
    // The old key goes, and machines know no other.
    resign(&[&new, &old]);
    resign(&[&new]);
    assert_wrong(&rig, "archive-keyring_1.0.1-1_all.deb: holds no key that signs the repository");
    assert_wrong(&rig, "archive-keyring-1.0.1-1.noarch.rpm: holds no key that signs the repository");
    publish(&rig, &keyring(&rig, dist.path(), "1.0.1", &[&new]), &[&new]);
    rig.assert_whole();
    // Another key for packages: RPMs that it signed are not for machines that do not have it.
    let vendor = another(&rig, "vendor");
    let mut trust = rig.without_key("repo trust");
    let trusted = run(trust.arg(&vendor).arg("--sign-key").arg(&new));
    assert!(trusted.code == 0 && trusted.stderr.contains(".noarch.rpm: does not hold the key "), "{}", trusted.stderr);
    assert_warned(&rig, ".noarch.rpm: does not hold the key ");
    let package = Made::get().packages("1.36.2", &["kubectl", "x86_64.rpm"]).remove(0);
    let signed = dist.path().join(package.file_name().unwrap());
    fs::copy(&package, &signed).unwrap();
    done(command().args(["sign", "-qq", "--sign-key"]).arg(&vendor).arg(&signed));
    publish(&rig, &[signed], &[&new]);
    assert_wrong(&rig, ", by which stable/v1.36 has packages");
    publish(&rig, &keyring(&rig, dist.path(), "1.0.2", &[&new]), &[&new]);
    rig.assert_whole();
    // A package of another repository with the same name.
    let (stranger, place) = (another(&rig, "stranger"), dist.path().join("elsewhere"));
    done(command().args(["repo", "init", "-qq", "--name", "Example", "--sign-key"]).arg(&stranger).arg(&place));
    let mut make = command();
    make.args(["repo", "keyring", "-q", "--version", "1.0.3", "--sign-key"]).arg(&stranger).arg("--repo").arg(&place);
    let foreign = done(make.arg("--output").arg(dist.path().join("other")));
    let foreign: Vec<PathBuf> = foreign.lines().map(PathBuf::from).collect();
    done(command().args(["sign", "-qq", "--sign-key"]).arg(&new).args(&foreign));
    publish(&rig, &foreign, &[&new]);
    assert_wrong(&rig, "archive-keyring_1.0.3-1_all.deb: holds no key that signs the repository");
    assert_wrong(&rig, ", which is none of the repository");
    // One that has the name and nothing else.
    let empty = dist.path().join("empty");
    fs::create_dir_all(empty.join("DEBIAN")).unwrap();
    let control = "Package: example-archive-keyring\nVersion: 1.0.4-1\nArchitecture: all\nMaintainer: A <a@example.org>\n\
                   Description: nothing\n";
    fs::write(empty.join("DEBIAN/control"), control).unwrap();
    let deb = dist.path().join("example-archive-keyring_1.0.4-1_all.deb");
    tool("dpkg-deb", ["--build", empty.to_str().unwrap(), deb.to_str().unwrap()]);
    publish(&rig, &[deb], &[&new]);
    assert_wrong(&rig, "archive-keyring_1.0.4-1_all.deb: holds no certificates");
}

#[test]
fn a_machine_comes_to_know_another_key_by_an_upgrade() {
    let rig = Rig::new();
    let (old, new) = (Made::get().key(), another(&rig, "new"));
    let dist = rig.folder.path().join("dist");
    publish(&rig, &keyring(&rig, &dist, "2026.11.1", &[&old]), &[&old]);
    // Two machines trust the old key, as somebody who read the page would have it.
    let [machine, sleeper] = [Machine::new(), Machine::new()];
    for machine in [&machine, &sleeper] {
        fs::write(machine.keyring(), fs::read(rig.root().join("key.gpg")).unwrap()).unwrap();
        machine.done(rig.root(), &["update"]);
        machine.done(rig.root(), &["install", "example-archive-keyring"]);
    }
    let knows =
        |machine: &Machine| kubepkg::sign::Certificate::parse(&fs::read(machine.keyring()).unwrap()).unwrap().len();
    assert_eq!(knows(&machine), 1);
    // Both keys sign, and the package has both.
    let resign = |line: &str, keys: &[&PathBuf]| {
        let mut resign = rig.without_key(line);
        for (nth, key) in keys.iter().enumerate() {
            resign.arg(if nth == 0 { "--sign-key" } else { "--also-sign-key" }).arg(key);
        }
        let ran = run(&mut resign);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stderr
    };
    // The newest package is behind from then on, which is said and does no harm; so is another one mended.
    let words = "archive-keyring_2026.11.1-1_all.deb: does not hold the key ";
    let said = resign("repo resign", &[&new, &old]);
    assert!(
        said.contains(words) && said.contains("warning: machines get today's certificates by new packages"),
        "{said}"
    );
    assert_warned(&rig, words);
    publish(&rig, &keyring(&rig, &dist, "2026.11.2", &[&new, &old]), &[&new, &old]);
    rig.assert_whole();
    machine.done(rig.root(), &["update"]);
    machine.done(rig.root(), &["upgrade"]);
    assert_eq!(knows(&machine), 2);
    // The old key goes: who upgraded notices nothing, and who slept through it is told.
    let words = "archive-keyring_2026.11.2-2_all.deb: holds the key ";
    assert!(resign("repo resign", &[&new]).contains(words));
    machine.done(rig.root(), &["update"]);
    machine.done(rig.root(), &["upgrade"]);
    let (well, said) = sleeper.apt(rig.root(), &["update"]);
    assert!(!well && said.contains("NO_PUBKEY"), "{said}");
    // New machines would still trust the old one, by the package: that is told until there is another one.
    assert_warned(&rig, words);
    publish(&rig, &keyring(&rig, &rig.folder.path().join("last"), "2026.11.2", &[&new]), &[&new]);
    rig.assert_whole();
    // What the package is signed by during all this is a key that dnf knows.
    let checked = command()
        .args(["verify", "--key"])
        .arg(Made::get().certificate())
        .stdout(std::process::Stdio::null())
        .arg(dist.join("example-archive-keyring-2026.11.2-2.noarch.rpm"))
        .status()
        .unwrap();
    assert!(checked.success());
}
