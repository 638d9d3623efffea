//! dnf and zypper, which want packages signed.

use super::changed::flipped;
use super::keeper::Keeper;
use super::*;

/// A folder of one RPM as a repository, and an empty root to install it in.
struct Site {
    folder: TempDir,
}

impl Site {
    fn new(package: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["repository", "root/etc/zypp/repos.d", "cache"] {
            fs_err::create_dir_all(folder.path().join(name)).unwrap();
        }
        fs_err::copy(package, folder.path().join("repository/kubectl.rpm")).unwrap();
        let site = Self { folder };
        crate::program::tool("createrepo_c", ["--quiet", &site.at("repository")]);
        site
    }

    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Has dnf install the package, and returns whether it did and what it said.
    fn dnf(&self, keys: &Keys) -> (bool, String) {
        let root = self.at("root");
        let set = |name: &str, value: &str| format!("--setopt={name}={value}");
        let mut dnf = Command::new("timeout");
        dnf.args(["300", "dnf", "-y", "--installroot", &root, "--releasever=9", "--forcearch=x86_64"]);
        dnf.arg(format!("--repofrompath=k,file://{}", self.at("repository")));
        dnf.args([set("reposdir", "/nothing"), set("cachedir", &self.at("cache")), set("plugins", "0")]);
        dnf.args([set("k.gpgcheck", "1"), set("k.repo_gpgcheck", "0"), set("install_weak_deps", "0")]);
        dnf.arg(set("k.gpgkey", &format!("file://{}", keys.public().display())));
        self.ended(dnf.args(["install", "kubectl"]))
    }

    /// Has zypper install the package. It may not import keys by itself.
    fn zypper(&self, keys: &Keys) -> (bool, String) {
        let root = self.at("root");
        let repository = format!(
            "[k]\nname=k\nbaseurl=file://{}\nenabled=1\nautorefresh=1\ngpgcheck=1\nrepo_gpgcheck=0\npkg_gpgcheck=1\n",
            self.at("repository")
        );
        fs_err::write(self.at("root/etc/zypp/repos.d/k.repo"), repository).unwrap();
        let public = keys.public();
        crate::program::tool("rpm", ["--root", &root, "--import", public.to_str().unwrap()]);
        let mut zypper = Command::new("timeout");
        zypper.args(["300", "zypper", "--root", &root, "--non-interactive", "install", "--no-recommends", "kubectl"]);
        self.ended(&mut zypper)
    }

    /// Runs a client, and says whether the program is there afterwards.
    fn ended(&self, command: &mut Command) -> (bool, String) {
        let output = command.env("LC_ALL", "C.UTF-8").env("HOME", "/root").output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let is_there = Path::new(&self.at("root/usr/bin/kubectl")).exists();
        assert_eq!(output.status.success(), is_there, "{said}");
        (is_there, said)
    }
}

#[test]
fn dnf_and_zypper_install_what_every_keeper_signed() {
    for algorithm in ["rsa4096", "ed25519"] {
        let keys = Keys::new();
        keys.generate(algorithm, "");
        for keeper in Keeper::ALL {
            let rig = keeper.build(&keys);
            let rpm = package(&rig, ".rpm");
            let (is_there, said) = Site::new(&rpm).dnf(&keys);
            assert!(is_there, "{keeper:?} {algorithm}: {said}");
            let (is_there, said) = Site::new(&rpm).zypper(&keys);
            assert!(is_there, "{keeper:?} {algorithm}: {said}");
        }
    }
}

#[test]
fn dnf_and_zypper_refuse_unsigned_changed_and_foreign_packages() {
    let (keys, others) = (Keys::new(), Keys::new());
    keys.generate("ed25519", "");
    others.generate("ed25519", "");
    let rig = Keeper::File.build(&keys);
    let (rpm, changed) = (package(&rig, ".rpm"), keys.path("changed.rpm"));
    let other = Keeper::File.build(&others);
    let foreign = package(&other, ".rpm");
    let refused = |package: &Path, what: &str| {
        for (client, (is_there, said)) in
            [("dnf", Site::new(package).dnf(&keys)), ("zypper", Site::new(package).zypper(&keys))]
        {
            assert!(!is_there, "{client} takes a package {what}: {said}");
        }
    };
    // The repository is made of the changed package, so that its digests fit.
    for at in changed::places_of_rpm(&fs_err::read(&rpm).unwrap()) {
        flipped(&rpm, at, &changed);
        refused(&changed, &format!("with another bit at {at}"));
    }
    kubepkg::package::signing::remove(&rpm, &changed).unwrap();
    refused(&changed, "without signature");
    refused(&foreign, "of another key");
}
