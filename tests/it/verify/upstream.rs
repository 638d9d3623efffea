//! Programs in packages of vendors, against what upstream published.
//!
//! A vendor may take upstream's program, strip it, change it, build it anew, or ship another version; each is told from
//! the others. The published program is one of gcc's, with sections and symbols as real ones have them.

use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::cli::serve;
use crate::inspect::shell;
use crate::mirror::{Mirror, plugins, program};

const SOURCE: &str = r#"
#include <stdio.h>
const char version[] = "v1.36.2";
int table[64] = {1, 2, 3};
int main(void) { printf("Client Version: %s\n", version); return table[0] - 1; }
"#;

struct Vendor {
    folder: TempDir,
    mirror: Mirror,
    rig: Rig,
}

impl Vendor {
    /// Publishes a program as kubectl 1.36.2.
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs_err::write(folder.path().join("kubectl.c"), SOURCE).unwrap();
        shell(folder.path(), "gcc -g -O1 -o published kubectl.c");
        let mirror = Mirror::new();
        mirror.publish(&program("1.36.2", "amd64", "kubectl"), &fs_err::read(folder.path().join("published")).unwrap());
        let rig = Rig::with_upstream(mirror.path().display());
        Self { folder, mirror, rig }
    }

    /// Makes a program with a line of shell.
    fn make(&self, line: &str) -> Vec<u8> {
        shell(self.folder.path(), line);
        fs_err::read(self.folder.path().join("made")).unwrap()
    }

    /// Packs a program as a deb of a vendor.
    fn deb(&self, package: &str, version: &str, path: &str, program: &[u8]) -> PathBuf {
        let root = self.folder.path().join("root");
        let _ = fs_err::remove_dir_all(&root);
        fs_err::create_dir_all(root.join("DEBIAN")).unwrap();
        let file = root.join(path);
        fs_err::create_dir_all(file.parent().unwrap()).unwrap();
        fs_err::write(&file, program).unwrap();
        let control = format!(
            "Package: {package}\nVersion: {version}\nArchitecture: amd64\nMaintainer: V <v@example.org>\nDescription: x\n"
        );
        fs_err::write(root.join("DEBIAN/control"), control).unwrap();
        shell(
            self.folder.path(),
            "chmod -R u=rwX,go=rX root; dpkg-deb --root-owner-group -Zgzip -b root vendor.deb >&2",
        );
        self.folder.path().join("vendor.deb")
    }

    /// Packs a program as an RPM of a vendor.
    fn rpm(&self, version: &str, program: &[u8]) -> PathBuf {
        fs_err::write(self.folder.path().join("program"), program).unwrap();
        let top = self.folder.path().display();
        let spec = format!(
            "Name: kubectl\nVersion: {version}\nRelease: 1.vendor\nSummary: x\nLicense: x\nAutoReqProv: no\n\
             %description\nx\n%install\ninstall -D {top}/program %{{buildroot}}/usr/bin/kubectl\n%files\n/usr/bin/kubectl\n"
        );
        fs_err::write(self.folder.path().join("vendor.spec"), spec).unwrap();
        let line = format!(
            "rpmbuild -bb --quiet --target x86_64 --define '_topdir {top}/top' --define '_dbpath {top}/db' \
             --define '__os_install_post %{{nil}}' --define 'debug_package %{{nil}}' \
             --define '_missing_build_ids_terminate_build 0' --define '_build_id_links none' vendor.spec"
        );
        shell(self.folder.path(), &line);
        self.folder.path().join(format!("top/RPMS/x86_64/kubectl-{version}-1.vendor.x86_64.rpm"))
    }

    /// Asks for upstream, and returns the exit code and what was found of each program.
    fn ask(&self, package: &Path) -> (i32, Vec<Value>) {
        let ran = run(&self.rig, &["--upstream", "--json"], &[package]);
        let json = ran.json();
        let findings = json["packages"][0]["findings"].as_array().unwrap().clone();
        (ran.code, findings.into_iter().filter(|finding| finding["check"] == "upstream").collect())
    }

    #[track_caller]
    fn assert(&self, package: &Path, code: i32, verdict: &str, words: &str) {
        let (found_code, found) = self.ask(package);
        let [found] = found.as_slice() else { panic!("{found:?}") };
        let text = found["text"].as_str().unwrap();
        assert_eq!((found_code, found["verdict"].as_str()), (code, Some(verdict)), "{found:#}");
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn upstreams_bytes_are_known_in_any_package_and_under_any_path() {
    let vendor = Vendor::new();
    let published = vendor.make("cp published made");
    let deb = vendor.deb("kubectl", "1.36.2-ubuntu24.04u1", "usr/bin/kubectl", &published);
    vendor.assert(&deb, 0, "same", "`/usr/bin/kubectl` as published: kubectl 1.36.2 for amd64, https://dl.k8s.io/");
    let deb = vendor.deb("cloud-tools", "2024.1", "opt/cloud/kubectl-1.36", &published);
    vendor.assert(&deb, 0, "same", "`/opt/cloud/kubectl-1.36` as published");
    vendor.assert(&vendor.rpm("1.36.2", &published), 0, "same", "as published");
    let (_, found) = vendor.ask(&deb);
    assert_eq!((found[0]["component"].as_str(), found[0]["version"].as_str()), (Some("kubectl"), Some("1.36.2")));
    assert_eq!(found[0]["sha256"], found[0]["published_sha256"]);
    assert!(found[0]["evidence"].to_string().contains("published at"), "{}", found[0]);
}

#[test]
fn what_was_done_to_a_program_is_told() {
    let vendor = Vendor::new();
    for (line, verdict, words) in [
        ("strip -o made published", "stripped", "stripped: code and data are the same, without "),
        ("strip --strip-debug -o made published", "stripped", "without .debug_"),
        ("objcopy --add-section note=kubectl.c published made", "stripped", "with note"),
        ("head -c 5000 published > made", "cut-off", "cut off after 5000 of "),
        ("(cat published; echo more) > made", "changed", "5 bytes are appended"),
        ("gcc -g -O1 -static -o made kubectl.c", "rebuilt", "statically linked"),
        (
            "sed 's/table\\[0\\] - 1/table[1] - 2/' kubectl.c > other.c; gcc -g -O1 -o made other.c",
            "rebuilt",
            "another build id",
        ),
    ] {
        let program = vendor.make(line);
        let deb = vendor.deb("kubectl", "1.36.2-1", "usr/bin/kubectl", &program);
        vendor.assert(&deb, 6, verdict, words);
        if verdict != "cut-off" {
            vendor.assert(&vendor.rpm("1.36.2", &program), 6, verdict, words);
        }
    }
}

#[test]
fn a_changed_byte_is_told_with_its_place() {
    let vendor = Vendor::new();
    let published = vendor.make("cp published made");
    let sections = shell(vendor.folder.path(), "readelf -SW published");
    for (section, at_least) in [(".text", 0), (".data", 40), (".symtab", 30), (".comment", 2)] {
        let line = sections.lines().find(|line| line.contains(&format!(" {section} "))).unwrap();
        // `[NR] NAME TYPE ADDRESS OFFSET ...`
        let offset = line.split(']').nth(1).unwrap().split_whitespace().nth(3).unwrap();
        let offset = usize::from_str_radix(offset, 16).unwrap();
        let mut program = published.clone();
        program[offset + at_least] ^= 1;
        let deb = vendor.deb("kubectl", "1.36.2-1", "usr/bin/kubectl", &program);
        let words = format!("changed after it was built: first at byte {}, in `{section}`", offset + at_least);
        vendor.assert(&deb, 6, "changed", &words);
    }
    let mut program = published;
    program[9] = 1;
    let deb = vendor.deb("kubectl", "1.36.2-1", "usr/bin/kubectl", &program);
    vendor.assert(&deb, 6, "changed", "first at byte 9, in the ELF header");
}

#[test]
fn another_version_or_architecture_than_the_packages_is_told() {
    let vendor = Vendor::new();
    let older = vendor.mirror.read(&program("1.17.0", "amd64", "kubectl"));
    let deb = vendor.deb("kubectl", "1.36.2-1", "usr/bin/kubectl", &older);
    vendor.assert(&deb, 6, "other-package", "kubectl 1.17.0 for amd64, https://dl.k8s.io/release/v1.17.0/bin/linux/amd64/kubectl; but the package says 1.36.2");
    let other = vendor.mirror.read(&program("1.17.0", "arm64", "kubectl"));
    let deb = vendor.deb("kubectl", "1.17.0-1", "usr/bin/kubectl", &other);
    vendor.assert(&deb, 6, "other-package", "kubectl 1.17.0 for arm64");
    let deb = vendor.deb("bundle", "3.1", "usr/bin/kubectl", &older);
    vendor.assert(&deb, 0, "same", "kubectl 1.17.0 for amd64");
}

#[test]
fn what_nobody_can_tell_is_not_proven() {
    let vendor = Vendor::new();
    let published = vendor.make("cp published made");
    let deb = vendor.deb("kube-proxy", "1.36.2-1", "usr/bin/kube-proxy", &published);
    vendor.assert(&deb, 9, "unknown", "`/usr/bin/kube-proxy` is of no known component");
    vendor.mirror.withdraw(&program("1.36.2", "amd64", "kubectl"));
    let deb = vendor.deb("kubectl", "1.36.2-1", "usr/bin/kubectl", &published);
    vendor.assert(&deb, 9, "not-published", "not published");
    let silent = vendor.make("sed 's/v1.36.2/unknown/' kubectl.c > silent.c; gcc -o made silent.c");
    let deb = vendor.deb("bundle", "7", "usr/bin/kubectl", &silent);
    let (code, found) = vendor.ask(&deb);
    assert_eq!((code, found[0]["outcome"].as_str()), (9, Some("unproven")), "{found:?}");
    let none = vendor.deb("docs", "1", "usr/share/doc/docs/README", b"text");
    let ran = run(&vendor.rig, &["--upstream"], &[&none]);
    assert!(ran.code == 9 && ran.stdout.contains("upstream not proven: the package has no program"), "{}", ran.stdout);
}

#[test]
fn our_packages_hold_what_upstream_published() {
    let vendor = Vendor::new();
    vendor.rig.good("build --version 1.36.2 --arch amd64,arm64 --compression gzip:1 --quiet");
    let packages = crate::cli::packages(&vendor.rig.dist());
    let packages: Vec<&Path> = packages.iter().map(PathBuf::as_path).collect();
    let ran = run(&vendor.rig, &["--upstream"], &packages);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout.contains("`/opt/cni/bin/bridge` as published: kubernetes-cni 1.9.1 for arm64, `bridge` of "),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("`/usr/bin/crictl` as published: cri-tools 1.36.0 for amd64"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("\ngood: 20 packages\n"), "{}", ran.stdout);
    assert_eq!(vendor.rig.leftovers(), Vec::<PathBuf>::new());
}

#[test]
fn the_cache_is_enough_and_without_it_nothing_is_said() {
    let vendor = Vendor::new();
    let server = serve(vendor.mirror.path());
    let published = vendor.make("cp published made");
    let deb = vendor.deb("kubectl", "1.36.2-1", "usr/bin/kubectl", &published);
    let mirror = server.url("");
    let ran = run(&vendor.rig, &["--upstream", "--mirror", &mirror, "--offline"], &[&deb]);
    assert!(ran.code == 5 && ran.stdout.contains("upstream not fetched: "), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(run(&vendor.rig, &["--upstream", "--mirror", &mirror], &[&deb]).code, 0);
    let ran = run(&vendor.rig, &["--upstream", "--mirror", &mirror, "--offline"], &[&deb]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn upstreams_archives_are_unpacked_once_and_their_members_compared() {
    let vendor = Vendor::new();
    let archive = vendor.mirror.read(&plugins("1.9.1", "amd64"));
    fs_err::write(vendor.folder.path().join("cni.tgz"), archive).unwrap();
    let bridge = vendor.make("tar -xOzf cni.tgz ./bridge > made");
    let deb = vendor.deb("containernetworking-plugins", "1.9.1+ds1-1", "usr/lib/cni/bridge", &bridge);
    vendor.assert(&deb, 0, "same", "kubernetes-cni 1.9.1 for amd64, `bridge` of ");
    let mut changed = bridge;
    let last = changed.len() - 1;
    changed[last] ^= 1;
    let deb = vendor.deb("containernetworking-plugins", "1.9.1+ds1-1", "usr/lib/cni/bridge", &changed);
    let (code, found) = vendor.ask(&deb);
    assert_eq!((code, found[0]["outcome"].as_str()), (6, Some("bad")), "{found:?}");
}
