//! One plan, one set of bytes, papers among them: on another day, in another zone, by another user, on other processors.

use kubepkg::digest::Digest;

use super::*;

const COMPRESSIONS: [&str; 4] = ["gzip", "xz:1", "zstd", "none"];

/// Builds everything that the fixtures have of 1.36.2, and returns the SHA-256 of each package in each compression.
fn build(rig: &Rig, change: impl Fn(Command) -> Command) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for compression in COMPRESSIONS {
        let line = format!("build --version 1.36.2 --arch all --compression {compression} -qq");
        let mut command = change(rig.command(&line));
        let ran = Ran::from(command.output().unwrap());
        assert_eq!(ran.code, 10, "some of kubeadm is not in the fixtures: {command:?}: {}", ran.stderr);
        for (name, bytes) in rig.written() {
            all.insert(format!("{compression} {name}"), Digest::sha256(&bytes).hex().to_owned());
        }
    }
    all
}

/// Puts `words` before a command, which keeps its folder and its environment.
fn under(words: &[&str], command: &Command) -> Command {
    let mut outer = Command::new(words[0]);
    outer.args(&words[1..]).arg(command.get_program()).args(command.get_args());
    outer.current_dir(command.get_current_dir().unwrap()).env_clear();
    outer.envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
    outer
}

#[test]
fn nothing_but_the_plan_decides_the_bytes() {
    let usual = Rig::new();
    let expected = build(&usual, |command| command);
    assert!(expected.len() > 300, "{}", expected.len());
    let same = |what: &str, rig: &Rig, change: &dyn Fn(Command) -> Command| {
        let found = build(rig, change);
        let differing: Vec<&String> = expected.keys().filter(|key| expected.get(*key) != found.get(*key)).collect();
        assert!(differing.is_empty() && found.len() == expected.len(), "{what}: {differing:?}");
    };
    same("a warm cache", &usual, &|command| command);
    same("another day and user", &Rig::new(), &|mut command| {
        command.env("TZ", "Pacific/Kiritimati").env("LC_ALL", "tr_TR.UTF-8").env("USER", "nobody").env("HOSTNAME", "x");
        under(&["faketime", "2031-07-08 09:10:11", "sh", "-c", "umask 077; exec \"$0\" \"$@\""], &command)
    });
    same("one processor", &Rig::new(), &|mut command| {
        command.env("KUBEPKG_JOBS", "1").env("TZ", "America/Caracas");
        under(&["taskset", "-c", "0", "sh", "-c", "umask 000; exec \"$0\" \"$@\""], &command)
    });
    // A copy has times of its own, and the machine another name.
    let copy = Mirror::new();
    same("another machine", &Rig::with_upstream(copy.path().display()), &|command| {
        under(&["unshare", "--uts", "sh", "-c", "hostname elsewhere; exec \"$0\" \"$@\""], &command)
    });
    let server = serve(&mirror::fixtures());
    same("more threads and a web server", &Rig::with_upstream(server.url("")), &|mut command| {
        command.env("KUBEPKG_JOBS", "8");
        command
    });
}
