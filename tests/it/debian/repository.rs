//! apt with repositories whose index files are ours, signed and checked.

use fs_err as fs;
use kubepkg::repository::apt::{Layout, Upgrades};
use tempfile::TempDir;

use super::*;
use crate::index_files::{Key, apt_repository, suite};

/// A signed repository in a folder, for which nobody has served an uncompressed file.
struct Repository {
    folder: TempDir,
    key: Key,
    sources: &'static str,
}

impl Repository {
    fn new(layout: &Layout, upgrades: Upgrades, debs: &[PathBuf]) -> Self {
        let (folder, key) = (TempDir::new().unwrap(), Key::new());
        let top = apt_repository(folder.path(), layout, &suite(layout, upgrades, &["amd64", "arm64"]), debs);
        key.sign_release(&top);
        let sources = match layout {
            Layout::Dists { .. } => "Suites: stable\nComponents: main\n",
            Layout::Flat => "Suites: /\n",
        };
        Self { folder, key, sources }
    }

    /// Makes it known to apt, and nothing else.
    fn offer(&self, root: &Root) {
        root.put_folder(self.folder.path(), "repository");
        root.write("/etc/apt/keyrings/example.asc", &fs::read_to_string(self.key.public()).unwrap());
        let rest = "Signed-By: /etc/apt/keyrings/example.asc\n";
        let sources = format!("Types: deb\nURIs: copy:/repository\n{}{rest}", self.sources);
        root.write("/etc/apt/sources.list.d/example.sources", &sources);
    }
}

const UPDATE: [&str; 4] = ["apt-get", "update", "-o", "APT::Update::Error-Mode=any"];

/// Refreshes; not even a warning may be said.
#[track_caller]
fn update(root: &Root) -> String {
    let said = root.ok(&["sh", "-c", &format!("{} 2>&1", UPDATE.join(" "))]);
    assert!(!said.lines().any(|line| line.starts_with("W:") || line.starts_with("E:")), "{said}");
    said
}

fn set() -> Set {
    Set::of(&["--version", "1.36.2", "--arch", "amd64,arm64"])
}

fn dists() -> Layout {
    Layout::Dists { component: "main".to_owned() }
}

#[test]
fn apt_installs_the_set_from_both_layouts() {
    let set = set();
    for layout in [dists(), Layout::Flat] {
        let root = Root::new();
        let repository = Repository::new(&layout, Upgrades::Automatic, &set.debs);
        if layout == Layout::Flat {
            // As apt did before it knew of signatures inline.
            fs::remove_file(repository.folder.path().join("InRelease")).unwrap();
        }
        repository.offer(&root);
        assert!(update(&root).contains("amd64 Packages") || layout == Layout::Flat);
        assert!(!update(&root).contains("Packages ["), "what did not change is not fetched again");
        let listed = root.ok(&["apt-cache", "madison", "kubelet"]);
        assert!(listed.starts_with("   kubelet | 1.36.2-1.1 | copy:/repository"), "{listed}");
        assert_eq!(root.ok(&["apt-cache", "pkgnames", "kube"]).lines().count(), 4);
        root.ok(&["apt-get", "install", "--assume-yes", "kubeadm", "kubelet", "kubectl", "cri-tools"]);
        assert!(root.packages(&SET).iter().all(|line| line.ends_with(" ii")), "{:?}", root.packages(&SET));
        assert_eq!(root.packages(&SET).len(), SET.len());
        root.assert_whole(&SET);
        root.ok(&["dpkg", "--add-architecture", "arm64"]);
        update(&root);
        root.ok(&["sh", "-c", "cd /tmp && apt-get download kubectl:arm64 && dpkg-deb --info kubectl_*_arm64.deb"]);
    }
}

#[test]
fn staging_is_offered_and_not_upgraded_to() {
    let set = Set::new("1.36.2");
    for (upgrades, priority) in [(Upgrades::Automatic, "500"), (Upgrades::OnceInstalled, "100"), (Upgrades::Never, "1")]
    {
        let root = Root::new();
        Repository::new(&dists(), upgrades, &set.only(&["kubectl"])).offer(&root);
        update(&root);
        let policy = root.ok(&["apt-cache", "policy"]);
        let line = policy.lines().find(|line| line.contains("copy:/repository")).unwrap();
        assert_eq!(line.split_whitespace().next(), Some(priority), "{policy}");
        assert!(policy.contains("release o=Example,a=stable,n=stable,l=Kubernetes,c=main,b=amd64"), "{policy}");
    }
}

#[test]
fn what_was_changed_after_it_was_signed_is_refused() {
    let set = Set::new("1.36.2");
    let refused = |change: &dyn Fn(&Path)| {
        let repository = Repository::new(&dists(), Upgrades::Automatic, &set.only(&["kubectl"]));
        change(&repository.folder.path().join("dists/stable"));
        let root = Root::new();
        repository.offer(&root);
        root.fails(&UPDATE)
    };
    let said = refused(&|top| {
        let signed = fs::read_to_string(top.join("InRelease")).unwrap();
        fs::write(top.join("InRelease"), signed.replace("Kubernetes", "Kubernotes")).unwrap();
    });
    assert!(said.contains("The following signatures were invalid: BADSIG"), "{said}");
    let said = refused(&|top| {
        for entry in fs::read_dir(top.join("main/binary-amd64/by-hash/SHA256")).unwrap() {
            let path = entry.unwrap().path();
            let changed: Vec<u8> = fs::read(&path).unwrap().iter().map(|byte| byte ^ 1).collect();
            fs::write(path, changed).unwrap();
        }
    });
    assert!(said.contains("Hash Sum mismatch"), "{said}");
    let other = Key::new();
    let said = refused(&|top| other.sign_release(top));
    assert!(said.contains("NO_PUBKEY"), "{said}");
}
