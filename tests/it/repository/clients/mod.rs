//! What package managers make of a published repository, wherever it is kept: apt of Debian 12 (gpgv) and 13 (sqv), dnf 4
//! and 5, zypper.

mod apt;
mod matrix;
mod mirrors;
mod places;
mod rotation;
mod rpm_md;
mod tampering;
mod threats;

use std::path::Path;
use std::process::{Command, Output};

pub(super) use mirrors::given;
use places::{Place, Way};
pub(super) use rpm_md::{Kind, RpmMd};

/// What is installed, by the names of the packages.
const SET: [&str; 5] = ["cri-tools", "kubeadm", "kubectl", "kubelet", "kubernetes-cni"];

/// A machine that has one repository, trusts one key and checks everything that it can.
trait Machine {
    /// Makes a repository known, and nothing else. Whatever was fetched before is forgotten.
    fn subscribe(&self, place: &Place, certificate: &Path);
    /// Fetches the index files, as if their time was over. The error is what the package manager says.
    fn refresh(&self, place: &Place) -> Result<(), String>;
    /// Returns the versions of a package that could be installed, the oldest first.
    fn versions(&self, name: &str) -> Vec<String>;
    /// Fetches the newest version of a package, without an installation.
    fn download(&self, place: &Place, name: &str) -> Result<(), String>;
    /// Installs the set with all that it depends on.
    fn install(&self, place: &Place);
    /// Upgrades everything.
    fn upgrade(&self, place: &Place);
    /// Returns `NAME VERSION` of the packages of the set that are installed.
    fn installed(&self) -> Vec<String>;
    /// The files of the repository that this package manager reads first.
    fn files(&self) -> tampering::Files;
}

/// Runs a package manager and returns what it says, as an error if it fails or if `is_wrong` finds something in it.
fn said(command: &mut Command, is_wrong: impl Fn(&str) -> bool) -> Result<String, String> {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
    if status.success() && !text.lines().any(is_wrong) { Ok(text) } else { Err(format!("{status}: {text}")) }
}
