//! What people do on an ordinary day: look, try first, promote a part, go back to an earlier list, and get it wrong.

use std::path::PathBuf;

use fs_err as fs;

use super::rig::{Made, Rig, refused};
use crate::built;
use crate::program::{command, done, run};

#[test]
fn what_channels_show_is_listed() {
    let rig = Rig::new();
    assert_eq!(done(&mut rig.without_key("repo list")), "");
    rig.publish_release("staging/v1.36", "1.36.1");
    rig.publish_release("rolling", "1.36.2");
    let list = done(&mut rig.without_key("repo list"));
    let rows: Vec<Vec<&str>> = list.lines().map(|line| line.split("  ").collect()).collect();
    assert_eq!(rows.iter().map(|row| row[0].trim()).collect::<Vec<_>>(), ["rolling", "staging/v1.36"], "{list}");
    assert!(list.lines().all(|line| line.contains("generation 1  ") && line.ends_with("  20 packages")), "{list}");
    let list = done(&mut rig.without_key("repo list staging/v1.36"));
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let kubelet = list.lines().map(words).find(|row| row[0] == "kubelet" && row[3] == "rpm").unwrap();
    assert_eq!(kubelet, ["kubelet", "1.36.1-1.1", "aarch64,x86_64", "rpm"], "{list}");
    let json: serde_json::Value =
        serde_json::from_str(&done(&mut rig.without_key("repo list staging/v1.36 --json"))).unwrap();
    assert_eq!(json["channels"][0]["packages"].as_array().unwrap().len(), 20);
    // The first generation differs from nothing.
    let diff = done(&mut rig.without_key("repo diff staging/v1.36"));
    assert!(diff.lines().count() == 20 && diff.lines().all(|line| line.starts_with("+ ")), "{diff}");
    // All channels have a history, too.
    let history = done(&mut rig.without_key("repo history"));
    assert_eq!(history.lines().count(), 2, "{history}");
    assert!(history.starts_with("rolling        1  "), "{history}");
}

/// The list of what a channel shows, for another one.
fn list(rig: &Rig, from: &str, to: &str) -> PathBuf {
    let yaml = done(&mut rig.without_key(&format!("repo list {from} --yaml")));
    let path = rig.folder.path().join(format!("{}.yaml", from.replace('/', "-")));
    fs::write(&path, yaml.replace(from, to)).unwrap();
    path
}

#[test]
fn a_list_is_written_tried_without_a_key_applied_and_taken_back() {
    let rig = Rig::new();
    rig.publish_release("staging/v1.36", "1.36.1");
    let first = list(&rig, "staging/v1.36", "stable/v1.36");
    let earlier = fs::read_to_string(&first).unwrap();
    let before = rig.state();
    let tried = done(&mut rig.without_key(&format!("promote --dry-run --file {}", first.display())));
    assert_eq!(tried.lines().count(), 20, "{tried}");
    assert_eq!(rig.state(), before);
    assert_eq!(rig.done(&format!("promote --file {}", first.display())), tried);
    // Staging goes on and forgets what stable shows; stable follows.
    rig.publish_release("staging/v1.36", "1.36.2");
    rig.done("repo prune staging/v1.36 --keep 1");
    let second = list(&rig, "staging/v1.36", "stable/v1.36");
    rig.done(&format!("promote --file {}", second.display()));
    // No channel shows 1.36.1 any more, and whoever takes the list back in git gets it back.
    fs::write(&second, fs::read_to_string(&second).unwrap().replace("1.36.2", "1.36.1")).unwrap();
    refused(4, &mut rig.command(&format!("promote --file {}", second.display())), "no channel has `kube");
    fs::write(&second, earlier).unwrap();
    let back = rig.done(&format!("promote --file {}", second.display()));
    assert!(back.contains("+ kubelet 1.36.1-1.1 amd64 (deb)") && back.contains("- kubelet 1.36.2-1.1"), "{back}");
    rig.assert_whole();
}

#[test]
fn what_one_channel_of_a_list_gives_up_another_gets() {
    let rig = Rig::new();
    rig.publish_release("prerelease/v1.36", "1.36.2");
    rig.publish_release("stable/v1.36", "1.36.1");
    let yaml = done(&mut rig.without_key("repo list --yaml"));
    let (prerelease, stable) = yaml.split_once("  stable/v1.36:\n").unwrap();
    let packages =
        |text: &str| text.lines().filter(|line| line.starts_with("    ")).map(|l| format!("{l}\n")).collect::<String>();
    let swapped =
        format!("channels:\n  prerelease/v1.36:\n{}  stable/v1.36:\n{}", packages(stable), packages(prerelease));
    let file = rig.folder.path().join("swapped.yaml");
    fs::write(&file, swapped).unwrap();
    for expected in [12 * 2 * 2, 0] {
        assert_eq!(rig.done(&format!("promote --file {}", file.display())).lines().count(), expected);
    }
    rig.assert_whole();
    // One channel in two spellings: whichever came last would be shown.
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("prerelease/v1.36", "stable/1.36")).unwrap();
    let words = "`stable/v1.36` stands there twice";
    refused(2, &mut rig.command(&format!("promote --file {}", file.display())), words);
    refused(2, &mut rig.without_key(&format!("repo check --expect {}", file.display())), words);
}

