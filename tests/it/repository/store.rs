//! What every store does: in a folder and in a bucket.

use std::sync::Barrier;
use std::thread;

use kubepkg::repository::store::{Cause, Content, Key, Location, Source, Store, StoreOptions, Swap};

use super::s3::Server;

const LIMIT: u64 = 1 << 20;

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

fn folder(path: &std::path::Path) -> Store {
    Store::new(&Location::Folder(path.to_owned()), &StoreOptions::default()).unwrap()
}

/// Runs a test on both.
fn on_both(test: impl Fn(&Store)) {
    let root = tempfile::tempdir().unwrap();
    test(&folder(&root.path().join("new/repository")));
    let server = Server::start();
    test(&server.store("some/prefix"));
    test(&server.store(""));
}

#[test]
fn names_that_never_change_are_written_once() {
    on_both(|store| {
        // A release candidate has a tilde, and clients ask for it as it stands there.
        let name = key("pool/main/k/kubelet/kubelet_1.36.0~rc.1-1.1+x_amd64.deb");
        let put = |bytes: &[u8]| store.create(&[(name.clone(), Content::Bytes(bytes))]);
        assert!(store.get(&name, LIMIT).unwrap().is_none());
        assert_eq!(put(b"one").unwrap(), 1);
        assert_eq!(put(b"one").unwrap(), 0);
        for other in [&b"two"[..], b"longer", b""] {
            let error = put(other).unwrap_err();
            assert!(matches!(error.cause, Cause::OtherBytes), "{error:?}");
            assert!(error.object.ends_with(name.as_str()), "{}", error.object);
        }
        assert_eq!(store.get(&name, LIMIT).unwrap().unwrap().bytes, b"one");
        assert_eq!(store.list("pool").unwrap().iter().map(|found| &found.key).collect::<Vec<_>>(), [&name]);
        assert_eq!(store.sizes(&[name.clone(), key("pool/none")]).unwrap(), [Some(3), None]);
    });
}

#[test]
fn a_swap_needs_what_was_read() {
    on_both(|store| {
        let head = key(".kubepkg/head/stable/v1.36.json");
        let Swap::Done(first) = store.swap(&head, b"1", None).unwrap() else { panic!("it was not there") };
        assert_eq!(store.swap(&head, b"other", None).unwrap(), Swap::Lost);
        let read = store.get(&head, LIMIT).unwrap().unwrap();
        assert_eq!((read.bytes.as_slice(), &read.tag), (&b"1"[..], &first));
        let Swap::Done(second) = store.swap(&head, b"2", Some(&read.tag)).unwrap() else {
            panic!("it had not changed")
        };
        assert_eq!(store.swap(&head, b"3", Some(&first)).unwrap(), Swap::Lost);
        assert_eq!(store.tags(&[head.clone(), key("none")]).unwrap(), [Some(second.clone()), None]);
        assert!(matches!(store.swap(&head, b"3", Some(&second)).unwrap(), Swap::Done(_)));
        assert_eq!(store.get(&head, LIMIT).unwrap().unwrap().bytes, b"3");
        assert_eq!(store.swap(&key("gone"), b"1", Some(&second)).unwrap(), Swap::Lost);
    });
}

#[test]
fn of_many_that_swap_at_once_one_wins_each_round() {
    on_both(|store| {
        let (name, barrier) = (key("list"), Barrier::new(8));
        store.replace(&name, b"").unwrap();
        let add = &|own: u8| {
            barrier.wait();
            // Everyone adds itself, however often others are faster.
            loop {
                let read = store.get(&name, LIMIT).unwrap().unwrap();
                let next = [&read.bytes[..], &[own]].concat();
                if store.swap(&name, &next, Some(&read.tag)).unwrap() != Swap::Lost {
                    return;
                }
            }
        };
        thread::scope(|scope| (b'a'..=b'h').for_each(|own| drop(scope.spawn(move || add(own)))));
        let mut all = store.get(&name, LIMIT).unwrap().unwrap().bytes;
        all.sort_unstable();
        assert_eq!(all, b"abcdefgh");
    });
}

