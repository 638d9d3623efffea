use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::*;
use crate::arch::Arch;
use crate::digest::{Digests, Hasher};
use crate::fetch::Artifact;
use crate::image::{
    Content, Entry, Formats, LintOverride, Member, Metadata, Moment, OnInstall, Owner, Role, Script, Service,
};
use crate::package::Compression;
use crate::package::packer::with_packer;
use crate::relation::{Dependency, Operator, Relation, RelationKind};
use crate::source_date::SourceDate;
use crate::tree::Tree;
use crate::version::Channel;

fn image(entries: Vec<Entry>) -> PackageImage {
    let metadata = Metadata {
        name: "kubectl".parse().unwrap(),
        version: "1.17.0".parse().unwrap(),
        deb_revision: "1".parse().unwrap(),
        rpm_revision: "1".parse().unwrap(),
        arch: Arch::Arm64,
        summary: "Client".to_owned(),
        description: "Talks to clusters.".to_owned(),
        license: "Apache-2.0".to_owned(),
        homepage: "https://kubernetes.io".to_owned(),
        maintainer: "A <a@example.com>".to_owned(),
        vendor: None,
        section: "admin".to_owned(),
        priority: "optional".to_owned(),
        channel: Channel::Release,
        copyright: Vec::new(),
    };
    PackageImage {
        metadata,
        relations: Vec::new(),
        services: Vec::new(),
        scripts: Vec::new(),
        lint_overrides: Vec::new(),
        entries,
        date: SourceDate::from_epoch(1_575_676_800),
    }
}

fn entry(path: &str, content: Content) -> Entry {
    let (path, mode) = (path.parse().unwrap(), "0755".parse().unwrap());
    Entry { path, mode, owner: Owner::root(), role: Role::Plain, content, formats: Formats::All }
}

fn render(image: &PackageImage) -> Result<Texts, WriteError> {
    RpmWriter.render(image, &Templates::new(Tree::embedded_templates()))
}

fn write(image: &PackageImage, compression: Compression) -> Result<File, WriteError> {
    let mut file = tempfile::tempfile().unwrap();
    let texts = render(image)?;
    with_packer(compression, |packer| RpmWriter.write(image, &texts, packer, &mut file)).map(|()| file)
}

/// Puts a file of one block and some into `folder`.
fn binary(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, format!("{name} ").repeat(20_000)).unwrap();
    path
}

fn digests(path: &Path) -> Digests {
    let mut hasher = Hasher::default();
    hasher.update(&fs::read(path).unwrap());
    hasher.finish()
}

#[test]
fn artifacts_and_members_are_packed_from_disk() {
    let folder = tempfile::tempdir().unwrap();
    let [kubectl, member] = ["kubectl", "bridge"].map(|name| binary(folder.path(), name));
    let archive = Artifact::for_test(&kubectl);
    let digests = digests(&member);
    let member = Member { archive: archive.clone(), name: "./bridge".to_owned(), path: member, digests };
    let image = image(vec![
        entry("/opt/cni/bin/bridge", Content::Member(member)),
        entry("/usr/bin/kubectl", Content::Artifact(archive)),
    ]);
    for compression in [Compression::None, Compression::Gzip(1), Compression::Xz(0), Compression::Zstd(1)] {
        write(&image, compression).unwrap();
    }
}

#[test]
fn bytes_that_changed_after_they_were_verified_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = binary(folder.path(), "kubectl");
    let image = image(vec![entry("/usr/bin/kubectl", Content::Artifact(Artifact::for_test(&path)))]);
    let same_size = fs::read(&path).unwrap().to_ascii_uppercase();
    for changed in [&same_size[..], b"short"] {
        fs::write(&path, changed).unwrap();
        let error = write(&image, Compression::None).unwrap_err();
        assert!(matches!(&error, WriteError::InputChanged(named) if *named == path), "{error}");
    }
    fs::remove_file(&path).unwrap();
    let error = write(&image, Compression::None).unwrap_err().to_string();
    assert!(error.contains(path.to_str().unwrap()), "{error}");
}

#[test]
fn names_of_one_file_on_disk_do_not_become_hard_links() {
    let folder = tempfile::tempdir().unwrap();
    let path = binary(folder.path(), "kubectl");
    let link = folder.path().join("link");
    fs::hard_link(&path, &link).unwrap();
    let entries = |second: &Path| {
        vec![
            entry("/usr/bin/kubectl", Content::Artifact(Artifact::for_test(&path))),
            entry("/usr/bin/oc", Content::Artifact(Artifact::for_test(second))),
        ]
    };
    let copy = folder.path().join("copy");
    fs::copy(&path, &copy).unwrap();
    let bytes = [link, copy].map(|second| {
        let mut file = write(&image(entries(&second)), Compression::None).unwrap();
        let mut bytes = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut bytes).unwrap();
        bytes
    });
    assert!(bytes[0] == bytes[1]);
}

