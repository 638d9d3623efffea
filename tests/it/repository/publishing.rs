//! Publishing, promoting, going back: what is in a repository afterwards, and what is refused.

use super::rig::{Made, Rig, refused};
use super::s3::Server;
use crate::program::done;
use fs_err as fs;
use std::path::PathBuf;

#[test]
fn a_release_is_published_and_published_again_without_a_write() {
    let rig = Rig::new();
    let lines = rig.publish_release("stable/v1.36", "1.36.1");
    assert_eq!(lines.lines().count(), 20, "{lines}");
    rig.assert_whole();
    let before = rig.state();
    assert_eq!(rig.publish_release("stable/v1.36", "1.36.1"), "");
    assert_eq!(rig.state(), before);
    rig.publish_release("stable/v1.36", "1.36.2");
    rig.assert_whole();
    let history = done(&mut rig.without_key("repo history stable/v1.36"));
    let rows: Vec<Vec<&str>> = history.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), ["2", "1"], "{history}");
}

#[test]
fn a_folder_stands_for_the_packages_in_it() {
    let (rig, packages) = (Rig::new(), Made::get().packages("1.36.1", &[]));
    let folder = packages[0].parent().unwrap().to_path_buf();
    assert!(packages.iter().all(|package| package.parent() == Some(&folder)));
    let lines = done(&mut rig.publish("stable/v1.36", &[folder]));
    assert_eq!(lines.lines().count(), packages.len(), "{lines}");
    rig.assert_whole();
    let empty = tempfile::tempdir().unwrap();
    refused(2, &mut rig.publish("stable/v1.36", &[empty.path().to_path_buf()]), "has no packages");
}

#[test]
fn a_bucket_holds_what_a_folder_holds() {
    let server = Server::start();
    let (bucket, folder) = (Rig::in_bucket(&server, "kubernetes"), Rig::new());
    for rig in [&bucket, &folder] {
        let mut publish = rig.publish("stable/v1.36", &Made::get().packages("1.36.1", &[]));
        done(publish.env("SOURCE_DATE_EPOCH", "1800000000"));
        rig.assert_whole_at("1800000000");
    }
    for path in ["dists/stable-v1.36/InRelease", "core:/stable:/v1.36/rpm/repodata/repomd.xml"] {
        let answer = server.ask("GET", &format!("/packages/kubernetes/{path}"));
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, fs::read_to_string(folder.root().join(path)).unwrap(), "{path}");
    }
}

#[test]
fn promotion_moves_no_bytes() {
    let rig = Rig::new();
    rig.publish_release("staging/v1.36", "1.36.1");
    let pool = crate::mirror::files(&rig.root().join("pool"));
    let lines = rig.done("promote staging/v1.36 stable/v1.36");
    assert_eq!(lines.lines().count(), 20, "{lines}");
    assert_eq!(rig.done("promote staging/v1.36 stable/v1.36"), "");
    assert_eq!(crate::mirror::files(&rig.root().join("pool")), pool);
    rig.assert_whole();
    let release = |suite: &str| fs::read_to_string(rig.root().join(format!("dists/{suite}/Release"))).unwrap();
    assert!(release("staging-v1.36").contains("\nNotAutomatic: yes\n"));
    assert!(!release("stable-v1.36").contains("NotAutomatic"));
}

#[test]
fn a_list_says_what_a_channel_shows() {
    let rig = Rig::new();
    rig.publish_release("staging/v1.36", "1.36.1");
    rig.publish_release("staging/v1.36", "1.36.2");
    let list = rig.folder.path().join("promote.yaml");
    let line = |path: &std::path::Path| {
        let sha256 = kubepkg::digest::Digest::sha256(fs::read(path).unwrap());
        format!("    {}: {}\n", path.file_name().unwrap().to_str().unwrap(), sha256.hex())
    };
    let lines =
        |version: &str| Made::get().packages(version, &["deb"]).iter().map(|path| line(path)).collect::<String>();
    let apply = |text: &str| {
        fs::write(&list, format!("channels:\n  stable/v1.36:\n{text}")).unwrap();
        rig.done(&format!("promote --file {}", list.display()))
    };
    assert_eq!(apply(&lines("1.36.1")).lines().count(), 10);
    assert_eq!(apply(&lines("1.36.1")), "");
    let changed = apply(&lines("1.36.2"));
    assert!(changed.contains("- kubelet 1.36.1-1.1 amd64 (deb)\n"), "{changed}");
    assert!(changed.contains("+ kubelet 1.36.2-1.1 amd64 (deb)\n"), "{changed}");
    rig.assert_whole();
    // What nobody published is in no channel, whatever a list says.
    fs::write(&list, "channels:\n  stable/v1.36:\n    kubelet_9_amd64.deb: ".to_owned() + &"0".repeat(64)).unwrap();
    refused(4, &mut rig.command(&format!("promote --file {}", list.display())), "no channel has `kubelet_9_amd64.deb`");
}

