//! Debs, against `dpkg-deb`.

use std::path::{Path, PathBuf};
use std::process::Command;

use kubepkg::package::reader::{Entry, EntryKind, Inspection};
use tempfile::TempDir;

use super::{open, run, shell};

const CONTROL: &str = "\
Package: sample
Source: sample-src (1.0)
Version: 2:1.2-rc1-3
Architecture: amd64
Maintainer: A B <a@example.org>
Installed-Size: 42
Pre-Depends: dpkg (>= 1.17)
Depends: libc6 (>= 2.17), iptables (>= 1.4)
 | nftables,
 mount
Recommends: ethtool
Suggests: docs
Enhances: other
Conflicts: enemy
Breaks: old (<< 1)
Replaces: old (<< 1)
Provides: virtual (= 1)
Section: admin
Priority: optional
Multi-Arch: foreign
Homepage: https://example.org/
X-Unknown: first
 second
Description: sample of a package
 The first paragraph.
 .
   verbatim, indented
 ..
";

/// Lays out a package tree and its control files.
pub(crate) fn tree(folder: &Path) -> PathBuf {
    let root = folder.join("sample");
    fs_err::create_dir_all(root.join("DEBIAN")).unwrap();
    fs_err::write(root.join("DEBIAN/control"), CONTROL).unwrap();
    let long = "d".repeat(90);
    let line = format!(
        "umask 022; cd sample; mkdir -p usr/bin etc/default var/spool/sample usr/share/{long}
        printf 'tool\\n' > usr/bin/tool; chmod 4755 usr/bin/tool; ln usr/bin/tool usr/bin/same; ln -s tool usr/bin/alias
        printf 'A=1\\n' > etc/default/sample; chmod 640 etc/default/sample; printf x > usr/share/{long}/{long}
        ln -s {long}/{long} usr/share/link; printf y > 'usr/share/ümlaut and blank'; mkfifo var/spool/sample/pipe
        chmod 1777 var/spool/sample; printf '/etc/default/sample\\nremove-on-upgrade /etc/old\\n' > DEBIAN/conffiles
        printf '#!/bin/sh -e\\ntrue \"$1\"\\n' > DEBIAN/postinst; printf '#!/usr/bin/perl\\n' > DEBIAN/prerm
        chmod 755 DEBIAN/postinst DEBIAN/prerm
        printf '# all\\ninterest-noawait /usr/lib/x\\nactivate ldconfig\\n' > DEBIAN/triggers
        find usr etc -type f -exec md5sum {{}} + > DEBIAN/md5sums; find . -exec touch -hd @{} {{}} +",
        super::DATE,
    );
    shell(folder, &line);
    root
}

/// Builds the package with `dpkg-deb` and further options.
pub(crate) fn build(folder: &Path, options: &[&str]) -> PathBuf {
    let root = if folder.join("sample").exists() { folder.join("sample") } else { tree(folder) };
    let deb = folder.join("sample.deb");
    run(Command::new("dpkg-deb").args(options).args(["--root-owner-group", "-b"]).arg(root).arg(&deb));
    deb
}

/// The lines of `dpkg-deb -c` without the time: octal mode, owner/group, size, path.
fn listed(deb: &Path) -> Vec<String> {
    let octal = |letters: &str| {
        let mut mode = 0;
        for (at, letter) in letters.chars().skip(1).enumerate() {
            mode |= if matches!(letter, '-' | 'S' | 'T') { 0 } else { 0o400 >> at };
            mode |= if "sStT".contains(letter) { 0o4000 >> (at / 3) } else { 0 };
        }
        mode
    };
    let list = run(Command::new("dpkg-deb").arg("-c").arg(deb));
    let line = |line: &str| {
        let mut words = line.splitn(6, ' ').collect::<Vec<_>>();
        let rest = words.split_off(2).join(" ");
        let (size, rest) = rest.trim_start().split_once(' ').unwrap();
        let path = rest.splitn(3, ' ').nth(2).unwrap();
        format!("{:04o} {} {size} {path}", octal(words[0]), words[1])
    };
    list.lines().map(line).collect()
}

