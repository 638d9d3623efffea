//! `kubepkg repo check`: what it finds in a repository, ours or not, in a folder and over HTTP.

use std::path::Path;
use std::process::Command;

use fs_err as fs;
use kubepkg::sign::Certificate;

use super::foreign::{self, Gpg};
use super::rig::{Made, Rig, refused};
use crate::fault_server::{FaultServer, ok, status};
use crate::program::{command, done, run};

fn check(place: &str, more: &[&str]) -> Command {
    let mut check = command();
    check.args(["repo", "check", place, "-q", "--store-retries", "1"]).args(more);
    check
}

/// Runs a check, which must find something and say all `words`.
#[track_caller]
fn found(check: &mut Command, words: &[&str]) -> String {
    let ran = run(check);
    assert_eq!(ran.code, 6, "{}{}", ran.stdout, ran.stderr);
    for word in words {
        assert!(ran.stdout.contains(word), "{word}: {}", ran.stdout);
    }
    ran.stdout
}

fn replaced(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

/// The list of a release, as `kubepkg promote --file` takes it.
fn list(channel: &str, version: &str) -> String {
    let line = |path: &std::path::PathBuf| {
        let sha256 = kubepkg::digest::Digest::sha256(fs::read(path).unwrap());
        format!("    {}: {}\n", path.file_name().unwrap().to_str().unwrap(), sha256.hex())
    };
    let lines: String = Made::get().packages(version, &[]).iter().map(line).collect();
    format!("channels:\n  {channel}:\n{lines}")
}

#[test]
fn the_repository_is_the_first_word_or_an_option() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    assert_eq!(done(&mut check(&rig.place, &[])), "");
    assert_eq!(done(&mut check(&rig.place, &["stable/v1.36", "--digests"])), "");
    assert_eq!(done(&mut rig.without_key("repo check stable/v1.36")), "");
    let mut by_environment = command();
    assert_eq!(done(by_environment.args(["repo", "check", "-q"]).env("KUBEPKG_REPO", &rig.place)), "");
    refused(4, &mut check(&rig.place, &["stable/v1.37"]), "has no channel `stable/v1.37`");
    refused(2, &mut check(&rig.place, &["stabel"]), "`stabel`");
    refused(2, command().args(["repo", "check"]), "no repository");
    refused(4, &mut check("/nowhere", &[]), "there is no repository at `/nowhere`");
}

#[test]
fn a_repository_is_checked_over_http() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let root = rig.root().to_owned();
    let flaky = root.clone();
    let server = FaultServer::start(move |request| match request.count {
        // Every tenth file comes at the second try.
        0 if request.target().len() % 10 == 0 => status("503 Service Unavailable", &["Retry-After: 0"]),
        _ => foreign::serve(&flaky, request),
    });
    let url = server.url("");
    assert_eq!(done(&mut check(&url, &["--digests", "--key", Made::get().certificate().to_str().unwrap()])), "");
    // A package that is cut, one that is changed, one that is gone.
    let place = |name: &str| root.join("core:/stable:/v1.36").join(name);
    let [cut, changed, gone] = [
        "deb/amd64/kubelet_1.36.1-1.1_amd64.deb",
        "rpm/aarch64/kubelet-1.36.1-1.1.aarch64.rpm",
        "deb/arm64/kubectl_1.36.1-1.1_arm64.deb",
    ];
    let bytes = fs::read(place(cut)).unwrap();
    fs::remove_file(place(cut)).unwrap();
    fs::write(place(cut), &bytes[..bytes.len() / 2]).unwrap();
    let rpm = Made::get().packages("1.36.1", &["kubelet", "aarch64.rpm"]).remove(0);
    let changed = rpm.file_name().map_or(changed.to_owned(), |name| format!("rpm/aarch64/{}", name.to_str().unwrap()));
    let mut bytes = fs::read(&rpm).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::remove_file(place(&changed)).unwrap();
    fs::write(place(&changed), bytes).unwrap();
    fs::remove_file(place(gone)).unwrap();
    let said = found(
        &mut check(&url, &["--digests"]),
        &[&format!("{cut}: has "), &format!("{changed}: has other bytes"), &format!("{gone}: is not there")],
    );
    assert_eq!(said.lines().count(), 3, "{said}");
    // Without their bytes the changed one is as good as the others.
    assert!(!found(&mut check(&url, &[]), &[]).contains("aarch64"));
}

