//! What Debian 13 makes of signatures: sqv, by which its apt judges, and rpm 4.20.

use std::path::{Path, PathBuf};

use super::file_name;
use super::root::Root;
use super::system::SEQUOIA;
use crate::signing::keeper::Keeper;
use crate::signing::{Keys, changed, package};

const MESSAGE: &str = "cd \"$1\" && ar x \"$2\" && cat debian-binary control.tar.* data.tar.* >message";
/// With the policy of its apt.
const SQV: &str = "SEQUOIA_CRYPTO_POLICY=/usr/share/apt/default-sequoia.config \
    sqv --keyring /packages/public.asc /packages/_gpgorigin /packages/message";
const RPM: &str = "rpmkeys --define '_pkgverify_level all' --checksig /packages/package.rpm | tee /dev/stderr \
    | grep -qx '/packages/package.rpm: digests signatures OK'";

/// A root in which a key is known.
struct Judge {
    root: Root,
    folder: tempfile::TempDir,
}

impl Judge {
    fn new(keys: &Keys) -> Self {
        let judge = Self { root: Root::of(SEQUOIA), folder: tempfile::tempdir().unwrap() };
        judge.root.put(&[keys.public()]);
        judge.root.ok(&["rpmkeys", "--import", "/packages/public.asc"]);
        judge
    }

    /// Whether sqv takes a deb's signature. ar(1) takes the deb apart.
    fn sqv(&self, deb: &Path) -> bool {
        let at = |name: &str| self.folder.path().join(name);
        let folder = self.folder.path().to_str().unwrap();
        let ar = std::process::Command::new("sh").args(["-c", MESSAGE, "sh", folder]).arg(deb).status();
        // What is no archive any more is refused by everybody.
        ar.unwrap().success() && {
            self.root.put(&[at("_gpgorigin"), at("message")]);
            self.says(SQV)
        }
    }

    fn rpm(&self, rpm: &Path) -> bool {
        let copy = self.folder.path().join("package.rpm");
        fs_err::copy(rpm, &copy).unwrap();
        self.root.put(&[copy]);
        self.says(RPM)
    }

    fn says(&self, script: &str) -> bool {
        let said = self.root.ok(&["sh", "-c", &format!("if {script}; then echo good; else echo bad; fi")]);
        said.lines().last() == Some("good")
    }
}

#[test]
fn debian_13_takes_what_every_keeper_signed_and_nothing_that_was_changed() {
    for algorithm in ["rsa4096", "ed25519"] {
        let keys = Keys::new();
        keys.generate(algorithm, "");
        let judge = Judge::new(&keys);
        for keeper in Keeper::ALL {
            let rig = keeper.build(&keys);
            let packages: [PathBuf; 2] = [".deb", ".rpm"].map(|end| package(&rig, end));
            let [deb, rpm] = &packages;
            assert!(judge.sqv(deb), "{keeper:?} {algorithm} {}", file_name(deb));
            assert!(judge.rpm(rpm), "{keeper:?} {algorithm} {}", file_name(rpm));
            let changed = keys.path("changed");
            for at in changed::places_of_deb(&fs_err::read(deb).unwrap()) {
                changed::flipped(deb, at, &changed);
                assert!(!judge.sqv(&changed), "{keeper:?} {algorithm} deb {at}");
            }
            for at in changed::places_of_rpm(&fs_err::read(rpm).unwrap()) {
                changed::flipped(rpm, at, &changed);
                assert!(!judge.rpm(&changed), "{keeper:?} {algorithm} RPM {at}");
            }
        }
    }
}

/// What `key check` says of Debian 13 is so.
#[test]
fn debian_13_refuses_what_the_check_says_it_refuses() {
    let user = "Release Team <release@example.org>";
    for (digest, algorithm) in [("SHA1", "rsa3072"), ("SHA512", "rsa1024"), ("SHA512", "dsa2048")] {
        let keys = Keys::new();
        let options = ["--cert-digest-algo", digest, "--passphrase", "", "--quick-generate-key", user];
        keys.gpg(&[&options[..], &[algorithm, "sign", "5y"]].concat());
        let folder = tempfile::tempdir().unwrap();
        let (message, signature) = (folder.path().join("message"), folder.path().join("_gpgorigin"));
        fs_err::write(&message, "text").unwrap();
        let to = signature.to_str().unwrap();
        keys.gpg(&["--digest-algo", "SHA512", "--output", to, "--detach-sign", message.to_str().unwrap()]);
        let judge = Judge { root: Root::of(SEQUOIA), folder };
        judge.root.put(&[keys.public(), message, signature]);
        assert!(!judge.says(SQV), "{digest} {algorithm}");
        let mut check = crate::program::command();
        let said = crate::program::run(check.args(["key", "check"]).arg(keys.public()));
        assert!(said.code == 8 && said.stdout.contains("Debian 13"), "{digest} {algorithm}: {}", said.stdout);
    }
}
