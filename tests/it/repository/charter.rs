//! Whoever can write to a store, and has none of the keys: what they put there is told before anything is done with it.

use std::path::PathBuf;
use std::process::Command;

use fs_err as fs;

use super::faults::{Counted, Fault, Proxy};
use super::keys::another;
use super::rig::{Made, Rig, refused};
use super::s3::Server;
use crate::program::{command, done, run};

fn charter(rig: &Rig) -> PathBuf {
    rig.root().join(".kubepkg/repository.json")
}

/// The certificate of a key, as a charter has it.
fn entry(key: &PathBuf, role: &str) -> String {
    let certificate = kubepkg::sign::Certificate::parse_one(&fs::read(key).unwrap()).unwrap();
    let armor = serde_json::to_string(&certificate.to_armor().unwrap()).unwrap();
    format!("{{\"fingerprint\":\"{}\",\"role\":\"{role}\",\"certificate\":{armor}}}", certificate.fingerprint())
}

/// Every command that reads the charter, with what it needs.
fn commands(rig: &Rig) -> Vec<Command> {
    let package = Made::get().packages("1.36.2", &["kubectl", "amd64.deb"]).remove(0);
    let publish = rig.publish("stable/v1.36", &[package]);
    let mut trust = rig.command("repo trust");
    trust.arg(Made::get().other_certificate());
    let mut bundle = rig.without_key("repo bundle stable/v1.36");
    bundle.arg("--output").arg(rig.folder.path().join("set.tar"));
    let mut keyring = rig.command("repo keyring");
    keyring.arg("--output").arg(rig.folder.path().join("keyring"));
    let mut all = vec![publish, trust, bundle, keyring];
    for line in
        ["promote stable/v1.36 staging/v1.36", "repo refresh", "repo rollback stable/v1.36 --to 1", "repo resign"]
    {
        all.push(rig.command(line));
    }
    for line in [
        "repo keys",
        "repo list",
        "repo history stable/v1.36",
        "repo clients --url https://packages.example.org",
        "repo configure --apt-shape dists",
        "repo repair",
        "repo gc",
        "repo check",
    ] {
        all.push(rig.without_key(line));
    }
    all
}

#[test]
fn every_command_refuses_a_keyring_that_its_keys_have_not_signed() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let evil = another(&rig, "evil");
    let good = fs::read_to_string(charter(&rig)).unwrap();
    let added = good.replacen("\"keyring\":[", &format!("\"keyring\":[\n{},", entry(&evil, "packages")), 1);
    assert_ne!(added, good);
    fs::write(charter(&rig), &added).unwrap();
    let before = rig.state();
    for mut command in commands(&rig) {
        let ran = run(&mut command);
        assert_eq!(ran.code, 6, "{command:?}: {}{}", ran.stdout, ran.stderr);
        let said = ran.stdout + &ran.stderr;
        assert!(
            said.contains("`.kubepkg/repository.json` is not signed by the repository's keys"),
            "{command:?}: {said}"
        );
        assert!(said.contains("put the file back"), "{said}");
    }
    assert_eq!(rig.state(), before);
    // Whatever is signed: without a signature, with that of something else, with another name or another role.
    let parsed: serde_json::Value = serde_json::from_str(&good).unwrap();
    let signatures = parsed["signatures"].to_string();
    let head: serde_json::Value =
        serde_json::from_slice(&fs::read(rig.root().join(".kubepkg/head/stable/v1.36.json")).unwrap()).unwrap();
    for bad in [
        good.replace(&signatures, "\"\""),
        good.replace(&signatures, &head["signatures"].to_string()),
        good.replace("\"name\":\"Example\"", "\"name\":\"Examine\""),
        good.replace("\"valid_days\":null", "\"valid_days\":9"),
        good.replace("\"number\":1", "\"number\":2"),
        good.replace("\"role\":\"everything\"", "\"role\":\"index\""),
    ] {
        assert_ne!(bad, good);
        fs::write(charter(&rig), bad).unwrap();
        refused(6, &mut rig.without_key("repo keys"), "is not signed by the repository's keys");
    }
    // What is not signed may be changed by whoever can write, and takes no key.
    fs::write(charter(&rig), &good).unwrap();
    done(&mut rig.without_key("repo configure --url https://packages.example.org/x"));
    rig.assert_whole();
}

