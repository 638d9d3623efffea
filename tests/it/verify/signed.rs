//! Signatures against the keys of who may have made them.

use std::path::PathBuf;

use super::damaged::{is_idle_in_ar, part, parts, unnoticed};
use super::*;
use crate::signing::{Keys, package};
use kubepkg::sign::Certificate;
use kubepkg::verify::{Question, Signatures};

fn certificates(file: &Path) -> Vec<Certificate> {
    Certificate::parse(&fs_err::read(file).unwrap()).unwrap()
}

fn signed_by(file: &Path) -> impl Fn(&Path) -> Outcome {
    let signatures = Signatures { certificates: certificates(file) };
    move |package| verify(package, &[&signatures as &dyn Question]).outcome()
}

#[test]
fn a_signature_is_good_by_a_key_that_is_given_in_any_form() {
    let (keys, others) = (Keys::new(), Keys::new());
    keys.generate("ed25519", "");
    others.generate("ed25519", "");
    let signer = keys.fingerprints().remove(1);
    let rig = signed(&keys.secret());
    let binary = keys.path("public.gpg");
    keys.gpg(&["--output", binary.to_str().unwrap(), "--export"]);
    let (armored, other) = (keys.public(), others.public());
    let several = keys.path("several.asc");
    fs_err::write(&several, [fs_err::read(&other).unwrap(), fs_err::read(&armored).unwrap()].concat()).unwrap();
    let option = |files: &[&PathBuf]| -> Vec<String> {
        files.iter().flat_map(|file| ["--key".to_owned(), file.display().to_string()]).collect()
    };
    for end in [".deb", ".rpm"] {
        let package = package(&rig, end);
        for files in [&[&armored][..], &[&binary], &[&several], &[&other, &armored]] {
            let options = option(files);
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            let ran = run(&rig, &options, &[&package]);
            assert_eq!(ran.code, 0, "{files:?}: {}{}", ran.stdout, ran.stderr);
            assert!(ran.stdout.contains(&format!(": signature good: by key {signer}\n")), "{}", ran.stdout);
        }
        let ran = run(&rig, &["--key", other.to_str().unwrap()], &[&package]);
        assert_eq!(ran.code, 9, "{}{}", ran.stdout, ran.stderr);
        let words = format!(": signature not proven: by key {signer}, which is none of those given\n");
        assert!(ran.stdout.contains(&words), "{}", ran.stdout);
        let ran = run(&rig, &[], &[&package]);
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains(&format!(": signature not checked: by key {signer}; ")), "{}", ran.stdout);
        let unsigned = keys.path(&format!("unsigned{end}"));
        kubepkg::package::signing::remove(&package, &unsigned).unwrap();
        let ran = run(&rig, &["--key", armored.to_str().unwrap()], &[&unsigned]);
        assert_eq!(ran.code, 9, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains(": signature not proven: not signed\n"), "{}", ran.stdout);
    }
}

#[test]
fn what_is_no_key_is_told() {
    let rig = Rig::new();
    let (key, package) = (rig.path().join("key"), rig.path().join("x.deb"));
    for bytes in [&b""[..], b"no key", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n"] {
        fs_err::write(&key, bytes).unwrap();
        let ran = run(&rig, &["--key", key.to_str().unwrap()], &[&package]);
        assert!(ran.code == 8 && ran.stderr.contains("cannot use the key"), "{}", ran.stderr);
        assert!(ran.stderr.contains("gpg --export --armor KEY"), "{}", ran.stderr);
    }
}

#[test]
fn any_flipped_bit_of_a_signed_package_is_found() {
    let keys = Keys::new();
    keys.generate("ed25519", "");
    let rig = signed(&keys.secret());
    let public = keys.public();
    let deb = package(&rig, ".deb");
    let bytes = fs_err::read(&deb).unwrap();
    let found = unnoticed(&deb, 7, signed_by(&public));
    let unexplained: Vec<usize> = found.into_iter().filter(|at| !is_idle_in_ar(&bytes, *at)).collect();
    assert_eq!(unexplained, Vec::<usize>::new());
    let rpm = package(&rig, ".rpm");
    let parts = parts(&rpm);
    let found = unnoticed(&rpm, 7, signed_by(&public));
    let unexplained: Vec<(usize, &str)> = found.into_iter().map(|at| (at, part(&parts, at))).collect();
    assert!(unexplained.iter().all(|(at, part)| *part == "lead" && (5..78).contains(at)), "{unexplained:?}");
}
