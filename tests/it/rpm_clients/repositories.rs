//! One repository a release, and one of a system to install them on.

use std::path::Path;

use fs_err as fs;
use tempfile::TempDir;

use super::run;
use crate::built;

/// How a system tells systemd of units that come and go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum UnitHelper {
    /// By `systemd-update-helper`, which came with systemd 250.
    Present,
    /// By `systemctl` alone, as before.
    Absent,
}

/// A folder of unsigned repositories.
pub(crate) struct Repositories(TempDir);

impl Repositories {
    /// Starts with the repository `system`.
    pub(crate) fn new(helper: UnitHelper) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spec = folder.path().join("system.spec");
        fs::write(&spec, include_str!("system.spec")).unwrap();
        let top = format!("_topdir {}", folder.path().join("rpmbuild").display());
        let system = folder.path().join("system");
        let into = format!("_rpmdir {}", system.display());
        let helper = format!("with_helper {}", u8::from(matches!(helper, UnitHelper::Present)));
        let defines = [&top, &into, &helper].map(|define| ["--define", define]).concat();
        let target = ["--target", "x86_64-linux", spec.to_str().unwrap()];
        run("rpmbuild", &[&["-bb", "--quiet"], &defines[..], &target].concat());
        run("createrepo_c", &["--quiet", system.to_str().unwrap()]);
        Self(folder)
    }

    /// Adds a repository of one release for amd64.
    pub(super) fn with(self, name: &str, version: &str, more: &[&str]) -> Self {
        let folder = self.0.path().join(name);
        built::write("build", version, &[&["--arch", "amd64", "--format", "rpm"], more].concat(), &folder);
        run("createrepo_c", &["--quiet", folder.to_str().unwrap()]);
        self
    }

    /// Returns the configuration with which dnf and zypper know the named repositories.
    pub(crate) fn configuration(&self, names: &[&str]) -> String {
        let section = |name: &&str| {
            let url = format!("file://{}", self.path().join(name).display());
            format!(
                "[{name}]\nname={name}\nbaseurl={url}\nenabled=1\nautorefresh=1\n\
                 # Packages are signed when they are published.\ngpgcheck=0\nskip_if_unavailable=0\n"
            )
        };
        names.iter().map(section).collect()
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}
