//! Real tools find the signatures good.

use super::keeper::Keeper;
use super::*;

/// Returns what rpm says of a package for which it wants a digest and a signature.
pub(super) fn rpm(keys: &Keys, package: &Path) -> (bool, String) {
    let database = keys.path("rpmdb");
    let run = |arguments: &[&str]| {
        let mut command = Command::new("rpmkeys");
        command.args(["--define", "_pkgverify_level all", "--dbpath", database.to_str().unwrap()]);
        command.args(arguments).env("LC_ALL", "C.UTF-8").output().unwrap()
    };
    assert!(run(&["--import", keys.public().to_str().unwrap()]).status.success());
    let output = run(&["--checksig", "--verbose", package.to_str().unwrap()]);
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns what debsig-verify says of a package, with the policy that the program writes for a key.
pub(super) fn debsig(keys: &Keys, package: &Path) -> (bool, String) {
    let root = keys.path("debsig");
    let (public, to) = (keys.public(), root.to_str().unwrap());
    crate::program::kubepkg(&["key", "policy", public.to_str().unwrap(), "--output", to]);
    let mut command = Command::new("debsig-verify");
    command.arg("--policies-dir").arg(root.join("etc/debsig/policies"));
    command.arg("--keyrings-dir").arg(root.join("usr/share/debsig/keyrings")).arg(package);
    let output = command.env("LC_ALL", "C.UTF-8").output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn rpm_debsig_verify_and_gpg_accept_rsa_and_ed25519_of_every_keeper() {
    for (algorithm, tag) in [("rsa4096", "RSA/SHA512"), ("ed25519", "EdDSA/SHA512")] {
        let keys = Keys::new();
        keys.generate(algorithm, "");
        let signer = keys.fingerprints().remove(1);
        for keeper in Keeper::ALL {
            let rig = keeper.build(&keys);
            let (is_good, said) = rpm(&keys, &package(&rig, ".rpm"));
            let id = signer[signer.len() - 16..].to_lowercase();
            let short = &id[8..];
            assert!(is_good && said.contains(tag), "{keeper:?} {algorithm}: {said}");
            let is_named = [short, &id].iter().any(|id| said.contains(&format!("key ID {id}: OK")));
            assert!(is_named, "{keeper:?} {algorithm}: {said}");
            let (is_good, said) = debsig(&keys, &package(&rig, ".deb"));
            assert!(is_good && said.contains("Verified package from"), "{keeper:?} {algorithm}: {said}");
            gpg_accepts(&keys, &package(&rig, ".deb"), &signer);
        }
    }
}

/// Checks the signature of a deb as debsig-verify documents it, by ar and gpg alone.
fn gpg_accepts(keys: &Keys, deb: &Path, signer: &str) {
    let folder = tempfile::tempdir().unwrap();
    let script = "ar x \"$1\" && cat debian-binary control.tar.* data.tar.* >message";
    let mut shell = Command::new("sh");
    let status = shell.args(["-ec", script, "sh"]).arg(deb).current_dir(folder.path()).status();
    assert!(status.unwrap().success());
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let said = keys.gpg(&["--status-fd", "1", "--verify", &at("_gpgorigin"), &at("message")]);
    assert!(said.contains(&format!("VALIDSIG {signer}")), "{said}");
}

#[test]
fn signing_twice_gives_the_same_bytes_and_the_key_is_in_the_report() {
    for algorithm in ["rsa3072", "ed25519"] {
        let keys = Keys::new();
        keys.generate(algorithm, "");
        let key = keys.secret();
        assert!(build(&key).packages() == build(&key).packages(), "{algorithm}");
        let rig = Rig::new();
        let report = rig.good(&format!("{BUILD} --sign-key {} --json", key.display())).json();
        assert_eq!(report["packages"][0]["signer"], keys.fingerprints()[1]);
        assert_eq!(
            rig.good(&format!("{BUILD} --output unsigned --json")).json()["packages"][0]["signer"],
            serde_json::Value::Null
        );
    }
}

#[test]
fn a_build_with_another_key_is_not_left_as_it_was() {
    let rig = Rig::new();
    let said = |key: Option<&Path>| {
        let key = key.map(|key| format!("--sign-key {}", key.display())).unwrap_or_default();
        rig.good(&format!("{} {key}", BUILD.replace("--quiet", ""))).stderr
    };
    let (one, other) = (Keys::new(), Keys::new());
    one.generate("ed25519", "");
    other.generate("ed25519", "");
    let (first, second) = (one.secret(), other.secret());
    let unsigned = said(None);
    assert!(unsigned.contains("Unsigned") && unsigned.contains("--sign-key FILE"), "{unsigned}");
    for key in [Some(&first), Some(&second), None] {
        let told = said(key.map(PathBuf::as_path));
        assert!(told.contains("Wrote"), "{told}");
        let told = said(key.map(PathBuf::as_path));
        assert!(told.contains("Unchanged") && !told.contains("Wrote"), "{told}");
    }
}
