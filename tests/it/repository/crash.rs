//! Runs that are killed, and runs that are many: clients see a whole state whenever they look.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use fs_err as fs;
use kubepkg::digest::Digest;
use kubepkg::sign::{Certificate, Signature};

use super::rig::{Made, Rig};
use super::s3::Server;
use crate::program::{done, run};

/// How often runs are killed; more often with `KUBEPKG_TEST_KILLS`.
#[expect(clippy::disallowed_methods, reason = "a longer run is asked for by hand")]
fn kills() -> u64 {
    std::env::var("KUBEPKG_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(24)
}

/// A reader that trusts what a client of its kind would trust and nothing else.
struct Reader {
    root: PathBuf,
    certificate: Certificate,
}

impl Reader {
    fn new(root: &Path) -> Self {
        let bytes = fs::read(Made::get().certificate()).unwrap();
        Self { root: root.to_owned(), certificate: certificate(&bytes) }
    }

    fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn unpacked(&self, path: &str, sha256: &str) -> String {
        let bytes = self.read(path);
        assert_eq!(Digest::sha256(&bytes).hex(), sha256, "{path}");
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
        text
    }

    fn package(&self, path: &str, size: &str) {
        assert_eq!(fs::metadata(self.root.join(path)).unwrap().len().to_string(), size, "{path}");
    }

    /// Reads as apt does: `InRelease`, then indices by their digest, then packages. Returns `NAME VERSION ARCH`.
    fn apt(&self, suite: &str) -> Vec<String> {
        let Ok(signed) = fs::read_to_string(self.root.join(suite).join("InRelease")) else { return Vec::new() };
        assert!(
            signed.starts_with("-----BEGIN PGP SIGNED MESSAGE-----\n")
                && signed.ends_with("-----END PGP SIGNATURE-----\n")
        );
        let mut found = Vec::new();
        let listed = signed.lines().filter(|line| line.starts_with(' ') && line.ends_with("/Packages.gz"));
        for words in listed.map(|line| line.split_ascii_whitespace().collect::<Vec<_>>()) {
            let folder = words[2].trim_end_matches("Packages.gz");
            let text = self.unpacked(&format!("{suite}/{folder}by-hash/SHA256/{}", words[0]), words[0]);
            for stanza in text.split("\n\n").filter(|stanza| !stanza.is_empty()) {
                let fields: BTreeMap<&str, &str> = stanza.lines().filter_map(|line| line.split_once(": ")).collect();
                self.package(fields["Filename"], fields["Size"]);
                found.push(format!("{} {} {}", fields["Package"], fields["Version"], fields["Architecture"]));
            }
        }
        found
    }

    /// Reads as dnf does, from one open folder as far as the signature goes.
    fn dnf(&self, root: &str) -> Vec<String> {
        let Ok(folder) = fs::File::open(self.root.join(root).join("repodata")) else { return Vec::new() };
        let inside =
            |name: &str| fs::read(format!("/proc/self/fd/{}/{name}", std::os::fd::AsRawFd::as_raw_fd(&folder)));
        let (Ok(text), Ok(armor)) = (inside("repomd.xml"), inside("repomd.xml.asc")) else {
            // The folder was exchanged and removed meanwhile: a client would try again.
            return self.dnf(root);
        };
        let signature = Signature::parse(&armor).unwrap();
        self.certificate.verify(&signature, text.as_slice()).unwrap();
        let text = String::from_utf8(text).unwrap();
        let (_, primary) = text.split_once("<data type=\"primary\">").unwrap();
        let between = |text: &str, before: &str, after: &str| {
            text.split_once(before).unwrap().1.split_once(after).unwrap().0.to_owned()
        };
        let (sha256, href) = (between(primary, "<checksum type=\"sha256\">", "<"), between(primary, "href=\"", "\""));
        let xml = self.unpacked(&format!("{root}/{href}"), &sha256);
        let packages = xml.split("<package type=\"rpm\">").skip(1);
        packages
            .map(|package| {
                let file = between(package, "<location href=\"", "\"");
                self.package(&format!("{root}/{file}"), &between(package, "<size package=\"", "\""));
                file
            })
            .collect()
    }

    fn everything(&self) -> Vec<String> {
        let mut all = self.apt("dists/stable-v1.36");
        all.extend(self.dnf("core:/stable:/v1.36/rpm"));
        all
    }
}

fn certificate(bytes: &[u8]) -> Certificate {
    Certificate::parse_one(bytes).unwrap()
}

/// Starts a command, kills it after a while, and returns whether it was done before.
fn killed(command: &mut Command, after: Duration) -> bool {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    thread::sleep(after);
    if child.try_wait().unwrap().is_some() {
        return true;
    }
    let _ = child.kill();
    child.wait().unwrap();
    false
}

#[test]
fn whoever_looks_while_runs_are_killed_sees_a_whole_state() {
    let rig = Rig::new();
    let newer = Made::get().packages("1.36.2", &[]);
    rig.publish_release("stable/v1.36", "1.36.1");
    let reader = Reader::new(rig.root());
    let first = reader.everything();
    let stop = AtomicBool::new(false);
    let begin = std::time::Instant::now();
    done(&mut rig.publish("staging/v1.36", &newer));
    let whole = begin.elapsed();
    thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut looks = 0;
            while !stop.load(Ordering::SeqCst) {
                let seen = reader.everything();
                // What was published first is never taken away here, and a release is seen whole or not at all.
                assert!(first.iter().all(|package| seen.contains(package)), "{seen:?}");
                looks += 1;
            }
            looks
        });
        let (mut interrupted, verbs) = (0, ["publish", "promote", "rollback", "refresh", "gc"]);
        for round in 0..kills() {
            let mut command = match verbs[usize::try_from(round).unwrap() % verbs.len()] {
                "publish" => rig.publish("stable/v1.36", &newer),
                "promote" => rig.command("promote staging/v1.36 stable/v1.36"),
                "rollback" => rig.command("repo rollback stable/v1.36 --to 1"),
                "refresh" => rig.command("repo refresh stable/v1.36"),
                _ => rig.without_key("repo gc --delete"),
            };
            // Spread over the whole run, without a source of chance.
            let after = whole.mul_f64(f64::from(u32::try_from(round * 37 % 100).unwrap()) / 100.0);
            interrupted += u64::from(!killed(&mut command, after));
        }
        stop.store(true, Ordering::SeqCst);
        assert!(looking.join().unwrap() > 0);
        assert!(interrupted > kills() / 4, "{interrupted} of {}", kills());
    });
    // The next run completes whatever was left.
    done(&mut rig.publish("stable/v1.36", &newer));
    rig.assert_whole();
    // And the next one that writes sweeps what was never finished.
    rig.done("repo refresh stable/v1.36");
    // Of five components two are the same in both releases.
    assert_eq!(reader.everything().len(), first.len() + 3 * 2 * 2);
    let left = fs::read_dir(rig.root().join(".kubepkg")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with('.')));
}

/// Eight packages that need no other.
fn eight() -> Vec<PathBuf> {
    let all = ["1.36.1", "1.36.2"].map(|version| Made::get().packages(version, &["kubectl"])).concat();
    assert_eq!(all.len(), 8);
    all
}

fn publish_at_once(rig: &Rig) {
    let ran: Vec<_> = thread::scope(|scope| {
        let runs: Vec<_> = eight()
            .into_iter()
            .map(|package| scope.spawn(move || run(&mut rig.publish("stable/v1.36", &[package]))))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    for ran in &ran {
        assert_eq!((ran.code, ran.stdout.lines().count()), (0, 1), "{}", ran.stderr);
    }
    rig.assert_whole();
    let shown = done(&mut rig.without_key("repo history stable/v1.36 --json"));
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["generations"][0]["packages"], 8, "{shown}");
    assert_eq!(shown["generations"].as_array().unwrap().len(), 8);
}

#[test]
fn of_eight_that_publish_to_a_folder_at_once_none_is_lost() {
    publish_at_once(&Rig::new());
}

#[test]
fn of_eight_that_publish_to_a_bucket_at_once_none_is_lost() {
    let server = Server::start();
    publish_at_once(&Rig::in_bucket(&server, "together"));
}