#[test]
fn a_part_is_promoted() {
    let rig = Rig::new();
    for version in ["1.36.1", "1.36.2"] {
        rig.publish_release("staging/v1.36", version);
    }
    let kubectl = rig.done("promote staging/v1.36 stable/v1.36 --only kubectl=1.36.1");
    assert_eq!(kubectl.lines().count(), 4, "{kubectl}");
    assert!(kubectl.lines().all(|line| line.starts_with("+ kubectl 1.36.1-1.1 ")), "{kubectl}");
    refused(11, &mut rig.command("promote staging/v1.36 stable/v1.36 --only kubelet=v1.36.2"), "kubernetes-cni");
    refused(4, &mut rig.command("promote staging/v1.36 stable/v1.36 --only kubectl=1.36.9"), "has no `kubectl=1.36.9`");
    let tried = done(&mut rig.without_key("promote staging/v1.36 stable/v1.36 --dry-run"));
    assert_eq!(rig.done("promote staging/v1.36 stable/v1.36"), tried);
}

#[test]
fn a_publication_is_tried_without_a_key() {
    let rig = Rig::new();
    let packages = Made::get().packages("1.36.1", &["deb"]);
    let before = rig.state();
    let mut tried = rig.without_key("publish --dry-run --channel stable/v1.36");
    assert_eq!(done(tried.args(&packages)).lines().count(), packages.len());
    let kubelet = Made::get().packages("1.36.1", &["kubelet_", "amd64"]);
    let mut alone = rig.without_key("publish --dry-run --channel stable/v1.36");
    refused(11, alone.args(&kubelet), "requires `kubernetes-cni");
    assert_eq!(rig.state(), before);
}

#[test]
fn a_channel_takes_its_minor_release_and_no_candidates() {
    let (rig, key) = (Rig::new(), Made::get().key());
    refused(11, &mut rig.publish("stable/v1.35", &Made::get().packages("1.36.1", &[])), "is not of v1.35");
    assert_eq!(rig.publish_release("rolling", "1.36.1").lines().count(), 20);
    let folder = tempfile::tempdir().unwrap();
    let more = ["--arch", "amd64", "--format", "deb", "--sign-key", key.to_str().unwrap()];
    let candidate = built::write("build", "1.36.0-rc.1", &[&["kubectl"], &more[..]].concat(), folder.path());
    for channel in ["stable/v1.36", "rolling"] {
        refused(11, &mut rig.publish(channel, &candidate), "kubectl 1.36.0~rc.1-1.1 amd64 (deb) is no release");
    }
    for channel in ["prerelease/v1.36", "staging/v1.36"] {
        assert_eq!(done(&mut rig.publish(channel, &candidate)).lines().count(), 1, "{channel}");
    }
    refused(11, &mut rig.command("promote prerelease/v1.36 stable/v1.36"), "is no release");
}

#[test]
fn mistakes_are_told_in_words() {
    let rig = Rig::new();
    let said = crate::program::refused(7, &mut rig.publish("stable/v1.36", &[PathBuf::from("dist/nothing.deb")]));
    assert!(said.contains("`dist/nothing.deb`: No such file") && said.contains("`kubepkg build` writes"), "{said}");
    rig.publish_release("stable/v1.36", "1.36.1");
    let refresh = run(command().args(["repo", "refresh", "--repo", &rig.place, "--sign-key"]).arg(Made::get().key()));
    assert!(refresh.stderr.contains("Signed generation 2 of stable/v1.36"), "{}", refresh.stderr);
    let quiet = run(command().args(["repo", "repair", "--repo", &rig.place]));
    assert!(quiet.code == 0 && quiet.stderr.contains("Whole"), "{}", quiet.stderr);
    let mut bare = rig.without_key("repo bundle --output set.tar");
    assert_eq!(done(bare.current_dir(rig.folder.path())), "set.tar\n");
    let quiet = run(command().args(["repo", "gc", "--repo", &rig.place]));
    assert!(quiet.stderr.contains("nothing that is of no use"), "{}", quiet.stderr);
}
