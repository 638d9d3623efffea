//! The program, run as users run it: from the root of the repository, without their environment.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

/// What a run printed.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Returns the program with no `KUBEPKG_*` variable set but the trust root of the fixtures, and a cache that is not the user's.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubepkg"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command.env("KUBEPKG_TRUST_ROOT", root("fixtures/trusted_root.json"));
    command
}

/// Returns a command that another program does.
pub(crate) fn by(program: &Path, command: &Command) -> Command {
    let mut other = Command::new(program);
    other.args(command.get_args()).env_clear();
    other.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        other.current_dir(folder);
    }
    other
}

pub(crate) fn run(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
}

/// Runs the program, which must succeed, and returns what it printed on stdout.
#[track_caller]
pub(crate) fn kubepkg(arguments: &[&str]) -> String {
    done(command().args(arguments))
}

#[track_caller]
pub(crate) fn done(command: &mut Command) -> String {
    let ran = run(command);
    assert_eq!(ran.code, 0, "{command:?}\n{}", ran.stderr);
    ran.stdout
}

/// Runs the program, which must fail with `code`, and returns what it said on stderr.
#[track_caller]
pub(crate) fn refused(code: i32, command: &mut Command) -> String {
    let ran = run(command);
    assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{command:?}\n{}", ran.stderr);
    ran.stderr
}

/// Runs a tool of the system and returns what it printed.
#[track_caller]
pub(crate) fn tool<A: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = A>) -> String {
    let output = Command::new(name).args(arguments).env("LC_ALL", "C.UTF-8").output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Returns a path of the repository.
pub(crate) fn root(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).display().to_string()
}
