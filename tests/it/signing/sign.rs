//! `kubepkg sign`: signatures put on and taken off afterwards.

use super::*;

#[test]
fn signing_afterwards_gives_the_bytes_of_a_signed_build_and_removing_those_of_an_unsigned_one() {
    let keys = Keys::new();
    keys.generate("rsa3072", "");
    let key = keys.secret();
    let (signed, rig) = (build(&key).written(), Rig::new());
    rig.good(BUILD);
    let unsigned = rig.written();
    let all: Vec<String> = packages(&rig.dist()).iter().map(|path| path.display().to_string()).collect();
    let line = all.join(" ");
    let ran = rig.good(&format!("sign --sign-key {} {line}", key.display()));
    assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), all);
    assert!(rig.written() == signed);
    rig.good(&format!("sign --sign-key {} {line}", key.display()));
    assert!(rig.written() == signed, "one signature stands in place of the other");
    let unsigned_digests = |rig: &Rig| -> Vec<_> {
        packages(&rig.dist()).iter().map(|path| kubepkg::package::signing::unsigned_digest(path).unwrap()).collect()
    };
    let of_signed = unsigned_digests(&rig);
    rig.good(&format!("sign --remove {line}"));
    assert!(rig.written() == unsigned);
    assert_eq!(unsigned_digests(&rig), of_signed, "what a rebuilder compares");
    let whole = rig.packages().into_values().map(|bytes| kubepkg::digest::Digest::sha256(bytes).hex().to_owned());
    assert!(whole.into_iter().all(|digest| of_signed.contains(&digest)));
    rig.assert_tidy();
}

#[test]
fn packages_of_others_are_signed_too() {
    let (keys, folder, rig) = (Keys::new(), tempfile::tempdir().unwrap(), Rig::new());
    keys.generate("ed25519", "");
    let root = folder.path().join("root");
    fs_err::create_dir_all(root.join("DEBIAN")).unwrap();
    let control = "Package: other\nVersion: 1\nArchitecture: all\nMaintainer: N <n@example.org>\nDescription: d\n";
    fs_err::write(root.join("DEBIAN/control"), control).unwrap();
    fs_err::write(root.join("file"), "x").unwrap();
    let deb = folder.path().join("other.deb");
    let mut dpkg_deb = Command::new("dpkg-deb");
    assert!(dpkg_deb.args(["--root-owner-group", "--build"]).args([&root, &deb]).output().unwrap().status.success());
    let spec = folder.path().join("other.spec");
    let text =
        "Name: other\nVersion: 1\nRelease: 1\nSummary: s\nLicense: MIT\nBuildArch: noarch\n%description\nd\n%files\n";
    fs_err::write(&spec, text).unwrap();
    let mut rpmbuild = Command::new("rpmbuild");
    let top = format!("_topdir {}", folder.path().join("rpm").display());
    let output = rpmbuild.args(["-bb", "--quiet", "--define", &top]).arg(&spec).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rpm = folder.path().join("rpm/RPMS/noarch/other-1-1.noarch.rpm");
    rig.good(&format!("sign --sign-key {} {} {}", keys.secret().display(), deb.display(), rpm.display()));
    let (is_good, said) = accepted::debsig(&keys, &deb);
    assert!(is_good, "{said}");
    let (is_good, said) = accepted::rpm(&keys, &rpm);
    assert!(is_good, "{said}");
}

#[test]
fn what_cannot_be_signed_stays_as_it_is() {
    let (keys, rig) = (Keys::new(), Rig::new());
    keys.generate("ed25519", "");
    rig.good(BUILD);
    let key = keys.secret();
    let before = rig.packages();
    rig.fails("sign dist/kubectl_1.36.2-1.1_amd64.deb", 2, "no key");
    rig.fails(&format!("sign --remove --sign-key {} x.deb", key.display()), 2, "cannot be used with");
    let text = rig.path().join("text.deb");
    fs_err::write(&text, "no package").unwrap();
    let line = format!("sign --sign-key {} dist/kubectl_1.36.2-1.1_amd64.deb text.deb", key.display());
    let ran = rig.fails(&line, 7, "is neither a deb nor an RPM");
    assert_eq!(ran.stdout, "dist/kubectl_1.36.2-1.1_amd64.deb\n", "what was signed is told");
    assert_eq!(fs_err::read_to_string(&text).unwrap(), "no package");
    let rpm = package(&rig, ".rpm");
    let bytes = fs_err::read(&rpm).unwrap();
    for end in [4, 96, 100, 500, bytes.len() / 3] {
        fs_err::write(rig.path().join("cut.rpm"), &bytes[..end]).unwrap();
        rig.fails(&format!("sign --sign-key {} cut.rpm", key.display()), if end > 10_000 { 6 } else { 7 }, "cut.rpm");
        assert_eq!(fs_err::read(rig.path().join("cut.rpm")).unwrap(), bytes[..end]);
    }
    assert_eq!(before.len(), 2);
}
