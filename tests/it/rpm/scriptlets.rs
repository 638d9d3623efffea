//! What scriptlets do to systemd, with a `systemctl` that writes down how it was called.

use std::process::{Command, ExitStatus};

use fs_err as fs;
use kubepkg::format::Format;
use kubepkg::image::{Formats, Moment, OnInstall, PackageImage, Role, Service};
use tempfile::TempDir;

use super::{image, render};

/// Where systemd's own helper lies on Fedora and SUSE.
const HELPER: &str = "/usr/lib/systemd/systemd-update-helper";

/// A folder with stubs and the list of their calls.
struct Stubs(TempDir);

impl Stubs {
    fn new() -> Self {
        let stubs = Self(tempfile::tempdir().unwrap());
        // Written by another process: a program that is open for writing, in a child of another thread perhaps, cannot be run.
        let write = "cd \"$0\"; for name in systemctl helper; do \
             printf '#!/bin/sh\\necho %s \"$*\" >>\"%s/calls\"\\nexit 1\\n' $name \"$0\" >$name; chmod 0755 $name; done";
        assert!(Command::new("sh").args(["-c", write]).arg(stubs.0.path()).status().unwrap().success());
        stubs
    }

    /// Runs a scriptlet as rpm does, with the number of versions that are installed afterwards, and returns its status.
    fn run(&self, script: &str, versions: &str) -> ExitStatus {
        let path = format!("{}:/usr/bin:/bin", self.0.path().display());
        let log = self.0.path().join("calls");
        Command::new("/bin/sh").args(["-c", script, "sh", versions]).env("PATH", path).env("LOG", log).status().unwrap()
    }

    /// Returns the calls since it was asked last.
    fn calls(&self) -> Vec<String> {
        let path = self.0.path().join("calls");
        let calls = fs::read_to_string(&path).unwrap_or_default();
        fs::write(path, "").unwrap();
        calls.lines().map(str::to_owned).collect()
    }
}

/// Runs what rpm runs for an installation, an upgrade to the same package and a removal; systemd refuses everything.
fn life(image: &PackageImage) -> [Vec<String>; 3] {
    life_with(image, str::to_owned)
}

fn life_with(image: &PackageImage, change: impl Fn(&str) -> String) -> [Vec<String>; 3] {
    let (texts, stubs) = (render(image), Stubs::new());
    [
        &[("pre", "1"), ("post", "1")][..],
        &[("pre", "2"), ("post", "2"), ("preun", "1"), ("postun", "1")],
        &[("preun", "0"), ("postun", "0")],
    ]
    .map(|steps| {
        for (name, versions) in steps {
            if let Some(script) = texts.get(name) {
                assert!(stubs.run(&change(&change_helper(script, &stubs)), versions).success(), "%{name} {versions}");
            }
        }
        stubs.calls()
    })
}

/// Points the scriptlet at the stub, if there is one; the test's machine may have the real one.
fn change_helper(script: &str, stubs: &Stubs) -> String {
    script.replace(HELPER, &format!("{}/no-helper", stubs.0.path().display()))
}

fn with_service(on_install: OnInstall) -> PackageImage {
    let mut image = image::kubelet("1.17.0");
    image.scripts.clear();
    image.services =
        vec![Service { unit: "kubelet.service".to_owned(), on_install, formats: Formats::Only(Format::Rpm) }];
    image
}

#[test]
fn a_preset_unit_is_never_started_and_goes_with_the_package() {
    assert_eq!(
        life(&with_service(OnInstall::Preset)),
        [
            vec!["systemctl --no-reload preset kubelet.service", "systemctl daemon-reload"],
            vec!["systemctl daemon-reload", "systemctl daemon-reload"],
            vec![
                "systemctl --no-reload disable kubelet.service",
                "systemctl stop kubelet.service",
                "systemctl daemon-reload"
            ],
        ]
    );
}

#[test]
fn the_distributions_own_helper_is_asked_where_there_is_one() {
    let lives = life_with(&with_service(OnInstall::Preset), |script| script.replace("no-helper", "helper"));
    assert_eq!(
        lives,
        [
            vec!["helper install-system-units kubelet.service", "systemctl daemon-reload"],
            vec!["systemctl daemon-reload", "systemctl daemon-reload"],
            vec!["helper remove-system-units kubelet.service", "systemctl daemon-reload"],
        ]
    );
}