#[test]
fn a_repository_of_other_keys_in_its_place_is_told_from_it() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let fingerprint = done(&mut rig.without_key("repo keys")).split_once(' ').unwrap().0.to_owned();
    let evil = another(&rig, "evil");
    let place = rig.folder.path().join("evil").display().to_string();
    done(command().args(["repo", "init", &place, "--name", "Example", "-qq", "--sign-key"]).arg(&evil));
    fs::copy(rig.folder.path().join("evil/.kubepkg/repository.json"), charter(&rig)).unwrap();
    fs::copy(rig.folder.path().join("evil/key.asc"), rig.root().join("key.asc")).unwrap();
    // By the publisher's own key, by a fingerprint, by a certificate.
    let package = Made::get().packages("1.36.2", &["kubectl", "amd64.deb"]).remove(0);
    refused(8, &mut rig.publish("stable/v1.36", &[package]), "somebody else wrote there");
    refused(8, rig.command("repo trust").arg(Made::get().other_certificate()), "is signed by");
    refused(6, rig.without_key("repo keys").args(["--repo-key", &fingerprint]), &format!("and not by {fingerprint}"));
    for key in [fingerprint.as_str(), Made::get().certificate().to_str().unwrap()] {
        let ran = run(rig.without_key("repo check").args(["--key", key]));
        assert_eq!(ran.code, 6, "{}", ran.stderr);
        assert!(ran.stdout.contains(".kubepkg/repository.json: the repository is signed by"), "{}", ran.stdout);
    }
    // Who knows nothing sees that the channels are another one's.
    let ran = run(&mut rig.without_key("repo history stable/v1.36"));
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    // The configuration names the key of the repository that it names, and of no other.
    let configuration = rig.folder.path().join("kubepkg.yaml");
    fs::write(&configuration, format!("repo: {}\nrepo-key: \"{fingerprint}\"\n", rig.place)).unwrap();
    let with = |line: &str| {
        let mut with = command();
        with.args(line.split(' ')).arg("--config").arg(&configuration);
        with
    };
    refused(6, &mut with("repo keys"), &format!("and not by {fingerprint}"));
    done(with("repo keys").args(["--repo", &place]));
}

#[test]
fn an_older_keyring_that_is_put_back_is_older_than_what_the_heads_say() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    done(rig.command("repo trust").arg(Made::get().other_certificate()));
    let older = fs::read(charter(&rig)).unwrap();
    let fingerprint =
        kubepkg::sign::Certificate::parse_one(&fs::read(Made::get().other_certificate()).unwrap()).unwrap();
    // Nothing is published in between: the keyring alone changes.
    done(&mut rig.command(&format!("repo distrust {}", fingerprint.fingerprint())));
    rig.assert_whole();
    let newer = fs::read(charter(&rig)).unwrap();
    fs::write(charter(&rig), older).unwrap();
    for mut command in [
        rig.publish("stable/v1.36", &Made::get().packages("1.36.2", &["kubectl"])),
        rig.without_key("repo history stable/v1.36"),
        rig.command("promote stable/v1.36 staging/v1.36"),
    ] {
        refused(6, &mut command, "is older than what `.kubepkg/head/stable/v1.36.json` was signed for");
    }
    let ran = run(&mut rig.without_key("repo check"));
    assert!(ran.code == 6 && ran.stdout.contains("an older one was put back"), "{}{}", ran.stdout, ran.stderr);
    fs::write(charter(&rig), newer).unwrap();
    rig.publish_release("stable/v1.36", "1.36.2");
    rig.assert_whole();
}

#[test]
fn a_head_that_nobody_signed_is_not_promoted_from() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    rig.publish_release("staging/v1.36", "1.36.2");
    let head = rig.root().join(".kubepkg/head/staging/v1.36.json");
    let good = fs::read_to_string(&head).unwrap();
    fs::write(&head, good.replace("\"number\":1", "\"number\":2")).unwrap();
    for mut command in [
        rig.command("promote staging/v1.36 stable/v1.36"),
        rig.without_key("repo diff staging/v1.36 stable/v1.36"),
        rig.without_key("repo list staging/v1.36"),
        rig.without_key("repo clients staging/v1.36 --url https://packages.example.org"),
    ] {
        let ran = run(&mut command);
        assert_eq!(ran.code, 6, "{command:?} {}", ran.stderr);
    }
}