#[test]
fn what_cannot_be_reached_is_an_error_with_its_cause() {
    let server = FaultServer::start(|_| status("500 Internal Server Error", &["Retry-After: 0"]));
    let url = server.url("/repo");
    let said = crate::program::refused(5, &mut check(&url, &[]));
    assert!(said.contains("500") && said.contains("2 tries") && said.contains("/repo/.kubepkg"), "{said}");
    let closed = server.url("/repo");
    drop(server);
    let said = crate::program::refused(5, &mut check(&closed, &[]));
    assert!(said.contains("the connection failed"), "{said}");
    let empty = FaultServer::start(|_| status("404 Not Found", &[]));
    refused(4, &mut check(&empty.url("/core:/"), &[]), "neither `InRelease` nor `repodata/repomd.xml`");
    refused(2, &mut check("https://example.org/?secret", &[]), "neither `?` nor `#`");
    let mut publish = command();
    publish.args(["publish", "--channel", "rolling", "--repo", &empty.url(""), "--sign-key"]).arg(Made::get().key());
    refused(4, publish.arg(Made::get().packages("1.36.1", &["kubectl", "amd64.deb"]).remove(0)), "no repository");
}

#[test]
fn a_web_server_takes_no_writes() {
    let rig = Rig::new();
    let root = rig.root().to_owned();
    let server = FaultServer::start(move |request| foreign::serve(&root, request));
    let mut publish = command();
    publish
        .args(["publish", "--channel", "rolling", "--repo", &server.url(""), "-q", "--sign-key"])
        .arg(Made::get().key());
    publish.args(Made::get().packages("1.36.1", &["kubectl", "amd64.deb"]));
    refused(2, &mut publish, "a web server takes no writes");
}

#[test]
fn another_key_is_found_wherever_it_stands() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let gpg = Gpg::unknown();
    let nobody = gpg.certificate();
    let other = nobody.to_str().unwrap();
    found(
        &mut check(&rig.place, &["--key", other]),
        &[".kubepkg/repository.json: the repository is signed by", "InRelease: signed by", "none of the given keys"],
    );
    fs::copy(&nobody, rig.root().join("key.asc")).unwrap();
    let own = Made::get().certificate();
    let said = found(
        &mut check(&rig.place, &["--key", own.to_str().unwrap()]),
        &["key.asc: holds the key ", "key.asc: does not hold the key "],
    );
    assert_eq!(said.lines().count(), 2, "{said}");
}

