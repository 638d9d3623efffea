//! Maintainer scripts, run by dash with stand-ins for what they call.

use std::os::unix::fs::PermissionsExt;

use kubepkg::image::{Moment, Script};

use super::*;

/// Whether systemd runs on the machine that a script finds itself on.
#[derive(Clone, Copy, PartialEq)]
enum System {
    Booted,
    Chroot,
}

/// A machine on which scripts run: programs that only write down how they were called.
struct Machine {
    folder: tempfile::TempDir,
    texts: Texts,
}

impl Machine {
    fn new(image: &PackageImage, system: System) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("bin")).unwrap();
        for program in ["deb-systemd-helper", "deb-systemd-invoke", "systemctl"] {
            let stand_in = format!("#!/bin/sh\necho {program} \"$@\" >>{}\nexit ${{FAILS-0}}\n", at("log").display());
            fs::write(at("bin").join(program), stand_in).unwrap();
            fs::set_permissions(at("bin").join(program), std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        if system == System::Booted {
            fs::create_dir(at("systemd")).unwrap();
        }
        Self { texts: render(image).unwrap(), folder }
    }

    /// Runs a script as dpkg would, and returns the calls that it made.
    fn script(&self, name: &str, args: &[&str]) -> Vec<String> {
        self.script_with(name, args, &[])
    }

    fn script_with(&self, name: &str, args: &[&str], variables: &[(&str, &str)]) -> Vec<String> {
        let at = |name: &str| self.folder.path().join(name);
        let Some(text) = self.texts.get(name) else { return Vec::new() };
        fs::write(at(name), text.replace("/run/systemd/system", at("systemd").to_str().unwrap())).unwrap();
        run("dash", ["-n".as_ref(), at(name).as_os_str()]);
        fs::write(at("log"), "").unwrap();
        let path = format!("{}:/usr/bin:/bin", at("bin").display());
        let output = Command::new("dash")
            .arg(at(name))
            .args(args)
            .envs(variables.iter().copied())
            .env("PATH", path)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{name} {args:?}: {output:?}\n{text}");
        fs::read_to_string(at("log")).unwrap().lines().map(str::to_owned).collect()
    }
}

const ENABLE: [&str; 3] = [
    "deb-systemd-helper unmask kubelet.service",
    "deb-systemd-helper --quiet was-enabled kubelet.service",
    "deb-systemd-helper enable kubelet.service",
];
const RELOAD: &str = "systemctl --system daemon-reload";
const STOP: &str = "deb-systemd-invoke stop kubelet.service";
const PURGE: &str = "deb-systemd-helper purge kubelet.service";
const NOTHING: [&str; 0] = [];

#[test]
fn a_preset_unit_is_enabled_and_never_started() {
    let machine = Machine::new(&kubelet_image(), System::Booted);
    let enabled = [ENABLE.as_slice(), &[RELOAD]].concat();
    assert_eq!(machine.script("preinst", &["install"]), NOTHING);
    assert_eq!(machine.script("postinst", &["configure", ""]), enabled);
    // An upgrade: the old prerm and postrm, the new postinst.
    assert_eq!(machine.script("prerm", &["upgrade", "1.18.0-1.1"]), NOTHING);
    assert_eq!(machine.script("postrm", &["upgrade", "1.18.0-1.1"]), NOTHING);
    assert_eq!(machine.script("postinst", &["configure", "1.16.0-1.1"]), enabled);
    // A failed one, and a failed removal.
    assert_eq!(machine.script("postinst", &["abort-upgrade", "1.18.0-1.1"]), enabled);
    assert_eq!(machine.script("postinst", &["abort-remove"]), enabled);
    assert_eq!(machine.script("prerm", &["remove"]), [STOP]);
    assert_eq!(machine.script("postrm", &["remove"]), [RELOAD]);
    assert_eq!(machine.script("postrm", &["purge"]), [PURGE]);
}

#[test]
fn where_systemd_does_not_run_nothing_is_asked_of_it() {
    let machine = Machine::new(&kubelet_image(), System::Chroot);
    assert_eq!(machine.script("postinst", &["configure", ""]), ENABLE);
    assert_eq!(machine.script("prerm", &["remove"]), NOTHING);
    assert_eq!(machine.script("postrm", &["remove"]), NOTHING);
    assert_eq!(machine.script("postrm", &["purge"]), [PURGE]);
    let machine = Machine::new(&kubelet_image(), System::Booted);
    let elsewhere = machine.script_with("prerm", &["remove"], &[("DPKG_ROOT", "/mnt")]);
    assert_eq!(elsewhere, NOTHING);
}

