//! What lintian finds.

use kubepkg::image::{Moment, Script};

use super::*;

/// Returns lintian's errors and warnings of all packages. Overridden ones are not among them.
fn lintian(debs: &[PathBuf]) -> Vec<String> {
    let output = Command::new("lintian")
        .args(["--no-cfg", "--allow-root", "--display-info", "--pedantic", "--fail-on=none"])
        .args(debs)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let found = String::from_utf8(output.stdout).unwrap();
    found.lines().filter(|line| line.starts_with("E:") || line.starts_with("W:")).map(str::to_owned).collect()
}

#[test]
fn packages_have_no_error_and_no_warning_but_those_that_are_meant() {
    let folder = tempfile::tempdir().unwrap();
    let mut kubelet = kubelet_image();
    kubelet.metadata.deb_revision = "1".parse().unwrap();
    let mut legacy = kubelet_image();
    legacy.metadata.name = "legacy".parse().unwrap();
    legacy.metadata.deb_revision = "00".parse().unwrap();
    legacy.metadata.vendor = None;
    legacy.services[0].on_install = OnInstall::Start;
    for moment in [Moment::BeforeInstall, Moment::AfterInstall, Moment::BeforeRemove, Moment::AfterRemove] {
        let body = "mkdir -p /etc/kubernetes/manifests\n".to_owned();
        legacy.scripts.push(Script { moment, formats: Formats::All, body });
    }
    let mut vendored = kubelet_image();
    vendored.metadata.name = "vendored".parse().unwrap();
    vendored.metadata.license = "MIT".to_owned();
    vendored.metadata.version = "1.18.0-beta.2".parse().unwrap();
    vendored.metadata.copyright.push("2020 Somebody <else@example.org>".to_owned());
    vendored.entries.push(entry("/usr/share/doc/vendored/LICENSE.MIT", "0644", Role::License, text("MIT\n")));
    // Without its overrides, the last one shows that lintian has looked.
    let mut bare = kubelet_image();
    bare.metadata.name = "bare".parse().unwrap();
    bare.lint_overrides.clear();
    let debs = [kubelet, legacy, vendored, bare].map(|image| write(&image, Compression::default(), folder.path()));
    let expected = ["E: bare: statically-linked-binary [usr/bin/kubelet]", "W: bare: no-manual-page [usr/bin/kubelet]"];
    assert_eq!(lintian(&debs), expected);
}
