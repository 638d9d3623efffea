//! `kubepkg key check`: what clients refuse, and who they are.

use super::*;

/// What the check says of a key, with its exit code, so many days from now.
fn check(key: &Path, days: u32) -> (i32, String) {
    let mut command = Command::new("faketime");
    command.arg(format!("+{days} days")).arg(crate::cli::KUBEPKG).args(["key", "check"]).arg(key);
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.stderr, "");
    (ran.code, ran.stdout)
}

#[track_caller]
fn finds(key: &Path, days: u32, words: &[&str]) {
    let (code, said) = check(key, days);
    assert!(code == 8 && words.iter().all(|word| said.contains(word)), "{code} {said}");
}

#[test]
fn good_keys_are_good() {
    for algorithm in ["rsa3072", "rsa4096", "ed25519"] {
        let keys = Keys::new();
        keys.generate(algorithm, "");
        for key in [keys.public(), keys.secret()] {
            let (code, said) = check(&key, 0);
            assert!(code == 0 && said.ends_with(": good\n"), "{code} {said}");
        }
    }
}

#[test]
fn a_key_that_ends_is_told_of_half_a_year_before() {
    let keys = Keys::new();
    keys.generate("ed25519", "");
    let key = keys.public();
    assert_eq!(check(&key, 2 * 365 - 190).0, 0);
    finds(&key, 2 * 365 - 100, &["it expires in", "refused from 20", "apt, dnf, zypper"]);
    finds(&key, 2 * 365 + 1, &["it is expired", "none of its keys can sign"]);
    finds(&key, 5 * 365 + 10, &["it is expired"]);
}

#[test]
fn self_signatures_that_can_be_forged_are_found() {
    for digest in ["SHA1", "RIPEMD160"] {
        let keys = Keys::new();
        let user = "Release Team <release@example.org>";
        let weak = ["--cert-digest-algo", digest, "--passphrase", ""];
        keys.gpg(&[&weak[..], &["--quick-generate-key", user, "rsa3072", "sign", "5y"]].concat());
        finds(&keys.public(), 0, &["its self-signature", &format!("made with {digest}"), "Debian 13"]);
        // As the remedy says.
        let primary = keys.fingerprints().remove(0);
        std::thread::sleep(std::time::Duration::from_millis(1100));
        let strong = ["--cert-digest-algo", "SHA512", "--passphrase", ""];
        keys.gpg(&[&strong[..], &["--quick-set-expire", &primary, "4y"]].concat());
        assert_eq!(check(&keys.public(), 0).0, 0);
    }
}

#[test]
fn keys_that_are_short_or_cannot_sign_or_are_revoked_are_found() {
    let one = |algorithm: &str, usage: &str| {
        let keys = Keys::new();
        keys.primary(algorithm, "", usage);
        keys
    };
    finds(&one("rsa1024", "sign").public(), 0, &["it is too short (RSA-1024)", "apt of Debian 13", "rpm 4.20"]);
    finds(&one("dsa2048", "sign").public(), 0, &["(DSA)", "apt of Debian 13"]);
    finds(&one("ed25519", "cert").public(), 0, &["none of its keys can sign"]);
    let keys = one("ed25519", "sign");
    let primary = keys.fingerprints().remove(0);
    let revocation = keys.path(&format!("openpgp-revocs.d/{primary}.rev"));
    let text = fs_err::read_to_string(&revocation).unwrap().replace(":-----", "-----");
    fs_err::write(&revocation, text).unwrap();
    keys.gpg(&["--import", revocation.to_str().unwrap()]);
    finds(&keys.public(), 0, &["it is revoked", "apt, dnf, zypper"]);
    // RSA of 2048 bits is good until a year before it is not.
    let keys = one("rsa2048", "sign");
    assert_eq!(check(&keys.public(), 0).0, 0);
    let json = Command::new("faketime")
        .args(["2029-06-01", crate::cli::KUBEPKG, "key", "check", "--json"])
        .arg(keys.public())
        .output()
        .unwrap();
    let ran = Ran::from(json);
    assert_eq!(ran.json()["findings"][0]["from"], 1_896_134_400, "{}", ran.stdout);
}

#[test]
fn a_build_with_a_key_that_clients_will_refuse_is_warned_of() {
    let (keys, rig) = (Keys::new(), Rig::new());
    let user = "Release Team <release@example.org>";
    let weak = ["--cert-digest-algo", "SHA1", "--passphrase", ""];
    keys.gpg(&[&weak[..], &["--quick-generate-key", user, "rsa3072", "sign", "5y"]].concat());
    let said = rig.good(&format!("{BUILD} --sign-key {}", keys.secret().display())).stderr;
    assert!(said.contains("warning") && said.contains("made with SHA1"), "{said}");
}
