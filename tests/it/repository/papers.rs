//! Papers beside packages: published, named, kept, and refused where they are of something else.

use std::path::{Path, PathBuf};

use fs_err as fs;
use serde_json::Value;

use super::rig::{Made, Rig, refused};
use crate::program::{done, run};

pub(super) const ENDS: [&str; 2] = [".intoto.jsonl", ".cdx.json"];

fn kubelet() -> PathBuf {
    Made::get().packages("1.36.1", &["kubelet", "amd64.deb"]).remove(0)
}

/// Everything of the release but the papers, in a folder of its own.
fn bare(folder: &Path) -> Vec<PathBuf> {
    let copy = |path: PathBuf| {
        let to = folder.join(path.file_name().unwrap());
        fs::copy(path, &to).unwrap();
        to
    };
    Made::get().packages("1.36.1", &["amd64.deb"]).into_iter().map(copy).collect()
}

fn beside(package: &Path, end: &str) -> PathBuf {
    PathBuf::from(format!("{}{end}", package.display()))
}

/// The papers that the newest generation names, by path.
pub(super) fn named(rig: &Rig, channel: &str) -> Vec<String> {
    let head: Value = state(rig, &format!("head/{channel}.json"));
    let number = head["number"].as_u64().unwrap();
    let folder = rig.root().join(".kubepkg/gen").join(channel);
    let manifest = crate::mirror::files(&folder)
        .into_iter()
        .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(&format!("{number}-")));
    let generation: Value = serde_json::from_slice(&fs::read(manifest.unwrap()).unwrap()).unwrap();
    let of = |entry: &Value| {
        let papers = entry["papers"].as_array().cloned().unwrap_or_default();
        papers
            .iter()
            .map(|paper| format!("{} {}", entry["path"].as_str().unwrap(), paper["kind"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    generation["packages"].as_array().unwrap().iter().flat_map(of).collect()
}

fn state(rig: &Rig, name: &str) -> Value {
    serde_json::from_slice(&fs::read(rig.root().join(".kubepkg").join(name)).unwrap()).unwrap()
}

#[test]
fn papers_are_published_beside_packages_and_go_where_these_go() {
    let rig = Rig::new();
    let mut publish = rig.publish("staging/v1.36", &Made::get().packages("1.36.1", &[]));
    let told: Value = serde_json::from_str(&done(publish.arg("--json"))).unwrap();
    let added = told["added"].as_array().unwrap();
    assert!(!added.is_empty() && added.iter().all(|entry| entry["papers"].as_array().unwrap().len() == 2), "{told}");
    let there = rig.root().join("pool/main/k/kubelet").join(kubelet().file_name().unwrap());
    for end in ENDS {
        assert_eq!(fs::read(beside(&there, end)).unwrap(), fs::read(beside(&kubelet(), end)).unwrap());
    }
    rig.done("promote staging/v1.36 stable/v1.36");
    let papers = named(&rig, "stable/v1.36");
    assert_eq!((papers.len(), &papers), (2 * added.len(), &named(&rig, "staging/v1.36")));
    rig.assert_whole();
    // A published package is verified with what lies beside it.
    let key = Made::get().certificate();
    let verify = ["verify", "--require-papers", "--key", key.to_str().unwrap(), there.to_str().unwrap()];
    let verified = crate::program::kubepkg(&verify);
    assert!(verified.contains("provenance good") && verified.contains("sbom good"), "{verified}");
    let paper = beside(&there, ENDS[1]);
    fs::write(&paper, "{}").unwrap();
    let ran = run(&mut rig.without_key("repo check"));
    assert!(
        ran.code == 6 && ran.stdout.contains("kubelet_1.36.1-1.1_amd64.deb.cdx.json: has 2 bytes"),
        "{}",
        ran.stdout
    );
    fs::remove_file(&paper).unwrap();
    let ran = run(&mut rig.without_key("repo check"));
    assert!(ran.code == 6 && ran.stdout.contains("amd64.deb.cdx.json: is not there"), "{}", ran.stdout);
}

#[test]
fn papers_that_come_later_change_nothing() {
    let (rig, folder) = (Rig::new(), tempfile::tempdir().unwrap());
    done(&mut rig.publish("stable/v1.36", &bare(folder.path())));
    assert_eq!(named(&rig, "stable/v1.36"), [""; 0]);
    let before = rig.state();
    done(&mut rig.publish("stable/v1.36", &Made::get().packages("1.36.1", &["amd64.deb"])));
    assert_eq!(rig.state(), before);
    // Where the package is new they come with it, from wherever they are named.
    let mut papers = bare(folder.path());
    papers.extend(papers.clone().iter().flat_map(|package| {
        let name = package.file_name().unwrap();
        let from = kubelet().parent().unwrap().join(name);
        ENDS.map(|end| beside(&from, end))
    }));
    done(&mut rig.publish("staging/v1.36", &papers));
    assert_eq!(named(&rig, "staging/v1.36").len() * 3, papers.len() * 2);
    rig.assert_whole();
}

#[test]
fn papers_of_something_else_are_refused() {
    let (rig, folder) = (Rig::new(), tempfile::tempdir().unwrap());
    let packages = bare(folder.path());
    let package = packages.iter().find(|path| path.ends_with(kubelet().file_name().unwrap())).unwrap();
    let other = Made::get().packages("1.36.1", &["kubectl", "amd64.deb"]).remove(0);
    let before = rig.state();
    let name = format!("kubelet_1.36.1-1.1_amd64.deb{}", ENDS[0]);
    fs::copy(beside(&other, ENDS[0]), beside(package, ENDS[0])).unwrap();
    refused(11, &mut rig.publish("stable/v1.36", &packages), &format!("{name}` is no paper of its package"));
    fs::remove_file(beside(package, ENDS[0])).unwrap();
    fs::copy(beside(&other, ENDS[1]), beside(package, ENDS[1])).unwrap();
    refused(
        11,
        &mut rig.publish("stable/v1.36", &packages),
        "it is about `pkg:deb/kubepkg/kubectl@1.36.1-1.1?arch=amd64`",
    );
    fs::write(beside(package, ENDS[1]), "no JSON").unwrap();
    refused(11, &mut rig.publish("stable/v1.36", &packages), "no CycloneDX document");
    fs::remove_file(beside(package, ENDS[1])).unwrap();
    let mut stray = packages.clone();
    stray.push(beside(&Made::get().packages("1.36.2", &["kubelet", "amd64.deb"])[0], ENDS[0]));
    refused(11, &mut rig.publish("stable/v1.36", &stray), "is a paper of no package that is given");
    assert_eq!(rig.state(), before);
    done(&mut rig.publish("stable/v1.36", &packages));
}
