//! What the program refuses to build.

use crate::cli::Rig;

const PLAN: &str = "plan kubectl --version 1.36.2 --arch amd64 --spec-dir mine/specs";

/// Changes kubectl's spec, and returns a rig that has it as `mine/specs`.
fn with_spec(old: &str, new: &str) -> Rig {
    let rig = Rig::new();
    rig.good("spec export mine");
    let path = rig.path().join("mine/specs/kubectl.yaml");
    let text = fs_err::read_to_string(&path).unwrap();
    assert!(text.contains(old), "{old}");
    fs_err::write(path, text.replacen(old, new, 1)).unwrap();
    rig
}

#[test]
fn a_spec_that_would_break_a_package_is_refused() {
    let with = |row: &str| format!("relations:\n  - {row}\nfiles:\n");
    let script = |text: &str| format!("scripts:\n  - at: after-install\n    run: \"{text}\"\nfiles:\n");
    let file = |row: &str| format!("files:\n  - {{{row}, template: files/README.md}}\n");
    for (old, new, words) in [
        ("name: kubectl", "name: My_Pkg Name".to_owned(), "My_Pkg Name"),
        ("files:\n", with("{requires: {system: \"foo >>>= 1 (bad\"}}"), "is no name of a package"),
        ("files:\n", with("{requires: {system: foo, deb: \"a |\"}}"), "is no name of a package"),
        ("files:\n", with("{requires: {system: foo, at-least: \"1) | bar\"}}"), "1) | bar"),
        ("names: [amd64,", "names: [pentium9,".to_owned(), "pentium9"),
        ("homepage: https://kubernetes.io", "homepage: \"https://x\\nEssential: yes\"".to_owned(), "kubectl.yaml"),
        ("license: Apache-2.0", "license: \"Apache-2.0\\nEssential: yes\"".to_owned(), "write it in one line"),
        ("section: admin", "section: \"\"".to_owned(), "kubectl.yaml"),
        ("section: admin", "section: nonsense".to_owned(), "unknown section `nonsense`"),
        ("section: admin", "section: admin\npriority: urgent".to_owned(), "unknown priority `urgent`"),
        ("section: admin", "section: admin\nmaintainer: Nobody".to_owned(), "`Nobody` is no maintainer"),
        ("files:\n", script("#!/usr/bin/python3\\nprint()\\n"), "#!"),
        ("files:\n", script("true\\0"), "kubectl.yaml"),
        ("files:\n", file("path: /etc/kubectl.conf"), "lies below /etc but is no configuration"),
        ("files:\n", file("path: \"/usr/share/a\\nb\""), "kubectl.yaml"),
        ("files:\n", file("path: /usr/../etc/x"), "kubectl.yaml"),
        ("files:\n", file("path: /usr/bin/kubectl"), "is installed twice"),
    ] {
        let rig = with_spec(old, &new);
        let ran = rig.fails(PLAN, 3, words);
        assert!(ran.stderr.contains("mine/specs/kubectl.yaml:"), "{new}: the place is told: {}", ran.stderr);
    }
}

#[test]
fn what_a_spec_must_say_is_not_made_up() {
    for line in [
        "license: Apache-2.0\n",
        "homepage: https://kubernetes.io\n",
        "section: admin\n",
        "summary: Command-line utility for interacting with a Kubernetes cluster\n",
        "copyright:\n  - 2014 The Kubernetes Authors\n",
    ] {
        let key = line.split(':').next().unwrap();
        with_spec(line, "").fails(PLAN, 3, key);
        with_spec(line, &format!("{key}: \"\"\n")).fails(PLAN, 3, "kubectl.yaml");
    }
    let rig = Rig::new();
    rig.fails("plan --version 1.36.2 --maintainer Nobody", 2, "is no maintainer");
    rig.fails("plan --version 1.36.2 --vendor=", 2, "");
}

#[test]
fn versions_that_are_none_are_refused() {
    let rig = Rig::new();
    for bad in
        ["foo", "1.2", "1.2-3-4/5", "abc:1.36.2", "1:1.36.2", "${UNDEFINED}", "1.36.2~rc.1", "01.36.2", "1.36.2\n"]
    {
        let mut command = rig.command("plan --arch amd64 --cni-version");
        let output = command.arg(bad).args(["--version", "1.36.2"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{bad}");
    }
    for bad in ["foo bar/1", "1.2-3-4", "abc:1.0", "${UNDEFINED}", ""] {
        let output = rig.command("plan kubectl --arch amd64 --version").arg(bad).output().unwrap();
        assert!(matches!(output.status.code(), Some(2)), "{bad}: {}", String::from_utf8_lossy(&output.stderr));
    }
    for bad in ["1-2", "1 2", "1/2", "1:2", "", "-1", "${UNDEFINED}", "1\n"] {
        let output = rig.command("plan --version 1.36.2 --revision").arg(bad).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{bad:?}");
    }
}

#[test]
fn a_dash_is_no_output_folder() {
    let rig = Rig::new();
    rig.fails("build kubectl --version 1.36.2 --arch amd64 --output -", 2, "`-` is no folder");
    assert!(!rig.path().join("-").exists());
    rig.fails("build kubectl --version 1.36.2 --arch amd64 --output /dev/stdout", 7, "/dev/stdout");
}
