//! What goes to stdout, what to stderr, and in which colours.

use kubepkg::digest::Digest;

use super::*;

const KUBECTL: &str = "build kubectl --version 1.36.2 --arch amd64";

#[test]
fn stdout_holds_the_paths_and_nothing_else() {
    let rig = Rig::new();
    let ran = rig.good(KUBECTL);
    assert_eq!(ran.stdout, "dist/kubectl_1.36.2-1.1_amd64.deb\ndist/kubectl-1.36.2-1.1.x86_64.rpm\n");
    assert!(ran.stderr.contains("       Wrote dist/kubectl_1.36.2-1.1_amd64.deb\n"), "{}", ran.stderr);
}

#[test]
fn less_and_more_is_said() {
    let rig = Rig::new();
    assert_eq!(rig.good(&format!("{KUBECTL} -q")).stderr, "");
    assert!(rig.good(KUBECTL).stderr.contains("   Unchanged dist/kubectl_1.36.2-1.1_amd64.deb\n"));
    let more = Rig::new().good(&format!("{KUBECTL} -v")).stderr;
    for verb in ["    Verified ", "     Writing ", "       Wrote "] {
        assert!(more.contains(verb), "{more}");
    }
    let mirror = Mirror::of_release("1.36.2");
    mirror.withdraw(&mirror::program("1.36.2", "arm64", "kubectl"));
    let rig = Rig::with_upstream(mirror.path().display());
    let line = "build kubectl --version 1.36.2 --arch all";
    assert!(rig.run(&format!("{line} -q")).stderr.contains("warning: "));
    let ran = rig.run(&format!("{line} -qq"));
    assert_eq!((ran.code, ran.stderr.as_str()), (10, ""));
    let ran = rig.run("build kubectl --version 1.36.2 --arch arm64 -qq");
    assert!(ran.stderr.starts_with("error: not published"), "{}", ran.stderr);
}

#[test]
fn every_subcommand_prints_one_document() {
    let rig = Rig::new();
    let selection = "kubectl --version 1.36.2 --arch amd64 --json";
    rig.good(&format!("build {selection}"));
    for (line, member) in [
        (format!("build {selection}"), "packages"),
        (format!("plan {selection}"), "builds"),
        (format!("fetch {selection}"), "files"),
        (format!("render {selection}"), "packages"),
        (format!("render {selection} -o texts"), "packages"),
        ("inspect --json dist/kubectl_1.36.2-1.1_amd64.deb dist/kubectl-1.36.2-1.1.x86_64.rpm".into(), "packages"),
        ("spec list --json".into(), "components"),
        ("spec show kubectl --json".into(), "text"),
        ("spec check --json".into(), "components"),
        ("spec export mine --json".into(), "files"),
        ("generate completions bash --json".into(), "text"),
        ("generate man man --json".into(), "files"),
        ("help --json".into(), "text"),
        ("help build --json".into(), "text"),
    ] {
        let ran = rig.good(&line);
        assert_eq!(ran.json()["schema"], 1, "{line}");
        assert!(!ran.json()[member].is_null(), "{line}: {}", ran.stdout);
        assert_eq!(ran.stderr, "", "{line}");
    }
    // A schema is a document of its own kind.
    assert!(rig.good("spec schema --json").json()["$schema"].is_string());
    let built = rig.good(&format!("build {selection}")).json();
    assert_eq!(built["complete"], true);
    for package in built["packages"].as_array().unwrap() {
        let bytes = fs_err::read(rig.path().join(package["path"].as_str().unwrap())).unwrap();
        assert_eq!(package["sha256"], Digest::sha256(&bytes).hex());
        assert_eq!(package["size"], bytes.len());
    }
}