#[test]
fn a_channel_goes_back_by_going_on() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    rig.publish_release("stable/v1.36", "1.36.2");
    let changed = rig.done("repo rollback stable/v1.36 --to 1");
    assert!(changed.contains("- kubelet 1.36.2-1.1 amd64 (deb)\n") && !changed.contains('+'), "{changed}");
    rig.assert_whole();
    let history = done(&mut rig.without_key("repo history stable/v1.36"));
    assert!(history.contains("rollback to 1"), "{history}");
    let difference = done(&mut rig.without_key("repo diff stable/v1.36 --from 1 --to 3"));
    assert_eq!(difference, "");
    refused(4, &mut rig.command("repo rollback stable/v1.36 --to 9"), "no generation 9");
}

#[test]
fn what_is_missing_of_a_release_is_missed_before_anyone_sees_it() {
    let rig = Rig::new();
    let lonely = Made::get().packages("1.36.2", &["kubelet", "amd64.deb"]);
    refused(11, &mut rig.publish("stable/v1.36", &lonely), "requires `kubernetes-cni");
    assert!(!rig.root().join("dists").exists() && !rig.root().join("core:").exists());
    let lonely = Made::get().packages("1.36.2", &["kubelet", "x86_64.rpm"]);
    refused(11, &mut rig.publish("stable/v1.36", &lonely), "requires `kubernetes-cni");
    // Those of another architecture do not help.
    let mut lonely = lonely;
    lonely.extend(Made::get().packages("1.36.2", &["kubernetes-cni", "aarch64.rpm"]));
    refused(11, &mut rig.publish("stable/v1.36", &lonely), "requires `kubernetes-cni");
}

#[test]
fn no_channel_has_a_node_without_what_nodes_need() {
    let rig = Rig::new();
    let all = Made::get().packages("1.36.2", &["amd64.deb"]);
    let without = |name: &str| -> Vec<PathBuf> {
        let is_other = |path: &&PathBuf| !path.to_str().unwrap().contains(name);
        all.iter().filter(is_other).cloned().collect()
    };
    // kubeadm 1.36 declares no relation on it.
    let wanted = "kubeadm 1.36.2-1.1 amd64 (deb) is of no use without `cri-tools` 1.36.0 or later";
    refused(11, &mut rig.publish("stable/v1.36", &without("cri-tools")), wanted);
    assert!(!rig.root().join("dists").exists());
    // kubectl is for users, who have no nodes.
    done(&mut rig.publish("stable/v1.36", &Made::get().packages("1.36.2", &["kubectl", "amd64.deb"])));
    done(&mut rig.publish("stable/v1.36", &all));
    // Of another architecture, or an older one, will not do.
    let arm = Made::get().packages("1.36.2", &["kubeadm", "arm64.deb"]);
    refused(11, &mut rig.publish("stable/v1.36", &arm), "without `cri-tools`");
    // Whatever takes it away goes through the same gate.
    let list = rig.folder.path().join("promote.yaml");
    let line = |path: &PathBuf| {
        let sha256 = kubepkg::digest::Digest::sha256(fs::read(path).unwrap());
        format!("    {}: {}\n", path.file_name().unwrap().to_str().unwrap(), sha256.hex())
    };
    let lines: String = without("cri-tools").iter().map(line).collect();
    fs::write(&list, format!("channels:\n  stable/v1.36:\n{lines}")).unwrap();
    refused(11, &mut rig.command(&format!("promote --file {}", list.display())), wanted);
    rig.assert_whole();
}

