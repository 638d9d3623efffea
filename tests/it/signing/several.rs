//! Signatures that have an end, and RPMs that have several, as rpm 6 signs them.

use base64::Engine as _;
use kubepkg::package::signing;
use kubepkg::sign::{Certificate, Packets, Signature, Signatures, VerifyError};
use kubepkg::source_date::SourceDate;
use rpm::{Header, HeaderEntry, IndexData, IndexSignatureTag};

use super::keeper::Keeper;
use super::*;

const MADE: &str = "20260601T000000";

fn at(day: &str) -> SourceDate {
    // Days of 2026-06, in seconds since 1970.
    SourceDate::from_epoch(1_780_272_000 + (day.parse::<u32>().unwrap() - 1) * 24 * 60 * 60)
}

#[test]
fn a_signature_is_worth_nothing_behind_its_own_end() {
    let keys = Keys::new();
    keys.gpg(&[
        "--faked-system-time",
        "20260101T000000",
        "--passphrase",
        "",
        "--quick-generate-key",
        "A <a@example.org>",
        "ed25519",
        "cert,sign",
        "5y",
    ]);
    let (message, signature) = (keys.path("message"), keys.path("message.asc"));
    fs_err::write(&message, "text").unwrap();
    let to = signature.to_str().unwrap();
    let sign = ["--faked-system-time", MADE, "--default-sig-expire", "10d", "--armor", "--output", to, "--detach-sign"];
    keys.gpg(&[&sign[..], &[message.to_str().unwrap()]].concat());
    let certificates = Certificate::parse(&fs_err::read(keys.public()).unwrap()).unwrap();
    let bytes = fs_err::read(&signature).unwrap();
    let all = Signatures::parse(&bytes).unwrap();
    let verify = |day: &str| all.verify_of(Packets::Current, &certificates, at(day), b"text");
    assert_eq!(verify("5").unwrap().len(), 1);
    let error = verify("12").unwrap_err();
    assert_eq!(
        error.to_string().split(" is good until ").nth(1),
        Some("2026-06-11T00:00:00Z and no longer"),
        "{error}"
    );
    // Whoever has to be believed for ever needs one without an end.
    let error = certificates[0].verify(&Signature::parse(&bytes).unwrap(), &b"text"[..]).unwrap_err();
    assert!(matches!(error, VerifyError::Ended { .. }), "{error}");
    assert!(all.verify(&certificates, b"text").is_err());
    // gpgv is of the same mind today.
    let keyring = keys.path("keyring.gpg");
    keys.gpg(&["--output", keyring.to_str().unwrap(), "--export"]);
    let mut gpgv = Command::new("gpgv");
    let output =
        gpgv.args(["--status-fd", "1", "--keyring"]).arg(&keyring).arg(&signature).arg(&message).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("EXPSIG") && !said.contains("GOODSIG"), "{said}");
}

/// Writes an RPM whose signature header has other signatures of format 6, and whether it keeps that of format 4.
fn with_openpgp(from: &Path, texts: &[String], keeps: bool, to: &Path) {
    let mut package = rpm::Package::open(from).unwrap();
    let (old, new) = ([267, 268].as_slice(), u32::from(IndexSignatureTag::RPMSIGTAG_OPENPGP));
    let entries = package.metadata.signature.get_all_entries().unwrap().into_iter();
    let entries = entries.filter(|(tag, _)| *tag != 62 && (keeps || !old.contains(tag)));
    let entries = entries.chain((!texts.is_empty()).then(|| (new, IndexData::StringArray(texts.to_vec()))));
    let entries = entries.map(|(tag, data)| HeaderEntry::new(tag, data));
    package.metadata.signature = Header::from_entries(entries, IndexSignatureTag::HEADER_SIGNATURES);
    package.write(&mut fs_err::File::create(to).unwrap()).unwrap();
}

#[test]
fn every_signature_of_an_rpm_by_a_known_key_must_be_good() {
    let keys = Keys::new();
    keys.generate("ed25519", "");
    let rig = Keeper::ALL[0].build(&keys);
    let (signed, changed) = (package(&rig, ".rpm"), keys.path("changed.rpm"));
    let certificates = Certificate::parse(&fs_err::read(keys.public()).unwrap()).unwrap();
    let others = Keys::new();
    others.generate("ed25519", "");
    let strangers = Certificate::parse(&fs_err::read(others.public()).unwrap()).unwrap();
    let encoded = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let opened = rpm::Package::open(&signed).unwrap();
    let packet = opened.metadata.signature.get_entry_data_as_binary(IndexSignatureTag::RPMSIGTAG_DSA).unwrap();
    let good = encoded(packet);
    let by = |keys: &Keys| {
        let (message, to) = (keys.path("other"), keys.path("other.sig"));
        fs_err::write(&message, "something else").unwrap();
        keys.gpg(&["--output", to.to_str().unwrap(), "--detach-sign", message.to_str().unwrap()]);
        encoded(&fs_err::read(to).unwrap())
    };
    let verdict = |texts: &[&String], keeps: bool, certificates: &[Certificate]| {
        with_openpgp(&signed, &texts.iter().map(|text| (*text).clone()).collect::<Vec<_>>(), keeps, &changed);
        signing::verify(&changed, certificates).map_err(|error| error.to_string())
    };
    let signer = keys.fingerprints().remove(1);
    let (bad, foreign) = (by(&keys), by(&others));
    assert_eq!(verdict(&[&good], false, &certificates), Ok(signer.clone()));
    assert_eq!(verdict(&[&good, &foreign], true, &certificates), Ok(signer.clone()));
    assert_eq!(verdict(&[&foreign, &good], false, &certificates), Ok(signer));
    assert!(verdict(&[&bad], true, &certificates).unwrap_err().contains("is bad"));
    assert!(
        verdict(&[&good, &foreign], true, &[certificates, strangers.clone()].concat()).unwrap_err().contains("is bad")
    );
    assert!(verdict(&[&good], false, &strangers).unwrap_err().contains("none of the given keys"));
    assert_eq!(verdict(&[], false, &strangers), Err("not signed".to_owned()));
    assert!(verdict(&[&"no base64!".to_owned()], true, &strangers).is_err());
    assert!(verdict(&[&good; 17], false, &strangers).unwrap_err().contains("more than 16 signatures"));
}