/// Writes a package whose payload is not compressed.
fn uncompressed(image: &PackageImage, texts: &Texts) -> (File, Packed) {
    let mut file = tempfile::tempfile().unwrap();
    let packed = with_packer(Compression::None, |packer| write_file(image, texts, packer, &mut file)).unwrap();
    (file, packed)
}

/// Reads such a package back as if `image` had been asked for.
fn check(image: &PackageImage, texts: &Texts, packed: &Packed, file: &mut File) -> Result<(), WriteError> {
    with_packer(Compression::None, |packer| read_back::Check { image, texts, packer }.run(packed, file))
}

#[test]
fn damage_is_found_when_the_package_is_read_back() {
    let image = image(vec![entry("/usr/bin/kubectl", Content::Text(vec![7; 100_000]))]);
    let texts = render(&image).unwrap();
    let (mut file, packed) = uncompressed(&image, &texts);
    check(&image, &texts, &packed, &mut file).unwrap();
    let length = file.metadata().unwrap().len();
    file.rewind().unwrap();
    let found = rpm::PackageMetadata::parse(&mut std::io::BufReader::new(&file)).unwrap();
    let payload = found.get_package_segment_offsets().payload;
    // A byte of the lead, of the header's texts, of the file, and the last of the padding.
    for place in [0, payload - 100, payload + 50_000, length - 1] {
        let mut byte = [0];
        file.read_exact_at(&mut byte, place).unwrap();
        file.write_all_at(&[byte[0] ^ 1], place).unwrap();
        assert!(check(&image, &texts, &packed, &mut file).is_err(), "byte {place}");
        file.write_all_at(&byte, place).unwrap();
    }
    check(&image, &texts, &packed, &mut file).unwrap();
    file.set_len(length - 1).unwrap();
    assert!(check(&image, &texts, &packed, &mut file).is_err());
}

/// Changes an image in one point.
type Change = fn(&mut PackageImage);

#[test]
fn what_is_not_in_the_file_is_missed() {
    let full = || {
        let mut image = image(vec![entry("/usr/bin/kubectl", Content::Text(b"x".to_vec()))]);
        image.relations = vec![relation(RelationKind::Requires, "glibc", None)];
        image
    };
    let (mut file, packed) = uncompressed(&full(), &render(&full()).unwrap());
    let changes: [(&str, Change); 10] = [
        ("lacks /usr/bin/more", |image| image.entries.push(entry("/usr/bin/more", Content::Directory))),
        ("holds /usr/bin/kubectl besides", |image| image.entries.clear()),
        ("digest of /usr/bin/kubectl", |image| image.entries[0].content = Content::Text(b"y".to_vec())),
        ("as something else", |image| image.entries[0].content = Content::Directory),
        ("`0755` as its mode", |image| image.entries[0].mode = "0700".parse().unwrap()),
        ("`root` as its user", |image| image.entries[0].owner.user = "kube".to_owned()),
        ("as its flags", |image| image.entries[0].role = Role::ConfigKept),
        ("build time", |image| image.date = SourceDate::from_epoch(1)),
        ("`Requires: bash`", |image| image.relations.push(relation(RelationKind::Requires, "bash", None))),
        ("`1.17.0` as its version", |image| image.metadata.version = "1.17.1".parse().unwrap()),
    ];
    for (said, change) in changes {
        let mut other = full();
        change(&mut other);
        let error = check(&other, &Texts::default(), &packed, &mut file).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let mut texts = Texts::default();
    texts.insert("post", "true".to_owned());
    let error = check(&full(), &texts, &packed, &mut file).unwrap_err().to_string();
    assert!(error.contains("%post"), "{error}");
}

fn relation(kind: RelationKind, name: &str, constraint: Option<&str>) -> Relation {
    let constraint = constraint.map(|version| (Operator::AtLeast, version.to_owned()));
    let alternatives = vec![Dependency { name: name.to_owned(), constraint }];
    Relation { kind, format: Format::Rpm, alternatives }
}

#[test]
fn texts_that_would_break_a_header_are_refused() {
    let changes: [(&str, Change); 16] = [
        ("Summary", |image| image.metadata.summary = "two\nlines".to_owned()),
        ("License", |image| image.metadata.license = " ".to_owned()),
        ("URL", |image| image.metadata.homepage = "https://x\nEssential: yes".to_owned()),
        ("Packager", |image| image.metadata.maintainer.clear()),
        ("Vendor", |image| image.metadata.vendor = Some("a\u{7}".to_owned())),
        ("Description", |image| image.metadata.description.clear()),
        ("Description", |image| image.metadata.description = "a\u{0}".to_owned()),
        ("Description", |image| image.metadata.description = "a\n %post\nrm -rf /".to_owned()),
        ("unit", |image| {
            let unit = "a b;reboot.service".to_owned();
            image.services.push(Service { unit, on_install: OnInstall::Preset, formats: Formats::All });
        }),
        ("%post", |image| image.scripts.push(script("#!/usr/bin/python3\nprint()"))),
        ("%post", |image| image.scripts.push(script("true\0"))),
        ("%post", |image| image.scripts.push(script("# nothing\n\n"))),
        ("%post", |image| image.scripts.push(script("cat <<X\n%files\nX"))),
        ("owner of /usr/bin/kubectl", |image| image.entries[0].owner.group = "a, b) /etc/shadow".to_owned()),
        ("link /usr/bin/kubectl", |image| image.entries[0].content = Content::Link("a'b".to_owned())),
        ("reason of an rpmlint override", |image| {
            let (tag, reason) = ("zero-length".to_owned(), "a\naddFilter('.*')".to_owned());
            image.lint_overrides.push(LintOverride { format: Format::Rpm, tag, reason });
        }),
    ];
    for (field, change) in changes {
        let mut image = image(vec![entry("/usr/bin/kubectl", Content::Text(b"x".to_vec()))]);
        change(&mut image);
        for error in [render(&image).unwrap_err(), write_unrendered(&image)] {
            assert!(matches!(&error, WriteError::Field { field: named, .. } if named == field), "{field}: {error}");
        }
    }
}

#[test]
fn scriptlets_of_other_templates_are_checked_too() {
    let image = image(Vec::new());
    for text in ["#!/bin/bash\ntrue", "# only a comment", "true\n%files"] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("rpm")).unwrap();
        for name in ["pre", "post", "preun", "postun"] {
            fs::write(folder.path().join("rpm").join(name), text).unwrap();
        }
        let rendered = RpmWriter.render(&image, &Templates::new(Tree::read(folder.path()).unwrap()));
        assert!(matches!(&rendered, Err(WriteError::Field { field, .. }) if field == "%pre"), "{rendered:?}");
        let mut texts = Texts::default();
        texts.insert("pre", text.to_owned());
        let mut file = tempfile::tempfile().unwrap();
        let written = with_packer(Compression::None, |packer| RpmWriter.write(&image, &texts, packer, &mut file));
        assert!(matches!(&written, Err(WriteError::Field { field, .. }) if field == "%pre"), "{written:?}");
    }
}

