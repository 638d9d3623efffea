//! RPMs, against `rpm`.

use std::path::{Path, PathBuf};
use std::process::Command;

use kubepkg::package::reader::{EntryKind, Inspection};
use tempfile::TempDir;

use super::{open, run};

const SPEC: &str = r"
Name: sample
Epoch: 2
Version: 1.2~rc1
Release: 3.el9
Summary: sample of a package
License: Apache-2.0
Group: System/Base
URL: https://example.org/
Vendor: Example
Packager: A B <a@example.org>
BuildArch: noarch
Requires: iptables >= 1.4
Requires: (ethtool or nftables >= 1)
Requires(pre): shadow-utils
Requires(post): systemd
Recommends: socat
Suggests: docs
Supplements: other
Enhances: another
Conflicts: old < 1
Obsoletes: older < 2:1-1
Provides: virtual = 1
AutoReq: no
%description
The first paragraph.

  indented
%pretrans -p <lua>
print('x')
%pre
true pre
%post -p /sbin/ldconfig
%preun
true preun
%postun
true postun
%posttrans -p /bin/bash
true posttrans
%verifyscript
true verify
%triggerin -- bash >= 5, zsh
true triggerin
%triggerpostun -- fish
true triggerpostun
%filetriggerin -- /usr/lib /usr/share
true filetriggerin
%transfiletriggerun -- /etc
true transfiletriggerun
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/etc %{buildroot}/usr/share/doc/sample %{buildroot}/var/lib/sample
printf 'tool\n' > %{buildroot}/usr/bin/tool
ln -s tool %{buildroot}/usr/bin/alias
printf 'A=1\n' > %{buildroot}/etc/sample.conf
printf 'doc\n' > %{buildroot}/usr/share/doc/sample/README
printf 'law\n' > %{buildroot}/usr/share/doc/sample/LICENSE
touch %{buildroot}/var/lib/sample/state
%files
%attr(4755,root,root) %caps(cap_net_raw=ep) /usr/bin/tool
/usr/bin/alias
%config(noreplace) %attr(0640,root,adm) /etc/sample.conf
%doc /usr/share/doc/sample/README
%license /usr/share/doc/sample/LICENSE
%dir %attr(1777,root,root) /var/lib/sample
%ghost /var/lib/sample/state
%changelog
* Tue Nov 14 2023 A B <a@example.org> - 1.2-3
- newer
* Mon Nov 13 2023 A B <a@example.org> - 1.2-2
- older
";

/// Builds the package with one payload setting of rpm (`w9.gzdio`).
pub(crate) fn build(folder: &Path, payload: &str) -> PathBuf {
    let spec = folder.join("sample.spec");
    fs_err::write(&spec, SPEC).unwrap();
    let mut command = Command::new("rpmbuild");
    command.args(["-bb", "--quiet", "--nodeps"]).env("HOME", folder);
    for macros in [
        format!("_topdir {}/top", folder.display()),
        format!("_dbpath {}/db", folder.display()),
        format!("_binary_payload {payload}"),
        "__os_install_post %{nil}".to_owned(),
        "use_source_date_epoch_as_buildtime 1".to_owned(),
        "clamp_mtime_to_source_date_epoch 1".to_owned(),
        "_buildhost builder".to_owned(),
    ] {
        command.args(["--define", &macros]);
    }
    run(command.arg(&spec));
    folder.join("top/RPMS/noarch/sample-1.2~rc1-3.el9.noarch.rpm")
}

fn query(rpm: &Path, format: &str) -> String {
    let mut command = Command::new("rpm");
    command.args(["-qp", "--nosignature", "--qf", format]).arg(rpm).env("HOME", rpm.parent().unwrap());
    run(&mut command)
}

fn lines(rpm: &Path, format: &str) -> Vec<String> {
    query(rpm, format).lines().map(str::to_owned).collect()
}

/// Compares everything that `rpm` can say.
fn assert_as_rpm_says(rpm: &Path, inspection: &Inspection) {
    let release = inspection.revision.as_deref().unwrap();
    let nevra = format!("{}-{}-{release}.{}", inspection.name, inspection.version, inspection.arch);
    assert_eq!(nevra, query(rpm, "%{NEVRA}"));
    for (ours, tag) in [
        (&inspection.summary, "SUMMARY"),
        (&inspection.description, "DESCRIPTION"),
        (&inspection.license, "LICENSE"),
        (&inspection.maintainer, "PACKAGER"),
        (&inspection.vendor, "VENDOR"),
        (&inspection.homepage, "URL"),
        (&inspection.section, "GROUP"),
        (&inspection.source, "SOURCERPM"),
        (&inspection.build_time.map(|time| time.to_string()), "BUILDTIME"),
        (&inspection.installed_size.declared, "SIZE"),
        (&inspection.fields.get("BUILDHOST").cloned(), "BUILDHOST"),
        (&inspection.fields.get("PAYLOADSHA256").cloned(), "PAYLOADDIGEST"),
    ] {
        assert_eq!(ours.as_deref(), Some(query(rpm, &format!("%{{{tag}}}")).as_str()), "{tag}");
    }
    let mut requires = [inspection.relations.requires.clone(), inspection.relations.pre_requires.clone()].concat();
    requires.sort();
    let mut theirs = lines(rpm, "[%{REQUIRENEVRS}\n]");
    theirs.sort();
    assert_eq!(requires, theirs);
    for (ours, tag) in [
        (&inspection.relations.recommends, "RECOMMENDNEVRS"),
        (&inspection.relations.suggests, "SUGGESTNEVRS"),
        (&inspection.relations.supplements, "SUPPLEMENTNEVRS"),
        (&inspection.relations.enhances, "ENHANCENEVRS"),
        (&inspection.relations.conflicts, "CONFLICTNEVRS"),
        (&inspection.relations.replaces, "OBSOLETENEVRS"),
        (&inspection.relations.provides, "PROVIDENEVRS"),
    ] {
        assert_eq!(ours, &lines(rpm, &format!("[%{{{tag}}}\n]")), "{tag}");
    }
    let files: Vec<_> = inspection.files.iter().map(as_queried).collect();
    let format = "[%{FILENAMES}|%{FILEMODES:octal}|%{FILEUSERNAME}|%{FILEGROUPNAME}|%{FILEMTIMES}|%{FILELINKTOS}\
                  |%{FILEDIGESTS}|%{FILEFLAGS:fflags}|%{FILECAPS}\n]";
    assert_eq!(files, lines(rpm, format));
    let changes: Vec<_> = inspection
        .changelog
        .iter()
        .map(|change| format!("{} {} {}", change.time, change.author, change.text))
        .collect();
    assert_eq!(changes, lines(rpm, "[%{CHANGELOGTIME} %{CHANGELOGNAME} %{CHANGELOGTEXT}\n]"));
}

