//! Packages that are built again from what their provenance says.

use super::*;
use crate::cli::packages;
use crate::mirror::{Mirror, program};
use crate::papers::provenance;
use crate::signing::{Keys, package};

#[test]
fn packages_come_out_again_by_somebody_without_the_key() {
    let keys = Keys::new();
    keys.generate("ed25519", "");
    let rig = Rig::new();
    rig.good(&format!(
        "build --version 1.36.2 --arch amd64 --compression xz:1 --vendor Acme --revision 7 --sign-key {}",
        keys.secret().display()
    ));
    let other = Rig::new();
    let all = packages(&rig.dist());
    let all: Vec<&Path> = all.iter().map(std::path::PathBuf::as_path).collect();
    let ran = run(&other, &["--rebuild", "--mirror", crate::mirror::fixtures().to_str().unwrap()], &all);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.stdout.matches(": rebuild good: built again, the bytes are the same").count(), 10, "{}", ran.stdout);
    assert!(!ran.stderr.contains("Wrote"), "what is made is gone again: {}", ran.stderr);
    let mut offline = other.command("verify --rebuild --offline");
    let ran: Ran = offline.args(&all).output().unwrap().into();
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(other.leftovers(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn another_package_is_told_with_what_differs() {
    let rig = Rig::new();
    rig.good("build kubectl --version 1.36.2 --arch amd64 --compression gzip:1");
    let elsewhere = Rig::new();
    // The same plan, and a file in the package that is not of it.
    let mirror = Mirror::of_release("1.36.2");
    let (file, of) = (program("1.36.2", "amd64", "kubectl"), mirror.path().to_str().unwrap());
    mirror.publish(&file, &[mirror.read(&file), vec![0]].concat());
    for end in [".deb", ".rpm"] {
        let ran = run(&elsewhere, &["--rebuild", "--mirror", of], &[&package(&rig, end)]);
        assert_eq!(ran.code, 9, "{}{}", ran.stdout, ran.stderr);
        let words = "rebuild not proven: since the build https://dl.k8s.io/release/v1.36.2/bin/linux/amd64/kubectl has other bytes: ";
        assert!(ran.stdout.contains(words), "{}", ran.stdout);
        assert!(ran.stdout.contains("/usr/bin/kubectl content is "), "{}", ran.stdout);
    }
    // A package that is not what its own provenance would give.
    let odd = Rig::new();
    odd.good("build kubectl --version 1.36.2 --arch amd64 --compression gzip:1 --format deb");
    let deb = package(&odd, ".deb");
    let mut bytes = fs_err::read(&deb).unwrap();
    // The time of the first member of the archive.
    bytes[8 + 16] ^= 1;
    fs_err::write(&deb, bytes).unwrap();
    let line = fs_err::read_to_string(provenance(&deb)).unwrap();
    let forged = about(&line, &deb);
    fs_err::write(provenance(&deb), forged).unwrap();
    let ran = run(&odd, &["--rebuild", "--mirror", crate::mirror::fixtures().to_str().unwrap()], &[&deb]);
    assert_eq!(ran.code, 6, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("rebuild bad: built again, it is another: build_time is "), "{}", ran.stdout);
}

/// The same unsigned statement about another file.
fn about(line: &str, package: &Path) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let mut envelope: serde_json::Value = serde_json::from_str(line).unwrap();
    let payload = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
    let mut statement: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    statement["subject"][0]["digest"]["sha256"] = crate::papers::sha256(package).into();
    envelope["payload"] = STANDARD.encode(statement.to_string()).into();
    envelope.to_string()
}

#[test]
fn other_specs_and_templates_are_told_first() {
    let rig = Rig::new();
    rig.good("spec export mine");
    let template = rig.path().join("mine/templates/deb/postinst");
    let text = fs_err::read_to_string(&template).unwrap();
    fs_err::write(&template, format!("{text}# Ours.\n")).unwrap();
    rig.good("build kubectl --version 1.36.2 --arch amd64 --format deb --template-dir mine/templates");
    let deb = package(&rig, ".deb");
    let mirror = crate::mirror::fixtures().display().to_string();
    let ran = run(&rig, &["--rebuild", "--mirror", &mirror, "--template-dir", "mine/templates"], &[&deb]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let ran = run(&rig, &["--rebuild", "--mirror", &mirror], &[&deb]);
    assert!(ran.stdout.contains(": since the build `templates/deb/postinst` is another: "), "{}", ran.stdout);
}

/// Somebody's public key.
const OTHER_KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEbkC5q0Lm9o7Mq8oPgDwWyiAuhY0L
CCgYc8ZNz+LkT4ky8X7/0BLc7cDMTFO6mFs6TJZaP0LZ8DjVDPRpZXzPEQ==
-----END PUBLIC KEY-----
";

#[test]
fn another_key_is_told_as_what_changed() {
    let rig = Rig::new();
    rig.good("spec export mine");
    let vendor = std::path::PathBuf::from(crate::program::root("fixtures/vendor/agent"));
    for (file, folder) in [
        ("specs/agent.yaml", "specs"),
        ("specs/cosign.pub", "specs"),
        ("templates/files/agent.service", "templates/files"),
        ("templates/files/agent.env", "templates/files"),
    ] {
        let name = file.rsplit('/').next().unwrap();
        fs_err::copy(vendor.join(file), rig.path().join("mine").join(folder).join(name)).unwrap();
    }
    let trees = ["--spec-dir", "mine/specs", "--template-dir", "mine/templates"];
    rig.good(&format!("build agent --version 1.36.2 --arch amd64 --format deb {}", trees.join(" ")));
    let deb = package(&rig, ".deb");
    let (key, mirror) = (rig.path().join("mine/specs/cosign.pub"), crate::mirror::fixtures().display().to_string());
    let again = || run(&rig, &[&["--rebuild", "--mirror", &mirror][..], &trees].concat(), &[&deb]);
    let ran = again();
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    // It is among what the package was made of, with its digest.
    let (_, statement) = crate::papers::envelopes(&deb).remove(0);
    let made_of = statement["predicate"]["buildDefinition"]["resolvedDependencies"].as_array().unwrap().clone();
    let named = made_of.iter().find(|one| one["name"] == "specs/cosign.pub").unwrap();
    assert_eq!(named["digest"]["sha256"], crate::papers::sha256(&key));
    // Another one: nothing that it vouches for can be had.
    let good = fs_err::read_to_string(&key).unwrap();
    fs_err::write(&key, OTHER_KEY).unwrap();
    let ran = again();
    let words = "since the build `specs/cosign.pub` is another: ";
    assert!(ran.code == 5 && ran.stdout.contains(words), "{} {}", ran.code, ran.stdout);
    // The same one in another text: nothing else is different.
    fs_err::write(&key, format!("{good}\n")).unwrap();
    let ran = again();
    assert!(ran.code == 0 && ran.stdout.contains(words), "{} {}", ran.code, ran.stdout);
}

#[test]
fn what_cannot_be_built_again_is_told() {
    let rig = Rig::new();
    let folder = rig.path().join("_output/bin/linux/amd64");
    fs_err::create_dir_all(&folder).unwrap();
    let published = crate::mirror::fixtures().join(program("1.36.2", "amd64", "kubectl"));
    fs_err::copy(published, folder.join("kubectl")).unwrap();
    rig.good("build kubectl --version 1.36.2 --arch amd64 --format deb --from-dir _output");
    let deb = package(&rig, ".deb");
    let mirror = crate::mirror::fixtures().display().to_string();
    let ran = run(&rig, &["--rebuild", "--mirror", &mirror], &[&deb]);
    assert!(ran.code == 9 && ran.stdout.contains("made of a local build; `--from-dir`"), "{}", ran.stdout);
    let ran = run(&rig, &["--rebuild", "--mirror", &mirror, "--from-dir", "_output"], &[&deb]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let line = provenance(&deb);
    let elsewhere = rig.path().join("said.jsonl");
    fs_err::rename(&line, &elsewhere).unwrap();
    let ran = run(&rig, &["--rebuild"], &[&deb]);
    assert!(ran.code == 9 && ran.stdout.contains("rebuild not proven: no `"), "{}", ran.stdout);
    let said = elsewhere.to_str().unwrap();
    let arguments = ["--rebuild", "--mirror", &mirror, "--from-dir", "_output", "--provenance", said];
    let ran = run(&rig, &arguments, &[&deb]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    // Nothing comes of an upstream that has nothing.
    let published = Rig::new();
    published.good("build kubectl --version 1.36.2 --arch amd64 --format deb");
    let empty = tempfile::tempdir().unwrap();
    let ran = run(&rig, &["--rebuild", "--mirror", empty.path().to_str().unwrap()], &[&package(&published, ".deb")]);
    assert!(ran.code == 5 && ran.stdout.contains("rebuild not fetched: "), "{}", ran.stdout);
}
