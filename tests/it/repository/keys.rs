//! Keys of repositories: several at once, one in the place of another, and packages that somebody else signed.

use std::path::PathBuf;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Instant;

use fs_err as fs;

use super::rig::{Made, Rig, refused};
use crate::program::{command, done, run};

/// Makes another key, and returns its file.
pub(super) fn another(rig: &Rig, name: &str) -> PathBuf {
    let key = rig.folder.path().join(format!("{name}.asc"));
    let user = format!("{name} <{name}@example.org>");
    done(command().args(["key", "generate", "-qq", "--algorithm", "ed25519", "--user", &user]).arg(&key));
    key
}

/// Returns the fingerprints of `repo keys` with what each is for.
fn keys(rig: &Rig) -> Vec<(String, String)> {
    let listed = done(&mut rig.without_key("repo keys"));
    let line = |line: &str| {
        let (fingerprint, rest) = line.split_once("  ").unwrap();
        (fingerprint.to_owned(), rest.split("  ").next().unwrap().trim().to_owned())
    };
    listed.lines().map(line).collect()
}

fn roles(rig: &Rig) -> Vec<String> {
    keys(rig).into_iter().map(|(_, role)| role).collect()
}

#[test]
fn a_key_takes_the_place_of_another() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    rig.publish_release("staging/v1.36", "1.36.2");
    let new = another(&rig, "new");
    let with = |line: &str, keys: &[&PathBuf]| {
        let mut command = rig.without_key(line);
        for (nth, key) in keys.iter().enumerate() {
            command.arg(if nth == 0 { "--sign-key" } else { "--also-sign-key" }).arg(key);
        }
        command
    };
    let old = Made::get().key();
    // Not without one that clients know, and not by the way.
    refused(11, &mut with("repo resign", &[&new]), "clients know ");
    refused(8, &mut with("repo refresh", &[&new]), "the repository is signed by ");
    done(&mut with("repo resign", &[&new, &old]));
    assert_eq!(roles(&rig), ["indices and packages"; 2]);
    // Clients of either key are content.
    for key in [&Made::get().certificate(), &new] {
        let checked = done(rig.without_key("repo check").arg("--key").arg(key));
        assert_eq!(checked, "");
    }
    // From then on both sign, whatever is done.
    refused(8, &mut with("repo refresh", &[&old]), "the repository is signed by ");
    done(&mut with("repo refresh stable/v1.36", &[&new, &old]));
    rig.assert_whole();
    done(&mut with("repo resign", &[&new]));
    // The old one signed the RPMs that are shown.
    assert_eq!(roles(&rig), ["indices and packages", "packages of the past"]);
    let ran = run(rig.without_key("repo check").arg("--key").arg(Made::get().certificate()));
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    rig.assert_whole();
    done(with("publish --channel stable/v1.36", &[&new]).args(Made::get().packages("1.36.2", &[])));
    let (fingerprint, _) = keys(&rig).pop().unwrap();
    done(&mut with(&format!("repo distrust {fingerprint}"), &[&new]));
    assert_eq!(roles(&rig), ["indices and packages"]);
    let (fingerprint, _) = keys(&rig).pop().unwrap();
    refused(11, &mut with(&format!("repo distrust {fingerprint}"), &[&new]), "signs the repository");
    refused(4, &mut with("repo distrust ABCD", &[&new]), "no certificate ABCD");
}

#[test]
fn a_change_of_keys_that_is_killed_is_done_again() {
    let rig = Rig::new();
    done(&mut rig.publish("stable/v1.36", &Made::get().packages("1.36.1", &["kubectl"])));
    done(&mut rig.publish("staging/v1.36", &Made::get().packages("1.36.2", &["kubectl"])));
    let (old, new) = (Made::get().key(), another(&rig, "new"));
    let resign = || {
        let mut resign = rig.without_key("repo resign");
        resign.arg("--sign-key").arg(&new).arg("--also-sign-key").arg(&old);
        resign
    };
    let begin = Instant::now();
    done(&mut resign());
    let whole = begin.elapsed();
    for tenth in [3, 6, 8] {
        // Back to one key, and on the way to two.
        done(rig.without_key("repo resign").arg("--sign-key").arg(&old));
        let mut child = resign().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(whole.mul_f64(f64::from(tenth) / 10.0));
        let _ = child.kill();
        child.wait().unwrap();
        // Repaired or not, whoever knows the old key reads everything.
        done(&mut rig.without_key("repo repair"));
        assert_eq!(done(rig.without_key("repo check").arg("--key").arg(Made::get().certificate())), "");
        done(&mut resign());
        for key in [&Made::get().certificate(), &new] {
            assert_eq!(done(rig.without_key("repo check").arg("--key").arg(key)), "");
        }
    }
}