/// Spells a file as the query format does: the type in the mode, flags as letters.
fn as_queried(file: &kubepkg::package::reader::Entry) -> String {
    let kind = match file.kind {
        EntryKind::File => 0o10,
        EntryKind::Directory => 0o4,
        EntryKind::Symlink => 0o12,
        other => panic!("{other:?}"),
    };
    let letter = |(flag, letter): (&str, char)| file.flags.contains(&flag).then_some(letter);
    let letters = [("doc", 'd'), ("config", 'c'), ("missingok", 'm'), ("noreplace", 'n'), ("ghost", 'g')];
    let flags: String = letters.into_iter().chain([("license", 'l')]).filter_map(letter).collect();
    let digest = file.digest.as_deref().map_or("", |digest| digest.strip_prefix("sha256:").unwrap());
    let (target, capabilities) = (file.target.as_deref(), file.capabilities.as_deref());
    format!(
        "{}|{kind:o}{:04o}|{}|{}|{}|{}|{digest}|{flags}|{}",
        file.path,
        file.mode,
        file.owner,
        file.group,
        file.mtime,
        target.unwrap_or_default(),
        capabilities.unwrap_or_default(),
    )
}

#[test]
fn every_payload_of_rpmbuild_is_read() {
    let folder = TempDir::new().unwrap();
    for (payload, codec, level) in [
        ("w9.gzdio", "gzip", Some(9)),
        ("w6.xzdio", "xz", Some(6)),
        ("w3.zstdio", "zstd", Some(3)),
        ("w9.bzdio", "bzip2", Some(9)),
        ("w6.lzdio", "lzma", Some(6)),
        ("w.ufdio", "none", None),
    ] {
        let rpm = build(folder.path(), payload);
        let inspection = open(&rpm).unwrap();
        let compression = &inspection.payload_compression;
        assert_eq!((compression.codec.as_str(), compression.level), (codec, level), "{payload}");
        assert_as_rpm_says(&rpm, &inspection);
        let sizes: u64 = inspection.members.iter().map(|member| member.size).sum();
        assert_eq!(sizes, fs_err::metadata(&rpm).unwrap().len());
    }
}

#[test]
fn scriptlets_and_triggers_are_understood() {
    let folder = TempDir::new().unwrap();
    let inspection = open(&build(folder.path(), "w1.gzdio")).unwrap();
    let scripts: Vec<_> = inspection
        .scripts
        .iter()
        .map(|script| format!("{} {} {}", script.name, script.interpreter.as_deref().unwrap(), script.body))
        .collect();
    assert_eq!(
        scripts,
        [
            "pretrans <lua> print('x')",
            "pre /bin/sh true pre",
            "post /sbin/ldconfig ",
            "preun /bin/sh true preun",
            "postun /bin/sh true postun",
            "posttrans /bin/bash true posttrans",
            "verifyscript /bin/sh true verify",
        ]
    );
    let triggers: Vec<_> = inspection
        .triggers
        .iter()
        .map(|trigger| {
            let (conditions, body) = (trigger.conditions.join(", "), trigger.body.as_deref().unwrap().trim_end());
            format!("{} -- {conditions}: {body}", trigger.kind)
        })
        .collect();
    assert_eq!(
        triggers,
        [
            "triggerin -- bash >= 5, zsh: true triggerin",
            "triggerpostun -- fish: true triggerpostun",
            "filetriggerin -- /usr/lib, /usr/share: true filetriggerin",
            "transfiletriggerun -- /etc: true transfiletriggerun",
        ]
    );
    assert_eq!(inspection.relations.pre_requires.iter().filter(|name| *name == "shadow-utils").count(), 1);
    assert!(inspection.relations.requires.contains(&"systemd".to_owned()));
    assert_eq!(inspection.conffiles, ["/etc/sample.conf"]);
    assert_eq!(inspection.version, "2:1.2~rc1");
}
