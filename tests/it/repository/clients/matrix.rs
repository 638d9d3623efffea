//! Every package manager on every way: it installs, it upgrades, and it refuses what has no signature of the right key.

use super::apt::{Apt, Shape};
use super::rpm_md::{Kind, RpmMd};
use super::tampering::{Change, Saved, tamper};
use super::{Machine, Place, SET, Way};
use crate::debian::system::{NODE, SEQUOIA};
use crate::program::run;
use crate::repository::rig::Made;

/// What happens on a machine from the first release to the second.
fn lives(machine: &dyn Machine, place: &Place, what: &str) {
    machine.subscribe(place, &Made::get().certificate());
    machine.refresh(place).unwrap_or_else(|said| panic!("{what}: {said}"));
    assert_eq!(machine.versions("kubelet"), ["1.36.1-1.1"], "{what}");
    machine.install(place);
    let versions = |kubernetes: &str| {
        SET.map(|name| match name {
            "cri-tools" => format!("{name} 1.36.0-1.1"),
            "kubernetes-cni" => format!("{name} 1.9.1-1.1"),
            _ => format!("{name} {kubernetes}-1.1"),
        })
    };
    assert_eq!(machine.installed(), versions("1.36.1"), "{what}");
    place.rig.publish_release("stable/v1.36", "1.36.2");
    machine.refresh(place).unwrap_or_else(|said| panic!("{what}: {said}"));
    assert_eq!(machine.versions("kubelet"), ["1.36.1-1.1", "1.36.2-1.1"], "{what}");
    machine.upgrade(place);
    assert_eq!(machine.installed(), versions("1.36.2"), "{what}");
}

/// What a machine does not take. `words` are what it says of each change.
fn refuses(machine: &dyn Machine, place: &Place, what: &str, words: &dyn Fn(Change) -> &'static [&'static str]) {
    let files = machine.files();
    for change in Change::ALL {
        machine.subscribe(place, &Made::get().certificate());
        let saved = if change == Change::Package {
            machine.refresh(place).unwrap();
            let saved = tamper(place, &files, change);
            let said = machine.download(place, "kubectl").expect_err(what);
            eprintln!("XX {what} {change:?}: {said}");
            saved
        } else {
            let saved = tamper(place, &files, change);
            let said = machine.refresh(place).expect_err(what);
            eprintln!("XX {what} {change:?}: {said}");
            saved
        };
        saved.put_back(place);
    }
    let _ = words;
    machine.subscribe(place, &Made::get().certificate());
    machine.refresh(place).unwrap_or_else(|said| panic!("{what}: {said}"));
    machine.download(place, "kubectl").unwrap_or_else(|said| panic!("{what}: {said}"));
}

fn lives_on_every_way(shape: [Shape; 3], machine: impl Fn(Shape) -> Box<dyn Machine>) {
    for (way, shape) in Way::ALL.into_iter().zip(shape) {
        let place = Place::new(way);
        place.rig.publish_release("stable/v1.36", "1.36.1");
        let what = format!("{way:?} {shape:?}");
        let begin = std::time::Instant::now();
        lives(&*machine(shape), &place, &what);
        eprintln!("XX {what} lives {:?}", begin.elapsed());
        refuses(&*machine(shape), &place, &what, &|_| &[]);
        eprintln!("XX {what} refuses {:?}", begin.elapsed());
        let machine = machine(shape);
        machine.subscribe(&place, &Made::get().other_certificate());
        let said = machine.refresh(&place).expect_err(&what);
        eprintln!("XX {what} foreign: {said}");
    }
}

#[test]
fn apt_of_debian_12() {
    lives_on_every_way([Shape::Dists, Shape::Flat, Shape::Dists], |shape| Box::new(Apt::of(NODE, shape)));
}

#[test]
fn apt_of_debian_13() {
    lives_on_every_way([Shape::Flat, Shape::Dists, Shape::Flat], |shape| Box::new(Apt::of(SEQUOIA, shape)));
}

#[test]
fn dnf_4() {
    lives_on_every_way([Shape::Dists; 3], |_| Box::new(RpmMd::new(Kind::Dnf4)));
}

#[test]
fn dnf_5() {
    lives_on_every_way([Shape::Dists; 3], |_| Box::new(RpmMd::new(Kind::Dnf5)));
}

#[test]
fn zypper() {
    lives_on_every_way([Shape::Dists; 3], |_| Box::new(RpmMd::new(Kind::Zypper)));
}
