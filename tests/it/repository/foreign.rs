//! Repositories that other tools made: apt-ftparchive, `createrepo_c` and gpg.

use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;
use tempfile::TempDir;

use super::rig::Made;
use crate::fault_server::{Act, Request, head, ok, status};
use crate::program::tool;

/// gpg with one key.
pub(crate) struct Gpg {
    home: TempDir,
}

impl Gpg {
    /// With the key that signed the packages.
    pub(crate) fn of_packages() -> Self {
        Self::with(&Made::get().key())
    }

    /// With the key of a file.
    pub(crate) fn with(key: &Path) -> Self {
        let gpg = Self { home: tempfile::tempdir().unwrap() };
        gpg.run(&["--import", key.to_str().unwrap()]);
        gpg
    }

    /// With a key that nobody knows.
    pub(crate) fn unknown() -> Self {
        let gpg = Self { home: tempfile::tempdir().unwrap() };
        gpg.run(&["--quick-generate-key", "Nobody <nobody@example.org>", "ed25519", "cert,sign", "5y"]);
        gpg
    }

    /// With a key that clients of today refuse: it signed itself with SHA-1.
    pub(crate) fn outdated() -> Self {
        let gpg = Self { home: tempfile::tempdir().unwrap() };
        let user = ["--quick-generate-key", "Old <old@example.org>", "rsa2048", "cert,sign", "5y"];
        gpg.run(&[&["--cert-digest-algo", "SHA1"][..], &user].concat());
        gpg
    }

    pub(crate) fn run(&self, arguments: &[&str]) {
        let home = self.home.path().to_str().unwrap();
        let options =
            ["--batch", "--yes", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback", "--homedir", home];
        tool("gpg", options.iter().chain(arguments));
    }

    /// Returns the certificate.
    pub(crate) fn certificate(&self) -> PathBuf {
        let path = self.home.path().join("public.asc");
        self.run(&["--armor", "--output", path.to_str().unwrap(), "--export"]);
        path
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").arg("--homedir").arg(self.home.path()).args(["--kill", "all"]).status();
    }
}

/// Makes an apt repository as a build service publishes it: flat, with gzip alone, without by-hash, Suite and SHA-512, with
/// an index of sources, and with a date that has no zone.
pub(crate) fn flat(root: &Path, packages: &[PathBuf], gpg: &Gpg) {
    for package in packages {
        let arch = package.file_stem().unwrap().to_str().unwrap().rsplit('_').next().unwrap();
        copy(package, &root.join(arch));
    }
    index_flat(root, gpg, "Sun Nov 22 20:27:38 2020");
}

/// Writes the index files of a flat repository anew.
pub(crate) fn index_flat(root: &Path, gpg: &Gpg, date: &str) {
    let run = |line: &str| {
        let output = Command::new("sh").args(["-euc", line]).current_dir(root).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let sources = "Package: kubernetes\nFormat: 1.0\nBinary: kubelet\nArchitecture: any\nVersion: 1.36.2-1.1\n";
    fs::write(root.join("Sources"), sources).unwrap();
    run("rm -f InRelease Release Release.gpg; gzip -9nkf Sources
         apt-ftparchive -o APT::FTPArchive::SHA512=false packages . > Packages; gzip -9nkf Packages");
    let release = "Archive: deb\nCodename: deb\nOrigin: obs://build.example.org/core:stable:v1.36/deb\n\
                   Label: core:stable:v1.36\nArchitectures: amd64 arm64\nDescription: packages\n";
    let output = Command::new("apt-ftparchive")
        .args(["release", "."])
        .args(["-o", "APT::FTPArchive::SHA512=false", "-o", "APT::FTPArchive::Release::Patterns::=Packages*"])
        .args(["-o", "APT::FTPArchive::Release::Patterns::=Sources*"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success());
    let made = String::from_utf8(output.stdout).unwrap();
    let sums: String =
        made.lines().skip_while(|line| !line.starts_with("MD5Sum")).map(|line| format!("{line}\n")).collect();
    fs::write(root.join("Release"), format!("{release}Date: {date}\n{sums}")).unwrap();
    sign(root, gpg);
}

/// Signs the Release file of a folder.
pub(crate) fn sign(root: &Path, gpg: &Gpg) {
    let path = |name: &str| root.join(name).display().to_string();
    gpg.run(&["--clearsign", "--output", &path("InRelease"), &path("Release")]);
    gpg.run(&["--armor", "--detach-sign", "--output", &path("Release.gpg"), &path("Release")]);
}

/// Makes an rpm-md repository as a build service publishes it.
pub(crate) fn rpm_md(root: &Path, packages: &[PathBuf], gpg: &Gpg) {
    for package in packages {
        let arch = package.file_stem().unwrap().to_str().unwrap().rsplit('.').next().unwrap();
        copy(package, &root.join(arch));
    }
    tool("createrepo_c", ["--quiet", "--no-database", "--compress-type=gz", root.to_str().unwrap()]);
    let repomd = root.join("repodata/repomd.xml").display().to_string();
    gpg.run(&["--armor", "--detach-sign", "--output", &format!("{repomd}.asc"), &repomd]);
}

fn copy(package: &Path, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    fs::copy(package, folder.join(package.file_name().unwrap())).unwrap();
}

/// Answers a request from a folder, as an honest server does.
pub(crate) fn serve(root: &Path, request: &Request) -> Vec<Act> {
    let target = request.target().replace("%2B", "+").replace("%2b", "+");
    match fs::read(root.join(target.trim_start_matches('/'))) {
        Err(_) => status("404 Not Found", &[]),
        Ok(bytes) if request.head.starts_with("HEAD ") => {
            vec![head("200 OK", &[&format!("Content-Length: {}", bytes.len())])]
        }
        Ok(bytes) => ok(bytes),
    }
}
