//! `kubepkg repo mirror` from old build services: what they sign clients of today refuse.

use std::path::{Path, PathBuf};

use fs_err as fs;
use pgp::composed::{ArmorOptions, Deserializable as _, DetachedSignature, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureConfig, SignatureType};
use pgp::types::{Password, SigningKey, Timestamp};

use super::foreign::{self, Gpg};
use super::mirroring::{Elsewhere, both};
use super::rig::{Made, Rig, refused};
use crate::fault_server::{FaultServer, Request, status};
use crate::program::{command, done, run};

/// A detached signature of version 3, as old build services make it (RFC 4880, 5.2.2).
fn version_3(key: &Path, form: SignatureType, message: &[u8]) -> String {
    let (key, _) = SignedSecretKey::from_armor_file(key).unwrap();
    match key.secret_subkeys.first() {
        Some(subkey) => version_3_by(&subkey.key, form, message),
        None => version_3_by(&key.primary_key, form, message),
    }
}

fn version_3_by(key: &impl SigningKey, form: SignatureType, message: &[u8]) -> String {
    let time = key.created_at();
    let config = SignatureConfig::v3(
        form,
        key.algorithm(),
        HashAlgorithm::Sha512,
        Timestamp::from_secs(time.as_secs() + 1),
        key.legacy_key_id(),
    );
    let mut hasher = HashAlgorithm::Sha512.new_hasher().unwrap();
    hasher.update(message);
    config.hash_signature_data(&mut hasher).unwrap();
    let digest = hasher.finalize();
    let bytes = SigningKey::sign(key, &Password::empty(), HashAlgorithm::Sha512, &digest).unwrap();
    let signature = Signature::from_config(config, [digest[0], digest[1]], bytes).unwrap();
    DetachedSignature::new(signature).to_armored_string(ArmorOptions::default()).unwrap()
}

/// A build service as Kubernetes uses one: a name that leads to another host, one tree for each minor release, and in it
/// everything signed in the old way by an old key.
struct BuildService {
    folder: tempfile::TempDir,
    gpg: Gpg,
}

impl BuildService {
    /// Where the host has the tree.
    const PLACE: &str = "repositories/isv:/kubernetes:/core:/stable:/v1.36";

    fn new() -> Self {
        let service = Self { folder: tempfile::tempdir().unwrap(), gpg: Gpg::outdated() };
        let (debs, rpms) = (service.at("deb"), service.at("rpm"));
        foreign::flat(&debs, &both("deb"), &service.gpg);
        foreign::rpm_md(&rpms, &[both("rpm"), vec![service.source()]].concat(), &service.gpg);
        let key = service.folder.path().join("secret.asc");
        service.gpg.run(&["--armor", "--output", key.to_str().unwrap(), "--export-secret-keys"]);
        for path in [debs.join("Release"), rpms.join("repodata/repomd.xml")] {
            let end = if path.ends_with("Release") { "gpg" } else { "xml.asc" };
            let signature = version_3(&key, SignatureType::Binary, &fs::read(&path).unwrap());
            fs::write(path.with_extension(end), signature).unwrap();
        }
        let release = fs::read_to_string(debs.join("Release")).unwrap();
        let lines = release.lines().collect::<Vec<_>>().join("\r\n");
        let signature = version_3(&key, SignatureType::Text, lines.as_bytes());
        let text = format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{release}{signature}");
        fs::write(debs.join("InRelease"), text).unwrap();
        service
    }

    fn at(&self, format: &str) -> PathBuf {
        self.folder.path().join(Self::PLACE).join(format)
    }

    /// A source package, which lies among the others.
    fn source(&self) -> PathBuf {
        let spec = self.folder.path().join("kubelet.spec");
        fs::write(&spec, "Name: kubelet\nVersion: 1.36.1\nRelease: 1\nSummary: s\nLicense: MIT\n%description\nd\n")
            .unwrap();
        let top = format!("_topdir {}", self.folder.path().join("rpm").display());
        crate::program::tool("rpmbuild", ["-bs", "--quiet", "--define", &top, spec.to_str().unwrap()]);
        self.folder.path().join("rpm/SRPMS/kubelet-1.36.1-1.src.rpm")
    }
}