#[test]
fn a_version_never_changes_its_bytes() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.2");
    let one = Made::get().packages("1.36.2", &["kubectl", "amd64.deb"]).remove(0);
    let other = rig.folder.path().join(one.file_name().unwrap());
    // The same package, signed by nobody: other bytes.
    fs::copy(&one, &other).unwrap();
    done(crate::program::command().args(["sign", "--remove", "-qq"]).arg(&other));
    refused(11, &mut rig.publish("stable/v1.36", std::slice::from_ref(&other)), "is there with other bytes");
    // Nor in another channel: one file has one name.
    refused(11, &mut rig.publish("staging/v1.36", &[other]), "other bytes");
    rig.assert_whole();
}

#[test]
fn unsigned_rpms_and_wrong_names_are_refused() {
    let rig = Rig::new();
    let rpm = Made::get().packages("1.36.2", &["kubectl", "x86_64.rpm"]).remove(0);
    let unsigned = rig.folder.path().join(rpm.file_name().unwrap());
    fs::copy(&rpm, &unsigned).unwrap();
    done(crate::program::command().args(["sign", "--remove", "-qq"]).arg(&unsigned));
    refused(11, &mut rig.publish("stable/v1.36", &[unsigned]), "is not signed");
    let renamed = rig.folder.path().join("kubectl-9.9.9-1.x86_64.rpm");
    fs::copy(&rpm, &renamed).unwrap();
    refused(11, &mut rig.publish("stable/v1.36", &[renamed]), "should be called `kubectl-1.36.2");
}

#[test]
fn what_is_no_package_changes_nothing() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.2");
    let before = rig.state();
    let deb = Made::get().packages("1.36.1", &["kubectl", "amd64.deb"]).remove(0);
    let bytes = fs::read(&deb).unwrap();
    let half = rig.folder.path().join(deb.file_name().unwrap());
    fs::write(&half, &bytes[..bytes.len() / 2]).unwrap();
    refused(7, &mut rig.publish("stable/v1.36", std::slice::from_ref(&half)), "ends early");
    fs::write(&half, "no package").unwrap();
    refused(7, &mut rig.publish("stable/v1.36", std::slice::from_ref(&half)), "neither a deb nor an RPM");
    fs::remove_file(&half).unwrap();
    refused(7, &mut rig.publish("stable/v1.36", &[half]), "No such file");
    assert_eq!(rig.state(), before);
}

#[test]
fn a_repository_of_a_newer_program_is_left_alone() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    for (file, name) in [("head/stable/v1.36.json", "head"), ("repository.json", "charter")] {
        let path = rig.root().join(".kubepkg").join(file);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"form\":1", "\"form\":2")).unwrap();
        let packages = Made::get().packages("1.36.2", &[]);
        refused(7, &mut rig.publish("stable/v1.36", &packages), "a newer one wrote it");
        fs::write(&path, text).unwrap();
        assert!(!name.is_empty());
    }
    rig.publish_release("stable/v1.36", "1.36.2");
    rig.assert_whole();
}

#[test]
fn time_never_runs_backwards() {
    let rig = Rig::new();
    let mut publish = rig.publish("stable/v1.36", &Made::get().packages("1.36.1", &[]));
    done(publish.env("SOURCE_DATE_EPOCH", "1800000000"));
    let mut publish = rig.publish("stable/v1.36", &Made::get().packages("1.36.2", &[]));
    refused(11, publish.env("SOURCE_DATE_EPOCH", "1799999900"), "one of the two clocks is wrong");
}

