//! What is selected, and what is refused.

use crate::program::{command, kubepkg, refused, run};

/// The file names of a plan, sorted as the program sorts them.
fn files(arguments: &[&str]) -> Vec<String> {
    let table = kubepkg(&[&["plan", "--upstream", "fixtures/upstream"], arguments].concat());
    let rows = table.lines().skip(1).filter(|line| !line.starts_with("not planned"));
    rows.map(|line| line.split_whitespace().nth(1).unwrap().to_owned()).collect()
}

#[test]
fn a_file_name_says_everything() {
    assert_eq!(
        files(&["--version", "1.36.0-rc.1", "--arch", "arm64"]),
        [
            "cri-tools_1.36.0-1.1_arm64.deb",
            "cri-tools-1.36.0-1.1.aarch64.rpm",
            "kubeadm_1.36.0~rc.1-1.1_arm64.deb",
            "kubeadm-1.36.0~rc.1-1.1.aarch64.rpm",
            "kubectl_1.36.0~rc.1-1.1_arm64.deb",
            "kubectl-1.36.0~rc.1-1.1.aarch64.rpm",
            "kubelet_1.36.0~rc.1-1.1_arm64.deb",
            "kubelet-1.36.0~rc.1-1.1.aarch64.rpm",
            "kubernetes-cni_1.9.1-1.1_arm64.deb",
            "kubernetes-cni-1.9.1-1.1.aarch64.rpm",
        ]
    );
    assert_eq!(
        files(&["kubectl", "--version", "1.17.0", "--arch", "all", "--format", "rpm"]),
        [
            "kubectl-1.17.0-1.1.x86_64.rpm",
            "kubectl-1.17.0-1.1.aarch64.rpm",
            "kubectl-1.17.0-1.1.armv7hl.rpm",
            "kubectl-1.17.0-1.1.i686.rpm",
            "kubectl-1.17.0-1.1.ppc64le.rpm",
            "kubectl-1.17.0-1.1.s390x.rpm",
        ]
    );
}

#[test]
fn every_way_to_name_a_version() {
    for (given, file) in [
        ("1.36.2", "kubectl_1.36.2-1.1_amd64.deb"),
        ("v1.36.2", "kubectl_1.36.2-1.1_amd64.deb"),
        ("1.36", "kubectl_1.36.2-1.1_amd64.deb"),
        ("v1.36", "kubectl_1.36.2-1.1_amd64.deb"),
        ("stable-1.36", "kubectl_1.36.2-1.1_amd64.deb"),
        ("stable", "kubectl_1.37.1-1.1_amd64.deb"),
        ("stable-1", "kubectl_1.37.1-1.1_amd64.deb"),
        ("latest", "kubectl_1.36.0~rc.1-1.1_amd64.deb"),
        ("latest-1.36", "kubectl_1.36.0~rc.1-1.1_amd64.deb"),
        ("ci/latest", "kubectl_1.38.0~alpha.2.97+8eb85c40f2b1ca-1.1_amd64.deb"),
        ("ci/k8s-master", "kubectl_1.38.0~alpha.2.97+8eb85c40f2b1ca-1.1_amd64.deb"),
        ("1.38.0-alpha.2.97+8eb85c40f2b1ca", "kubectl_1.38.0~alpha.2.97+8eb85c40f2b1ca-1.1_amd64.deb"),
        ("1.36.1-4+0123456789abcd", "kubectl_1.36.1+4.0123456789abcd-1.1_amd64.deb"),
    ] {
        let found = files(&["kubectl", "--version", given, "--arch", "amd64", "--format", "deb"]);
        assert_eq!(found, [file], "{given}");
    }
    for (channel, file) in [
        ("release", "kubectl_1.37.1-1.1_amd64.deb"),
        ("prerelease", "kubectl_1.36.0~rc.1-1.1_amd64.deb"),
        ("nightly", "kubectl_1.38.0~alpha.2.97+8eb85c40f2b1ca-1.1_amd64.deb"),
    ] {
        let found = files(&["kubectl", "--channel", channel, "--arch", "amd64", "--format", "deb"]);
        assert_eq!(found, [file], "{channel}");
    }
}