#[test]
fn state_files_of_anybody_are_refused_for_what_they_are() {
    let rig = Rig::new();
    rig.publish_release("stable/v1.36", "1.36.1");
    let good = fs::read_to_string(charter(&rig)).unwrap();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (bad, words) in [
        (String::new(), "is no state file"),
        ("\u{0}".repeat(100), "is no state file"),
        ("{\"form\":2}".to_owned(), "a newer one wrote it"),
        (good.replacen("\"name\"", "\"name\":\"x\",\n\"name\"", 1), "duplicate field"),
        (good.replacen("\"form\"", "\"form\":1,\n\"more\"", 1), "unknown field"),
        (good.replacen("\"name\":\"Example\"", "\"name\":\"a\\nb\"", 1), "is no name of a repository"),
        (good.replacen("\"stable/v1.36\"", "\"../../etc\"", 1), "is no channel"),
        (good.replacen("\"stable/v1.36\"", "\"stable/v1.36\",\"stable/v1.36\"", 1), "there twice"),
        (good.replacen("\"fingerprint\":\"", "\"fingerprint\":\"A", 1), "is called something else"),
        (good.replacen("\"channels\":[", &format!("\"channels\":{deep},\"x\":["), 1), "is no state file"),
        (" ".repeat((1 << 20) + 1), "more than"),
    ] {
        assert_ne!(bad, good);
        fs::write(charter(&rig), &bad).unwrap();
        for mut command in [rig.without_key("repo keys"), rig.command("repo refresh"), rig.without_key("repo check")] {
            let ran = run(&mut command);
            assert!([6, 7].contains(&ran.code), "{words}: {} {}", ran.code, ran.stderr);
            assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
        }
    }
    fs::write(charter(&rig), &good).unwrap();
    rig.assert_whole();
}

#[test]
fn a_change_of_certificates_may_be_killed_at_any_write() {
    let (server, channels) = (Server::start(), ["rolling", "staging/v1.36"]);
    let rig = Rig::in_bucket(&server, "killed");
    let package = Made::get().packages("1.36.1", &["kubectl", "amd64.deb"]);
    for channel in channels {
        done(&mut rig.publish(channel, &package));
    }
    let (store, charter) = (rig.store(), ".kubepkg/repository.json".parse().unwrap());
    let read = || store.get(&charter, 1 << 20).unwrap().unwrap().bytes;
    let certificate = Made::get().other_certificate();
    let other = kubepkg::sign::Certificate::parse_one(&fs::read(&certificate).unwrap()).unwrap();
    let proxy = Proxy::start(&server.address, Counted::Writes);
    let mut changes = [rig.command("repo trust"), rig.command(&format!("repo distrust {}", other.fingerprint()))];
    changes[0].arg(&certificate);
    for change in &mut changes {
        change.env("AWS_ENDPOINT_URL", format!("http://{}", proxy.address)).env("KUBEPKG_STORE_RETRIES", "0");
    }
    // The charter, then the heads, then what can be completed without a key: the certificates, the pages.
    done(&mut changes[0]);
    let (heads, writes) = (channels.len(), proxy.end());
    assert!(writes > 1 + heads + 1, "{writes}");
    let mut nexts = [
        rig.publish("rolling", &package),
        rig.publish("rolling", &Made::get().packages("1.36.2", &["kubectl", "amd64.deb"])),
        rig.command("repo repair"),
    ];
    // All that can come next where no head is signed, and one of them where one is. What is left after that is of one kind.
    let rounds =
        [(0, None), (1, Some(0)), (1, Some(1)), (1, Some(2)), (heads, Some(0)), (heads + 1, None), (writes, None)];
    let mut is_there = true;
    for (number, next) in rounds {
        let older = read();
        proxy.fail_at(number, Fault::Gone);
        assert_eq!(run(&mut changes[usize::from(is_there)]).code == 0, number == writes, "{number}");
        proxy.end();
        is_there ^= number > 0;
        // Without a key it can only be told, and what is left besides is completed.
        let told = run(&mut rig.without_key("repo repair"));
        let is_told = told.stderr.contains("an older list of certificates");
        assert_eq!((told.code, is_told), (0, next.is_some()), "{number}: {}", told.stderr);
        if let Some(next) = next {
            let told = run(&mut rig.without_key("repo check"));
            assert!(told.code == 0 && told.stderr.contains("an older list of certificates"), "{}", told.stderr);
            // Whatever comes next with the keys completes it.
            done(&mut nexts[next]);
        }
        let newer = read();
        store.replace(&charter, &older).unwrap();
        for channel in channels.iter().filter(|_| number > 0) {
            let mut list = rig.without_key(&format!("repo list {channel}"));
            refused(6, &mut list, "is older than what `.kubepkg/head/");
        }
        store.replace(&charter, &newer).unwrap();
    }
    rig.assert_whole();
}
