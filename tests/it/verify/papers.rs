//! Papers: whose they are, and whether they agree with the package.

use super::*;
use crate::papers::{provenance, sbom};
use crate::signing::{Keys, package};

const BUILD: &str = "build kubectl --version 1.36.2 --arch amd64 --compression gzip:1 --quiet";

#[test]
fn papers_say_what_a_package_is_made_of_and_by_whom() {
    let (keys, others) = (Keys::new(), Keys::new());
    for keys in [&keys, &others] {
        keys.generate("ed25519", "");
    }
    let rig = signed(&keys.secret());
    let (public, other) = (keys.public().display().to_string(), others.public().display().to_string());
    for end in [".deb", ".rpm"] {
        let package = package(&rig, end);
        let ran = run(&rig, &["--key", &public], &[&package]);
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        let said = format!(
            ": provenance good: by key {}; kubepkg {} made it of https://dl.k8s.io/release/v1.36.2/bin/linux/amd64/kubectl (sha256:",
            keys.fingerprints()[1],
            env!("CARGO_PKG_VERSION")
        );
        assert!(ran.stdout.contains(&said), "{}", ran.stdout);
        assert!(ran.stdout.contains("; published digest=sha512:"), "{}", ran.stdout);
        assert!(ran.stdout.contains(": sbom good: agrees with 1 file, and names "), "{}", ran.stdout);
        let ran = run(&rig, &["--key", &other], &[&package]);
        assert_eq!(ran.code, 9, "{}", ran.stdout);
        assert!(ran.stdout.contains(": provenance not proven: by key "), "{}", ran.stdout);
        let ran = run(&rig, &[], &[&package]);
        assert_eq!(ran.code, 0, "{}", ran.stdout);
        assert!(ran.stdout.contains(": provenance not checked: by key "), "{}", ran.stdout);
    }
}

#[test]
fn missing_papers_are_told_and_fail_only_where_they_are_asked_for() {
    let (rig, keys) = (Rig::new(), Keys::new());
    keys.generate("ed25519", "");
    rig.good(BUILD);
    let package = package(&rig, ".deb");
    let ran = run(&rig, &["--require-papers"], &[&package]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    let key = keys.public().display().to_string();
    let ran = run(&rig, &["--key", &key], &[&package]);
    assert!(ran.code == 9 && ran.stdout.contains("provenance not proven: not signed; kubepkg"), "{}", ran.stdout);
    fs_err::remove_file(sbom(&package)).unwrap();
    let ran = run(&rig, &[], &[&package]);
    assert!(ran.code == 0 && ran.stdout.contains("sbom not checked: no `"), "{}", ran.stdout);
    fs_err::remove_file(provenance(&package)).unwrap();
    let ran = run(&rig, &[], &[&package]);
    assert!(ran.code == 0 && ran.stdout.contains("provenance not checked: no papers beside"), "{}", ran.stdout);
    let ran = run(&rig, &["--require-papers"], &[&package]);
    assert!(ran.code == 9 && ran.stdout.contains("provenance not proven: no `"), "{}", ran.stdout);
}

#[test]
fn papers_that_do_not_agree_with_the_package_are_bad() {
    let keys = Keys::new();
    keys.generate("ed25519", "");
    let rig = signed(&keys.secret());
    let (deb, rpm) = (package(&rig, ".deb"), package(&rig, ".rpm"));
    let key = keys.public().display().to_string();
    let [line, bill] = [provenance(&deb), sbom(&deb)].map(|path| fs_err::read_to_string(path).unwrap());
    let bad = |words: &str| {
        let ran = run(&rig, &["--key", &key], &[&deb]);
        assert!(ran.code == 6 && ran.stdout.contains(words), "{words}: {}", ran.stdout);
        fs_err::write(provenance(&deb), &line).unwrap();
        fs_err::write(sbom(&deb), &bill).unwrap();
    };
    fs_err::copy(provenance(&rpm), provenance(&deb)).unwrap();
    bad("provenance bad: no statement about a file with sha256:");
    fs_err::write(provenance(&deb), "{}").unwrap();
    bad("provenance bad: line 1: no DSSE envelope");
    // Another word in what is signed, one that the package does not contradict.
    let (envelope, _) = crate::papers::envelopes(&deb).remove(0);
    let payload = tampered(envelope["payload"].as_str().unwrap(), "published", "forgotten");
    let mut forged = envelope;
    forged["payload"] = payload.into();
    fs_err::write(provenance(&deb), forged.to_string()).unwrap();
    bad("provenance bad: the signature of ");
    fs_err::write(sbom(&deb), bill.replacen("kubectl", "kubelet", 1)).unwrap();
    bad("sbom bad: has sha256:");
    // Without the provenance the bill is compared with the files alone.
    fs_err::remove_file(provenance(&deb)).unwrap();
    let hash =
        crate::papers::sha256(&crate::mirror::fixtures().join(crate::mirror::program("1.36.2", "amd64", "kubectl")));
    fs_err::write(sbom(&deb), bill.replace(&hash, &"0".repeat(64))).unwrap();
    bad("sbom bad: `/usr/bin/kubectl` has sha256:");
    fs_err::remove_file(provenance(&deb)).unwrap();
    fs_err::write(sbom(&deb), bill.replace("/usr/bin/kubectl", "/usr/bin/other")).unwrap();
    bad("sbom bad: no file `/usr/bin/other`");
    assert_eq!(run(&rig, &["--key", &key], &[&deb]).code, 0);
}

/// Replaces a word in a payload.
fn tampered(payload: &str, word: &str, by: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let text = String::from_utf8(STANDARD.decode(payload).unwrap()).unwrap();
    assert!(text.contains(word));
    STANDARD.encode(text.replacen(word, by, 1))
}
