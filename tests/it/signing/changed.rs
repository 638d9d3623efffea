//! One changed bit anywhere, and the package is refused.

use kubepkg::package::signing;
use kubepkg::sign::Certificate;

use super::accepted::{debsig, rpm};
use super::keeper::Keeper;
use super::*;

/// Returns where something stands in a file.
fn find(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes.windows(wanted.len()).position(|window| window == wanted).unwrap()
}

pub(crate) fn flipped(package: &Path, at: usize, to: &Path) {
    let mut bytes = fs_err::read(package).unwrap();
    bytes[at] ^= 1;
    fs_err::write(to, bytes).unwrap();
}

/// Places in a signed deb: its version, its control, its data, and its signature at the beginning and in the middle.
pub(crate) fn places_of_deb(bytes: &[u8]) -> Vec<usize> {
    let member = |name: &[u8]| find(bytes, name);
    // Behind the member's header and the first line of the armor.
    let signature = member(b"_gpgorigin") + 60 + 31;
    vec![69, member(b"control.tar") + 160, member(b"data.tar") + 260, signature + 8, signature + 100]
}

/// Places in a signed RPM: its signature, its header, its payload.
pub(crate) fn places_of_rpm(bytes: &[u8]) -> Vec<usize> {
    let header = find(&bytes[200..], b"\x8e\xad\xe8") + 200;
    let summary = find(&bytes[header..], b"Command") + header;
    // A binary signature with SHA-512 (RFC 9580, 5.2.3): its first hashed bytes, and one of its numbers.
    let rsa = bytes[..header].windows(4).position(|window| window == [4, 0, 1, 10]);
    let signature = rsa.unwrap_or_else(|| find(&bytes[..header], &[4, 0, 22, 10]));
    vec![signature + 12, signature + 65, summary, bytes.len() - 500]
}

#[test]
fn a_flipped_bit_is_found_by_us_and_by_real_tools() {
    for algorithm in ["rsa4096", "ed25519"] {
        let keys = Keys::new();
        keys.generate(algorithm, "");
        let signer = keys.fingerprints().remove(1);
        let certificates = Certificate::parse(&fs_err::read(keys.public()).unwrap()).unwrap();
        for keeper in Keeper::ALL {
            let rig = keeper.build(&keys);
            let (deb, changed) = (package(&rig, ".deb"), keys.path("changed.deb"));
            assert_eq!(signing::verify(&deb, &certificates).unwrap(), signer);
            for at in places_of_deb(&fs_err::read(&deb).unwrap()) {
                flipped(&deb, at, &changed);
                assert!(signing::verify(&changed, &certificates).is_err(), "{keeper:?} {algorithm} byte {at}");
                let (is_good, said) = debsig(&keys, &changed);
                assert!(!is_good, "{keeper:?} {algorithm} byte {at}: {said}");
            }
            let (rpm_file, changed) = (package(&rig, ".rpm"), keys.path("changed.rpm"));
            assert_eq!(signing::verify(&rpm_file, &certificates).unwrap(), signer);
            for at in places_of_rpm(&fs_err::read(&rpm_file).unwrap()) {
                flipped(&rpm_file, at, &changed);
                assert!(signing::verify(&changed, &certificates).is_err(), "{keeper:?} {algorithm} byte {at}");
                let (is_good, said) = rpm(&keys, &changed);
                assert!(!is_good, "{keeper:?} {algorithm} byte {at}: {said}");
            }
        }
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