#[test]
fn a_started_unit_is_restarted_at_upgrades() {
    assert_eq!(
        life(&with_service(OnInstall::Start)),
        [
            vec![
                "systemctl --no-reload enable kubelet.service",
                "systemctl daemon-reload",
                "systemctl start kubelet.service"
            ],
            vec!["systemctl daemon-reload", "systemctl daemon-reload", "systemctl try-restart kubelet.service"],
            vec![
                "systemctl --no-reload disable kubelet.service",
                "systemctl stop kubelet.service",
                "systemctl daemon-reload"
            ],
        ]
    );
}

#[test]
fn a_package_with_a_drop_in_only_reloads() {
    let mut kubeadm = image::plain("kubeadm", "1.17.0");
    let drop_in = "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf";
    kubeadm.entries = vec![image::entry(drop_in, "0644", Role::Plain, image::text("[Service]\n"))];
    let texts = render(&kubeadm);
    assert_eq!(
        texts.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        ["kubeadm-rpmlintrc", "kubeadm.spec", "post", "postun"]
    );
    assert_eq!(
        life(&kubeadm),
        [
            vec!["systemctl daemon-reload"],
            vec!["systemctl daemon-reload", "systemctl daemon-reload"],
            vec!["systemctl daemon-reload"]
        ]
    );
    assert_eq!(life(&with_service(OnInstall::Nothing)), life(&kubeadm));
}

#[test]
fn a_package_without_units_has_no_scriptlet() {
    let texts = render(&image::plain("plain", "1.0.0"));
    assert_eq!(texts.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["plain-rpmlintrc", "plain.spec"]);
    let mut only_deb = with_service(OnInstall::Start);
    only_deb.entries.clear();
    only_deb.services[0].formats = Formats::Only(Format::Deb);
    assert_eq!(render(&only_deb).get("post"), None);
}

#[test]
fn scripts_of_the_spec_run_before_systemd_and_remove_only_at_removal() {
    let mut image = with_service(OnInstall::Preset);
    image.scripts = [Moment::BeforeInstall, Moment::AfterInstall, Moment::BeforeRemove, Moment::AfterRemove]
        .map(|moment| image::script(moment, &format!("# a comment\necho {moment:?} $1 >>\"$LOG\"\nexit 0\n")))
        .into();
    let [installation, upgrade, removal] = life(&image);
    assert_eq!(installation[..2], ["BeforeInstall 1", "AfterInstall 1"]);
    assert_eq!(installation[2..], ["systemctl --no-reload preset kubelet.service", "systemctl daemon-reload"]);
    assert_eq!(upgrade, ["BeforeInstall 2", "AfterInstall 2", "systemctl daemon-reload", "systemctl daemon-reload"]);
    assert_eq!((&removal[0][..], &removal[3][..]), ("BeforeRemove 0", "AfterRemove 0"));
}

#[test]
fn a_script_that_fails_says_so() {
    let mut image = with_service(OnInstall::Preset);
    image.scripts = vec![image::script(Moment::AfterInstall, "set -e\nfalse\necho not reached")];
    let (texts, stubs) = (render(&image), Stubs::new());
    assert_eq!(stubs.run(texts.get("post").unwrap(), "1").code(), Some(1));
    assert!(stubs.calls().is_empty());
}

#[test]
fn every_scriptlet_is_posix_shell() {
    let image = image::kubelet("1.17.0");
    for on_install in [OnInstall::Preset, OnInstall::Start, OnInstall::Nothing] {
        let mut image = PackageImage { services: with_service(on_install).services, ..image.clone() };
        image.scripts.push(image::script(Moment::AfterRemove, "cat <<EOF\n)\nEOF"));
        for (name, text) in render(&image).iter().filter(|(name, _)| !name.contains('-') && !name.contains('.')) {
            for shell in ["dash", "bash"] {
                let status = Command::new(shell).args(["-n", "-c", text]).status().unwrap();
                assert!(status.success(), "{shell}: %{name}\n{text}");
            }
        }
    }
}