fn as_listed(file: &Entry) -> String {
    let slash = if file.kind == EntryKind::Directory && file.path != "/" { "/" } else { "" };
    let target = match (file.kind, &file.target) {
        (EntryKind::Hardlink, Some(target)) => format!(" link to .{target}"),
        (_, Some(target)) => format!(" -> {target}"),
        _ => String::new(),
    };
    format!("{:04o} {}/{} {} .{}{slash}{target}", file.mode, file.owner, file.group, file.size, file.path)
}

/// Compares everything that `dpkg-deb` can say.
fn assert_as_dpkg_says(deb: &Path, inspection: &Inspection) {
    let field = |name: &str| run(Command::new("dpkg-deb").arg("-f").arg(deb).arg(name)).trim_end().to_owned();
    assert_eq!(inspection.name, field("Package"));
    assert_eq!(format!("{}-{}", inspection.version, inspection.revision.as_deref().unwrap()), field("Version"));
    assert_eq!(inspection.arch, field("Architecture"));
    for (ours, name) in [
        (&inspection.maintainer, "Maintainer"),
        (&inspection.homepage, "Homepage"),
        (&inspection.section, "Section"),
        (&inspection.priority, "Priority"),
        (&inspection.source, "Source"),
        (&inspection.installed_size.declared, "Installed-Size"),
    ] {
        assert_eq!(ours.as_deref(), Some(field(name).as_str()), "{name}");
    }
    assert_eq!(inspection.files.iter().map(as_listed).collect::<Vec<_>>(), listed(deb));
    let members = run(Command::new("ar").arg("t").arg(deb));
    assert_eq!(
        inspection.members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>().join("\n") + "\n",
        members
    );
    let sum = run(Command::new("sha256sum").arg(deb));
    assert_eq!(inspection.file.sha256, sum.split(' ').next().unwrap());
}

#[test]
fn every_compression_of_dpkg_deb_is_read() {
    let folder = TempDir::new().unwrap();
    for (option, codec) in [("-Zgzip", "gzip"), ("-Zxz", "xz"), ("-Zzstd", "zstd"), ("-Znone", "none")] {
        let deb = build(folder.path(), &[option, "--uniform-compression"]);
        let inspection = open(&deb).unwrap();
        assert_eq!(inspection.payload_compression.codec, codec);
        assert_eq!(inspection.control_compression.as_ref().unwrap().codec, codec);
        assert_as_dpkg_says(&deb, &inspection);
    }
}

#[test]
fn compressions_that_dpkg_deb_no_longer_writes_are_read() {
    let folder = TempDir::new().unwrap();
    let deb = build(folder.path(), &["-Znone", "--uniform-compression"]);
    let whole = open(&deb).unwrap();
    shell(folder.path(), "ar x sample.deb; bzip2 -k data.tar; xz --format=lzma -k data.tar; gzip control.tar");
    for (member, codec) in [("data.tar.bz2", "bzip2"), ("data.tar.lzma", "lzma")] {
        shell(folder.path(), &format!("rm -f sample.deb; ar rcD sample.deb debian-binary control.tar.gz {member}"));
        let inspection = open(&deb).unwrap();
        assert_eq!(inspection.payload_compression.codec, codec);
        assert_eq!(inspection.files, whole.files);
        assert_as_dpkg_says(&deb, &inspection);
    }
}

