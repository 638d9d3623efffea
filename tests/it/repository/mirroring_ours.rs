//! `kubepkg repo mirror` from another repository of ours: from its bucket, and from what a web server shows of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;

use super::foreign;
use super::keys::another;
use super::papers::{ENDS, named};
use super::rig::{Made, Rig, refused};
use super::s3::Server;
use super::server::Serving;
use crate::fault_server::FaultServer;
use crate::program::{done, run};

/// Mirrors into the channel `stable/v1.36`, with an own cache.
fn mirror(rig: &Rig, from: &str, certificate: &Path) -> Command {
    let mut mirror = rig.command("repo mirror --channel stable/v1.36");
    mirror.env("XDG_CACHE_HOME", rig.folder.path().join("cache")).arg(from).arg("--key").arg(certificate);
    mirror
}

/// Whoever may read one bucket may read the other one, too.
fn in_one_account(rig: &Rig, source: &Rig, mut command: Command) -> Command {
    assert!(rig.place != source.place);
    command.envs(source.environment().to_vec());
    command
}

#[test]
fn a_bucket_of_ours_is_mirrored_in_every_shape() {
    let server = Server::start();
    server.open_to_everybody();
    let source = Rig::in_bucket(&server, "source");
    source.publish_release("staging/v1.36", "1.36.1");
    source.publish_release("staging/v1.36", "1.36.2");
    let certificate = Made::get().certificate();
    let suite = ["--suite", "staging-v1.36"];
    let flat = |format: &str| format!("{}/core:/staging:/v1.36/{format}", source.place);
    let (bucket, folder) = (Rig::in_bucket(&server, "mirror"), Rig::new());
    for rig in [&bucket, &folder] {
        // First the newest, then all; what is there is not taken again.
        let newest = ["--newest", "1", "--arch", "amd64"];
        let mut command = in_one_account(rig, &source, mirror(rig, &source.place, &certificate));
        assert_eq!(done(command.args(suite).args(newest)).lines().count(), 5);
        let mut command = in_one_account(rig, &source, mirror(rig, &flat("deb"), &certificate));
        assert_eq!(done(&mut command).lines().count(), 2 * (2 * 3 + 2) - 5);
        let mut command = in_one_account(rig, &source, mirror(rig, &flat("rpm"), &certificate));
        assert_eq!(done(&mut command).lines().count(), 2 * (2 * 3 + 2));
        rig.assert_whole();
        let told = done(&mut rig.without_key("repo list stable/v1.36 --json"));
        assert_eq!(told.matches(".cdx.json\"").count(), 2 * 2 * (2 * 3 + 2), "{told}");
    }
    // As everybody sees it.
    let web = Rig::new();
    assert_eq!(done(mirror(&web, &server.url("source"), &certificate).args(suite)).lines().count(), 16);
    for format in ["deb", "rpm"] {
        let from = server.url(&format!("source/core:/staging:/v1.36/{format}/"));
        let lines = done(&mut mirror(&web, &from, &certificate)).lines().count();
        assert_eq!(lines, if format == "deb" { 0 } else { 16 });
    }
    web.assert_whole();
    let history = done(&mut web.without_key("repo history stable/v1.36"));
    assert!(history.contains(&format!("mirror of {}", server.url("source"))), "{history}");
}