#[test]
fn links_and_deletions_leave_the_other_name_alone() {
    on_both(|store| {
        let (one, other) = (key("pool/a.deb"), key("core:/stable:/v1.36/deb/amd64/a.deb"));
        store.create(&[(one.clone(), Content::Bytes(b"bytes"))]).unwrap();
        store.link(&[(one.clone(), other.clone())]).unwrap();
        store.link(&[(one.clone(), other.clone())]).unwrap();
        store.delete(&[one.clone(), key("none")]).unwrap();
        assert!(store.get(&one, LIMIT).unwrap().is_none());
        assert_eq!(store.get(&other, LIMIT).unwrap().unwrap().bytes, b"bytes");
    });
}

#[test]
fn more_bytes_than_expected_are_not_read() {
    on_both(|store| {
        let name = key("large");
        store.replace(&name, &[0; 1000]).unwrap();
        assert!(matches!(store.get(&name, 999).unwrap_err().cause, Cause::TooLarge(999)));
        assert_eq!(store.get(&name, 1000).unwrap().unwrap().bytes.len(), 1000);
    });
}

#[test]
fn a_package_that_changes_meanwhile_is_not_stored() {
    on_both(|store| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.deb");
        fs_err::write(&path, "looked at").unwrap();
        let source = Source::new(&path).unwrap();
        let name = key("pool/changed.deb");
        fs_err::write(&path, "changed!!").unwrap();
        let error = store.create(&[(name.clone(), Content::Package(&source))]).unwrap_err();
        assert!(matches!(error.cause, Cause::Changed(_)), "{error:?}");
        assert!(store.get(&name, LIMIT).unwrap().is_none());
        let source = Source::new(&path).unwrap();
        assert_eq!(store.create(&[(name.clone(), Content::Package(&source))]).unwrap(), 1);
        assert_eq!(store.get(&name, LIMIT).unwrap().unwrap().bytes, b"changed!!");
    });
}

#[test]
fn files_that_belong_together_change_together() {
    let root = tempfile::tempdir().unwrap();
    let store = folder(root.path());
    let names = ["repodata/repomd.xml", "repodata/repomd.xml.asc"].map(key);
    store.create(&[(key("repodata/abc-primary.xml.gz"), Content::Bytes(b"kept"))]).unwrap();
    let write = |text: &str| {
        let bytes = text.as_bytes();
        store.replace_together(&[(&names[0], bytes), (&names[1], bytes)]).unwrap();
    };
    write("0");
    let repodata = root.path().join("repodata");
    thread::scope(|scope| {
        let writer = scope.spawn(|| (1..100).for_each(|number| write(&number.to_string())));
        while !writer.is_finished() {
            // Whoever has the folder open sees one state of it, whatever its name means by now.
            let folder = fs_err::File::open(&repodata).unwrap();
            let at = |name: &str| {
                let path = format!("/proc/self/fd/{}/{name}", std::os::fd::AsRawFd::as_raw_fd(&folder));
                fs_err::read_to_string(path)
            };
            // The old folder is removed once the new one is there.
            if let (Ok(one), Ok(other)) = (at("repomd.xml"), at("repomd.xml.asc")) {
                assert_eq!(one, other);
            }
        }
    });
    assert_eq!(fs_err::read_to_string(repodata.join("abc-primary.xml.gz")).unwrap(), "kept");
    assert_eq!(fs_err::read_dir(&repodata).unwrap().count(), 3);
}

#[test]
fn what_a_killed_run_left_is_swept_and_never_seen() {
    let root = tempfile::tempdir().unwrap();
    let left = root.path().join(".kubepkg/.kubepkg-killed");
    fs_err::create_dir_all(&left).unwrap();
    fs_err::write(left.join("0"), "half").unwrap();
    let store = folder(root.path());
    store.replace(&key("file"), b"whole").unwrap();
    assert!(!left.exists());
    drop(store);
    assert_eq!(fs_err::read_dir(root.path().join(".kubepkg")).unwrap().count(), 0);
}
