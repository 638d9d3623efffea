//! The program as a process: its streams, its exit codes, what it leaves behind.

mod blocks;
mod demo;
mod disk;
mod exit_codes;
mod faults;
mod help;
mod memory;
mod output;
mod pages;
mod payload;
mod reproducible;
mod signals;
mod together;
mod unchanged;
mod verification;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::fault_server::FaultServer;
use crate::mirror::{self, Mirror, files};
use crate::papers;

/// The program.
pub(crate) const KUBEPKG: &str = env!("CARGO_BIN_EXE_kubepkg");

/// A folder to run the program in, with a home, a cache and an output of its own. Upstream is the fixtures' mirror.
pub(crate) struct Rig {
    dir: TempDir,
    upstream: String,
}

/// What a run brought.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with_upstream(mirror::fixtures().display())
    }

    pub(crate) fn with_upstream(upstream: impl std::fmt::Display) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["home", "tmp"] {
            fs_err::create_dir(dir.path().join(folder)).unwrap();
        }
        Self { dir, upstream: upstream.to_string() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn dist(&self) -> PathBuf {
        self.path().join("dist")
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.path().join("home/.cache/kubepkg")
    }

    /// Sets a program up as a user without any settings has it.
    fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path()).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", self.path().join("home")).env("TMPDIR", self.path().join("tmp")).env("LC_ALL", "C.UTF-8");
        command.env("KUBEPKG_UPSTREAM", &self.upstream).env("KUBEPKG_TRUST_ROOT", mirror::trust_root());
        command.stdin(Stdio::null());
        command
    }

    /// Sets the program up with the words of `line` as its arguments.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = self.program(KUBEPKG);
        command.args(line.split_whitespace());
        command
    }

    pub(crate) fn run(&self, line: &str) -> Ran {
        self.command(line).output().unwrap().into()
    }

    /// Runs the program, which must succeed.
    #[track_caller]
    pub(crate) fn good(&self, line: &str) -> Ran {
        let ran = self.run(line);
        assert_eq!(ran.code, 0, "{line}: {}", ran.stderr);
        ran
    }

    /// Runs the program, which must end with `code`, say these words, and give something to type.
    #[track_caller]
    pub(crate) fn fails(&self, line: &str, code: i32, words: &str) -> Ran {
        let ran = self.run(line);
        assert_eq!(ran.code, code, "{line}: {}", ran.stderr);
        assert!(ran.stderr.contains(words), "{line}: {}", ran.stderr);
        let advice = ["hint: ", "help: ", "For more information, try "];
        assert!(advice.iter().any(|start| ran.stderr.contains(start)), "{line}: {}", ran.stderr);
        ran
    }

    /// Returns the packages by name.
    pub(crate) fn packages(&self) -> BTreeMap<String, Vec<u8>> {
        self.written().into_iter().filter(|(name, _)| !is_paper(name)).collect()
    }

    /// Returns the packages and their papers by name.
    pub(crate) fn written(&self) -> BTreeMap<String, Vec<u8>> {
        files(&self.dist()).into_iter().map(|path| (name(&path), fs_err::read(&path).unwrap())).collect()
    }

    /// Returns whatever is unfinished: hidden files of the output, the cache's and the system's temporary files.
    pub(crate) fn leftovers(&self) -> Vec<PathBuf> {
        let hidden = |folder: &Path| fs_err::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        let output = hidden(&self.dist()).filter(|path| name(path).starts_with('.'));
        let cache = hidden(&self.cache().join("tmp")).filter(|path| name(path) != ".lock");
        let blocks = hidden(&self.cache().join("blocks")).filter(|path| name(path).starts_with('.'));
        output.chain(cache).chain(blocks).chain(hidden(&self.path().join("tmp"))).collect()
    }

    /// Checks that nothing is unfinished, and that every package is whole and has its papers.
    #[track_caller]
    pub(crate) fn assert_tidy(&self) {
        assert_eq!(self.leftovers(), Vec::<PathBuf>::new());
        for path in files(&self.dist()).into_iter().filter(|path| !is_paper(&name(path))) {
            assert_whole(&path);
            papers::assert_papers(&path);
        }
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: code(output.status),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Returns the one JSON document on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// The exit code as a shell tells it.
pub(crate) fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap())
}

pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// The packages that have their names in a folder.
pub(crate) fn packages(folder: &Path) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut packages: Vec<_> = entries.filter(|path| path.is_file() && !is_paper(&name(path))).collect();
    packages.sort();
    packages
}

/// Whether a file is about a package, and none itself.
pub(crate) fn is_paper(name: &str) -> bool {
    name.ends_with(".intoto.jsonl") || name.ends_with(".cdx.json")
}

/// Checks a package with the tool of its format, to its last byte.
#[track_caller]
pub(crate) fn assert_whole(path: &Path) {
    let (tool, options): (_, &[&str]) = match path.extension().and_then(|extension| extension.to_str()) {
        Some("deb") => ("dpkg-deb", &["--contents"]),
        // A signature's key is known to those tests alone that are about signatures.
        Some("rpm") => ("rpmkeys", &["--checksig", "--nosignature"]),
        other => panic!("{other:?}: {}", path.display()),
    };
    let output = Command::new(tool).args(options).arg(path).output().unwrap();
    assert!(output.status.success(), "{tool} {}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
}

/// Sends a signal by its name.
pub(crate) fn signal(name: &str, process: u32) {
    // The process may be gone, which is for the caller to see.
    let kill =
        Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\" 2>/dev/null", name, &process.to_string()]).status();
    kill.unwrap();
}

/// A server of a mirror's files.
pub(crate) fn serve(mirror: &Path) -> FaultServer {
    let mirror = mirror.to_owned();
    FaultServer::start(move |request| Mirror::answer(&mirror, request))
}
