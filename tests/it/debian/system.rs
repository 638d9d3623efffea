//! A Debian system in a folder, made once on a machine and never changed afterwards.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use fs_err as fs;
use sha2::{Digest, Sha256};

use super::run;

const SUITE: &str = "bookworm";

/// What the kubelet of any version depends on, and systemd.
const PACKAGES: &str =
    "conntrack,ebtables,ethtool,init-system-helpers,iproute2,iptables,mount,socat,systemd,util-linux";

/// Nothing is fetched in the system, so apt needs no user of its own for it.
const APT_CONF: &str = "APT::Sandbox::User \"root\";\n";

/// Answers for starts and stops: it writes them down and allows them.
const POLICY: &str = "#!/bin/sh\necho \"policy $1 $2\" >>/var/log/services\n";

/// Returns the folder of the systems that tests make.
pub(super) fn roots() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    target.join("roots")
}

/// Returns the system, making it first where this machine has none of the same packages yet.
pub(super) fn system() -> &'static Path {
    static SYSTEM: OnceLock<PathBuf> = OnceLock::new();
    SYSTEM.get_or_init(|| {
        let recipe = [SUITE, PACKAGES, APT_CONF, POLICY].join("\n");
        let name = format!("{SUITE}-{}", &hex::encode(Sha256::digest(recipe))[..12]);
        let folder = roots().join(name);
        fs::create_dir_all(roots()).unwrap();
        let lock = fs::File::create(roots().join("lock")).unwrap();
        lock.file().lock().unwrap();
        if !folder.exists() {
            make(&folder);
        }
        folder
    })
}

fn make(folder: &Path) {
    let partial = folder.with_extension("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial).unwrap();
    }
    let at = |path: &str| partial.join(path);
    let include = format!("--include={PACKAGES}");
    let target = partial.to_str().unwrap();
    run("debootstrap", &["--variant=minbase", "--arch=amd64", &include, SUITE, target, &mirror()]);
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

/// Returns the mirror that the machine itself uses.
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
    let mut archives = fields.filter(|fields| fields[1..] == [SUITE, "main"]);
    let archive = archives.next();
    archive.unwrap_or_else(|| panic!("apt's configuration names no archive of `{SUITE}`:\n{targets}"))[0].to_owned()
}