#[test]
fn a_build_service_is_mirrored_as_it_is() {
    let (service, rig) = (BuildService::new(), Rig::new());
    let root = service.folder.path().to_owned();
    let host = FaultServer::start(move |request| foreign::serve(&root, request));
    let behind = host.url("/repositories/isv:/kubernetes:");
    let name = FaultServer::start(move |request: &Request| {
        status("302 Found", &[&format!("Location: {behind}{}", request.target())])
    });
    let mirror = |format: &str, more: &[&str]| {
        let mut mirror = rig.command("repo mirror --channel stable/v1.36");
        mirror.env("XDG_CACHE_HOME", service.folder.path().join("cache")).args(more);
        mirror.arg(name.url(&format!("/core:/stable:/v1.36/{format}/"))).arg("--key").arg(service.gpg.certificate());
        mirror
    };
    for format in ["deb", "rpm"] {
        refused(8, &mut mirror(format, &[]), "nothing is taken with this key");
        let taken = done(&mut mirror(format, &["--signatures", "legacy"]));
        assert_eq!(taken.lines().count(), 2 * (2 * 3 + 2), "{taken}");
        assert!(!taken.contains("src"), "{taken}");
    }
    rig.assert_whole();
    assert_eq!(done(&mut rig.without_key("repo history stable/v1.36")).matches("(legacy signatures)").count(), 2);
    // Whatever the old signatures are worth, they are of these bytes.
    for path in [service.at("deb").join("InRelease"), service.at("rpm").join("repodata/repomd.xml")] {
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("deb", "bed").replace("primary", "pramiry")).unwrap();
    }
    for format in ["deb", "rpm"] {
        refused(6, &mut mirror(format, &["--signatures", "legacy"]), "nothing is taken from");
    }
}

#[test]
fn signatures_of_version_3_are_taken_by_name_alone() {
    let (elsewhere, rig) = (Elsewhere::new(), Rig::new());
    let path = |name: &str| elsewhere.path("deb").join(name);
    fs::remove_file(path("InRelease")).unwrap();
    let armor = version_3(&elsewhere.path("source.asc"), SignatureType::Binary, &fs::read(path("Release")).unwrap());
    fs::write(path("Release.gpg"), armor).unwrap();
    refused(6, &mut elsewhere.mirror(&rig, "deb", &[]), "is of version 3, which apt of Debian 13 and later refuses");
    let mut check = command();
    check.args(["repo", "check", elsewhere.path("deb").to_str().unwrap(), "--key"]).arg(elsewhere.gpg.certificate());
    let ran = run(&mut check);
    assert!(ran.code == 6 && ran.stdout.contains("is of version 3"), "{}", ran.stdout);
    let legacy = run(&mut elsewhere.mirror(&rig, "deb", &["--signatures", "legacy", "--newest", "1"]));
    assert_eq!(legacy.code, 0, "{}", legacy.stderr);
    let history = done(&mut rig.without_key("repo history stable/v1.36"));
    assert!(history.contains("(legacy signatures)"), "{history}");
    // Legacy is not lax: what is changed is refused.
    let text = fs::read_to_string(path("Release")).unwrap();
    fs::write(path("Release"), text.replace("Codename", "Codenome")).unwrap();
    refused(6, &mut elsewhere.mirror(&rig, "deb", &["--signatures", "legacy"]), "is bad");
}

#[test]
fn keys_that_clients_refuse_are_taken_by_name_alone() {
    let (folder, gpg, rig) = (tempfile::tempdir().unwrap(), Gpg::outdated(), Rig::new());
    foreign::flat(folder.path(), &Made::get().packages("1.36.2", &["kubectl", "deb"]), &gpg);
    let mirror = |more: &[&str]| {
        let mut mirror = rig.command("repo mirror --channel stable/v1.36");
        mirror.env("XDG_CACHE_HOME", folder.path().join("cache"));
        mirror.arg("--key").arg(gpg.certificate()).arg(folder.path()).args(more);
        mirror
    };
    refused(8, &mut mirror(&[]), "nothing is taken with this key");
    assert_eq!(done(&mut mirror(&["--signatures", "legacy"])).lines().count(), 2);
    assert!(done(&mut rig.without_key("repo history stable/v1.36")).contains("(legacy signatures)"));
}
