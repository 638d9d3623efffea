//! Where the generated `.repo` leads: dnf to one whole state by the list of mirrors, zypper to the folder.

use std::collections::BTreeSet;
use std::time::Duration;

use kubepkg::repository::store::{Key, Listed};

use super::matrix::set;
use super::rpm_md::{Kind, RpmMd};
use super::tampering::{Change, tamper};
use super::{Machine as _, Place, Way};
use crate::program::{done, run, tool};
use crate::repository::cache::{Cache, Keeps};
use crate::repository::rig::{Made, Rig};
use crate::repository::server::Serving;

const ROOT: &str = "core:/stable:/v1.36/rpm";

/// Returns what the `.repo` that lies in a repository says of where that is.
pub(in crate::repository) fn given(rig: &Rig) -> String {
    let key = "channels/stable-v1.36/example-stable-v1.36.repo".parse().unwrap();
    let text = String::from_utf8(rig.store().get(&key, 1 << 20).unwrap().unwrap().bytes).unwrap();
    let lines: Vec<&str> =
        text.lines().filter(|line| ["baseurl=", "mirrorlist="].iter().any(|key| line.starts_with(key))).collect();
    lines.join("\n")
}

/// A repository behind something that writes down what is not there, by whose address clients know it.
fn written_down() -> (Place, Serving, Cache, String) {
    let place = Place::new(Way::Folder);
    let server = Serving::start(&place.rig.place, &[]);
    let origin = server.url.strip_prefix("http://").unwrap().trim_end_matches('/');
    let cache = Cache::start(origin, Keeps::AtLeast(Duration::ZERO));
    let url = format!("http://{}", cache.address());
    done(&mut place.rig.without_key(&format!("repo configure --url {url}")));
    (place, server, cache, format!("{url}/{ROOT}"))
}

#[test]
fn dnf_takes_one_state_by_the_list_and_zypper_the_folder() {
    let (place, _server, cache, root) = written_down();
    place.rig.publish_release("stable/v1.36", "1.36.1");
    let (given, certificate) = (given(&place.rig), Made::get().certificate());
    assert_eq!(given, format!("baseurl={root}/\nmirrorlist={root}/mirrorlist"));
    let machines = [Kind::Dnf4, Kind::Dnf5, Kind::Zypper].map(|kind| (kind, RpmMd::new(kind)));
    // What does not belong together: a signature of before the publication, or one that a cache kept.
    let second = tamper(&place, &machines[0].1.files(), Change::Signature);
    cache.missing();
    for (kind, machine) in &machines {
        machine.subscribe_to(&format!("baseurl={root}/"), &certificate);
        machine.make_cache().expect_err("the signature is of something else");
        machine.subscribe_to(&given, &certificate);
        if *kind == Kind::Zypper {
            machine.make_cache().expect_err("zypper takes the folder");
            // By the list alone it takes that.
            machine.subscribe_to(&format!("mirrorlist={root}/mirrorlist"), &certificate);
        }
        machine.make_cache().unwrap_or_else(|said| panic!("{kind:?}: {said}"));
        assert_eq!(machine.versions("kubelet"), ["1.36.1-1.1"], "{kind:?}");
        machine.install(&place);
        assert_eq!(machine.installed(), set("1.36.1"), "{kind:?}");
        let missing = cache.missing();
        let packages = missing.iter().filter(|path| path.ends_with(".rpm")).count();
        // Packages are not in that state: dnf is told where they are, and zypper looks for each of them in vain.
        let expected = if *kind == Kind::Zypper { 5 } else { 0 };
        assert_eq!(packages, expected, "{kind:?}: {missing:?}");
        assert!(*kind == Kind::Zypper || missing.is_empty(), "{kind:?}: {missing:?}");
    }
    second.put_back(&place);
    let late = [Kind::Dnf4, Kind::Dnf5].map(RpmMd::new);
    for machine in [&late[0], &late[1], &machines[2].1] {
        machine.subscribe_to(&given, &certificate);
        machine.make_cache().unwrap();
    }
    place.rig.publish_release("stable/v1.36", "1.36.2");
    cache.missing();
    for machine in &late {
        // Who knows the state before gets what that names.
        machine.install(&place);
        assert_eq!(machine.installed(), set("1.36.1"));
    }
    for machine in [&late[0], &late[1], &machines[2].1] {
        machine.make_cache().unwrap();
        machine.upgrade(&place);
        assert_eq!(machine.installed(), set("1.36.2"));
    }
    let missing = cache.missing();
    assert!(missing.iter().all(|path| path.ends_with("/media.1/media")), "{missing:?}");
    place.rig.assert_whole();
}

