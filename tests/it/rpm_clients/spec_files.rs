//! Spec files that `kubepkg render` writes: with the sources that their comments name, rpmbuild makes the packages that
//! `kubepkg build` makes.

use std::path::{Path, PathBuf};

use fs_err as fs;

use super::run;
use crate::built;
use crate::rpm::spec_file::{assert_same, build_binary};

/// Copies each source to its name, from where the line above it says it is to be had: the mirror stands for the hosts.
fn lay_out_sources(spec: &str, texts: &Path, sources: &Path) {
    let lines: Vec<&str> = spec.lines().collect();
    let mut found = 0;
    for pair in lines.windows(2) {
        let Some((_, name)) = pair[1].split_once(": ").filter(|(tag, _)| tag.starts_with("Source")) else { continue };
        let origin = pair[0].strip_prefix("# ").unwrap().replace("%%", "%").replace("%2B", "+");
        let mirrored = |url: &str| url.strip_prefix("https://").map(|path| built::upstream().join(path));
        let from: PathBuf = match origin.split_once(' ') {
            Some((url, member)) => {
                let unpacked = sources.join("unpacked");
                fs::create_dir_all(&unpacked).unwrap();
                let archive = mirrored(url).unwrap();
                run("tar", &["-xzf", archive.to_str().unwrap(), "-C", unpacked.to_str().unwrap()]);
                unpacked.join(member)
            }
            None => mirrored(&origin).unwrap_or_else(|| texts.join(&origin)),
        };
        fs::copy(from, sources.join(name)).unwrap();
        found += 1;
    }
    assert!(found >= 3, "{spec}");
}

fn assert_agreement(profile: &str, version: &str, arch: &str, target: &str) {
    let folder = tempfile::tempdir().unwrap();
    let options = [&["--arch", arch, "--format", "rpm"][..], &built::profile(profile, version)].concat();
    let texts = folder.path().join("texts");
    built::write("render", version, &options, &texts);
    let packages = built::write("build", version, &options, &folder.path().join("packages"));
    assert_eq!(packages.len(), 5);
    for ours in packages {
        let file = ours.file_name().unwrap();
        let rendered = texts.join(file);
        let mut spec = fs::read_dir(&rendered).unwrap().map(|entry| entry.unwrap().path());
        let spec = spec.find(|path| path.extension().is_some_and(|extension| extension == "spec")).unwrap();
        let top = folder.path().join("rpmbuild").join(file);
        fs::create_dir_all(top.join("SOURCES")).unwrap();
        lay_out_sources(&fs::read_to_string(&spec).unwrap(), &rendered, &top.join("SOURCES"));
        assert_same(&build_binary(&spec, target, &top), &ours);
    }
}

#[test]
fn rpmbuild_makes_the_packages_of_1_17() {
    assert_agreement("current", "1.17.0", "amd64", "x86_64");
    assert_agreement("legacy", "1.17.0", "arm", "armv7hl");
}

#[test]
fn rpmbuild_makes_the_packages_of_1_36() {
    assert_agreement("current", "1.36.2", "arm64", "aarch64");
    assert_agreement("legacy", "1.36.2", "amd64", "x86_64");
}

#[test]
fn rpmbuild_makes_the_packages_of_a_ci_build() {
    assert_agreement("current", "1.38.0-alpha.2.97+8eb85c40f2b1ca", "amd64", "x86_64");
}
