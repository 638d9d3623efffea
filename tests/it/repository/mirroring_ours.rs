//! `kubepkg repo mirror` from another repository of ours: from its bucket, and from what a web server shows of it.

use std::path::Path;
use std::process::Command;

use super::keys::another;
use super::rig::{Made, Rig, refused};
use super::s3::Server;
use super::server::Serving;
use crate::program::done;

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