#[test]
fn the_control_archive_is_understood() {
    let folder = TempDir::new().unwrap();
    let inspection = open(&build(folder.path(), &["-Zgzip"])).unwrap();
    assert_eq!((inspection.version.as_str(), inspection.revision.as_deref()), ("2:1.2-rc1", Some("3")));
    assert_eq!(inspection.summary.as_deref(), Some("sample of a package"));
    assert_eq!(inspection.description.as_deref(), Some("The first paragraph.\n\n  verbatim, indented\n.."));
    assert_eq!(inspection.build_time, Some(1_700_000_000));
    let relations = &inspection.relations;
    assert_eq!(relations.requires, ["libc6 (>= 2.17)", "iptables (>= 1.4) | nftables", "mount"]);
    for (relation, text) in [
        (&relations.pre_requires, "dpkg (>= 1.17)"),
        (&relations.recommends, "ethtool"),
        (&relations.suggests, "docs"),
        (&relations.enhances, "other"),
        (&relations.conflicts, "enemy"),
        (&relations.breaks, "old (<< 1)"),
        (&relations.replaces, "old (<< 1)"),
        (&relations.provides, "virtual (= 1)"),
    ] {
        assert_eq!(relation, &[text]);
    }
    let fields: Vec<_> = inspection.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(fields, ["Multi-Arch=foreign", "X-Unknown=first\nsecond"]);
    let scripts: Vec<_> =
        inspection.scripts.iter().map(|s| (s.name.as_str(), s.interpreter.as_deref(), s.body.as_str())).collect();
    assert_eq!(scripts[0], ("postinst", Some("/bin/sh -e"), "#!/bin/sh -e\ntrue \"$1\"\n"));
    assert_eq!((scripts[1].0, scripts[1].1, scripts.len()), ("prerm", Some("/usr/bin/perl"), 2));
    let triggers: Vec<_> = inspection.triggers.iter().map(|t| format!("{} {}", t.kind, t.conditions[0])).collect();
    assert_eq!(triggers, ["interest-noawait /usr/lib/x", "activate ldconfig"]);
    assert_eq!(inspection.conffiles, ["/etc/default/sample"]);
    assert_eq!(inspection.conffiles_removed, ["/etc/old"]);
    let file = |path: &str| inspection.files.iter().find(|file| file.path == path).unwrap();
    assert_eq!(file("/etc/default/sample").flags, ["config"]);
    assert_eq!(file("/usr/bin/tool").digest.as_deref(), Some("md5:7cfb3b1aedd632d8ae7cc974271f3652"));
    assert_eq!(inspection.installed_size.bytes, 5 + 4 + 1 + 1);
}

#[test]
fn members_that_dpkg_skips_are_skipped_and_listed() {
    let folder = TempDir::new().unwrap();
    let deb = build(folder.path(), &["-Znone", "--uniform-compression"]);
    let whole = open(&deb).unwrap();
    let line = "ar x sample.deb; rm sample.deb; printf s > _gpgorigin; printf n > _note; printf z > zzz
        ar rcD sample.deb debian-binary _note control.tar data.tar _gpgorigin zzz";
    shell(folder.path(), line);
    let inspection = open(&deb).unwrap();
    assert_as_dpkg_says(&deb, &inspection);
    assert_eq!(inspection.files, whole.files);
    assert_eq!(inspection.signatures.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["_gpgorigin"]);
}

#[test]
fn pax_names_are_read() {
    let folder = TempDir::new().unwrap();
    let deb = build(folder.path(), &["-Znone", "--uniform-compression"]);
    let whole = open(&deb).unwrap();
    let line = "ar x sample.deb; rm -r sample.deb data.tar sample/DEBIAN
        tar --format=pax --sort=name --owner=root:0 --group=root:0 -cf data.tar -C sample .
        ar rcD sample.deb debian-binary control.tar data.tar";
    shell(folder.path(), line);
    let paths = |inspection: &Inspection| {
        let mut paths: Vec<_> = inspection.files.iter().map(|file| file.path.clone()).collect();
        paths.sort();
        paths
    };
    assert_eq!(paths(&open(&deb).unwrap()), paths(&whole));
}

#[test]
fn the_json_shape_is_stable() {
    let folder = TempDir::new().unwrap();
    let json = serde_json::to_value(open(&build(folder.path(), &["-Zgzip"])).unwrap()).unwrap();
    let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    insta::assert_snapshot!(keys.join(" "), @"arch build_time changelog conffiles conffiles_removed control_compression control_members description fields file files format format_version homepage installed_size license maintainer members name payload_compression priority relations revision scripts section signatures source summary triggers vendor version");
    let file = json["files"].as_array().unwrap().iter().find(|file| file["path"] == "/etc/default/sample").unwrap();
    insta::assert_snapshot!(file, @r#"{"capabilities":null,"digest":"md5:7b9ee9647aa60af266c790de3f659403","flags":["config"],"group":"root","mode":"0640","mtime":1700000000,"owner":"root","path":"/etc/default/sample","size":4,"target":null,"type":"file"}"#);
    assert_eq!((&json["format"], &json["format_version"]), (&"deb".into(), &"2.0".into()));
}
