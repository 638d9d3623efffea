//! What a publication asks of a bucket: what changes is written, what is known is read, and nothing is listed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;
use kubepkg::repository::store::Key;

use super::meter::{Asked, Meter};
use super::rig::{Made, Rig};
use super::s3::Server;
use crate::program::{command, done};

/// Makes so many packages in each format, signed where clients want that.
fn fillers(folder: &Path, count: usize) -> Vec<PathBuf> {
    let root = folder.join("root");
    fs::create_dir_all(root.join("DEBIAN")).unwrap();
    let mut spec = "Name: filler\nVersion: 1\nRelease: 1\nSummary: s\nLicense: MIT\nBuildArch: noarch\n\
                    %description\nd\n"
        .to_owned();
    let mut made = Vec::new();
    for number in 0..count {
        let name = format!("filler-{number}");
        let control = format!(
            "Package: {name}\nVersion: 1\nArchitecture: amd64\nMaintainer: N <n@example.org>\nDescription: d\n"
        );
        fs::write(root.join("DEBIAN/control"), control).unwrap();
        let deb = folder.join(format!("{name}_1_amd64.deb"));
        let mut dpkg_deb = Command::new("dpkg-deb");
        assert!(
            dpkg_deb
                .args(["--root-owner-group", "-z0", "--build"])
                .args([&root, &deb])
                .output()
                .unwrap()
                .status
                .success()
        );
        spec += &format!("%package -n {name}\nSummary: s\n%description -n {name}\nd\n%files -n {name}\n");
        made.push(deb);
    }
    let path = folder.join("filler.spec");
    fs::write(&path, spec).unwrap();
    let top = format!("_topdir {}", folder.join("rpm").display());
    let output = Command::new("rpmbuild").args(["-bb", "--quiet", "--define", &top]).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rpms = crate::mirror::files(&folder.join("rpm/RPMS"));
    assert_eq!(rpms.len(), count);
    done(command().args(["sign", "-qq", "--sign-key"]).arg(Made::get().key()).args(&rpms));
    made.extend(rpms);
    made
}

/// What a bucket holds, by the names below the repository.
type Held = BTreeMap<String, Vec<u8>>;

struct Measured {
    rig: Rig,
    meter: Meter,
}

impl Measured {
    fn new(server: &Server, prefix: &str) -> Self {
        Self { rig: Rig::in_bucket(server, prefix), meter: Meter::start(&server.address) }
    }

    /// Runs a command and returns what it asked for, by names below the repository.
    fn run(&self, mut command: Command) -> Vec<Asked> {
        done(command.envs([self.meter.environment()]));
        let prefix = self.rig.place.strip_prefix("s3://packages/").unwrap();
        let below = |asked: Asked| Asked { key: asked.key.replacen(&format!("{prefix}/"), "", 1), ..asked };
        self.meter.read().into_iter().map(below).collect()
    }

    fn held(&self) -> Held {
        let store = self.rig.store();
        let keys: Vec<Key> = store.list("").unwrap().into_iter().map(|one| one.key).collect();
        let objects = store.get_all(&keys, 1 << 30).unwrap();
        keys.iter().map(Key::to_string).zip(objects.into_iter().map(|object| object.unwrap().bytes)).collect()
    }
}

fn of<'a>(asked: &'a [Asked], what: &'a str) -> impl Iterator<Item = &'a str> {
    asked.iter().filter(move |one| one.what == what).map(|one| one.key.as_str())
}

/// Nothing is listed, nothing is written that was there already, and of packages only new ones are touched.
#[track_caller]
fn assert_thrifty(asked: &[Asked], before: &Held, after: &Held, new: &[&str]) {
    assert_eq!(of(asked, "LIST").count(), 0, "{asked:?}");
    for one in asked.iter().filter(|one| one.key.ends_with(".deb") || one.key.ends_with(".rpm")) {
        assert!(["PUT", "COPY"].contains(&&*one.what), "{one:?}");
        assert!(new.iter().any(|name| one.key.contains(name)), "{one:?}");
    }
    // What is asked for without its bytes is about to be written, or as large as the repository.
    let written: BTreeSet<&str> = of(asked, "PUT").collect();
    for key in of(asked, "HEAD") {
        let is_large = key.starts_with(".kubepkg/gen/") || key.ends_with("/index.json");
        assert!(written.contains(key) || is_large, "{key}");
    }
    assert_eq!(written.len(), of(asked, "PUT").count(), "something was written twice");
    for key in of(asked, "PUT").chain(of(asked, "COPY")) {
        assert!(before.get(key) != after.get(key), "{key} is as it was");
    }
    for key in of(asked, "GET") {
        let is_state = [".kubepkg/", "dists/", "core:/", "channels/", "index.", "key."].iter();
        assert!(is_state.clone().any(|start| key.starts_with(start)), "{key}");
    }
}

