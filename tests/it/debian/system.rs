//! Debian systems in folders, each made once on a machine and never changed afterwards.

use std::path::{Path, PathBuf};

use fs_err as fs;
use sha2::{Digest, Sha256};

use super::run;

/// What a system is made of.
#[derive(Clone, Copy)]
pub(crate) struct System {
    suite: &'static str,
    packages: &'static str,
}

/// A node: what the kubelet of any version depends on, and systemd.
pub(crate) const NODE: System = System {
    suite: "bookworm",
    packages: "conntrack,ebtables,ethtool,init-system-helpers,iproute2,iptables,mount,socat,systemd,util-linux",
};

/// The oldest clients that can still be installed: dpkg 1.20, rpm 4.16, liblzma 5.2.
pub(crate) const OLDEST: System = System { suite: "bullseye", packages: "cpio,rpm,rpm2cpio,xz-utils" };

/// Clients that judge signatures by Sequoia: apt 3 with sqv, rpm 4.20; and what the kubelet depends on.
pub(crate) const SEQUOIA: System = System { suite: "trixie", packages: "iptables,rpm,sqv" };

/// The newest dnf and the newest rpm: dnf 5, rpm 6.
pub(crate) const NEWEST: System = System { suite: "forky", packages: "dnf5,rpm" };

/// Nothing is fetched in the system, so apt needs no user of its own for it.
const APT_CONF: &str = "APT::Sandbox::User \"root\";\n";

/// Answers for starts and stops: it writes them down and allows them.
const POLICY: &str = "#!/bin/sh\necho \"policy $1 $2\" >>/var/log/services\n";

/// Returns the folder of the systems that tests make.
pub(super) fn roots() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    target.join("roots")
}

impl System {
    /// Returns the system's folder, making it first where this machine has none of the same packages yet.
    pub(super) fn folder(self) -> PathBuf {
        let recipe = [self.suite, self.packages, APT_CONF, POLICY].join("\n");
        let name = format!("{}-{}", self.suite, &hex::encode(Sha256::digest(recipe))[..12]);
        let folder = roots().join(name);
        fs::create_dir_all(roots()).unwrap();
        let lock = fs::File::create(roots().join(format!("lock-{}", self.suite))).unwrap();
        lock.file().lock().unwrap();
        if !folder.exists() {
            make(self, &folder);
        }
        folder
    }
}

fn make(system: System, folder: &Path) {
    let partial = folder.with_extension("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial).unwrap();
    }
    let at = |path: &str| partial.join(path);
    let include = format!("--include={}", system.packages);
    let target = partial.to_str().unwrap();
    // This machine's debootstrap may not know the suite's name yet; what it does for `sid` goes for every suite of today.
    let script = "/usr/share/debootstrap/scripts/sid";
    run("debootstrap", &["--variant=minbase", "--arch=amd64", &include, system.suite, target, &mirror(), script]);
    for trace in ["etc/apt/sources.list", "etc/resolv.conf"] {
        fs::remove_file(at(trace)).unwrap();
    }
    for emptied in ["var/lib/apt/lists", "var/cache/apt/archives"] {
        fs::remove_dir_all(at(emptied)).unwrap();
        fs::create_dir_all(at(emptied).join("partial")).unwrap();
    }
    fs::write(at("etc/apt/apt.conf.d/offline"), APT_CONF).unwrap();
    fs::write(at("usr/sbin/policy-rc.d"), POLICY).unwrap();
    run("chmod", &["0755", at("usr/sbin/policy-rc.d").to_str().unwrap()]);
    fs::rename(&partial, folder).unwrap();
}

/// Returns the mirror that the machine itself uses, which has the older suites too.
fn mirror() -> String {
    let targets = run(
        "apt-get",
        &[
            "indextargets",
            "--no-release-info",
            "--format",
            "$(REPO_URI) $(RELEASE) $(COMPONENT)",
            "Created-By: Packages",
        ],
    );
    let fields = targets.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut archives = fields.filter(|fields| fields[1..] == [NODE.suite, "main"]);
    let archive = archives.next();
    archive.unwrap_or_else(|| panic!("apt's configuration names no archive of `{}`:\n{targets}", NODE.suite))[0]
        .to_owned()
}