#[test]
fn garbage_goes_and_nothing_else() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    rig.publish_release("stable/v1.36", "1.36.2");
    rig.done("repo rollback stable/v1.36 --to 1");
    let orphan = rig.root().join("pool/main/o/orphan/orphan_1_amd64.deb");
    fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    fs::write(&orphan, "left by a killed run").unwrap();
    let written = fs::metadata(&orphan).unwrap().modified().unwrap();
    let gc = |more: &str, days: u64| {
        let now = written.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + days * 86400;
        done(rig.without_key(&format!("repo gc{more}")).env("SOURCE_DATE_EPOCH", now.to_string()))
    };
    assert_eq!(gc("", 0), "");
    let found = gc("", 8);
    assert!(found.contains("orphan_1_amd64.deb\n") && found.contains("kubelet_1.36.2-1.1_amd64.deb\n"), "{found}");
    assert!(!found.contains("1.36.1") && orphan.exists(), "{found}");
    // The first run records, and a later one deletes what an earlier one recorded long enough ago.
    assert_eq!(gc(" --delete", 8), "");
    assert_eq!(gc(" --delete --wait 25", 9), "");
    assert!(orphan.exists());
    // What a lock names stays, with its papers.
    let package = Made::get().packages("1.36.2", &["kubelet", "amd64.deb"]).remove(0);
    let lock = rig.folder.path().join("lock.txt");
    let sha256 = kubepkg::digest::Digest::sha256(fs::read(&package).unwrap());
    fs::write(&lock, format!("[kubelet]\nsha256 = \"{}\"\n", sha256.hex())).unwrap();
    let deleted = gc(&format!(" --delete --lock {}", lock.display()), 10);
    let locked = |line: &&str| line.starts_with("pool/") && line.contains("kubelet_1.36.2-1.1_amd64.deb");
    let (kept, others): (Vec<&str>, Vec<&str>) = found.lines().partition(locked);
    assert_eq!((kept.len(), deleted.lines().collect::<Vec<_>>()), (3, others), "{kept:?}");
    assert!(!orphan.exists() && kept.iter().all(|path| rig.root().join(path).exists()));
    rig.assert_whole();
    fs::write(&lock, "nothing\n").unwrap();
    refused(2, rig.without_key("repo gc").arg("--lock").arg(&lock), "names no SHA-256");
    // Without the lock they go, too: recorded by one run, deleted by the next.
    assert_eq!((gc(" --delete", 10).as_str(), gc(" --delete --wait 0", 10).lines().count()), ("", 3));
    assert_eq!(gc("", 10), "");
    rig.assert_whole();
}

#[test]
fn old_versions_go_and_what_is_required_stays() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    rig.publish_release("stable/v1.36", "1.36.2");
    let before = rig.state();
    let told = done(&mut rig.without_key("repo prune stable/v1.36 --keep 1 --dry-run"));
    assert_eq!(rig.state(), before);
    // Of five components two are the same in both releases.
    assert_eq!(told.lines().count(), 3 * 2 * 2, "{told}");
    assert!(told.lines().all(|line| line.starts_with("- ") && line.contains(" 1.36.1-")), "{told}");
    let pruned = rig.done("repo prune stable/v1.36 --keep 1");
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&pruned), sorted(&told));
    assert_eq!(rig.done("repo prune stable/v1.36 --keep 1"), "");
    rig.assert_whole();
    let history = done(&mut rig.without_key("repo history stable/v1.36"));
    assert!(history.contains("prune to 1"), "{history}");
    // What is taken out can be shown again.
    assert_eq!(rig.done("repo rollback stable/v1.36 --to 2").lines().count(), 3 * 2 * 2);
}

#[test]
fn repair_needs_no_key() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let files = ["dists/stable-v1.36/InRelease", "core:/stable:/v1.36/rpm/repodata/repomd.xml.asc"];
    for file in files {
        fs::write(rig.root().join(file), "what a killed run left").unwrap();
    }
    fs::remove_file(rig.root().join("core:/stable:/v1.36/deb/Packages.gz")).unwrap();
    let ran = crate::program::run(&mut rig.without_key("repo check"));
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    for file in files.into_iter().chain(["core:/stable:/v1.36/deb/Packages.gz"]) {
        assert!(ran.stdout.contains(file), "{}", ran.stdout);
    }
    assert_eq!(done(&mut rig.without_key("repo repair")), "stable/v1.36\n");
    rig.assert_whole();
    assert_eq!(done(&mut rig.without_key("repo repair")), "");
}

#[test]
fn a_key_that_clients_will_refuse_next_week_is_refused_today() {
    let rig = Rig::new();
    let key = rig.folder.path().join("short.asc");
    let generate =
        ["key", "generate", "-qq", "--algorithm", "ed25519", "--expires", "7d", "--user", "A <a@example.org>"];
    done(crate::program::command().args(generate).arg(&key));
    let mut publish = rig.without_key("publish --channel stable/v1.36");
    publish.arg("--sign-key").arg(key).args(Made::get().packages("1.36.1", &[]));
    refused(8, &mut publish, "nothing is published with this key");
    assert!(!rig.root().join("pool").exists());
}
