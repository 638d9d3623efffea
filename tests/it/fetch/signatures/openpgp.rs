//! Detached OpenPGP signatures, made by gpg.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use super::pki::Pki;
use super::*;

/// A folder of gpg with one key.
struct Gpg {
    home: tempfile::TempDir,
    fingerprint: String,
}

impl Gpg {
    fn new(algorithm: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut gpg = Self { home, fingerprint: String::new() };
        let user = "Release <release@example.org>";
        gpg.run(&["--passphrase", "", "--quick-generate-key", user, algorithm, "sign", "0"]);
        let listed = gpg.run(&["--with-colons", "--list-keys"]);
        let line = listed.lines().find(|line| line.starts_with("fpr:")).unwrap();
        line.split(':').nth(9).unwrap().clone_into(&mut gpg.fingerprint);
        gpg
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new("gpg")
            .args(["--homedir", self.home.path().to_str().unwrap(), "--batch", "--yes"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "gpg: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn certificate(&self) -> String {
        self.run(&["--armor", "--export"])
    }

    fn sign(&self, bytes: &[u8]) -> String {
        let file = self.home.path().join("message");
        fs_err::write(&file, bytes).unwrap();
        self.run(&["--armor", "--detach-sign", "--output", "-", text(&file)])
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").args(["--homedir", text(self.home.path()), "--kill", "all"]).status();
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn pinned(keys: &str, fingerprint: &str) -> Signature<&'static str> {
    Signature::OpenPgp { signature: "agent.asc", keys: Arc::from(keys), fingerprints: vec![fingerprint.to_owned()] }
}

#[test]
fn a_pinned_key_vouches_and_no_other_of_the_file() {
    let root = Pki::new().pem();
    for algorithm in ["rsa3072", "ed25519"] {
        let (gpg, other) = (Gpg::new(algorithm), Gpg::new("ed25519"));
        let keys = gpg.certificate() + &other.certificate();
        let signature = pinned(&keys, &gpg.fingerprint);
        let good = Evidence::OpenPgp { url: String::new(), fingerprint: gpg.fingerprint.clone() };
        assert_eq!(accepted(&root, &signature, &files([("agent.asc", gpg.sign(&body()))])), good);
        refused(&root, &signature, &files([("agent.asc", other.sign(&body()))]), "none of the given keys");
        refused(&root, &signature, &files([("agent.asc", gpg.sign(b"another file"))]), "is bad");
    }
}

#[test]
fn what_is_no_signature_is_refused() {
    let root = Pki::new().pem();
    let gpg = Gpg::new("ed25519");
    let signature = pinned(&gpg.certificate(), &gpg.fingerprint);
    let signed = gpg.sign(&body());
    for text in ["", "<html>", &signed[..signed.len() / 2], &gpg.certificate()] {
        refused(&root, &signature, &files([("agent.asc", text.to_owned())]), "no OpenPGP signature");
    }
}
