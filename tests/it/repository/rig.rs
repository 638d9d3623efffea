//! Signed packages of two releases, and the program that publishes them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use kubepkg::repository::store::{Store, StoreOptions};
use tempfile::TempDir;

use crate::built;
use crate::program::{command, done, run};

/// A key, and packages that it signed. Made once.
pub(crate) struct Made {
    folder: TempDir,
}

impl Made {
    pub(crate) fn get() -> &'static Self {
        static MADE: OnceLock<Made> = OnceLock::new();
        MADE.get_or_init(Self::new)
    }

    fn new() -> Self {
        let made = Self { folder: tempfile::tempdir().unwrap() };
        made.gpg(&["--quick-generate-key", "Release Team <release@example.org>", "ed25519", "cert,sign", "5y"]);
        made.gpg(&["--armor", "--output", made.key().to_str().unwrap(), "--export-secret-keys"]);
        made.gpg(&["--armor", "--output", made.certificate().to_str().unwrap(), "--export"]);
        let other = "other@example.org";
        made.gpg(&["--quick-generate-key", other, "ed25519", "cert,sign", "5y"]);
        made.gpg(&["--armor", "--output", made.other_certificate().to_str().unwrap(), "--export", other]);
        for version in ["1.36.1", "1.36.2"] {
            let key = made.key();
            let more = ["--arch", "amd64,arm64", "--compression", "gzip:1", "--sign-key", key.to_str().unwrap()];
            built::write("build", version, &more, &made.folder.path().join(version));
        }
        let _ = Command::new("gpgconf").arg("--homedir").arg(made.folder.path()).args(["--kill", "all"]).status();
        made
    }

    fn gpg(&self, arguments: &[&str]) {
        let home = self.folder.path().to_str().unwrap();
        let options = ["--batch", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback", "--homedir", home];
        let output = Command::new("gpg").args(options).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.folder.path().join("secret.asc")
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("public.asc")
    }

    /// The certificate of a key that signs nothing here.
    pub(crate) fn other_certificate(&self) -> PathBuf {
        self.folder.path().join("other.asc")
    }

    /// Returns the packages of a release whose names hold all `words`.
    pub(crate) fn packages(&self, version: &str, words: &[&str]) -> Vec<PathBuf> {
        let all = crate::mirror::files(&self.folder.path().join(version));
        let fits = |path: &PathBuf| words.iter().all(|word| path.to_str().unwrap().contains(word));
        all.into_iter()
            .filter(|path| path.extension().is_some_and(|end| end == "deb" || end == "rpm"))
            .filter(fits)
            .collect()
    }
}

/// A repository, wherever it is.
pub(crate) struct Rig {
    pub(crate) folder: TempDir,
    pub(crate) place: String,
    environment: Vec<(String, String)>,
}

impl Rig {
    /// Makes an empty one in a folder.
    pub(crate) fn new() -> Self {
        Self::named("Example")
    }

    /// Makes an empty one of another name.
    pub(crate) fn named(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("repo").display().to_string();
        Self { folder, place, environment: Vec::new() }.init(name)
    }

    /// Makes an empty one in a folder that may lie anywhere.
    pub(crate) fn at(place: &Path) -> Self {
        let place = place.display().to_string();
        Self { folder: tempfile::tempdir().unwrap(), place, environment: Vec::new() }.init("Example")
    }

    /// Makes an empty one in a bucket.
    pub(crate) fn in_bucket(server: &super::s3::Server, prefix: &str) -> Self {
        Self::hosted(format!("s3://packages/{prefix}"), server.environment())
    }

    /// Makes an empty one in a container of Azure.
    pub(crate) fn in_container(server: &super::azure::Server, prefix: &str) -> Self {
        Self::hosted(format!("az://packages/{prefix}"), server.environment())
    }

    fn hosted(place: String, environment: Vec<(String, String)>) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), place, environment }.init("Example")
    }

    fn init(self, name: &str) -> Self {
        let mut init = command();
        init.envs(self.environment.clone()).args(["repo", "init", &self.place, "--name", name, "-qq", "--sign-key"]);
        // Before the key existed: it signs as early as it can, whenever the test runs.
        done(init.arg(Made::get().key()).env("SOURCE_DATE_EPOCH", "1700000000"));
        self
    }

    /// What a program needs in its environment to get at it.
    pub(crate) fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// Returns the root of a repository in a folder.
    pub(crate) fn root(&self) -> &Path {
        Path::new(&self.place)
    }

    /// Returns what holds the files.
    pub(crate) fn store(&self) -> Store {
        let options = StoreOptions { environment: self.environment.clone(), ..StoreOptions::default() };
        Store::new(&self.place.parse().unwrap(), &options).unwrap()
    }

    /// Returns a command on the repository, with the key.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = self.without_key(line);
        command.arg("--sign-key").arg(Made::get().key());
        command
    }

    pub(crate) fn without_key(&self, line: &str) -> Command {
        let mut command = command();
        command.envs(self.environment.clone()).args(line.split(' ')).args(["--repo", &self.place, "-q"]);
        command
    }

    pub(crate) fn publish(&self, channel: &str, packages: &[PathBuf]) -> Command {
        let mut command = self.command(&format!("publish --channel {channel}"));
        command.args(packages);
        command
    }

    /// Publishes a whole release.
    #[track_caller]
    pub(crate) fn publish_release(&self, channel: &str, version: &str) -> String {
        done(&mut self.publish(channel, &Made::get().packages(version, &[])))
    }

    #[track_caller]
    pub(crate) fn done(&self, line: &str) -> String {
        done(&mut self.command(line))
    }

    /// Every client would be content.
    #[track_caller]
    pub(crate) fn assert_whole(&self) {
        whole(&mut self.without_key("repo check --digests"));
    }

    /// Every client would be content at a time.
    #[track_caller]
    pub(crate) fn assert_whole_at(&self, epoch: &str) {
        whole(self.without_key("repo check --digests").env("SOURCE_DATE_EPOCH", epoch));
    }

    /// Returns the paths below the root with what tells whether they were written again.
    pub(crate) fn state(&self) -> Vec<(PathBuf, u64, i64)> {
        use std::os::unix::fs::MetadataExt as _;
        let files = crate::mirror::files(self.root());
        let state = |path: PathBuf| {
            let metadata = fs_err::metadata(&path).unwrap();
            (path, metadata.ino(), metadata.mtime_nsec())
        };
        files.into_iter().map(state).collect()
    }
}

/// Runs a command, which must fail with `code` and say `words`.
#[track_caller]
pub(crate) fn refused(code: i32, command: &mut Command, words: &str) {
    let said = crate::program::refused(code, command);
    assert!(said.contains(words), "{said}");
}

#[track_caller]
fn whole(check: &mut Command) {
    let ran = run(check);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
}
