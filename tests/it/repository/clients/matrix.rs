//! Every package manager on every way: it installs, it upgrades, and it refuses what has no signature of the right key.

use super::apt::{Apt, Shape};
use super::rpm_md::{Kind, RpmMd};
use super::tampering::{Change, Saved, tamper};
use super::{Machine, Place, SET, Way};
use crate::debian::system::{NODE, SEQUOIA};
use crate::program::run;
use crate::repository::rig::Made;

/// What a package manager says of a change, one of several words.
type Words = fn(Change) -> &'static [&'static str];

/// What one makes of an older state of a repository that somebody put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Older {
    /// It keeps what it knows, and says nothing (`Date` of a Release file).
    Ignored,
    /// It takes it for the present one: nothing in rpm-md tells. `kubepkg repo check` does.
    Taken,
}

/// A package manager.
struct Column {
    name: &'static str,
    /// apt's shape on each of the ways; both come up.
    shapes: [Shape; 3],
    machine: fn(Shape) -> Box<dyn Machine>,
    words: Words,
    older: Older,
}

#[track_caller]
fn assert_says(words: &[&str], said: &str, what: &str) {
    assert!(words.iter().any(|words| said.contains(words)), "{what}: {said}");
}

impl Column {
    fn run(&self) {
        for (way, shape) in Way::ALL.into_iter().zip(self.shapes) {
            let place = Place::new(way);
            place.rig.publish_release("stable/v1.36", "1.36.1");
            let what = format!("{} {way:?} {shape:?}", self.name);
            self.lives(&place, shape, &what);
            self.refuses(&*(self.machine)(shape), &place, &what);
            let machine = (self.machine)(shape);
            machine.subscribe(&place, &Made::get().other_certificate());
            let said = machine.refresh(&place).expect_err(&what);
            assert_says((self.words)(Change::Key), &said, &what);
        }
    }

    /// What happens on a machine from the first release to the second, and back.
    fn lives(&self, place: &Place, shape: Shape, what: &str) {
        let machine = (self.machine)(shape);
        let refresh = || machine.refresh(place).unwrap_or_else(|said| panic!("{what}: {said}"));
        let (one, both) = (["1.36.1-1.1"], ["1.36.1-1.1", "1.36.2-1.1"]);
        machine.subscribe(place, &Made::get().certificate());
        refresh();
        assert_eq!(machine.versions("kubelet"), one, "{what}");
        machine.install(place);
        assert_eq!(machine.installed(), set("1.36.1"), "{what}");
        let first = Saved::of_mutable(place, &machine.files());
        place.rig.publish_release("stable/v1.36", "1.36.2");
        refresh();
        assert_eq!(machine.versions("kubelet"), both, "{what}");
        machine.upgrade(place);
        assert_eq!(machine.installed(), set("1.36.2"), "{what}");
        let second = Saved::of_mutable(place, &machine.files());
        first.put_back(place);
        refresh();
        let expected = if self.older == Older::Ignored { &both[..] } else { &one[..] };
        assert_eq!(machine.versions("kubelet"), expected, "{what}");
        let ran = run(&mut place.rig.without_key("repo check"));
        assert!(ran.code == 6 && ran.stdout.contains("is not that of generation 2"), "{what}: {}", ran.stdout);
        second.put_back(place);
        place.rig.assert_whole();
    }

    /// What a machine does not take from somebody who can write and has no key.
    fn refuses(&self, machine: &dyn Machine, place: &Place, what: &str) {
        let files = machine.files();
        for change in Change::OF_FILES {
            machine.subscribe(place, &Made::get().certificate());
            if change == Change::Package {
                machine.refresh(place).unwrap_or_else(|said| panic!("{what}: {said}"));
            }
            let saved = tamper(place, &files, change);
            let refused = match change {
                Change::Package => machine.download(place, "kubectl"),
                _ => machine.refresh(place),
            };
            let said = refused.expect_err(&format!("{what} takes it: {change:?}"));
            assert_says((self.words)(change), &said, &format!("{what} {change:?}"));
            saved.put_back(place);
        }
        machine.subscribe(place, &Made::get().certificate());
        machine.refresh(place).unwrap_or_else(|said| panic!("{what}: {said}"));
        machine.download(place, "kubectl").unwrap_or_else(|said| panic!("{what}: {said}"));
    }
}

/// What is installed of a release.
pub(super) fn set(kubernetes: &str) -> [String; 5] {
    SET.map(|name| match name {
        "cri-tools" => format!("{name} 1.36.0-1.1"),
        "kubernetes-cni" => format!("{name} 1.9.1-1.1"),
        _ => format!("{name} {kubernetes}-1.1"),
    })
}

#[test]
fn apt_of_debian_12() {
    Column {
        name: "gpgv",
        shapes: [Shape::Dists, Shape::Flat, Shape::Dists],
        machine: |shape| Box::new(Apt::of(NODE, shape)),
        words: |change| match change {
            Change::SignedIndex | Change::Signature => &["BADSIG"],
            Change::Index | Change::Package => &["Hash Sum mismatch", "unexpected size"],
            Change::Key => &["NO_PUBKEY"],
        },
        older: Older::Ignored,
    }
    .run();
}

#[test]
fn apt_of_debian_13() {
    Column {
        name: "sqv",
        shapes: [Shape::Flat, Shape::Dists, Shape::Flat],
        machine: |shape| Box::new(Apt::of(SEQUOIA, shape)),
        words: |change| match change {
            Change::SignedIndex | Change::Signature => &["Message has been manipulated", "is bad"],
            Change::Index | Change::Package => &["Hash Sum mismatch", "unexpected size"],
            Change::Key => &["Missing key"],
        },
        older: Older::Ignored,
    }
    .run();
}

/// dnf 4 and 5 say nearly the same.
fn dnf(change: Change) -> &'static [&'static str] {
    match change {
        Change::SignedIndex | Change::Signature => &["Bad GPG signature", "Bad PGP signature"],
        Change::Index => &["checksum doesn't match"],
        // A package in a folder is not fetched, but it is looked at.
        Change::Package => &["checksum doesn't match", "incorrect checksum"],
        Change::Key => &["Bad GPG signature", "Signing key not found"],
    }
}

fn rpm_md(name: &'static str, machine: fn(Shape) -> Box<dyn Machine>, words: Words) {
    Column { name, shapes: [Shape::Dists; 3], machine, words, older: Older::Taken }.run();
}

#[test]
fn dnf_4() {
    rpm_md("dnf 4", |_| Box::new(RpmMd::new(Kind::Dnf4)), dnf);
}

#[test]
fn dnf_5() {
    rpm_md("dnf 5", |_| Box::new(RpmMd::new(Kind::Dnf5)), dnf);
}

#[test]
fn zypper() {
    rpm_md(
        "zypper",
        |_| Box::new(RpmMd::new(Kind::Zypper)),
        |change| match change {
            Change::SignedIndex | Change::Signature => &["Signature verification failed"],
            Change::Index => &["Digest verification failed"],
            Change::Package => &["Signature verification failed", "Digest verification failed"],
            Change::Key => &["New repository or package signing key received"],
        },
    );
}
