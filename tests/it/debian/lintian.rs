//! What lintian finds in the built set.

use std::collections::BTreeSet;

use super::*;

/// The tags that are found in the fixtures' packages: all of them are overridden, with a reason.
const OVERRIDDEN: [(&str, &str); 17] = [
    ("cri-tools", "initial-upload-closes-no-bugs"),
    ("cri-tools", "no-manual-page"),
    ("cri-tools", "statically-linked-binary"),
    ("kubeadm", "initial-upload-closes-no-bugs"),
    ("kubeadm", "no-manual-page"),
    ("kubeadm", "statically-linked-binary"),
    ("kubectl", "initial-upload-closes-no-bugs"),
    ("kubectl", "no-manual-page"),
    ("kubectl", "statically-linked-binary"),
    ("kubelet", "depends-on-essential-package-without-using-version"),
    ("kubelet", "initial-upload-closes-no-bugs"),
    ("kubelet", "no-manual-page"),
    ("kubelet", "statically-linked-binary"),
    ("kubernetes-cni", "description-is-pkg-name"),
    ("kubernetes-cni", "dir-or-file-in-opt"),
    ("kubernetes-cni", "initial-upload-closes-no-bugs"),
    ("kubernetes-cni", "statically-linked-binary"),
];

/// Returns the lines of lintian's report.
fn lintian(debs: &[PathBuf]) -> Vec<String> {
    let options = ["--no-cfg", "--allow-root", "--show-overrides", "--fail-on=none"];
    let output = Command::new("lintian").args(options).args(debs).env("LC_ALL", "C.UTF-8").output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_set_has_no_error_and_no_warning_but_those_with_a_reason() {
    let sets = [
        Set::of(&["--version", "1.17.0", "--arch", "all"]),
        Set::with("1.17.0", &LEGACY),
        Set::with("1.36.2", &["--vendor", "Example", "--revision", "1"]),
        Set::new("1.38.0-alpha.2.97+8eb85c40f2b1ca"),
    ];
    let debs: Vec<_> = sets.iter().flat_map(|set| set.debs.clone()).collect();
    let report = lintian(&debs);
    let open: Vec<_> = report.iter().filter(|line| !line.starts_with("N: ") && !line.starts_with("O: ")).collect();
    assert!(open.is_empty(), "{open:#?}");

    let mut overridden = BTreeSet::new();
    for (number, line) in report.iter().enumerate() {
        let Some(found) = line.strip_prefix("O: ") else { continue };
        assert!(number > 0 && report[number - 1].starts_with("N: "), "no reason: {line}");
        let (package, tag) = found.split_once(": ").unwrap();
        overridden.insert((package, tag.split_whitespace().next().unwrap()));
    }
    assert_eq!(overridden.into_iter().collect::<Vec<_>>(), OVERRIDDEN);
}
