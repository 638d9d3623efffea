//! Who keeps the secret half: a file, gpg's agent, a program.

use super::*;

/// Where the key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeper {
    File,
    Gpg,
    Command,
}

impl Keeper {
    pub(crate) const ALL: [Self; 3] = [Self::File, Self::Gpg, Self::Command];

    /// Sets a command of the program up to sign with the newest key of `keys`.
    pub(super) fn sign(self, keys: &Keys, command: &mut Command) {
        match self {
            Self::File => command.arg("--sign-key").arg(keys.secret()),
            Self::Gpg => command.arg("--sign-gpg").arg(keys.fingerprints().remove(0)).env("GNUPGHOME", keys.path("")),
            Self::Command => {
                let binary = keys.path("secret.pgp");
                keys.gpg(&["--output", binary.to_str().unwrap(), "--export-secret-keys"]);
                command.arg("--sign-command").arg(crate::program::root("tests/it/signing/keeper.py"));
                command.arg("--sign-certificate").arg(keys.public()).env("KEEPER_KEY", binary)
            }
        };
    }

    /// Builds a deb and an RPM that are signed.
    #[track_caller]
    pub(crate) fn build(self, keys: &Keys) -> Rig {
        let rig = Rig::new();
        let mut command = rig.command(BUILD);
        self.sign(keys, &mut command);
        let ran = Ran::from(command.output().unwrap());
        assert_eq!(ran.code, 0, "{self:?}: {}", ran.stderr);
        rig.assert_tidy();
        rig
    }
}

#[test]
fn gpg_and_a_program_sign_the_same_bytes_twice() {
    for (keeper, algorithm) in [(Keeper::Gpg, "rsa3072"), (Keeper::Gpg, "ed25519"), (Keeper::Command, "ed25519")] {
        let keys = Keys::new();
        keys.generate(algorithm, "");
        assert!(keeper.build(&keys).packages() == keeper.build(&keys).packages(), "{keeper:?} {algorithm}");
    }
    // What the program signs with is the same key in another place, so that the signature is the same too.
    let keys = Keys::new();
    keys.generate("rsa3072", "");
    assert!(Keeper::File.build(&keys).packages() == Keeper::Command.build(&keys).packages());
}

#[test]
fn gpg_signs_with_the_subkey_that_is_meant_and_asks_its_agent() {
    let keys = Keys::new();
    let primary = keys.generate("ed25519", "");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    keys.gpg(&["--passphrase", "", "--quick-add-key", &primary, "rsa3072", "sign", "1y"]);
    let all = keys.fingerprints();
    let rig = Rig::new();
    let signer = |name: &str| {
        let mut command = rig.command(&format!("{BUILD} --no-cache --json --sign-gpg {name}"));
        let ran = Ran::from(command.env("GNUPGHOME", keys.path("")).output().unwrap());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.json()["packages"][0]["signer"].as_str().unwrap().to_owned()
    };
    assert_eq!(signer(&all[0]), all[2], "the newest");
    assert_eq!(signer("release@example.org"), all[2], "by mail");
    assert_eq!(signer(&format!("{}!", all[1])), all[1], "that very subkey");
    assert_eq!(signer(&format!("0x{}!", all[1][24..].to_lowercase())), all[1], "by its key id");
    let fails = |name: &str, words: &str| {
        let mut command = rig.command(&format!("{BUILD} --sign-gpg {name}"));
        let ran = Ran::from(command.env("GNUPGHOME", keys.path("")).output().unwrap());
        assert!(ran.code == 8 && ran.stderr.contains(words), "{name}: {} {}", ran.code, ran.stderr);
    };
    fails("nobody@example.org", "gpg has no key of that name");
    fails(&format!("{}!", all[0]), "not made for signing");
    // Without the secret halves.
    let (public, other) = (keys.public(), Keys::new());
    other.gpg(&["--import", public.to_str().unwrap()]);
    let mut command = rig.command(&format!("{BUILD} --sign-gpg {primary}"));
    let ran = Ran::from(command.env("GNUPGHOME", other.path("")).output().unwrap());
    assert!(ran.code == 8 && ran.stderr.contains("is here"), "{} {}", ran.code, ran.stderr);
}

#[test]
fn a_locked_key_of_gpg_is_opened_by_its_agent() {
    let keys = Keys::new();
    keys.generate("ed25519", "correct horse");
    let build = |rig: &Rig| {
        let mut command = rig.command(BUILD);
        Keeper::Gpg.sign(&keys, &mut command);
        Ran::from(command.output().unwrap())
    };
    keys.pinentry("echo 'ERR 83886179 canceled'");
    let ran = build(&Rig::new());
    assert!(ran.code == 8 && ran.stderr.contains("`gpg` failed"), "{} {}", ran.code, ran.stderr);
    keys.pinentry("echo 'D correct horse'; echo OK");
    let ran = build(&Rig::new());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!ran.stderr.contains("correct horse"));
}

#[test]
fn a_program_that_does_not_sign_is_told_of() {
    let keys = Keys::new();
    keys.generate("ed25519", "");
    let (certificate, script) = (keys.public(), keys.path("keeper"));
    let fails = |text: &str, words: &str| {
        fs_err::write(&script, format!("#!/bin/sh\n{text}\n")).unwrap();
        assert!(Command::new("chmod").arg("+x").arg(&script).status().unwrap().success());
        let rig = Rig::new();
        let line = format!("{BUILD} --sign-certificate {}", certificate.display());
        rig.fails(&format!("{line} --sign-command {}", script.display()), 8, words);
        assert!(rig.packages().is_empty());
    };
    fails("echo 'the card is not there' >&2; exit 3", "the card is not there");
    fails("cat", "is bad");
    fails("cat >/dev/null; printf short", "a signature has 64 bytes, and it wrote 5");
    fails("cat >/dev/null; head -c 2000000 /dev/zero", "more than 1048576 bytes");
    fails("kill -9 $$", "signal: 9");
    let rig = Rig::new();
    rig.fails(&format!("{BUILD} --sign-command true"), 2, "whose signatures");
    rig.fails(&format!("{BUILD} --sign-command /nothing --sign-certificate {}", certificate.display()), 8, "/nothing");
    rig.fails(&format!("{BUILD} --sign-gpg X --sign-key {}", keys.secret().display()), 2, "more than one key");
}
