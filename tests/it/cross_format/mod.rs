//! One image, two packages: the deb and the RPM of a build agree in all but what `differences.md` names.

mod facts;
mod scripts;
mod table;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use fs_err as fs;
use serde_json::Value;

use crate::built;
use facts::Facts;
use table::Differences;

/// What the fixtures have, of which architectures.
const VERSIONS: [(&str, &str); 7] = [
    ("1.17.0", "all"),
    ("1.30.0", "all"),
    ("1.36.0-rc.1", "amd64,arm64"),
    ("1.36.1", "amd64,arm64"),
    ("1.36.2", "amd64,arm64"),
    ("1.37.1", "amd64,arm64"),
    ("1.38.0-alpha.2.97+8eb85c40f2b1ca", "amd64,arm64"),
];

/// Returns what kubepkg says of package files.
fn inspect(files: &[PathBuf]) -> Vec<Value> {
    let files: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
    let text = built::kubepkg(&[&["inspect", "--json"], &files[..]].concat()).join("\n");
    serde_json::from_str::<Value>(&text).unwrap()["packages"].as_array().unwrap().clone()
}

/// Returns an architecture in Debian's spelling.
fn debian_arch(package: &Value) -> &str {
    match package["arch"].as_str().unwrap() {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "armv7hl" => "armhf",
        "i686" => "i386",
        "ppc64le" => "ppc64el",
        other => other,
    }
}

/// Compares each deb of a build with its RPM, and returns how many there are.
fn compare(packages: &[PathBuf], profile: &str, differences: &mut Differences) -> usize {
    let inspected = inspect(packages);
    let of_format = |format: &'static str| inspected.iter().filter(move |package| package["format"] == format);
    for deb in of_format("deb") {
        let is_same = |rpm: &&Value| rpm["name"] == deb["name"] && debian_arch(rpm) == debian_arch(deb);
        let rpms: Vec<&Value> = of_format("rpm").filter(is_same).collect();
        let [rpm] = rpms[..] else { panic!("{} has {} RPMs", deb["file"]["path"], rpms.len()) };
        let (mut ours, mut theirs) = (Facts::of(deb), Facts::of(rpm));
        // Programs of one architecture are enough to compare what lies in the files, and to run scripts.
        if debian_arch(deb) == "amd64" {
            let path = |package: &Value| PathBuf::from(package["file"]["path"].as_str().unwrap());
            ours.add_bytes("dpkg-deb -x \"$0\" .", &path(deb));
            theirs.add_bytes("rpm2cpio \"$0\" | cpio --extract --make-directories --quiet", &path(rpm));
            ours.add_script_effects();
            theirs.add_script_effects();
        }
        differences.explain(deb["name"].as_str().unwrap(), profile, ours, theirs);
    }
    assert_eq!(of_format("deb").count(), of_format("rpm").count());
    of_format("deb").count()
}

fn assert_agreement(profile: &str, differences: &mut Differences) {
    let mut pairs = 0;
    for (version, arches) in VERSIONS {
        let folder = tempfile::tempdir().unwrap();
        let options = [&["--arch", arches, "--compression", "gzip:1"][..], &built::profile(profile, version)].concat();
        let packages = folder.path().join("packages");
        pairs += compare(&built::write("build", version, &options, &packages), profile, differences);
    }
    assert!(pairs > 100, "{pairs}");
}

/// A program of the machine's compiler needs the C library, which no program of the fixtures does.
fn assert_agreement_on_a_local_build(differences: &mut Differences) {
    let folder = tempfile::tempdir().unwrap();
    let programs = folder.path().join("out/bin/linux/amd64");
    fs::create_dir_all(&programs).unwrap();
    let source = folder.path().join("program.c");
    fs::write(&source, "#include <stdio.h>\nint main(void) { return puts(\"Kubernetes v1.36.2\") < 0; }\n").unwrap();
    for name in ["kubeadm", "kubectl", "kubelet"] {
        let built = Command::new("cc").arg("-o").arg(programs.join(name)).arg(&source).status().unwrap();
        assert!(built.success());
    }
    let output = folder.path().join("packages");
    let local = folder.path().join("out").display().to_string();
    let options = ["kubeadm", "kubectl", "kubelet", "--arch", "amd64", "--from-dir", &local];
    let packages = built::write("build", "1.36.2", &options, &output);
    assert_eq!(compare(&packages, "current", differences), 3);
    let requires = &inspect(&[output.join("kubectl_1.36.2-1.1_amd64.deb")])[0]["relations"]["requires"];
    assert!(requires[0].as_str().unwrap().starts_with("libc6 (>= 2."), "{requires}");
}

#[test]
fn debs_and_rpms_agree_in_all_but_the_table() {
    let mut differences = Differences::read(include_str!("differences.md"));
    for profile in ["current", "legacy"] {
        assert_agreement(profile, &mut differences);
    }
    assert_agreement_on_a_local_build(&mut differences);
    assert_eq!(differences.unneeded(), BTreeSet::new(), "rows that explain nothing");
}