#[test]
fn a_lost_key_is_left_behind_by_force() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let new = another(&rig, "new");
    let resign = || {
        let mut resign = rig.without_key("repo resign --without-overlap");
        resign.arg("--sign-key").arg(&new);
        resign
    };
    // Whoever has none of its keys has to say which repository is meant.
    refused(2, &mut resign(), "nothing here says that it should be");
    let other = "0".repeat(40);
    refused(6, resign().args(["--repo-key", &other]), &format!("and not by {other}"));
    let (fingerprint, _) = keys(&rig).remove(0);
    done(resign().args(["--repo-key", &fingerprint]));
    rig.assert_whole();
    assert_eq!(roles(&rig), ["indices and packages", "packages of the past"]);
}

#[test]
fn packages_of_other_keys_are_refused_until_their_certificate_is_there() {
    let rig = Rig::new();
    let other = another(&rig, "vendor");
    let certificate = rig.folder.path().join("vendor-public.asc");
    done(command().args(["key", "export", "-qq"]).arg(&other).arg("--output").arg(&certificate));
    for name in ["x86_64.rpm", "amd64.deb"] {
        let package = Made::get().packages("1.36.2", &["kubectl", name]).remove(0);
        let signed = rig.folder.path().join(package.file_name().unwrap());
        fs::copy(&package, &signed).unwrap();
        done(command().args(["sign", "-qq", "--sign-key"]).arg(&other).arg(&signed));
        refused(11, &mut rig.publish("stable/v1.36", &[signed]), "whose certificate the repository does not have");
    }
    refused(2, rig.without_key("repo trust").arg(&certificate), "no key");
    refused(8, rig.without_key("repo trust").arg(&certificate).arg("--sign-key").arg(&other), "is signed by");
    done(rig.command("repo trust").arg(&certificate));
    assert_eq!(roles(&rig), ["indices and packages", "packages"]);
    for name in ["x86_64.rpm", "amd64.deb"] {
        let package = Made::get().packages("1.36.2", &["kubectl", name]).remove(0);
        done(&mut rig.publish("stable/v1.36", &[rig.folder.path().join(package.file_name().unwrap())]));
    }
    rig.assert_whole();
    let given = fs::read_to_string(rig.root().join("key.asc")).unwrap();
    assert!(given.ends_with(&fs::read_to_string(certificate).unwrap()), "{given}");
}

#[test]
fn a_package_that_was_changed_after_it_was_signed_is_refused() {
    let rig = Rig::new();
    let rpm = Made::get().packages("1.36.2", &["kubectl", "x86_64.rpm"]).remove(0);
    let changed = rig.folder.path().join(rpm.file_name().unwrap());
    let mut bytes = fs::read(&rpm).unwrap();
    let last = bytes.len() - 10;
    bytes[last] ^= 1;
    fs::write(&changed, bytes).unwrap();
    refused(11, &mut rig.publish("stable/v1.36", &[changed]), "the signature of `");
}

#[test]
fn index_files_and_packages_may_have_keys_of_their_own() {
    let rig = Rig::new();
    let index = another(&rig, "index");
    let place = rig.folder.path().join("apart").display().to_string();
    let mut init = command();
    init.args(["repo", "init", &place, "-q", "--sign-key"]).arg(&index);
    done(init.arg("--package-key").arg(Made::get().certificate()));
    let publish = |key: &PathBuf, packages: &[PathBuf]| {
        let mut publish = command();
        publish.args(["publish", "--repo", &place, "--channel", "stable/v1.36", "-q", "--sign-key"]).arg(key);
        publish.args(packages);
        publish
    };
    refused(8, &mut publish(&Made::get().key(), &Made::get().packages("1.36.2", &[])), "is signed by");
    done(&mut publish(&index, &Made::get().packages("1.36.2", &[])));
    // The key of index files signs no packages.
    let package = Made::get().packages("1.36.1", &["kubectl", "x86_64.rpm"]).remove(0);
    let signed = rig.folder.path().join(package.file_name().unwrap());
    fs::copy(&package, &signed).unwrap();
    done(command().args(["sign", "-qq", "--sign-key"]).arg(&index).arg(&signed));
    refused(11, &mut publish(&index, &[signed]), "whose certificate the repository does not have");
}

#[test]
fn a_head_that_somebody_else_wrote_is_not_built_upon() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    rig.publish_release("staging/v1.36", "1.36.2");
    let head = rig.root().join(".kubepkg/head/stable/v1.36.json");
    let good = fs::read_to_string(&head).unwrap();
    // Even one that the repository's key signed, of another channel.
    let other = fs::read_to_string(rig.root().join(".kubepkg/head/staging/v1.36.json")).unwrap();
    for bad in [good.replace("\"number\":1", "\"number\":2"), other] {
        fs::write(&head, bad).unwrap();
        let packages = Made::get().packages("1.36.2", &["kubectl"]);
        refused(6, &mut rig.publish("stable/v1.36", &packages), "is not signed as the repository is");
    }
    fs::write(&head, good).unwrap();
    rig.publish_release("stable/v1.36", "1.36.2");
    rig.assert_whole();
}
