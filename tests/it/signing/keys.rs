//! Which key of a file signs, and which files are refused.

use super::*;

/// Takes the first subkey back.
pub(super) fn revoke_subkey(keys: &Keys, primary: &str) {
    let script = "printf 'key 1\\nrevkey\\ny\\n0\\n\\ny\\nsave\\n' | gpg --quiet --homedir \"$1\" --pinentry-mode loopback \\
        --passphrase '' --no-tty --command-fd 0 --edit-key \"$2\"";
    let output = Command::new("sh").args(["-c", script, "sh"]).arg(keys.0.path()).arg(primary).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(keys.gpg(&["--with-colons", "--list-keys"]).contains("sub:r:"), "{said}");
}

fn signer(rig: &Rig, key: &Path) -> String {
    let report = rig.good(&format!("{BUILD} --no-cache --json --sign-key {}", key.display())).json();
    report["packages"][0]["signer"].as_str().unwrap().to_owned()
}

#[test]
fn the_newest_key_that_may_sign_is_chosen() {
    let (keys, rig) = (Keys::new(), Rig::new());
    let primary = keys.generate("ed25519", "");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    keys.gpg(&["--passphrase", "", "--quick-add-key", &primary, "rsa3072", "sign", "1y"]);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    keys.gpg(&["--passphrase", "", "--quick-add-key", &primary, "cv25519", "encrypt", "1y"]);
    let all = keys.fingerprints();
    assert_eq!(signer(&rig, &keys.secret()), all[2], "the newer one that signs");
    let subkeys = keys.export("subkeys.asc", "", "--export-secret-subkeys");
    assert_eq!(signer(&rig, &subkeys), all[2], "without the primary's secret half");
    let binary = keys.path("secret.pgp");
    keys.gpg(&["--output", binary.to_str().unwrap(), "--export-secret-keys"]);
    assert_eq!(signer(&rig, &binary), all[2], "binary");
    let alone = Keys::new();
    alone.primary("ed25519", "", "sign");
    assert_eq!(signer(&rig, &alone.secret()), alone.fingerprints()[0], "a primary key that signs");
}

#[test]
fn a_revoked_subkey_does_not_sign() {
    let (keys, rig) = (Keys::new(), Rig::new());
    let primary = keys.generate("ed25519", "");
    let old = keys.fingerprints().remove(1);
    revoke_subkey(&keys, &primary);
    let refused = rig.fails(&format!("{BUILD} --sign-key {}", keys.secret().display()), 8, "revoked");
    assert!(refused.stderr.contains(&old), "{}", refused.stderr);
    assert!(rig.packages().is_empty());
    keys.gpg(&["--passphrase", "", "--quick-add-key", &primary, "ed25519", "sign", "1y"]);
    assert_ne!(signer(&rig, &keys.secret()), old);
}

#[test]
fn keys_that_cannot_sign_are_refused_with_the_reason() {
    let rig = Rig::new();
    let fails = |key: &Path, code, words: &str| {
        rig.fails(&format!("{BUILD} --sign-key {}", key.display()), code, words);
        assert!(rig.packages().is_empty());
    };
    let keys = Keys::new();
    keys.generate("ed25519", "");
    let (secret, text) = (keys.secret(), keys.path("text"));
    fails(&keys.public(), 8, "the public half");
    fs_err::write(&text, "no key\n").unwrap();
    fails(&text, 8, "no OpenPGP key");
    let armor = fs_err::read(&secret).unwrap();
    fs_err::write(&text, &armor[..armor.len() / 2]).unwrap();
    fails(&text, 8, "cannot use the key");
    fails(&keys.path("nothing"), 7, "nothing");
    keys.primary("ed25519", "", "sign");
    fails(&keys.secret(), 8, "more than one key");
    for (algorithm, usage, reason) in [("ed25519", "cert", "not made for signing"), ("rsa1024", "sign", "too short")] {
        let keys = Keys::new();
        keys.primary(algorithm, "", usage);
        fails(&keys.secret(), 8, reason);
    }
}

#[test]
fn a_key_that_ends_is_warned_of_and_then_refused() {
    let (keys, rig) = (Keys::new(), Rig::new());
    let primary = keys.generate("ed25519", "");
    let line = format!("{BUILD} --sign-key {}", keys.secret().display());
    assert!(!rig.good(&line).stderr.contains("expires"));
    let at = |days: u32| {
        let mut command = Command::new("faketime");
        command.arg(format!("+{days} days")).arg(crate::cli::KUBEPKG).args(line.split(' ')).current_dir(rig.path());
        let output = command
            .env("KUBEPKG_UPSTREAM", crate::mirror::fixtures())
            .env("KUBEPKG_TRUST_ROOT", crate::mirror::trust_root())
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = at(2 * 365 - 100);
    assert!(code == 0 && said.contains("expires in 9") | said.contains("expires in 100"), "{code} {said}");
    let (code, said) = at(2 * 365 + 10);
    assert!(code == 8 && said.contains("expired") && said.contains(&keys.fingerprints()[1]), "{code} {said}");
    assert!(!primary.is_empty());
}