/// A fingerprint as pages show it.
fn spaced(fingerprint: &str) -> String {
    fingerprint.as_bytes().chunks(4).map(|group| std::str::from_utf8(group).unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn whatever_names_another_key_to_clients_is_found() {
    let rig = Rig::new();
    done(&mut rig.without_key("repo configure --url https://packages.example.org"));
    rig.publish_release("stable/v1.36", "1.36.1");
    let gpg = Gpg::unknown();
    let read = |path: &Path| Certificate::parse_one(&fs::read(path).unwrap()).unwrap();
    let (own, other) = (read(&Made::get().certificate()), read(&gpg.certificate()));
    // As it stands in a field of apt's sources (sources.list(5)).
    let field = |one: &Certificate| {
        let armor = one.to_armor().unwrap();
        armor.lines().map(|line| if line.is_empty() { "." } else { line }).collect::<Vec<_>>().join("\n ")
    };
    let channel = rig.root().join("channels/stable-v1.36");
    let page = (spaced(own.fingerprint()), spaced(other.fingerprint()));
    let armor = (own.to_armor().unwrap(), other.to_armor().unwrap());
    for (file, (from, to)) in [
        (rig.root().join("index.html"), page.clone()),
        (channel.join("index.html"), page),
        (channel.join("example-stable-v1.36.sources"), (field(&own), field(&other))),
        (rig.root().join("core:/stable:/v1.36/rpm/repodata/repomd.xml.key"), armor),
    ] {
        let good = fs::read_to_string(&file).unwrap();
        replaced(&file, &from, &to);
        let name = file.strip_prefix(rig.root()).unwrap().display().to_string();
        found(&mut check(&rig.place, &[]), &[&name, other.fingerprint()]);
        fs::write(&file, good).unwrap();
    }
    assert_eq!(done(&mut check(&rig.place, &[])), "");
}

#[test]
fn what_somebody_changed_is_found() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let flat = rig.root().join("core:/stable:/v1.36/deb");
    let inrelease = flat.join("InRelease");
    let good = fs::read_to_string(&inrelease).unwrap();
    for (from, to, cause) in [
        ("Origin: Example", "Origin: Examine", "is bad"),
        ("-----BEGIN PGP SIGNED", "Origin: x\n-----BEGIN PGP SIGNED", "does not begin with the signed message"),
        ("-----END PGP SIGNATURE-----\n", "-----END PGP SIGNATURE-----\nOrigin: x\n", "something behind its signature"),
        ("Hash: SHA512", "Origin: x", "headers"),
    ] {
        replaced(&inrelease, from, to);
        found(&mut check(&rig.place, &[]), &["deb/InRelease: ", cause]);
        fs::write(&inrelease, &good).unwrap();
    }
    // By its digest the index is still found under another name.
    fs::remove_dir_all(flat.join("by-hash")).unwrap();
    found(&mut check(&rig.place, &[]), &["deb/by-hash/SHA256/", ": is not there"]);
    fs::remove_file(flat.join("Packages.gz")).unwrap();
    found(&mut check(&rig.place, &[]), &["deb/Packages.gz: is not there"]);
}

#[test]
fn what_is_expected_is_listed_and_nothing_else() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let file = rig.folder.path().join("expected.yaml");
    let expect = ["--expect", file.to_str().unwrap()];
    fs::write(&file, list("stable/v1.36", "1.36.1")).unwrap();
    assert_eq!(done(&mut check(&rig.place, &expect)), "");
    fs::write(&file, list("stable/v1.36", "1.36.2")).unwrap();
    found(
        &mut check(&rig.place, &expect),
        &[
            "kubelet_1.36.2-1.1_amd64.deb is in no index",
            "kubelet_1.36.1-1.1_amd64.deb` is listed, and should not be there",
        ],
    );
    // What the repository says of itself to mirrors is such a list, too.
    let index = rig.root().join("channels/stable-v1.36/index.json");
    assert_eq!(done(&mut check(&rig.place, &["--expect", index.to_str().unwrap()])), "");
    let index = rig.root().join("index.json");
    refused(2, &mut check(&rig.place, &["--expect", index.to_str().unwrap()]), "is no list of packages");
    fs::write(&file, list("rolling", "1.36.2")).unwrap();
    refused(2, &mut check(&rig.place, &["stable/v1.36", expect[0], expect[1]]), "does not say `stable/v1.36`");
    // The same for a repository of which nothing but its signed files is known.
    let foreign = format!("{}/core:/stable:/v1.36/rpm/", rig.place);
    let certificate = Made::get().certificate();
    let key = ["--key", certificate.to_str().unwrap()];
    fs::write(&file, list("stable/v1.36", "1.36.1")).unwrap();
    assert_eq!(done(&mut check(&foreign, &[expect, key].concat())), "");
    replaced(&file, "kubelet-1.36.1", "kubelet-1.36.9");
    found(&mut check(&foreign, &[expect, key].concat()), &["kubelet-1.36.9", "should not be there"]);
}

#[test]
fn certificates_that_are_too_large_are_wrong_and_the_rest_is_read() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let (certificate, size) = (rig.root().join("key.asc"), usize::try_from(kubepkg::sign::MAX_KEY_FILE).unwrap());
    fs::write(&certificate, vec![b'-'; size + 1]).unwrap();
    fs::remove_file(rig.root().join("key.gpg")).unwrap();
    found(&mut check(&rig.place, &[]), &[&format!("key.asc: has more than {size} bytes"), "key.gpg: is not there"]);
}