#[test]
fn failures_are_one_document_too() {
    let mirror = Mirror::of_release("1.36.2");
    let rig = Rig::with_upstream(mirror.path().display());
    fs_err::write(rig.path().join("bad.yaml"), "maintainers: x\n").unwrap();
    fs_err::create_dir(rig.path().join("specs")).unwrap();
    fs_err::write(rig.path().join("specs/mine.yaml"), "name: mine\nnonsense: 1\n").unwrap();
    mirror.put(&mirror::program("1.36.2", "amd64", "kubelet"), "other bytes");
    for (line, code) in [
        ("build kubelet --version 1.36.2 --arch amd64 --json", 6),
        ("fetch kubelet --version 1.36.2 --arch amd64 --json", 6),
        ("render kubelet --version 1.36.2 --arch amd64 --json", 6),
        ("build kubectl --version 1.36.9 --arch amd64 --json", 5),
        ("plan nonesuch --version 1.36.2 --json", 4),
        ("plan --json", 2),
        ("plan --json --frm x", 2),
        ("--json", 2),
        ("plan --version 1.36.2 --config bad.yaml --json", 2),
        ("spec check --spec-dir specs --json", 3),
        ("spec show nonesuch --json", 4),
        ("inspect --json bad.yaml", 7),
        ("generate man bad.yaml/man --json", 7),
        ("help nonesuch --json", 2),
    ] {
        let ran = rig.run(line);
        assert_eq!(ran.code, code, "{line}: {}", ran.stderr);
        let document = ran.json();
        assert_eq!((&document["schema"], &document["error"]["exit_code"]), (&1.into(), &code.into()), "{line}");
        assert!(document["error"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{line}: {document}");
        let advice = [&document["error"]["hint"], &document["error"]["labels"][0]["hint"]];
        assert!(advice.iter().any(|hint| hint.is_string()), "{line}: {document}");
    }
    let document = rig.run("plan --json --archs amd64").json();
    assert_eq!(document["error"]["message"], "unexpected argument '--archs' found");
    assert_eq!(document["error"]["hint"], "a similar argument exists: '--arch'");
}

#[test]
fn what_was_done_before_a_failure_is_told() {
    let mirror = Mirror::of_release("1.36.2");
    let rig = Rig::with_upstream(mirror.path().display());
    mirror.put(&mirror::program("1.36.2", "arm64", "kubectl"), "other bytes");
    let ran = rig.run("fetch kubectl --version 1.36.2 --arch amd64,arm64 --json");
    assert_eq!((ran.code, ran.json()["files"].as_array().unwrap().len()), (6, 1), "{}", ran.stdout);
    // A directory stands where the RPM should.
    let rpm = rig.dist().join("kubectl-1.36.2-1.1.x86_64.rpm");
    fs_err::create_dir_all(rpm.join("x")).unwrap();
    let line = "build kubectl --version 1.36.2 --arch amd64";
    let ran = rig.run(&format!("{line} --json"));
    assert_eq!(ran.code, 7, "{}", ran.stderr);
    assert_eq!(ran.json()["complete"], false);
    for package in ran.json()["packages"].as_array().unwrap() {
        assert_eq!(package["path"], "dist/kubectl_1.36.2-1.1_amd64.deb");
    }
    for path in rig.run(line).stdout.lines() {
        assert_whole(&rig.path().join(path));
    }
}

#[test]
fn a_reader_that_has_had_enough_is_no_failure() {
    let rig = Rig::new();
    for line in ["spec schema", "help build", "--help", "spec show kubectl", "plan --version 1.36.2 --arch all --json"]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = rig.command(line).stdout(writer).output().unwrap();
        assert_eq!(code(output.status), 0, "{line}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{line}");
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = rig.command(KUBECTL).stderr(writer).output().unwrap();
    assert_eq!(code(output.status), 0, "nobody listens on stderr");
}

/// Runs the program on a terminal, and returns what that shows.
fn on_a_terminal(rig: &Rig, line: &str, no_color: Option<&str>) -> String {
    let mut command = rig.program("script");
    command.args(["--quiet", "--return", "--command", &format!("{KUBEPKG} {line}"), "/dev/null"]);
    command.env("TERM", "xterm-256color");
    if let Some(value) = no_color {
        command.env("NO_COLOR", value);
    }
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
fn colours_are_for_terminals_and_those_who_want_them() {
    let rig = Rig::new();
    let green = "\u{1b}[1m\u{1b}[32m";
    assert!(on_a_terminal(&rig, KUBECTL, None).contains(green));
    assert!(on_a_terminal(&rig, KUBECTL, Some("")).contains(green), "an empty NO_COLOR is none");
    for (line, no_color) in
        [(KUBECTL, Some("1")), (&*format!("{KUBECTL} --color never"), None), ("plan --frm", Some("1"))]
    {
        let shown = on_a_terminal(&rig, line, no_color);
        // Sequences that set colours end in `m`; bars use others.
        let coloured = shown
            .split("\u{1b}[")
            .skip(1)
            .any(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m'));
        assert!(!coloured, "{line}: {shown:?}");
        assert!(!shown.contains('█'), "no bar is drawn for work that is done at once: {shown:?}");
    }
    assert!(!rig.run(KUBECTL).stderr.contains('\u{1b}'), "no terminal");
    assert!(rig.run(&format!("{KUBECTL} --color always")).stderr.contains(green));
    let wanted = Ran::from(rig.command("plan --color always").env("NO_COLOR", "1").output().unwrap());
    assert!(wanted.stderr.contains('\u{1b}'), "a flag beats the environment: {}", wanted.stderr);
    assert!(rig.run("plan --color=always --frm").stderr.contains('\u{1b}'), "clap's messages too");
    assert!(!rig.run(&format!("{KUBECTL} --color always")).stdout.contains('\u{1b}'), "data has no colours");
}
