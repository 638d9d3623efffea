//! What maintainer scripts and scriptlets have systemd do, whatever the tools of the distribution are called.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use fs_err as fs;

/// A script and its arguments.
type Step = (&'static str, &'static [&'static str]);

/// The lives of a package: the scripts that are run, with their arguments, for either format. A package has those of
/// its own format only.
const LIVES: [(&str, &[Step]); 3] = [
    ("install", &[("preinst", &["install"]), ("postinst", &["configure", ""]), ("pre", &["1"]), ("post", &["1"])]),
    (
        "upgrade",
        &[
            ("prerm", &["upgrade", "2"]),
            ("preinst", &["upgrade", "1"]),
            ("postrm", &["upgrade", "2"]),
            ("postinst", &["configure", "1"]),
            ("pre", &["2"]),
            ("post", &["2"]),
            ("preun", &["1"]),
            ("postun", &["1"]),
        ],
    ),
    (
        "remove",
        &[
            ("prerm", &["remove"]),
            ("postrm", &["remove"]),
            ("postrm", &["purge"]),
            ("preun", &["0"]),
            ("postun", &["0"]),
        ],
    ),
];

/// Writes down how it was called. An administrator disabled every unit between installation and upgrade.
const STUB: &str = "#!/bin/sh\n\
    echo \"${0##*/} $*\" >>/calls\n\
    case \"$*\" in *was-enabled*) [ \"$LIFE\" != upgrade ] ;; esac\n";

/// Makes, in the folder `$0`, a root with a shell, a running systemd and stubs `$1` of its tools.
const ROOT: &str = r#"
set -e
cd "$0"
mkdir -p bin dev run/systemd/system
cp /bin/busybox bin/sh
: >dev/null
for tool in systemctl deb-systemd-helper deb-systemd-invoke; do
    printf '%s' "$1" >"bin/$tool"
    chmod 0755 "bin/$tool"
done
"#;

/// Makes the root in a process of its own: while this one has a program open for writing, another thread's child may
/// inherit that, and the program cannot be run (`ETXTBSY`).
fn root(folder: &Path) {
    let status = Command::new("sh").args(["-c", ROOT]).arg(folder).arg(STUB).status().unwrap();
    assert!(status.success());
}

/// Returns what the scripts of a package, by name, have systemd do in each life: `install: enable kubelet.service`.
pub(super) fn effects(scripts: &[(String, String)]) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    root(folder.path());
    let (calls, mut effects) = (folder.path().join("calls"), BTreeSet::new());
    for (life, steps) in LIVES {
        fs::write(&calls, "").unwrap();
        for (name, arguments) in steps {
            let Some((_, body)) = scripts.iter().find(|(script, _)| script == name) else { continue };
            let output = Command::new("/usr/sbin/chroot")
                .arg(folder.path())
                .args(["/bin/sh", "-c", body, "script"])
                .args(*arguments)
                .env_clear()
                .envs([("PATH", "/bin"), ("LIFE", life)])
                .output()
                .unwrap();
            assert!(output.status.success(), "{name} {arguments:?}: {output:?}\n{body}");
        }
        let said = fs::read_to_string(&calls).unwrap();
        effects.extend(said.lines().filter_map(effect).map(|effect| format!("{life}: {effect}")));
    }
    effects
}

/// Says what one call does, in words of neither distribution.
fn effect(call: &str) -> Option<String> {
    let words: Vec<&str> = call.split(' ').filter(|word| !word.starts_with("--")).collect();
    let verb = match words[..2] {
        ["systemctl", "daemon-reload"] => return Some("reload".to_owned()),
        // What a preset says is the distribution's affair: Debian enables, others do as their files of presets say.
        ["systemctl", "preset"] | ["deb-systemd-helper", "enable"] => "enable",
        // Debian remembers the state until the purge.
        ["systemctl", "disable"] | ["deb-systemd-helper", "purge"] => "disable",
        ["systemctl" | "deb-systemd-invoke", "start"] => "start",
        ["systemctl" | "deb-systemd-invoke", "restart"] => "restart",
        ["systemctl" | "deb-systemd-invoke", "stop"] => "stop",
        // Bookkeeping of Debian's.
        ["deb-systemd-helper", "unmask" | "was-enabled" | "update-state"] => return None,
        _ => panic!("{call} is new"),
    };
    Some(format!("{verb} {}", words[2..].join(" ")))
}