#[test]
fn packages_that_lie_elsewhere_are_taken_by_their_digest() {
    let source = Rig::new();
    let server = Serving::start(&source.place, &[]);
    done(&mut source.without_key(&format!("repo configure --url {}", server.url)));
    done(&mut source.publish("stable/v1.36", &Made::get().packages("1.36.1", &["kubectl"])));
    // The state of the list of mirrors has no packages, and says by URLs where they are.
    let list = server.get("/core:/stable:/v1.36/rpm/mirrorlist").body;
    let snapshot = String::from_utf8(list).unwrap().lines().next().unwrap().to_owned();
    let certificate = Made::get().certificate();
    let rig = Rig::new();
    assert_eq!(done(&mut mirror(&rig, &snapshot, &certificate)).lines().count(), 2);
    rig.assert_whole();
    let path = snapshot.strip_prefix(&server.url).unwrap().trim_end_matches('/');
    let folder = source.root().join(path).display().to_string();
    assert_eq!(done(&mut mirror(&Rig::new(), &folder, &certificate)).lines().count(), 2);
    // Whoever answers there has no key.
    let package = "core:/stable:/v1.36/rpm/x86_64/kubectl-1.36.1-1.1.x86_64.rpm".parse().unwrap();
    let mut bytes = source.store().get(&package, 1 << 30).unwrap().unwrap().bytes;
    bytes[200] ^= 1;
    source.store().replace(&package, &bytes).unwrap();
    let rig = Rig::new();
    refused(6, &mut mirror(&rig, &snapshot, &certificate), "is not the file that was published");
    assert!(!rig.root().join("pool").exists());
}

#[test]
fn what_is_not_as_it_should_be_in_a_bucket_is_not_taken() {
    let server = Server::start();
    let source = Rig::in_bucket(&server, "source");
    done(&mut source.publish("stable/v1.36", &Made::get().packages("1.36.1", &["kubectl"])));
    let rig = Rig::new();
    let from = |from: &str, key: &Path| in_one_account(&rig, &source, mirror(&rig, from, key));
    let (certificate, flat) = (Made::get().certificate(), format!("{}/core:/stable:/v1.36/deb", source.place));
    refused(6, &mut from(&flat, &another(&rig, "other")), "nothing is taken from `s3://packages/source/core:");
    refused(4, &mut from(&source.place, &certificate), "neither `InRelease` nor `repodata/repomd.xml`");
    refused(7, &mut from("s3://elsewhere/x", &certificate), "s3://elsewhere/x/InRelease");
    // Nothing but the index file is signed, and that says what a package is.
    let store = source.store();
    let package = "core:/stable:/v1.36/deb/amd64/kubectl_1.36.1-1.1_amd64.deb".parse().unwrap();
    let mut bytes = store.get(&package, 1 << 30).unwrap().unwrap().bytes;
    bytes[200] ^= 1;
    store.replace(&package, &bytes).unwrap();
    let said = crate::program::refused(6, &mut from(&flat, &certificate));
    assert!(said.contains("amd64/kubectl_1.36.1-1.1_amd64.deb` is not there, or not what"), "{said}");
    store.delete(&[package]).unwrap();
    refused(6, &mut from(&flat, &certificate), "is not there, or not what the signed index lists");
    assert!(!rig.root().join("pool").exists() && !rig.root().join("dists").exists());
}

#[test]
fn papers_come_along_and_are_what_the_other_repository_signed() {
    let source = Rig::new();
    source.publish_release("stable/v1.36", "1.36.1");
    let certificate = Made::get().certificate();
    let root = source.root().to_owned();
    let server = FaultServer::start(move |request| foreign::serve(&root, request));
    let suite = ["--suite", "stable-v1.36"];
    let flat = |place: &str, format: &str| format!("{place}/core:/stable:/v1.36/{format}");
    let kubectl = |rig: &Rig, from: &str| {
        let mut command = mirror(rig, from, &certificate);
        command.args(["--package", "kubectl", "--arch", "amd64"]);
        command
    };
    let deb = ["provenance", "sbom"].map(|kind| format!("pool/main/k/kubectl/kubectl_1.36.1-1.1_amd64.deb {kind}"));
    let paper =
        |rig: &Rig, end: &str| rig.root().join(format!("pool/main/k/kubectl/kubectl_1.36.1-1.1_amd64.deb{end}"));
    // Whatever the shape, from a folder and from a web server.
    for from in [flat(&source.place, "deb"), source.place.clone(), flat(&server.url(""), "deb"), server.url("")] {
        let rig = Rig::new();
        let mut command = kubectl(&rig, &from);
        done(if from.ends_with("deb") { &mut command } else { command.args(suite) });
        assert_eq!(named(&rig, "stable/v1.36"), deb, "{from}");
        for end in ENDS {
            assert_eq!(fs::read(paper(&rig, end)).unwrap(), fs::read(paper(&source, end)).unwrap());
        }
        rig.assert_whole();
    }
    let rig = Rig::new();
    let mut here = kubectl(&rig, ".");
    done(here.current_dir(source.root().join("core:/stable:/v1.36/rpm")));
    assert_eq!(named(&rig, "stable/v1.36").len(), 2);
    // Other bytes, or none, where the channel names some.
    let sbom = paper(&source, ENDS[1]);
    let good = fs::read(&sbom).unwrap();
    let before = rig.state();
    let mut spoilt = good.clone();
    spoilt[10] ^= 1;
    for (bytes, words) in [
        (Some(spoilt), "is not what channel stable/v1.36 names"),
        (Some([good.as_slice(), b"\n"].concat()), "is not what channel stable/v1.36 names"),
        (None, "which channel stable/v1.36 names, is not there"),
    ] {
        fs::remove_file(&sbom).unwrap();
        if let Some(bytes) = bytes {
            fs::write(&sbom, bytes).unwrap();
        }
        refused(6, &mut kubectl(&rig, &flat(&source.place, "deb")), words);
        // A server sends no more than what is named.
        assert_ne!(run(&mut kubectl(&rig, &flat(&server.url(""), "deb"))).code, 0, "{words}");
    }
    assert_eq!(rig.state(), before);
}

