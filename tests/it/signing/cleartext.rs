//! Text inside a signature, as apt reads `InRelease`.

use kubepkg::sign::{CommandKey, Environment, GpgKey, LockedKey, SignError, Signer};
use kubepkg::source_date::SourceDate;

use super::*;

const TEXT: &str = "Origin: Acme\nSuite: stable\n- a dash\n-----BEGIN PGP SIGNATURE-----\n\nÜmläut\n";

fn file(keys: &Keys) -> Box<dyn Signer> {
    let bytes = fs_err::read(keys.secret()).unwrap();
    Box::new(LockedKey::parse(&bytes, now()).unwrap().unlock(b"").unwrap())
}

fn now() -> u32 {
    let text = crate::program::tool("date", ["+%s"]);
    text.trim().parse().unwrap()
}

/// Has gpg and gpgv read a text, and returns what was signed.
fn read(keys: &Keys, text: &str) -> String {
    let (path, ring) = (keys.path("signed"), keys.path("ring.gpg"));
    fs_err::write(&path, text).unwrap();
    keys.gpg(&["--output", ring.to_str().unwrap(), "--export"]);
    crate::program::tool("gpgv", ["--keyring", ring.to_str().unwrap(), path.to_str().unwrap()]);
    keys.gpg(&["--decrypt", path.to_str().unwrap()])
}

#[test]
fn gpg_reads_what_every_keeper_signs() {
    for algorithm in ["rsa3072", "ed25519"] {
        let keys = Keys::new();
        keys.generate(algorithm, "");
        let binary = keys.path("secret.pgp");
        keys.gpg(&["--output", binary.to_str().unwrap(), "--export-secret-keys"]);
        let program = crate::program::root("tests/it/signing/keeper.py");
        let certificate = fs_err::read(keys.public()).unwrap();
        let environment = Environment::default().with("KEEPER_KEY", binary).with("GNUPGHOME", keys.path(""));
        let command = CommandKey::open(program.as_ref(), &certificate, environment.clone(), now()).unwrap();
        let gpg = GpgKey::open("release@example.org", environment, now()).unwrap();
        let signers: [Box<dyn Signer>; 3] = [file(&keys), Box::new(command), Box::new(gpg)];
        for signer in signers {
            for date in [SourceDate::from_epoch(0), SourceDate::from_epoch(now())] {
                let signed = signer.cleartext(TEXT, date).unwrap();
                assert_eq!(signer.cleartext(TEXT, date).unwrap(), signed, "the same bytes");
                assert_eq!(read(&keys, &signed), TEXT, "{algorithm}");
                assert!(signed.starts_with("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nOrigin: Acme\n"));
            }
        }
    }
}

#[test]
fn a_text_without_a_last_line_end_or_with_several_stays_what_it_is() {
    let keys = Keys::new();
    keys.generate("ed25519", "");
    let signer = file(&keys);
    for (text, signed) in [("a", "a\n"), ("a\n", "a\n"), ("a\n\n", "a\n\n"), ("", "\n")] {
        let made = signer.cleartext(text, SourceDate::from_epoch(0)).unwrap();
        assert_eq!(read(&keys, &made), signed, "{text:?}");
    }
}

#[test]
fn blanks_that_no_signature_covers_are_refused() {
    let keys = Keys::new();
    keys.generate("ed25519", "");
    let signer = file(&keys);
    for (text, line) in [("a \n", 1), ("a\nb\t\nc", 2), ("a\r\n", 1), ("a\nb ", 2)] {
        let refused = signer.cleartext(text, SourceDate::from_epoch(0)).unwrap_err();
        assert!(matches!(refused, SignError::TrailingBlank(at) if at == line), "{text:?}: {refused}");
    }
    assert!(signer.cleartext("a b\n c\n", SourceDate::from_epoch(now())).is_ok());
}

#[test]
fn a_changed_text_is_not_what_was_signed() {
    let keys = Keys::new();
    keys.generate("ed25519", "");
    let signed = file(&keys).cleartext(TEXT, SourceDate::from_epoch(now())).unwrap();
    let path = keys.path("changed");
    fs_err::write(&path, signed.replace("Acme", "Acne")).unwrap();
    assert!(!keys.try_gpg(&["--verify", path.to_str().unwrap()]).status.success());
}