/// How a kind of requests is written that reads packs.
const PACKS: &str = "GET .kubepkg/frag/#pack";

/// The requests by what they are for, without digests.
fn kinds(asked: &[Asked]) -> BTreeMap<String, usize> {
    let is_digest = |part: &str| part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut kinds = BTreeMap::new();
    for one in asked {
        let parts = one.key.split_inclusive(['/', '-', '.']);
        let parts: String =
            parts.map(|part| if is_digest(part.trim_end_matches(['/', '-', '.'])) { "#" } else { part }).collect();
        let parts = parts.replace(|c: char| c.is_ascii_digit(), "");
        *kinds.entry(format!("{} {parts}", one.what)).or_default() += 1;
    }
    kinds
}

#[test]
fn a_publication_asks_the_same_of_a_small_repository_and_of_a_large_one() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let fillers = fillers(folder.path(), 30);
    let packages = ["amd64.deb", "x86_64.rpm"].map(|end| Made::get().packages("1.36.2", &["kubectl", end])).concat();
    // Where many came one after the other, there are several packs.
    let publications = [vec![0..2, 30..32], vec![0..20, 30..50, 20..27, 50..57, 27..30, 57..60]];
    let asked = publications.map(|publications| {
        let measured = Measured::new(&server, &format!("of-{}", publications.len()));
        for range in publications {
            measured.run(measured.rig.publish("stable/v1.36", &fillers[range]));
        }
        let before = measured.held();
        let asked = measured.run(measured.rig.publish("stable/v1.36", &packages));
        assert_thrifty(&asked, &before, &measured.held(), &["kubectl"]);
        measured.rig.assert_whole();
        asked
    });
    let [small, large] = asked.map(|asked| kinds(&asked));
    let packs = |kinds: &BTreeMap<String, usize>| kinds.get(PACKS).copied().unwrap_or_default();
    assert!((2..=6).contains(&packs(&large)), "{large:?}");
    let without_packs = |kinds: &BTreeMap<String, usize>| {
        kinds.iter().filter(|(kind, _)| *kind != PACKS).map(|(kind, count)| (kind.clone(), *count)).collect::<Vec<_>>()
    };
    assert_eq!(without_packs(&small), without_packs(&large));
}

