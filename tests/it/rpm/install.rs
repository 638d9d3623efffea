//! Installing, upgrading and removing with rpm, in a root of its own.

use std::path::{Path, PathBuf};

use fs_err as fs;
use kubepkg::image::{Content, PackageImage};
use kubepkg::package::Compression;
use tempfile::TempDir;

use super::{CODECS, image, run, write};

/// An empty system with rpm's database.
struct Root(TempDir);

impl Root {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Runs rpm in the root, without scriptlets, since the root has no shell.
    fn rpm(&self, arguments: &[&str]) -> String {
        let root = self.0.path().to_str().unwrap();
        run("rpm", &[&["--root", root, "--dbpath", "/var/lib/rpm"], arguments].concat())
    }

    fn install(&self, package: &Path) {
        self.rpm(&["-U", "--nodeps", "--noscripts", package.to_str().unwrap()]);
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(&path[1..])
    }
}

fn kubelet(version: &str, arguments: &str) -> PackageImage {
    let mut image = image::kubelet(version);
    for path in ["/etc/sysconfig/kubelet", "/etc/kubernetes/policy.conf"] {
        let entry = image.entries.iter_mut().find(|entry| entry.path.as_str() == path).unwrap();
        entry.content = Content::Text(format!("{arguments}\n").into_bytes());
    }
    image
}

#[test]
fn an_installed_package_verifies_and_leaves_nothing_behind() {
    for codec in CODECS {
        let (root, folder) = (Root::new(), tempfile::tempdir().unwrap());
        root.install(&write(&image::kubelet("1.17.0"), codec, folder.path()));
        assert_eq!(root.rpm(&["-V", "--nodeps", "--noscripts", "kubelet"]), "", "{codec}");
        assert_eq!(fs::read(root.path("/usr/bin/kubelet")).unwrap(), fs::read("/bin/true").unwrap(), "{codec}");
        assert_eq!(fs::read_link(root.path("/usr/bin/node-agent")).unwrap(), Path::new("kubelet"), "{codec}");
        assert_eq!(root.rpm(&["-qf", "/var/lib/kubelet"]), "kubelet-1.17.0-1.x86_64\n", "{codec}");
        root.rpm(&["-e", "--nodeps", "--noscripts", "kubelet"]);
        for path in ["/usr/bin/kubelet", "/etc/sysconfig/kubelet", "/etc/kubernetes", "/var/lib/kubelet"] {
            assert!(!root.path(path).exists(), "{codec}: {path}");
        }
        assert!(root.path("/etc/sysconfig").exists(), "a directory that the package does not own");
    }
}

#[test]
fn a_changed_configuration_survives_an_upgrade_where_it_is_kept() {
    let (root, folder) = (Root::new(), tempfile::tempdir().unwrap());
    root.install(&write(&kubelet("1.17.0-rc.1", "rc"), Compression::None, folder.path()));
    let (kept, replaced) = (root.path("/etc/sysconfig/kubelet"), root.path("/etc/kubernetes/policy.conf"));
    fs::write(&kept, "mine\n").unwrap();
    fs::write(&replaced, "mine\n").unwrap();
    root.install(&write(&kubelet("1.17.0", "release"), Compression::None, folder.path()));
    let text = |path: &Path| fs::read_to_string(path).unwrap();
    assert_eq!((text(&kept), text(&kept.with_extension("rpmnew"))), ("mine\n".to_owned(), "release\n".to_owned()));
    assert_eq!(
        (text(&replaced), text(&replaced.with_extension("conf.rpmsave"))),
        ("release\n".to_owned(), "mine\n".to_owned())
    );
    root.rpm(&["-e", "--nodeps", "--noscripts", "kubelet"]);
    assert_eq!(text(&kept.with_extension("rpmsave")), "mine\n");
}

#[test]
fn a_pre_release_is_older_than_its_release() {
    let (root, folder) = (Root::new(), tempfile::tempdir().unwrap());
    root.install(&write(&image::kubelet("1.17.0-rc.1"), Compression::None, folder.path()));
    root.install(&write(&image::kubelet("1.17.0"), Compression::None, folder.path()));
    assert_eq!(root.rpm(&["-q", "kubelet"]), "kubelet-1.17.0-1.x86_64\n");
}

#[test]
fn what_is_obsolete_goes_with_an_upgrade() {
    let (root, folder) = (Root::new(), tempfile::tempdir().unwrap());
    root.install(&write(&image::plain("hyperkube", "1.18.0"), Compression::None, folder.path()));
    root.install(&write(&image::kubelet("1.19.0"), Compression::None, folder.path()));
    assert_eq!(root.rpm(&["-qa"]), "kubelet-1.19.0-1.x86_64\n");
}