#[test]
fn a_ci_build_is_asked_for_with_its_plus_encoded() {
    let table = kubepkg(&["plan", "kubectl", "--version", "1.38.0-alpha.2.97+8eb85c40f2b1ca", "--arch", "amd64"]);
    let url = "https://dl.k8s.io/ci/v1.38.0-alpha.2.97%2B8eb85c40f2b1ca/bin/linux/amd64/kubectl";
    assert!(table.contains(url), "{table}");
}

#[test]
fn versions_and_revisions_of_ones_own_choice() {
    let amd64 = ["--version", "1.36.2", "--arch", "amd64", "--format", "deb"];
    let with = |more: &[&str]| files(&[&amd64, more].concat());
    let found = with(&["kubernetes-cni", "cri-tools", "--cni-version", "1.8.0", "--cri-tools-version", "1.35.0"]);
    assert_eq!(found, ["cri-tools_1.35.0-1.1_amd64.deb", "kubernetes-cni_1.8.0-1.1_amd64.deb"]);
    let found = with(&["kubectl", "--component-version", "kubectl=1.36.1", "--revision", "00"]);
    assert_eq!(found, ["kubectl_1.36.1-00_amd64.deb"]);
    assert_eq!(with(&["kubectl", "--profile", "legacy"]), ["kubectl_1.36.2-00_amd64.deb"]);
}

#[test]
fn all_architectures_leave_out_with_reasons_what_is_not_described() {
    let arguments = ["plan", "cri-tools", "--version", "1.17.0", "--cri-tools-version", "1.19.0", "--arch", "all"];
    let table = kubepkg(&arguments);
    let left_out =
        "not planned: cri-tools 1.19.0 for s390x: upstream publishes no digest, and none is pinned for the archive";
    assert!(table.contains(left_out), "{table}");
    let said = refused(
        4,
        command()
            .args(["plan", "cri-tools", "--version", "1.17.0", "--cri-tools-version", "1.19.0"])
            .args(["--arch", "s390x"]),
    );
    assert!(said.contains("upstream publishes no digest, and none is pinned"), "{said}");
}

#[test]
fn what_cannot_be_is_refused_with_code_and_hint() {
    for (code, arguments, words) in [
        (4, &["--version", "1.30.0", "--arch", "arm"][..], "(arm only in versions `<1.28.1-alpha.0`)"),
        (4, &["kubelet", "--version", "1.30.0", "--arch", "arm"], "(arm only in versions `<1.27.0-alpha.0`)"),
        (4, &["kubelt", "--version", "1.30.0"], "there is no component `kubelt`"),
        (4, &["--version", "1.30.0", "--component-version", "etcd=3.6.0"], "there is no component `etcd`"),
        (4, &["--version", "1.30.0", "--profile", "modern"], "profiles are `current`, `legacy`"),
        (4, &["--version", "1.30.0", "--channel", "nightly"], "1.30.0 is of the channel `release`, not `nightly`"),
        (4, &["--version", "1.30.0-11+0123456789abcd", "--channel", "release"], "is of the channel `nightly`"),
        (2, &[], "add `--version 1.36.2`"),
        (2, &["--version", "newest"], "`newest` is neither a version nor a marker"),
        (2, &["--version", "1.30.0", "--arch", "aarch64"], "`aarch64` is `arm64` in upstream's spelling"),
        (2, &["--version", "1.30.0", "--format", "apk"], "unknown format `apk`"),
        (2, &["--version", "1.30.0", "--revision", "1-1"], "`1-1` is no revision"),
        (2, &["--version", "1.30.0", "--maintainer", "A\nDepends: sl <a@example.org>"], "is no maintainer"),
        (2, &["--version", "1.30.0", "--vendor", "A\nB"], "is no vendor"),
        (5, &["--version", "stable-1.99"], "stable-1.99.txt"),
    ] {
        let ran = run(command()
            .args(["plan", "--upstream", "fixtures/upstream", "--cache-dir", "/nonexistent"])
            .args(arguments));
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{arguments:?}\n{}", ran.stderr);
        assert!(ran.stderr.contains(words), "{arguments:?}\n{}", ran.stderr);
    }
}