#[test]
fn repositories_of_others_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let (deb, rpm) = (folder.path().join("deb"), folder.path().join("rpm"));
    let gpg = Gpg::of_packages();
    foreign::flat(&deb, &Made::get().packages("1.36.1", &[".deb"]), &gpg);
    foreign::rpm_md(&rpm, &Made::get().packages("1.36.1", &[".rpm"]), &gpg);
    let root = folder.path().to_owned();
    let server = FaultServer::start(move |request| match request.target() {
        // A bucket that does not say what it does not have.
        target if target.contains(".kubepkg") => status("403 Forbidden", &[]),
        "/moved/InRelease" => status("302 Found", &["Location: /deb/InRelease"]),
        "/endless/InRelease" => status("302 Found", &["Location: /endless/InRelease"]),
        "/large/InRelease" => ok(vec![b'-'; 33 << 20]),
        _ => foreign::serve(&root, request),
    });
    let certificate = gpg.certificate();
    let key = ["--key", certificate.to_str().unwrap(), "--digests"];
    for place in [server.url("/deb/"), server.url("/rpm"), deb.display().to_string(), format!("file:{}", rpm.display())]
    {
        assert_eq!(done(&mut check(&place, &key)), "", "{place}");
    }
    refused(2, &mut check(&server.url("/deb"), &[]), "add `--key FILE`");
    found(&mut check(&server.url("/large"), &key), &["InRelease: has more than 33554432 bytes"]);
    assert!(crate::program::refused(5, &mut check(&server.url("/endless"), &key)).contains("redirect"));
    // Only what is behind the redirect was moved.
    found(&mut check(&server.url("/moved"), &key), &["Packages: is not there"]);
    fs::remove_file(deb.join("InRelease")).unwrap();
    assert_eq!(done(&mut check(&server.url("/deb"), &key)), "");
    replaced(&deb.join("Release"), "Codename: deb", "Codename: bed");
    found(&mut check(&server.url("/deb"), &key), &["Release.gpg: the signature of", "is bad"]);
    replaced(&rpm.join("repodata/repomd.xml"), "<revision>", "<revision>1");
    found(&mut check(&server.url("/rpm"), &key), &["repomd.xml.asc: the signature of", "is bad"]);
}

#[test]
fn a_suite_is_read_and_what_a_client_would_refuse_of_it() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let certificate = Made::get().certificate();
    let key = ["--key", certificate.to_str().unwrap()];
    let suite = ["--suite", "stable-v1.36", "--component", "main"];
    assert_eq!(done(&mut check(&rig.place, &[&key[..], &suite].concat())), "");
    found(
        &mut check(&rig.place, &[&key[..], &["--suite", "stable-v1.36", "--component", "contrib"]].concat()),
        &["has no component `contrib`"],
    );
    found(&mut check(&rig.place, &[&key[..], &["--suite", "stable-v1.37"]].concat()), &["InRelease: is not there"]);
    let gpg = Gpg::of_packages();
    let folder = rig.root().join("dists/stable-v1.36");
    let good = fs::read_to_string(folder.join("Release")).unwrap();
    for (from, to, cause) in [
        (
            "Suite: stable-v1.36\nCodename: stable-v1.36",
            "Suite: old\nCodename: older",
            "is not of the suite `stable-v1.36`",
        ),
        ("Date: ", "Valid-Until: Sun, 22 Nov 2020 20:27:38 UTC\nDate: ", "was valid until 2020-11-22"),
        ("Date: ", "Valid-Until: soon\nDate: ", "which apt does not read"),
        ("SHA256:", "SHA1:", "can be forged (MD5, SHA-1)"),
        ("main/binary-amd64/Packages\n", "main/binary-riscv64/Packages\n", "main/binary-amd64/Packages"),
    ] {
        fs::write(folder.join("Release"), good.replacen(from, to, 1)).unwrap();
        foreign::sign(&folder, &gpg);
        found(&mut check(&rig.place, &[&key[..], &suite].concat()), &[cause]);
    }
    let future =
        good.lines().map(|line| if line.starts_with("Date: ") { "Date: Sun, 22 Nov 2099 20:27:38 UTC" } else { line });
    fs::write(folder.join("Release"), future.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    foreign::sign(&folder, &gpg);
    found(&mut check(&rig.place, &[&key[..], &suite].concat()), &["which is in the future"]);
}
