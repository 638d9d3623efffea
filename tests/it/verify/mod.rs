//! `kubepkg verify`: packages of every origin, damaged ones, signed ones, and programs that are not upstream's.

mod damaged;
mod foreign;
mod papers;
mod rebuild;
mod same;
mod signed;
mod upstream;

use std::path::Path;

use kubepkg::verify::{Outcome, Report, verify};

use crate::cli::{Ran, Rig};
use crate::program;

/// Builds a signed deb and a signed RPM.
fn signed(key: &Path) -> Rig {
    let rig = Rig::new();
    rig.good(&format!(
        "build kubectl --version 1.36.2 --arch amd64 --compression gzip:1 --quiet --sign-key {}",
        key.display()
    ));
    rig
}

/// What a package says of itself, without any question.
fn alone(package: &Path) -> Report {
    verify(package, &[])
}

/// Runs `kubepkg verify`.
fn run(rig: &Rig, arguments: &[&str], packages: &[&Path]) -> Ran {
    rig.command("verify").args(arguments).args(packages).output().unwrap().into()
}

/// The words of a finding.
fn text(report: &Report, check: &str) -> String {
    let found = report.findings.iter().find(|finding| finding.check.as_str() == check);
    found.map_or_else(String::new, |finding| finding.text.clone())
}

#[track_caller]
fn assert_bad(package: &Path, check: &str, words: &str) {
    let report = alone(package);
    assert_eq!(report.outcome(), Outcome::Bad, "{report:?}");
    let text = text(&report, check);
    assert!(text.contains(words), "{check}: {text}");
}

#[test]
fn every_file_is_reported_and_the_worst_decides() {
    let rig = Rig::new();
    rig.good("build kubectl --version 1.36.2 --arch amd64 --compression gzip:1 --quiet");
    let packages = crate::cli::packages(&rig.dist());
    let [rpm, deb] = packages.as_slice() else { panic!("{packages:?}") };
    let ran = run(&rig, &[], &[deb, rpm]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 11, "{}", ran.stdout);
    assert!(
        lines[0].ends_with("kubectl_1.36.2-1.1_amd64.deb: structure good: deb 2.0 of 3 members; 13 entries"),
        "{}",
        lines[0]
    );
    assert!(lines[1].contains(": digests good: MD5 of "), "{}", lines[1]);
    assert!(lines[2].ends_with(": signature not checked: not signed"), "{}", lines[2]);
    assert_eq!(lines[10], "good: 2 packages");

    let bad = rig.path().join("bad.rpm");
    let mut bytes = fs_err::read(rpm).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs_err::write(&bad, bytes).unwrap();
    let text = rig.path().join("text");
    fs_err::write(&text, "no package").unwrap();
    let ran = run(&rig, &[], &[&text, deb, &bad, rpm]);
    assert_eq!(ran.code, 6, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("text: structure not readable: `"), "{}", ran.stdout);
    assert!(ran.stdout.contains("bad.rpm: digests bad: SHA-256 of the payload is "), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("\nbad: 1 of 4 packages\n"), "{}", ran.stdout);
    assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
    let ran = run(&rig, &[], &[&text, deb]);
    assert_eq!((ran.code, ran.stdout.lines().last()), (7, Some("not readable: 1 of 2 packages")), "{}", ran.stdout);
    assert_eq!(run(&rig, &[], &[&rig.path().join("absent.deb")]).code, 7);
}

#[test]
fn one_json_document_tells_everything() {
    let rig = Rig::new();
    rig.good("build kubectl --version 1.36.2 --arch amd64 --format deb --compression gzip:1 --quiet");
    let package = crate::cli::packages(&rig.dist()).remove(0);
    let ran = run(&rig, &["--json"], &[&package]);
    let json = ran.json();
    assert_eq!((json["schema"].as_i64(), json["outcome"].as_str()), (Some(1), Some("good")), "{json}");
    let told = &json["packages"][0];
    for (field, value) in
        [("format", "deb"), ("name", "kubectl"), ("version", "1.36.2-1.1"), ("arch", "amd64"), ("outcome", "good")]
    {
        assert_eq!(told[field], value, "{field}: {json}");
    }
    let checks: Vec<&str> =
        told["findings"].as_array().unwrap().iter().map(|one| one["check"].as_str().unwrap()).collect();
    assert_eq!(checks, ["structure", "digests", "signature", "provenance", "sbom"]);
    let sum = program::tool("sha256sum", [&package]);
    assert_eq!(told["sha256"], sum.split(' ').next().unwrap());
}