/// The whole output of a mirror of one package from a folder, and the papers that came with it.
fn taken(source: &Rig, spoil: impl Fn(&Path)) -> (String, Vec<String>) {
    let rig = Rig::new();
    let state = source.root().join(".kubepkg");
    spoil(&state);
    let mut command = mirror(&rig, &source.place, &Made::get().certificate());
    let ran = run(command.args(["--suite", "stable-v1.36", "--package", "kubectl", "--arch", "amd64"]));
    assert_eq!((ran.code, ran.stdout.lines().count()), (0, 1), "{}", ran.stderr);
    (ran.stderr, named(&rig, "stable/v1.36"))
}

#[test]
fn packages_are_good_without_papers() {
    let source = Rig::new();
    source.publish_release("stable/v1.36", "1.36.1");
    let charter = |state: &Path| -> PathBuf { state.join("repository.json") };
    let good = fs::read_to_string(charter(&source.root().join(".kubepkg"))).unwrap();
    assert_eq!(taken(&source, |_| {}).1.len(), 2);
    for bad in ["<html>no such page</html>".to_owned(), good.replace("\"number\":1", "\"number\":2")] {
        let (told, papers) = taken(&source, |state| fs::write(charter(state), &bad).unwrap());
        assert!(told.contains("papers are not taken: `.kubepkg/repository.json` is"), "{told}");
        assert_eq!(papers, [""; 0]);
    }
    // As a mirror of index files and packages alone has it.
    let (told, papers) = taken(&source, |state| fs::remove_dir_all(state).unwrap());
    assert_eq!((told.contains("papers"), papers.len()), (false, 0), "{told}");
}

#[test]
fn each_suite_of_a_repository_has_a_time_of_its_own() {
    let (source, rig) = (Rig::new(), Rig::new());
    done(&mut source.publish("staging/v1.36", &Made::get().packages("1.36.1", &["kubectl", "amd64.deb"])));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    done(&mut source.publish("stable/v1.36", &Made::get().packages("1.36.2", &["kubectl", "amd64.deb"])));
    // The newer one first: the other is not an older state of it.
    for suite in ["stable-v1.36", "staging-v1.36"] {
        let mut mirror = rig.command(&format!("repo mirror --channel rolling --suite {suite}"));
        mirror.env("XDG_CACHE_HOME", rig.folder.path().join("cache")).arg(&source.place);
        assert_eq!(done(mirror.arg("--key").arg(Made::get().certificate())).lines().count(), 1, "{suite}");
    }
    let history = done(&mut rig.without_key("repo history rolling"));
    assert!(history.contains(&format!("mirror of {} (suite staging-v1.36)", source.place)), "{history}");
}
