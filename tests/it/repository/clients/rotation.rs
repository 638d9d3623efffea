//! One key takes the place of another: what clients make of it who know the old one, the new one, or both.

use std::path::{Path, PathBuf};

use fs_err as fs;

use super::apt::{Apt, Shape};
use super::rpm_md::{Kind, RpmMd};
use super::{Machine, Place, Way};
use crate::debian::system::{NODE, SEQUOIA};
use crate::program::{command, done};
use crate::repository::keys::another;
use crate::repository::rig::Made;

/// Which certificates a machine was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Knows {
    Old,
    New,
    /// `key.asc` of the repository, as it is while both sign.
    Both,
}

/// Who signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SignedBy {
    Old,
    Both,
    New,
}

/// Which of several signatures count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counts {
    Any,
    /// The first one, and its key must be known.
    First,
}

impl Counts {
    fn is_content(self, knows: Knows, signed: SignedBy) -> bool {
        match (signed, knows) {
            (_, Knows::Both) | (SignedBy::Old | SignedBy::Both, Knows::Old) | (SignedBy::New, Knows::New) => true,
            (SignedBy::Both, Knows::New) => self == Self::Any,
            (SignedBy::Old, Knows::New) | (SignedBy::New, Knows::Old) => false,
        }
    }
}

/// Goes the whole way with three machines of a kind, which keep what they know.
fn rotate(counts: Counts, machine: impl Fn() -> Box<dyn Machine>) {
    let place = Place::new(Way::Http);
    let (rig, old, new) = (&place.rig, Made::get().key(), another(&place.rig, "new"));
    let certificates = rig.folder.path().join("certificates");
    fs::create_dir_all(&certificates).unwrap();
    let certificate = certificates.join("new.asc");
    done(command().args(["key", "export", "-qq"]).arg(&new).arg("--output").arg(&certificate));
    let resign = |first: &Path, more: &[&PathBuf]| {
        let mut resign = rig.without_key("repo resign");
        resign.arg("--sign-key").arg(first);
        for key in more {
            resign.arg("--also-sign-key").arg(key);
        }
        done(&mut resign);
    };
    done(&mut rig.publish("stable/v1.36", &Made::get().packages("1.36.1", &["kubectl"])));
    // What machines are given that are set up while both sign.
    resign(&new, &[&old]);
    let both = certificates.join("both.asc");
    fs::copy(rig.root().join("key.asc"), &both).unwrap();
    resign(&old, &[]);

    let given = [(Knows::Old, Made::get().certificate()), (Knows::New, certificate), (Knows::Both, both)];
    let machines = given.map(|(knows, certificate)| {
        let machine = machine();
        machine.subscribe(&place, &certificate);
        (knows, machine)
    });
    for signed in [SignedBy::Old, SignedBy::Both, SignedBy::New] {
        match signed {
            SignedBy::Old => {}
            SignedBy::Both => resign(&new, &[&old]),
            SignedBy::New => resign(&new, &[]),
        }
        for (knows, machine) in &machines {
            let refreshed = machine.refresh(&place);
            let is_content = counts.is_content(*knows, signed);
            assert_eq!(refreshed.is_ok(), is_content, "{signed:?}, and it knows {knows:?}: {refreshed:?}");
            if is_content {
                assert_eq!(machine.versions("kubectl"), ["1.36.1-1.1"], "{signed:?} {knows:?}");
            }
        }
    }
}

#[test]
fn apt_of_debian_12_looks_for_a_signature_of_a_key_that_it_knows() {
    rotate(Counts::Any, || Box::new(Apt::of(NODE, Shape::Dists)));
}

#[test]
fn apt_of_debian_13_looks_for_a_signature_of_a_key_that_it_knows() {
    rotate(Counts::Any, || Box::new(Apt::of(SEQUOIA, Shape::Flat)));
}

#[test]
fn dnf_4_looks_for_a_signature_of_a_key_that_it_knows() {
    rotate(Counts::Any, || Box::new(RpmMd::new(Kind::Dnf4)));
}

#[test]
fn dnf_5_looks_for_a_signature_of_a_key_that_it_knows() {
    rotate(Counts::Any, || Box::new(RpmMd::new(Kind::Dnf5)));
}

/// So the key that machines have known for longer signs first, and new machines are given `key.asc`.
#[test]
fn zypper_looks_at_the_first_signature_alone() {
    rotate(Counts::First, || Box::new(RpmMd::new(Kind::Zypper)));
}
