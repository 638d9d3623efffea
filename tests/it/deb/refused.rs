//! What no deb is made of. Each case is a defect that another packager lets through.

use kubepkg::image::{Moment, Script};
use kubepkg::path::{InstallPath, PackageName};
use kubepkg::version::Version;

use super::*;

/// Changes a good image and returns the error of rendering it.
fn refused(change: impl FnOnce(&mut PackageImage)) -> String {
    let mut image = kubelet_image();
    change(&mut image);
    render(&image).expect_err("it was rendered").to_string()
}

#[test]
fn names_versions_and_paths_are_refused_as_words() {
    assert!("My_Pkg Name".parse::<PackageName>().is_err());
    assert!("foo bar/1".parse::<Version>().is_err());
    assert!("1.2-3-4/5".parse::<Version>().is_err());
    assert!("/usr/share/a\nb".parse::<InstallPath>().is_err());
}

#[test]
fn no_value_can_begin_another_field() {
    type Change = fn(&mut Metadata, String);
    let fields: [(&str, Change); 9] = [
        ("Homepage", |metadata, value| metadata.homepage += &value),
        ("Maintainer", |metadata, value| metadata.maintainer += &value),
        ("Section", |metadata, value| metadata.section += &value),
        ("Priority", |metadata, value| metadata.priority += &value),
        ("Description", |metadata, value| metadata.summary += &value),
        ("Description", |metadata, _| metadata.description += "\u{b}x"),
        ("Origin", |metadata, value| metadata.vendor = Some(value)),
        ("the licence", |metadata, value| metadata.license += &value),
        ("the copyright", |metadata, value| metadata.copyright.push(value)),
    ];
    for (field, change) in fields {
        for injected in ["x\nEssential: yes", "x\r\nEssential: yes", "x\u{85}y", "x\0"] {
            let message = refused(|image| change(&mut image.metadata, injected.to_owned()));
            assert!(message.starts_with(&format!("{field} of the package: ")), "{field}: {message}");
        }
    }
    for (field, broken) in [("lintian's overrides", "tag\nother: x"), ("lintian's overrides", "")] {
        let message = refused(|image| image.lint_overrides[0].tag = broken.to_owned());
        assert!(message.starts_with(field), "{message}");
    }
}

#[test]
fn what_a_package_must_say_of_itself_is_not_left_out() {
    type Clear = fn(&mut Metadata);
    let empty: [(&str, Clear); 7] = [
        ("Maintainer", |metadata| metadata.maintainer.clear()),
        ("Homepage", |metadata| metadata.homepage.clear()),
        ("Section", |metadata| metadata.section.clear()),
        ("Priority", |metadata| metadata.priority.clear()),
        ("Description", |metadata| metadata.summary.clear()),
        ("Description", |metadata| metadata.description.clear()),
        ("the licence", |metadata| metadata.license.clear()),
    ];
    for (field, clear) in empty {
        let message = refused(|image| clear(&mut image.metadata));
        assert!(message.starts_with(&format!("{field} of the package: ")), "{field}: {message}");
    }
    assert!(refused(|image| image.metadata.copyright.clear()).contains("names no holder"));
}

#[test]
fn values_outside_their_lists_are_refused() {
    let message = refused(|image| image.metadata.priority = "urgent".to_owned());
    assert_eq!(
        message,
        "Priority of the package: `urgent` is no priority; known are `required`, `important`, `standard`, `optional`, `extra`"
    );
    assert!(refused(|image| image.metadata.section = "nonsense".to_owned()).contains("`nonsense` is no section"));
    assert!(refused(|image| image.metadata.maintainer = "Nobody".to_owned()).contains("`Name <mail@host>`"));
}

#[test]
fn relations_that_dpkg_would_not_parse_are_refused() {
    use Operator::{AtLeast, Below};
    use RelationKind::{Conflicts, Provides, Requires};
    for (relation, expected) in [
        (depends(Requires, &["foo >>>= 1 (bad"], None), "Depends"),
        (depends(Requires, &["Foo"], None), "Depends"),
        (depends(Requires, &[], None), "names no package"),
        (depends(Requires, &["foo"], Some((AtLeast, "1) | bar"))), "Depends"),
        (depends(Requires, &["foo"], Some((AtLeast, ""))), "Depends"),
        (depends(Conflicts, &["foo", "bar"], None), "Policy 7.1"),
        (depends(Provides, &["foo"], Some((Below, "2"))), "Policy 7.5"),
    ] {
        let message = refused(|image| image.relations.push(relation));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn scripts_with_another_interpreter_or_no_command_are_refused() {
    for (body, expected) in [
        ("#!/usr/bin/python3\nprint()\n", "names an interpreter"),
        ("true\0", "control character"),
        ("# nothing\n", "no command"),
    ] {
        let script = Script { moment: Moment::AfterInstall, formats: Formats::All, body: body.to_owned() };
        let message = refused(|image| image.scripts.push(script));
        assert!(message.starts_with("postinst of the package") && message.contains(expected), "{message}");
    }
    let message = refused(|image| image.services[0].unit = "x';reboot;'.service".to_owned());
    assert!(message.contains("no file name of a unit"), "{message}");
}

#[test]
fn entries_that_no_archive_can_hold_are_refused() {
    let twice = |image: &mut PackageImage| image.entries.push(image.entries[0].clone());
    assert!(refused(twice).contains("`/etc/default/kubelet` is there twice"));
    let below = |image: &mut PackageImage| {
        image.entries.push(entry("/usr/bin/kubelet/x", "0644", Role::Plain, text("x")));
    };
    assert!(refused(below).contains("`/usr/bin/kubelet` is no directory"));
    let directory = |image: &mut PackageImage| image.entries[1].role = Role::Config;
    assert!(refused(directory).contains("regular files only"));
    for target in ["", "a\nb"] {
        let content = Content::Link(target.to_owned());
        let link = |image: &mut PackageImage| image.entries.push(entry("/opt/l", "0777", Role::Plain, content));
        assert!(refused(link).contains("`/opt/l` is a link"));
    }
    let owner = |image: &mut PackageImage| image.entries[0].owner.user = "no body".to_owned();
    assert!(refused(owner).starts_with("the owner of `/etc/default/kubelet`"));
}

#[test]
fn lines_that_mean_something_in_a_control_file_are_kept_as_text() {
    let mut image = kubelet_image();
    image.metadata.description = ".word begins\n\n  verbatim  line\nEssential: yes".to_owned();
    let folder = tempfile::tempdir().unwrap();
    let deb = write(&image, Compression::default(), folder.path());
    let field = |name: &str| run("dpkg-deb", ["--field", deb.to_str().unwrap(), name]);
    let expected = "node agent of Kubernetes\n  .word begins\n .\n   verbatim  line\n Essential: yes\n";
    assert_eq!((field("Description").as_str(), field("Essential").as_str()), (expected, "no\n"));
}
