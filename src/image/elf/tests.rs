use std::process::Command;

use tempfile::TempDir;

use super::text::{Place, scan};
use super::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/elf").join(name)
}

fn upstream(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/upstream").join(path)
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("kubelet");
    fs_err::write(&path, bytes).unwrap();
    (folder, path)
}

/// Compiles a C program with the machine's own compiler.
fn compile(source: &str, flags: &[&str]) -> (TempDir, PathBuf) {
    let (folder, path) = file(source.as_bytes());
    let program = path.with_file_name("program");
    let status =
        Command::new("gcc").args(["-x", "c", "-o"]).arg(&program).arg(&path).args(["-x", "none"]).args(flags).status();
    assert!(status.unwrap().success());
    (folder, program)
}

/// Returns what RPM's own generator prints for a program, sorted.
fn elfdeps(program: &Path) -> Vec<String> {
    let output = Command::new("/usr/lib/rpm/elfdeps").arg("--requires").arg(program).output().unwrap();
    assert!(output.status.success());
    let mut lines: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    lines.dedup();
    lines
}

#[test]
fn every_fixture_is_a_static_program_for_the_folder_that_it_lies_in() {
    for arch in [Arch::Amd64, Arch::Arm64, Arch::Arm, Arch::I386, Arch::Ppc64le, Arch::S390x] {
        let elf = Elf::read(&upstream(&format!("dl.k8s.io/release/v1.17.0/bin/linux/{arch}/kubectl"))).unwrap();
        elf.check_arch(arch).unwrap();
        assert_eq!(elf.machine().arch(), Some(arch));
        assert_eq!((elf.interpreter(), elf.needed(), elf.glibc_at_least()), (None, &[][..], None));
        assert!(elf.rpm_requires().is_empty());
    }
}

#[test]
fn a_program_for_another_machine_is_refused_and_both_are_named() {
    let elf = Elf::read(&upstream("dl.k8s.io/release/v1.17.0/bin/linux/arm64/kubelet")).unwrap();
    let error = elf.check_arch(Arch::Amd64).unwrap_err().to_string();
    assert!(error.ends_with("kubelet` is a program for arm64, not for amd64"), "{error}");

    let mut bytes = fs_err::read(upstream("dl.k8s.io/release/v1.17.0/bin/linux/arm64/kubelet")).unwrap();
    bytes[18] = 8;
    let (_folder, path) = file(&bytes);
    let error = Elf::read(&path).unwrap().check_arch(Arch::Arm64).unwrap_err().to_string();
    assert!(error.contains("for ELF machine 8 (64-bit, little-endian), not"), "{error}");
}

#[test]
fn what_is_no_elf_file_is_named() {
    for (bytes, what) in [
        (&b""[..], "empty"),
        (b"#!/bin/sh\n", "a script"),
        (b"\n<!DOCTYPE html>", "a web page"),
        (b"<?xml version='1.0'?><Error>", "a web page"),
        (b"\xcf\xfa\xed\xfe\x07\0\0\x01", "a macOS program (Mach-O)"),
        (b"MZ\x90\0", "a Windows program (PE)"),
        (b"\x1f\x8b\x08\0", "a gzip file"),
        (b"v1.36.2", "a text"),
        (b"\0\0\xff", "something unknown"),
    ] {
        let (_folder, path) = file(bytes);
        assert!(matches!(Elf::read(&path), Err(ElfError::NotElf { what: found, .. }) if found == what), "{what}");
    }
}

#[test]
fn no_cut_off_program_is_taken_for_a_whole_one() {
    let whole = fs_err::read(fixture("module-version")).unwrap();
    for len in 0..whole.len() {
        let (_folder, path) = file(&whole[..len]);
        let error = Elf::read(&path).unwrap_err();
        if len >= 4 {
            assert!(matches!(error, ElfError::Truncated { size, needed, .. } if size == len as u64 && needed > size));
        }
    }
}

#[test]
fn damaged_headers_are_errors() {
    let whole = fs_err::read("/bin/ls").unwrap();
    for at in 16..64 {
        for value in [0, 0x7f, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            let (_folder, path) = file(&bytes);
            if let Ok(elf) = Elf::read(&path) {
                elf.go_build().unwrap();
            }
        }
    }
}

#[test]
fn requirements_are_those_of_elfdeps() {
    let (_folder, with_libm) =
        compile("#include <math.h>\nint main(int c, char **v) { return pow(c, 0.3); }", &["-lm", "-fno-builtin"]);
    let (_folder, with_zlib_name) = compile("int main() { return 0; }", &["-Wl,--no-as-needed", "-lm"]);
    for program in [Path::new("/bin/ls"), Path::new("/usr/bin/gcc"), &with_libm, &with_zlib_name] {
        let program = fs_err::canonicalize(program).unwrap();
        let requires = Elf::read(&program).unwrap().rpm_requires();
        assert_eq!(requires, elfdeps(&program), "{}", program.display());
        assert!(requires.contains(&"libc.so.6()(64bit)".to_owned()));
    }
}