#[test]
fn a_state_of_the_list_is_checked_as_clients_read_it() {
    let place = Place::new(Way::Folder);
    done(&mut place.rig.without_key("repo configure --url https://packages.example.org"));
    place.rig.publish_release("stable/v1.36", "1.36.1");
    place.rig.assert_whole();
    let store = place.store();
    let files = store.list(&format!("{ROOT}/snapshots")).unwrap();
    let file = |end: &str| files.iter().map(|file| &file.key).find(|key| key.as_str().ends_with(end)).unwrap().clone();
    let read = |key: &Key| store.get(key, 1 << 20).unwrap().unwrap().bytes;
    let found = |code: i32| {
        let ran = run(&mut place.rig.without_key("repo check"));
        assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
        ran.stdout
    };
    let (primary, repomd) = (file("-primary.xml.gz"), file("/repomd.xml"));
    let mut flipped = read(&primary);
    flipped[100] ^= 1;
    // Of the same size, so that nobody sees it who only looks whether it is there.
    for (key, bytes, words) in [
        (&primary, flipped, "has another SHA-256"),
        (
            &repomd,
            String::from_utf8(read(&repomd)).unwrap().replace("sha256", "sha512").into_bytes(),
            "repomd.xml.asc: ",
        ),
    ] {
        let before = read(key);
        assert_eq!(before.len(), bytes.len());
        store.replace(key, &bytes).unwrap();
        assert!(found(6).contains(words), "{key}");
        store.replace(key, &before).unwrap();
        assert_eq!(found(0), "");
    }
    store.delete(std::slice::from_ref(&primary)).unwrap();
    assert!(found(6).starts_with(&format!("{primary}: is not there\n")));
}

#[test]
fn a_list_is_named_where_it_leads_to_the_repository() {
    let place = Place::new(Way::Folder);
    let configure = |url: &str| done(&mut place.rig.without_key(&format!("repo configure --url {url}")));
    let root = |url: &str| format!("{url}/{ROOT}/");
    let url = "https://packages.example.org/a,b";
    place.rig.publish_release("stable/v1.36", "1.36.1");
    // What was published before anybody said the address has no list.
    configure(url);
    assert_eq!(given(&place.rig), format!("baseurl={}", root("https://packages.example.org/a%2Cb")));
    place.rig.done("repo refresh stable/v1.36");
    let both = |url: &str| format!("baseurl={0}\nmirrorlist={0}mirrorlist", root(url));
    assert_eq!(given(&place.rig), both("https://packages.example.org/a%2Cb"));
    place.rig.assert_whole();
    // A list of the old address is none of the new one, and a folder needs none.
    configure("https://elsewhere.example.org");
    assert_eq!(given(&place.rig), format!("baseurl={}", root("https://elsewhere.example.org")));
    place.rig.assert_whole();
    place.rig.publish_release("stable/v1.36", "1.36.2");
    assert_eq!(given(&place.rig), both("https://elsewhere.example.org"));
    // Of states that nobody is shown any more nothing stays, and of this one everything.
    let later = tool("date", ["--date", "9 days", "+%s"]);
    for _ in 0..2 {
        done(place.rig.without_key("repo gc --delete --wait 0").env("SOURCE_DATE_EPOCH", later.trim()));
    }
    let files = |folder: &str| place.store().list(&format!("{ROOT}/{folder}")).unwrap();
    let state = |file: &Listed| file.key.as_str().split('/').nth(4).unwrap().to_owned();
    assert_eq!(files("snapshots").iter().map(state).collect::<BTreeSet<_>>().len(), 1);
    let primaries = files("repodata").into_iter().filter(|file| file.key.as_str().ends_with("-primary.xml.gz"));
    assert_eq!(primaries.count(), 2);
    place.rig.assert_whole();
    configure("file:///srv/kubernetes");
    assert_eq!(given(&place.rig), format!("baseurl={}", root("file:///srv/kubernetes")));
    place.rig.done("repo refresh stable/v1.36");
    assert_eq!(given(&place.rig), format!("baseurl={}", root("file:///srv/kubernetes")));
    place.rig.assert_whole();
}
