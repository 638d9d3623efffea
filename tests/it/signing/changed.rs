//! One changed bit anywhere, and the package is refused.

use kubepkg::package::signing;
use kubepkg::sign::Certificate;

use super::accepted::{debsig, rpm};
use super::*;

/// Returns where something stands in a file.
fn find(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes.windows(wanted.len()).position(|window| window == wanted).unwrap()
}

fn flipped(package: &Path, at: usize, to: &Path) {
    let mut bytes = fs_err::read(package).unwrap();
    bytes[at] ^= 1;
    fs_err::write(to, bytes).unwrap();
}

#[test]
fn a_flipped_bit_is_found_by_us_and_by_real_tools() {
    let keys = Keys::new();
    keys.generate("ed25519", "");
    let signer = keys.fingerprints().remove(1);
    let rig = build(&keys.secret());
    let certificates = Certificate::parse(&fs_err::read(keys.public()).unwrap()).unwrap();
    let (deb, changed) = (package(&rig, ".deb"), keys.path("changed.deb"));
    let bytes = fs_err::read(&deb).unwrap();
    assert_eq!(signing::verify(&deb, &certificates).unwrap(), signer);
    let members = [find(&bytes, b"control.tar"), find(&bytes, b"data.tar"), find(&bytes, b"_gpgorigin")];
    for at in [70, members[0] + 100, members[1] + 5000, members[2] + 60 + 60] {
        flipped(&deb, at, &changed);
        assert!(signing::verify(&changed, &certificates).is_err(), "byte {at}");
        let (is_good, said) = debsig(&keys, &signer, &changed);
        assert!(!is_good, "byte {at}: {said}");
    }
    let (rpm_file, changed) = (package(&rig, ".rpm"), keys.path("changed.rpm"));
    let bytes = fs_err::read(&rpm_file).unwrap();
    assert_eq!(signing::verify(&rpm_file, &certificates).unwrap(), signer);
    let header = find(&bytes[200..], b"\x8e\xad\xe8") + 200;
    let summary = find(&bytes[header..], b"Command") + header;
    for at in [summary, bytes.len() - 5000] {
        flipped(&rpm_file, at, &changed);
        assert!(signing::verify(&changed, &certificates).is_err(), "byte {at}");
        let (is_good, said) = rpm(&keys, &changed);
        assert!(!is_good, "byte {at}: {said}");
    }
}

#[test]
fn keys_that_are_not_given_and_packages_without_signature_prove_nothing() {
    let (keys, others) = (Keys::new(), Keys::new());
    keys.generate("ed25519", "");
    others.generate("ed25519", "");
    let rig = build(&keys.secret());
    let certificates = Certificate::parse(&fs_err::read(others.public()).unwrap()).unwrap();
    for end in [".deb", ".rpm"] {
        let package = package(&rig, end);
        let refused = signing::verify(&package, &certificates).unwrap_err().to_string();
        assert!(refused.contains("none of the given keys"), "{refused}");
        assert!(refused.contains(&keys.fingerprints()[1]), "{refused}");
        let unsigned = keys.path("unsigned");
        signing::remove(&package, &unsigned).unwrap();
        assert_eq!(signing::verify(&unsigned, &certificates).unwrap_err().to_string(), "not signed");
    }
}

#[test]
fn a_revoked_key_proves_nothing_about_what_it_signed_before() {
    let keys = Keys::new();
    let primary = keys.generate("ed25519", "");
    let rig = build(&keys.secret());
    keys::revoke_subkey(&keys, &primary);
    let certificates = Certificate::parse(&fs_err::read(keys.public()).unwrap()).unwrap();
    let refused = signing::verify(&package(&rig, ".rpm"), &certificates).unwrap_err().to_string();
    assert!(refused.contains("revoked"), "{refused}");
}
