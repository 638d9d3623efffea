//! Packages compared with others, and with what a rebuilder made.

use super::*;
use crate::cli::packages;
use crate::signing::{Keys, package};

const BUILD: &str = "build kubectl --version 1.36.2 --arch amd64 --compression gzip:1 --quiet";

#[test]
fn a_rebuilder_without_the_key_has_the_same_packages_but_for_signatures() {
    let keys = Keys::new();
    keys.generate("ed25519", "");
    let rig = signed(&keys.secret());
    let rebuilt = Rig::new();
    rebuilt.good(BUILD);
    let signed = packages(&rig.dist());
    let signed: Vec<&Path> = signed.iter().map(std::path::PathBuf::as_path).collect();
    let folder = rebuilt.dist();
    let folder = folder.to_str().unwrap();
    let ran = run(&rig, &["--same-as", folder, "--ignore-signature"], &signed);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.stdout.matches(": comparison good: the same bytes as ").count(), 2, "{}", ran.stdout);
    let ran = run(&rig, &["--same-as", folder], &signed);
    assert_eq!(ran.code, 6, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.stdout.matches(": comparison bad: not the same as ").count(), 2, "{}", ran.stdout);
    assert!(ran.stdout.contains("signatures is "), "{}", ran.stdout);
}

#[test]
fn what_differs_is_told() {
    let (one, other) = (Rig::new(), Rig::new());
    one.good(BUILD);
    other.good(&format!("{BUILD} --revision 2"));
    for end in [".deb", ".rpm"] {
        let (one, other) = (package(&one, end), package(&other, end));
        let rig = Rig::new();
        let ran = run(&rig, &["--ignore-signature", "--same-as", other.to_str().unwrap()], &[&one]);
        assert_eq!(ran.code, 6, "{}{}", ran.stdout, ran.stderr);
        let words = "revision is `1.1`, not `2`";
        assert!(ran.stdout.contains(words), "{}", ran.stdout);
    }
    let fast = Rig::new();
    fast.good(&BUILD.replace("gzip:1", "gzip:9"));
    let ran = run(&fast, &["--same-as", package(&one, ".deb").to_str().unwrap()], &[&package(&fast, ".deb")]);
    assert_eq!(ran.code, 6, "{}", ran.stdout);
    assert!(ran.stdout.contains("not how it is packed"), "{}", ran.stdout);
    // Another program.
    let newer = Rig::new();
    newer.good(&BUILD.replace("1.36.2", "1.36.2 --component-version kubectl=1.17.0"));
    let ran = run(&newer, &["--same-as", package(&one, ".deb").to_str().unwrap()], &[&package(&newer, ".deb")]);
    assert!(ran.stdout.contains("files /usr/bin/kubectl content is `sha256:"), "{}", ran.stdout);
}

#[test]
fn what_cannot_be_compared_is_told() {
    let rig = Rig::new();
    rig.good(BUILD);
    let packages = packages(&rig.dist());
    let packages: Vec<&Path> = packages.iter().map(std::path::PathBuf::as_path).collect();
    let ran = run(&rig, &["--same-as", packages[0].to_str().unwrap()], &packages);
    assert!(ran.code == 2 && ran.stderr.contains("one file to compare them with"), "{}", ran.stderr);
    let ran = run(&rig, &["--ignore-signature"], &packages);
    assert!(ran.code == 2 && ran.stderr.contains("--same-as"), "{}", ran.stderr);
    let ran = run(&rig, &["--same-as", "absent"], &packages[..1]);
    assert!(ran.code == 7 && ran.stdout.contains("comparison not readable: "), "{}", ran.stdout);
}
