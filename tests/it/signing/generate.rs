//! `kubepkg key generate`, `show`, `export` and `policy`.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

const USER: &str = "Acme Packaging <packages@acme.example>";

/// Runs the program with a user's name, which has blanks.
fn generate(rig: &Rig, line: &str) -> Ran {
    let mut command = rig.command(&format!("key generate {line} --user"));
    Ran::from(command.arg(USER).output().unwrap())
}

#[test]
fn a_generated_key_is_taken_by_gpg_and_signs_packages_that_clients_take() {
    for (algorithm, length) in [("rsa4096", ":4096:1:"), ("ed25519", ":255:22:")] {
        let (rig, keys) = (Rig::new(), Keys::new());
        let ran = generate(&rig, &format!("release.asc --algorithm {algorithm} --expires 2y"));
        assert_eq!((ran.code, ran.stdout.as_str()), (0, "release.asc\n"), "{}", ran.stderr);
        assert!(ran.stderr.contains("has no passphrase"), "{}", ran.stderr);
        let key = rig.path().join("release.asc");
        assert_eq!(fs_err::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        keys.gpg(&["--import", key.to_str().unwrap()]);
        let listed = keys.gpg(&["--with-colons", "--list-secret-keys"]);
        let fields = |kind: &str| listed.lines().find(|line| line.starts_with(kind)).unwrap().to_owned();
        assert!(fields("sec:").contains(length) && fields("ssb:").contains(length), "{listed}");
        let usage = |line: &str| line.split(':').nth(11).unwrap().to_owned();
        assert!(usage(&fields("sec:")).starts_with('c') && !usage(&fields("sec:")).contains('s'), "{listed}");
        assert_eq!(usage(&fields("ssb:")), "s", "{listed}");
        assert!(listed.contains(USER), "{listed}");
        let packets = keys.gpg(&["--list-packets", keys.public().to_str().unwrap()]);
        assert!(packets.contains("version 4") && packets.matches("digest algo 10").count() == 3, "{packets}");
        assert!(!packets.contains("digest algo 2,"), "{packets}");
        rig.good(&format!("{BUILD} --sign-key release.asc"));
        let (is_good, said) = accepted::rpm(&keys, &package(&rig, ".rpm"));
        assert!(is_good, "{said}");
        let (is_good, said) = accepted::debsig(&keys, &package(&rig, ".deb"));
        assert!(is_good, "{said}");
        let checked = rig.good("key check release.asc");
        assert!(checked.stdout.ends_with(": good\n"), "{}", checked.stdout);
    }
}

#[test]
fn a_key_is_never_overwritten_and_every_one_is_another() {
    let rig = Rig::new();
    assert_eq!(generate(&rig, "a.asc --algorithm ed25519").code, 0);
    let before = fs_err::read(rig.path().join("a.asc")).unwrap();
    let ran = generate(&rig, "a.asc --algorithm ed25519");
    assert!(ran.code == 7 && ran.stderr.contains("is there already"), "{}", ran.stderr);
    assert_eq!(fs_err::read(rig.path().join("a.asc")).unwrap(), before);
    std::os::unix::fs::symlink("/nothing", rig.path().join("link.asc")).unwrap();
    assert_eq!(generate(&rig, "link.asc --algorithm ed25519").code, 7);
    assert_eq!(generate(&rig, "b.asc --algorithm ed25519").code, 0);
    assert_ne!(fs_err::read(rig.path().join("b.asc")).unwrap(), before);
    assert_eq!(generate(&rig, "no/folder.asc --algorithm ed25519").code, 7);
    for lifetime in ["0y", "y", "2x", "-1d", "99999y"] {
        let ran = generate(&rig, &format!("c.asc --algorithm ed25519 --expires={lifetime}"));
        assert_eq!(ran.code, 2, "{lifetime}: {}", ran.stderr);
    }
    rig.fails("key generate c.asc", 2, "whose key?");
    rig.fails("key generate c.asc --user nobody", 2, "is no user of a key");
    assert!(!rig.path().join("c.asc").exists());
}

#[test]
fn a_passphrase_locks_the_key() {
    let (rig, keys) = (Rig::new(), Keys::new());
    fs_err::write(rig.path().join("passphrase"), "correct horse\n").unwrap();
    let ran = generate(&rig, "release.asc --algorithm ed25519 --passphrase-file passphrase");
    assert!(ran.code == 0 && !ran.stderr.contains("has no passphrase"), "{}", ran.stderr);
    rig.fails(&format!("{BUILD} --sign-key release.asc"), 2, "needs a passphrase");
    rig.good(&format!("{BUILD} --sign-key release.asc --sign-passphrase-file passphrase"));
    // gpg opens it with the same one.
    let key = rig.path().join("release.asc");
    keys.gpg(&["--passphrase", "correct horse", "--import", key.to_str().unwrap()]);
    let text = keys.path("text");
    fs_err::write(&text, "text").unwrap();
    keys.gpg(&["--passphrase", "correct horse", "--detach-sign", text.to_str().unwrap()]);
}

#[test]
fn keys_are_shown_for_people_and_for_programs() {
    let (rig, keys) = (Rig::new(), Keys::new());
    keys.generate("ed25519", "");
    let (all, secret) = (keys.fingerprints(), keys.secret());
    let shown = rig.good(&format!("key show {}", secret.display())).stdout;
    assert!(shown.contains(&format!("  primary  {} Ed25519 until 20", all[0])), "{shown}");
    assert!(shown.contains("not made for signing\n") && shown.contains("user     Release Team"), "{shown}");
    let json = rig.good(&format!("key show --json {}", keys.public().display())).json();
    let certificate = &json["certificates"][0];
    assert_eq!(certificate["fingerprint"], all[0]);
    assert_eq!(certificate["users"][0], "Release Team <release@example.org>");
    assert_eq!(certificate["keys"][0]["signs"], false);
    assert_eq!(certificate["keys"][1]["signs"], true);
    assert_eq!(certificate["keys"][1]["fingerprint"], all[1]);
    rig.fails("key show none.asc", 7, "none.asc");
    fs_err::write(rig.path().join("text"), "no key").unwrap();
    rig.fails("key show text", 8, "no OpenPGP key");
}

#[test]
fn the_public_half_is_exported_as_apt_reads_it_and_never_over_the_secret_one() {
    let (rig, keys) = (Rig::new(), Keys::new());
    keys.generate("ed25519", "");
    let secret = keys.secret();
    let armor = rig.good(&format!("key export {}", secret.display())).stdout;
    assert!(armor.starts_with("-----BEGIN PGP PUBLIC KEY BLOCK-----\n"), "{armor}");
    rig.good(&format!("key export {} --output a.asc", secret.display()));
    assert_eq!(fs_err::read_to_string(rig.path().join("a.asc")).unwrap(), armor);
    rig.good(&format!("key export {} --output a.gpg", secret.display()));
    let binary = fs_err::read(rig.path().join("a.gpg")).unwrap();
    assert!([0x98, 0x99, 0xc6].contains(&binary[0]), "apt looks at the first byte: {:x}", binary[0]);
    let path = secret.display();
    rig.fails(&format!("key export {path} --output {path}"), 2, "would be lost");
    assert!(fs_err::read_to_string(&secret).unwrap().contains("PRIVATE KEY"));
    let other = Keys::new();
    other.gpg(&["--import", rig.path().join("a.gpg").to_str().unwrap()]);
    assert_eq!(other.fingerprints(), keys.fingerprints());
}

#[test]
fn rpm_imports_what_is_exported_of_a_key_with_a_revoked_subkey() {
    let (rig, keys) = (Rig::new(), Keys::new());
    let primary = keys.generate("rsa3072", "");
    keys::revoke_subkey(&keys, &primary);
    keys.gpg(&["--passphrase", "", "--quick-add-key", &primary, "rsa3072", "sign", "1y"]);
    rig.good(&format!("{BUILD} --sign-key {}", keys.secret().display()));
    let import = |database: &str, file: &Path| {
        let mut rpm = Command::new("rpmkeys");
        rpm.arg("--dbpath").arg(rig.path().join(database)).arg("--import").arg(file);
        rpm.output().unwrap().status.success()
    };
    assert!(
        !import("whole", &keys.public()),
        "rpm has learnt to import revoked subkeys: `check` need not warn any more"
    );
    let found = rig.run(&format!("key check {}", keys.public().display()));
    assert!(found.code == 8 && found.stdout.contains("it is revoked"), "{}", found.stdout);
    assert!(found.stdout.contains("rpm 4.18") && found.stdout.contains("kubepkg key export"), "{}", found.stdout);
    rig.good(&format!("key export {} --output a.asc", keys.public().display()));
    assert!(import("cleaned", &rig.path().join("a.asc")));
    let mut rpm = Command::new("rpmkeys");
    rpm.arg("--dbpath").arg(rig.path().join("cleaned")).arg("--checksig").arg(package(&rig, ".rpm"));
    let said = String::from_utf8(rpm.env("LC_ALL", "C").output().unwrap().stdout).unwrap();
    assert!(said.contains("digests signatures OK"), "{said}");
    assert!(rig.good("key check a.asc").stdout.ends_with(": good\n"));
}