/// Writes without rendering, as a caller with texts of its own would, and returns the error.
fn write_unrendered(image: &PackageImage) -> WriteError {
    let mut file = tempfile::tempfile().unwrap();
    let texts = Texts::default();
    with_packer(Compression::None, |packer| RpmWriter.write(image, &texts, packer, &mut file)).unwrap_err()
}

fn script(body: &str) -> Script {
    Script { moment: Moment::AfterInstall, formats: Formats::All, body: body.to_owned() }
}

#[test]
fn relations_that_rpmbuild_would_not_take_are_refused() {
    let refuses = |relation: Relation| {
        let mut image = image(Vec::new());
        image.relations = vec![relation];
        matches!(render(&image), Err(WriteError::Field { field, .. }) if field == "Requires" || field == "Provides")
    };
    for name in ["", "a b", "a,b", "a\nb", "(a or b)", "-a", "a >= 1", "libc(", "%{x}", "<lua>"] {
        assert!(refuses(relation(RelationKind::Requires, name, None)), "{name:?}");
    }
    for version in ["", ">= 1", "1 2", "1-2-3", "a:1", "1:", "~1", "1-", "1\n"] {
        assert!(refuses(relation(RelationKind::Requires, "a", Some(version))), "{version:?}");
    }
    let mut either = relation(RelationKind::Provides, "a", None);
    either.alternatives.push(either.alternatives[0].clone());
    assert!(refuses(either.clone()));
    assert!(refuses(Relation { alternatives: Vec::new(), ..either.clone() }));
    assert!(!refuses(Relation { kind: RelationKind::Requires, ..either }));
    for name in ["libc.so.6(GLIBC_2.34)(64bit)", "/usr/bin/mount", "_a", "perl(Foo::Bar)", "config(x)"] {
        assert!(!refuses(relation(RelationKind::Requires, name, Some("1:1.2~rc.1+x-3.el9"))), "{name}");
    }
}

#[test]
fn flowing_text_of_a_description_is_broken_anew() {
    let mut image = image(Vec::new());
    let verbatim = format!(" {}", "verbatim ".repeat(20).trim_end());
    image.metadata.description =
        format!("First line\nand second.\n\n{}\nword\n{verbatim}\n- item\n  of\n* item\n", "word ".repeat(30));
    let lines: Vec<String> = field::description(&image).split('\n').map(str::to_owned).collect();
    assert_eq!(lines[..2], ["First line and second.", ""]);
    assert_eq!((lines[2].len(), lines[3].len()), (79, 74));
    assert_eq!(lines[4..], [verbatim.as_str(), "- item", "  of", "* item"]);
}

#[test]
fn no_line_of_a_description_becomes_a_section() {
    let mut image = image(Vec::new());
    image.metadata.description = format!("{} %post is text", "x".repeat(79));
    assert_eq!(field::description(&image), format!("{} %post\nis text", "x".repeat(79)));
}