#[test]
fn the_needs_of_a_dynamic_program_are_found() {
    let (_folder, program) =
        compile("#include <math.h>\nint main(int c, char **v) { return pow(c, 0.3); }", &["-lm", "-fno-builtin"]);
    let elf = Elf::read(&program).unwrap();
    assert!(elf.interpreter().unwrap().contains("ld"));
    assert_eq!(elf.needed_beside_glibc().count(), 0);
    // pow got a new version in glibc 2.29.
    assert!(elf.glibc_at_least().unwrap() >= (2, 29));

    let (_folder, program) = compile("int main() { return 0; }", &["-static"]);
    let elf = Elf::read(&program).unwrap();
    assert_eq!((elf.interpreter(), elf.needed(), elf.glibc_at_least()), (None, &[][..], None));
}

#[test]
fn glibc_is_told_from_other_libraries_and_its_highest_version_counts() {
    let need = |library: &str, versions: &[&str]| Needed {
        library: library.to_owned(),
        versions: versions.iter().map(|version| (*version).to_owned()).collect(),
    };
    let needed = [
        need("libc.so.6", &["GLIBC_2.2.5", "GLIBC_2.34", "GLIBC_2.4", "GLIBC_PRIVATE"]),
        need("ld-linux-x86-64.so.2", &["GLIBC_2.3"]),
        need("libseccomp.so.2", &["GLIBC_9.9"]),
    ];
    assert_eq!(needs::glibc_at_least(&needed), Some((2, 34)));
    assert_eq!(needs::glibc_at_least(&[need("libc.so.6", &["GLIBC_ABI_DT_RELR"])]), Some((2, 36)));
    assert_eq!(needs::glibc_at_least(&needed[2..]), None);

    let arm = need("libc.so.6", &["GLIBC_2.4"]);
    assert_eq!(arm.rpm_requires(Arch::Arm.elf()), ["libc.so.6(GLIBC_2.4)", "libc.so.6"]);
    assert_eq!(arm.rpm_requires(Arch::S390x.elf()), ["libc.so.6(GLIBC_2.4)(64bit)", "libc.so.6()(64bit)"]);
}

#[test]
fn build_information_is_read_in_both_forms_and_byte_orders() {
    for (name, go) in [
        ("module-version", "go1.22.2"),
        ("module-version-riscv64", "go1.22.2"),
        ("module-version-by-pointers-amd64", "go1.17.3"),
        ("module-version-by-pointers-386", "go1.17.3"),
        ("module-version-by-pointers-s390x", "go1.17.3"),
    ] {
        let build = Elf::read(&fixture(name)).unwrap().go_build().unwrap().unwrap();
        assert_eq!((build.go_version.as_str(), build.dependencies.len()), (go, 1), "{name}");
        assert_eq!(build.package, "github.com/containernetworking/plugins/plugins/main/bridge");
        let module = "github.com/containernetworking/plugins".to_owned();
        assert_eq!(build.module, Some(Module { path: module.clone(), version: "v1.1.1".to_owned(), replaces: None }));
        let evidence = check_version(&fixture(name), &version("1.1.1")).unwrap();
        assert_eq!(evidence, VersionEvidence::Module(module));
    }
    assert_eq!(Elf::read(&fixture("no-version")).unwrap().go_build().unwrap(), None);
}

#[test]
fn linker_flags_are_split_as_go_does() {
    let build = Elf::read(&fixture("linker-flags")).unwrap().go_build().unwrap().unwrap();
    let values = build.linker_values();
    let gives = |name: &str, value: &str| values.contains(&(name.to_owned(), value.to_owned()));
    assert!(gives("k8s.io/component-base/version.gitVersion", "v1.30.0"), "{values:?}");
    assert!(gives("k8s.io/x.note", "two words"), "{values:?}");

    let flags = "all=-X 'a.Version=v1.24.0' -X=b.Version=2.0.0 -s -w -extldflags '-static -X c=d' --X \"e=f\" -X";
    let build =
        GoBuild { settings: vec![("-ldflags".to_owned(), flags.to_owned())], ..GoBuild::default() }.linker_values();
    let names: Vec<&str> = build.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a.Version", "b.Version", "e"]);
}

