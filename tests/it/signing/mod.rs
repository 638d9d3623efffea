//! Signed packages: what gpg, rpm and debsig-verify make of them, and which keys are refused.

mod accepted;
pub(crate) mod changed;
mod check;
mod cleartext;
mod clients;
mod generate;
pub(crate) mod keeper;
mod keys;
mod papers;
mod secrets;
mod several;
mod sign;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::cli::{Ran, Rig, packages};

pub(crate) const BUILD: &str = "build kubectl --version 1.36.2 --arch amd64 --compression gzip:1 --quiet";

/// A folder of keys that gpg keeps.
pub(crate) struct Keys(TempDir);

impl Keys {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Makes a primary key that certifies and a subkey that signs, and returns the primary's fingerprint.
    pub(crate) fn generate(&self, algorithm: &str, passphrase: &str) -> String {
        self.primary(algorithm, passphrase, "cert");
        let fingerprint = self.fingerprints().remove(0);
        self.gpg(&["--passphrase", passphrase, "--quick-add-key", &fingerprint, algorithm, "sign", "2y"]);
        fingerprint
    }

    fn primary(&self, algorithm: &str, passphrase: &str, usage: &str) {
        let user = "Release Team <release@example.org>";
        self.gpg(&["--passphrase", passphrase, "--quick-generate-key", user, algorithm, usage, "5y"]);
    }

    /// Runs gpg, which must succeed.
    #[track_caller]
    pub(crate) fn gpg(&self, arguments: &[&str]) -> String {
        let output = self.try_gpg(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn try_gpg(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("gpg");
        command.args(["--batch", "--yes", "--quiet", "--pinentry-mode", "loopback", "--homedir"]).arg(self.0.path());
        command.args(arguments).output().unwrap()
    }

    /// The fingerprints of all keys, each primary key before its subkeys.
    pub(crate) fn fingerprints(&self) -> Vec<String> {
        let listed = self.gpg(&["--with-colons", "--with-subkey-fingerprint", "--list-keys"]);
        let lines = listed.lines().filter(|line| line.starts_with("fpr:"));
        lines.map(|line| line.split(':').nth(9).unwrap().to_owned()).collect()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes what gpg exports into a file.
    fn export(&self, name: &str, passphrase: &str, how: &str) -> PathBuf {
        let path = self.path(name);
        let to = path.to_str().unwrap();
        self.gpg(&["--armor", "--passphrase", passphrase, "--output", to, how]);
        path
    }

    pub(crate) fn secret(&self) -> PathBuf {
        self.export("secret.asc", "", "--export-secret-keys")
    }

    pub(crate) fn public(&self) -> PathBuf {
        self.export("public.asc", "", "--export")
    }
}

impl Keys {
    /// Starts the agent anew, with a pinentry that answers so when it is asked for a passphrase.
    fn pinentry(&self, answer: &str) {
        let program = self.path("pinentry");
        let script = format!(
            "#!/bin/sh\necho OK\nwhile read -r word rest; do\n  case $word in\n    GETPIN) {answer} ;;\n    BYE) exit ;;\n    *) echo OK ;;\n  esac\ndone\n"
        );
        fs_err::write(&program, script).unwrap();
        assert!(Command::new("chmod").arg("+x").arg(&program).status().unwrap().success());
        fs_err::write(self.path("gpg-agent.conf"), format!("pinentry-program {}\n", program.display())).unwrap();
        let mut gpgconf = Command::new("gpgconf");
        assert!(gpgconf.arg("--homedir").arg(self.0.path()).args(["--kill", "gpg-agent"]).status().unwrap().success());
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // Its agent would go on without its folder.
        let _ = Command::new("gpgconf").arg("--homedir").arg(self.0.path()).args(["--kill", "all"]).status();
    }
}

/// Builds a deb and an RPM that are signed.
fn build(key: &Path) -> Rig {
    let rig = Rig::new();
    rig.good(&format!("{BUILD} --sign-key {}", key.display()));
    rig.assert_tidy();
    rig
}

pub(crate) fn package(rig: &Rig, end: &str) -> PathBuf {
    packages(&rig.dist()).into_iter().find(|path| path.to_str().unwrap().ends_with(end)).unwrap()
}