#[test]
fn a_unit_that_the_administrator_disabled_stays_disabled() {
    let machine = Machine::new(&kubelet_image(), System::Chroot);
    let calls = machine.script_with("postinst", &["configure", "1.16.0-1.1"], &[("FAILS", "1")]);
    assert_eq!(calls, [ENABLE[0], ENABLE[1], "deb-systemd-helper update-state kubelet.service"]);
}

#[test]
fn a_started_unit_is_started_once_and_restarted_at_upgrade() {
    let mut image = kubelet_image();
    image.services[0].on_install = OnInstall::Start;
    let machine = Machine::new(&image, System::Booted);
    let and_then = |action| [ENABLE.as_slice(), &[RELOAD, action]].concat();
    let start = and_then("deb-systemd-invoke start kubelet.service");
    assert_eq!(machine.script("postinst", &["configure", ""]), start);
    assert_eq!(machine.script("postinst", &["abort-remove"]), start);
    let restart = and_then("deb-systemd-invoke restart kubelet.service");
    assert_eq!(machine.script("postinst", &["configure", "1.16.0-00"]), restart);
    assert_eq!(machine.script("prerm", &["upgrade", "1.18.0-00"]), NOTHING);
    assert_eq!(machine.script("prerm", &["remove"]), [STOP]);
}

#[test]
fn a_drop_in_alone_makes_systemd_look_again() {
    let mut image = plain_image("kubeadm");
    let drop_in = "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf";
    image.entries.push(entry(drop_in, "0644", Role::Plain, text("[Service]\n")));
    let machine = Machine::new(&image, System::Booted);
    assert_eq!(machine.script("postinst", &["configure", ""]), [RELOAD]);
    assert_eq!(machine.script("postrm", &["remove"]), [RELOAD]);
    assert_eq!(machine.script("postrm", &["purge"]), NOTHING);
    assert!(machine.texts.get("preinst").is_none() && machine.texts.get("prerm").is_none());
}

#[test]
fn a_package_with_nothing_to_do_has_no_scripts() {
    let texts = render(&plain_image("kubectl")).unwrap();
    assert!(["preinst", "postinst", "prerm", "postrm"].iter().all(|name| texts.get(name).is_none()));
}

#[test]
fn scripts_of_the_spec_run_at_their_moment_and_end_nothing_but_themselves() {
    let mut image = kubelet_image();
    image.services[0].on_install = OnInstall::Start;
    let moments = [Moment::BeforeInstall, Moment::AfterInstall, Moment::BeforeRemove, Moment::AfterRemove];
    for moment in moments {
        let body =
            format!("systemctl {moment:?} \"$1\" '{{{{x}}}}'\ncat <<'END' >>log\nhere {{{{x}}}}\nEND\ncd /\nexit 0\n");
        image.scripts.push(Script { moment, formats: Formats::All, body });
        let other = Script { moment, formats: Formats::Only(Format::Rpm), body: "systemctl never".to_owned() };
        image.scripts.push(other);
    }
    let machine = Machine::new(&image, System::Booted);
    let ran = |moment: &str, arg: &str| vec![format!("systemctl {moment} {arg} {{{{x}}}}"), "here {{x}}".to_owned()];
    assert_eq!(machine.script("preinst", &["install"]), ran("BeforeInstall", "install"));
    assert_eq!(machine.script("preinst", &["upgrade", "1"]), ran("BeforeInstall", "upgrade"));
    assert_eq!(machine.script("preinst", &["abort-upgrade", "1"]), NOTHING);
    let configured = machine.script("postinst", &["configure", ""]);
    assert_eq!(configured[4..6], ran("AfterInstall", "configure"));
    assert_eq!((configured[3].as_str(), configured[6].as_str()), (RELOAD, "deb-systemd-invoke start kubelet.service"));
    assert_eq!(machine.script("prerm", &["remove"])[..2], ran("BeforeRemove", "remove"));
    assert_eq!(machine.script("prerm", &["remove"])[2], STOP);
    assert_eq!(machine.script("prerm", &["upgrade", "2"]), NOTHING);
    assert_eq!(machine.script("postrm", &["remove"])[1..], ran("AfterRemove", "remove"));
    assert_eq!(machine.script("postrm", &["purge"]), [PURGE]);
}

#[test]
fn a_failing_script_of_the_spec_fails_the_installation() {
    let mut image = plain_image("kubectl");
    let body = "false\ntrue".to_owned();
    image.scripts = vec![Script { moment: Moment::BeforeInstall, formats: Formats::All, body }];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("preinst");
    fs::write(&path, render(&image).unwrap().get("preinst").unwrap()).unwrap();
    let status = |argument| Command::new("dash").arg(&path).arg(argument).status().unwrap();
    assert!(!status("install").success() && status("abort-upgrade").success());
}