#[test]
fn what_changes_is_written_and_nothing_else() {
    let server = Server::start();
    let measured = Measured::new(&server, "kubernetes");
    let rig = &measured.rig;
    done(&mut rig.without_key("repo configure --url https://example.org/kubernetes"));
    let packages = |version: &str, end: &str| Made::get().packages(version, &["kubectl", end]);
    let publish = |packages: &[PathBuf]| rig.publish("stable/v1.36", packages);
    let of_one = |end: &str| packages("1.36.2", end);
    measured.run(publish(&packages("1.36.1", "")));
    let mut before = measured.held();
    let first = before.clone();
    let mut change = |command: Command, new: &[&str]| {
        let asked = measured.run(command);
        let after = measured.held();
        assert_thrifty(&asked, &before, &after, new);
        before = after;
        asked
    };
    // One architecture: the index of the other one is left alone.
    let asked = change(publish(&of_one("amd64.deb")), &["kubectl_1.36.2-1.1_amd64.deb"]);
    assert_eq!(of(&asked, "OFFER").count(), 0, "{asked:?}");
    let indices: Vec<&str> = of(&asked, "PUT").filter(|key| key.ends_with("/Packages.gz")).collect();
    assert_eq!(indices.len(), 2, "{indices:?}");
    assert!(indices.contains(&"dists/stable-v1.36/main/binary-amd64/Packages.gz"), "{indices:?}");
    change(rig.command("promote stable/v1.36 staging/v1.36"), &["core:/staging:/v1.36/"]);
    change(publish(&of_one("aarch64.rpm")), &["kubectl-1.36.2-1.1.aarch64.rpm"]);
    change(rig.command("promote stable/v1.36 staging/v1.36"), &["core:/staging:/v1.36/"]);
    let asked = change(rig.command("repo refresh stable/v1.36"), &[]);
    assert!(!of(&asked, "PUT").any(|key| key.contains("Packages")), "{asked:?}");
    assert_eq!(of(&asked, "OFFER").count(), 0, "{asked:?}");
    change(rig.command("repo rollback stable/v1.36 --to 2"), &[]);
    // Nothing changes.
    for command in [
        publish(&of_one("amd64.deb")),
        rig.command("promote stable/v1.36 staging/v1.36"),
        rig.command("repo rollback stable/v1.36 --to 2"),
        rig.without_key("repo repair"),
        rig.without_key("repo configure --url https://example.org/kubernetes"),
    ] {
        let asked = change(command, &[]);
        let changing = asked.iter().find(|one| !["GET", "HEAD"].contains(&&*one.what));
        assert!(changing.is_none(), "{asked:?}");
    }
    rig.assert_whole();
    for (key, bytes) in &before {
        let answer = server.ask("HEAD", &format!("/packages/kubernetes/{}", key.replace('+', "%2B"))).to_lowercase();
        assert_headers(key, &answer, first.get(key).is_none_or(|first| first == bytes));
    }
}

/// What a web server says of an object: its type, and that it stays only where it does.
#[track_caller]
fn assert_headers(key: &str, answer: &str, stays: bool) {
    let is_immutable = answer.contains("\r\ncache-control: public, max-age=31536000, immutable\r\n");
    let named_by_digest = key.split(['/', '-', '.']).any(|part| part.len() == 64);
    assert_eq!(
        is_immutable,
        named_by_digest || key.starts_with("pool/") || key.ends_with(".deb") || key.ends_with(".rpm"),
        "{key}: {answer}"
    );
    assert!(stays || !is_immutable, "{key} changed");
    if !is_immutable {
        let short = ["public, max-age=60, must-revalidate", "no-cache"];
        assert!(
            short.iter().any(|value| answer.contains(&format!("\r\ncache-control: {value}\r\n"))),
            "{key}: {answer}"
        );
    }
    let types = [
        (".deb", "application/vnd.debian.binary-package"),
        (".rpm", "application/x-rpm"),
        (".intoto.jsonl", "application/jsonl"),
        (".json", "application/json"),
        (".html", "text/html; charset=utf-8"),
        (".gz", "application/gzip"),
        (".xz", "application/x-xz"),
        ("repomd.xml", "application/xml"),
        ("repomd.xml.asc", "application/pgp-signature"),
        ("Release.gpg", "application/pgp-signature"),
        ("repomd.xml.key", "application/pgp-keys"),
        ("/key.asc", "application/pgp-keys"),
        ("/key.gpg", "application/pgp-keys"),
        ("Release", "text/plain; charset=utf-8"),
        ("Packages", "text/plain; charset=utf-8"),
        ("/mirrorlist", "text/plain; charset=utf-8"),
        (".sources", "text/plain; charset=utf-8"),
        (".repo", "text/plain; charset=utf-8"),
        (".list", "text/plain; charset=utf-8"),
        (".pref", "text/plain; charset=utf-8"),
        (".sh", "text/plain; charset=utf-8"),
        (".toml", "text/plain; charset=utf-8"),
    ];
    let rooted = format!("/{key}");
    let expected = types.iter().find(|(end, _)| rooted.ends_with(end)).map_or("application/octet-stream", |(_, of)| of);
    assert!(answer.contains(&format!("\r\ncontent-type: {expected}\r\n")), "{key}: {answer}");
    assert!(!answer.contains("\r\ncontent-encoding:"), "{key}: {answer}");
    let is_named_by_digest_alone = key.contains("/by-hash/") || key.starts_with(".kubepkg/");
    assert!(is_named_by_digest_alone || expected != "application/octet-stream", "{key} has no type");
}