#[test]
fn programs_of_the_mirrors_are_the_versions_of_their_folders_and_no_other() {
    for (path, is, is_not) in [
        ("release/v1.17.0/bin/linux/s390x/kubelet", "1.17.0", "1.17.1"),
        ("release/v1.36.0-rc.1/bin/linux/amd64/kubeadm", "1.36.0-rc.1", "1.36.0"),
        ("release/v1.36.2/bin/linux/386/kubectl", "1.36.2", "1.36.2-rc.1"),
    ] {
        let path = upstream("dl.k8s.io").join(path);
        assert!(matches!(check_version(&path, &version(is)), Ok(VersionEvidence::Text(text)) if text[1..] == *is));
        let error = check_version(&path, &version(is_not)).unwrap_err();
        assert!(matches!(error, ElfError::OtherVersion { found, .. } if found == [format!("v{is}")]));
    }
    let nightly = "1.38.0-alpha.2.97+8eb85c40f2b1ca";
    let path = upstream(&format!("dl.k8s.io/ci/v{nightly}/bin/linux/arm64/kubelet"));
    assert!(check_version(&path, &version(nightly)).is_ok());
    assert!(check_version(&path, &version("1.38.0-alpha.2.97+8eb85c40f2b1cb")).is_err());
}

#[test]
fn a_version_that_only_a_dependency_has_is_refused() {
    let error = check_version(&fixture("wanted-version-only-in-dependencies"), &version("1.1.1")).unwrap_err();
    assert!(error.to_string().ends_with("does not hold version 1.1.1; it holds v0.8.6"), "{error}");
    assert!(check_version(&fixture("wanted-version-only-in-dependencies"), &version("0.8.6")).is_ok());
}

#[test]
fn build_information_is_believed_before_text() {
    let path = fixture("linker-flags-contradict-text");
    let error = check_version(&path, &version("1.36.2")).unwrap_err();
    assert!(matches!(error, ElfError::OtherVersion { found, .. } if found == ["v1.30.0"]));
    assert!(matches!(check_version(&path, &version("1.30.0")), Ok(VersionEvidence::LinkerFlag(_))));
}

#[test]
fn what_only_resembles_a_version_is_none() {
    let path = fixture("no-version");
    assert!(matches!(check_version(&path, &version("1.22.2")), Err(ElfError::NoVersion { .. })));
    let error = check_version(&fixture("longer-versions"), &version("1.30.0")).unwrap_err();
    assert!(matches!(error, ElfError::OtherVersion { found, .. } if found == ["v1.30.0-rc.1", "v11.30.0"]));
}

/// Returns the versions that a scan finds, each with its place.
fn found(bytes: &[u8]) -> Vec<(String, Place)> {
    let mut found = Vec::new();
    scan(bytes, |candidate| {
        found.push((candidate.text, candidate.place));
        false
    })
    .unwrap();
    found
}

#[test]
fn the_scan_takes_constants_and_short_lines() {
    for (bytes, text) in [
        (&b"\0v1.36.4\0"[..], "v1.36.4"),
        (b"\0\0\0\0\0\x40\x8f@v3.17.1\0\0\xb0", "v3.17.1"),
        (b"l,+\\\x94)Cv1.36.4\0\x97", "v1.36.4"),
        (b"\x40\x8f@1.30.1\0", "1.30.1"),
        (b"\x9av1.38.0-alpha.2.97+8eb85c40f2b1ca\0", "v1.38.0-alpha.2.97+8eb85c40f2b1ca"),
        (b"\nstand-in crictl v1.36.0 amd64\n", "v1.36.0"),
        (b"Kubernetes v1.17.0\n", "v1.17.0"),
    ] {
        assert_eq!(found(bytes).first().map(|(text, _)| text.as_str()), Some(text));
    }
    for bytes in [
        &b"dep\tgithub.com/x/y\tv1.1.1\th1:abc=\n"[..],
        b"dep\tk8s.io/api\tv0.30.0\n=>\t./staging\t(devel)\t\n",
        b"crypto/internal/entropy/v1.0.0\0",
        b"GLIBC_2.2.5\0go1.22.2\0",
        b"upgraded etcd to 1.9.1\n etcd 1.9.1 is needed\n",
        b"v1.36.4v1.30.0nft version must be v1.0.1 or later (got %s)base chain %q of a blob that has no end in it at all",
        b"config v1.0.0/v1.0.1\nhttps://example.com/?ref=v1.0.6\n",
    ] {
        assert_eq!(found(bytes), [], "{}", bytes.escape_ascii());
    }
}

#[test]
fn the_scan_does_not_depend_on_where_its_pieces_end() {
    for padding in (250 << 10)..(256 << 10) {
        if padding % 61 != 0 && !((262_144 - 40)..262_144).contains(&padding) {
            continue;
        }
        let mut bytes = vec![b'x'; padding];
        bytes.extend_from_slice(b"\xffv1.36.4\0Kubernetes v1.36.5\n");
        let texts: Vec<String> = found(&bytes).into_iter().map(|(text, _)| text).collect();
        assert_eq!(texts, ["v1.36.4", "v1.36.5"], "{padding}");
    }
}
