//! Runs that are killed, and runs that are many: clients see a whole state whenever they look.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use fs_err as fs;

use super::reader::Reader;
use super::rig::{Made, Rig};
use super::s3::Server;
use super::stop::Stop;
use crate::program::{done, run};

/// How often runs are killed; more often with `KUBEPKG_TEST_KILLS`.
#[expect(clippy::disallowed_methods, reason = "a longer run is asked for by hand")]
fn kills() -> u64 {
    std::env::var("KUBEPKG_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(24)
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

/// Kills runs that write to a repository, while somebody looks at it all the time.
fn kill(rig: &Rig, kills: u64) {
    let newer = Made::get().packages("1.36.2", &[]);
    let reader = Reader::of(rig);
    rig.publish_release("stable/v1.36", "1.36.1");
    let first = reader.everything();
    let stop = Stop::default();
    let begin = Instant::now();
    done(&mut rig.publish("staging/v1.36", &newer));
    let whole = begin.elapsed();
    thread::scope(|scope| {
        let _failed = stop.on_failure();
        let looking = scope.spawn(|| {
            let mut looks = 0;
            while looks == 0 || !stop.is_said() {
                let seen = reader.everything();
                // What was published first is never taken away here, and a release is seen whole or not at all.
                assert!(first.iter().all(|package| seen.contains(package)), "{seen:?}");
                looks += 1;
            }
            looks
        });
        let (mut interrupted, verbs) = (0, ["publish", "promote", "rollback", "refresh", "gc"]);
        // A machine that became faster since `whole` was measured is done before it is killed: then there are more rounds.
        for round in 0.. {
            if round >= kills && interrupted > kills / 4 {
                break;
            }
            let mut command = match verbs[usize::try_from(round).unwrap() % verbs.len()] {
                "publish" => rig.publish("stable/v1.36", &newer),
                "promote" => rig.command("promote staging/v1.36 stable/v1.36"),
                "rollback" => rig.command("repo rollback stable/v1.36 --to 1"),
                "refresh" => rig.command("repo refresh stable/v1.36"),
                _ => rig.without_key("repo gc --delete --wait 0"),
            };
            // Spread over the whole run, without a source of chance.
            let after = whole.mul_f64(f64::from(u32::try_from(round * 37 % 100).unwrap()) / 100.0);
            interrupted += u64::from(!killed(&mut command, after));
        }
        stop.say();
        let looks = looking.join().unwrap();
        eprintln!("{interrupted} of {kills} runs were killed before they were done; {looks} looks");
    });
    // The next run completes whatever was left.
    done(&mut rig.publish("stable/v1.36", &newer));
    rig.assert_whole();
    // And the next one that writes sweeps what was never finished.
    rig.done("repo refresh stable/v1.36");
    // Of five components two are the same in both releases.
    assert_eq!(reader.everything().len(), first.len() + 3 * 2 * 2);
}

#[test]
fn whoever_looks_while_runs_are_killed_sees_a_whole_state() {
    let rig = Rig::new();
    kill(&rig, kills());
    let left = fs::read_dir(rig.root().join(".kubepkg")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with('.')));
}

#[test]
fn whoever_looks_at_a_bucket_while_runs_are_killed_sees_a_whole_state() {
    let server = Server::start();
    kill(&Rig::in_bucket(&server, "killed"), kills() / 3);
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

/// Everything that writes, and everything that reads, at once. Whoever was slower starts from what is there: all land.
fn everything_at_once(rig: &Rig) {
    let newer = Made::get().packages("1.36.2", &[]);
    let reader = Reader::of(rig);
    rig.publish_release("stable/v1.36", "1.36.1");
    done(&mut rig.publish("staging/v1.36", &newer));
    let first = reader.everything();
    let stop = Stop::default();
    let ran: Vec<_> = thread::scope(|scope| {
        let _failed = stop.on_failure();
        let looking = scope.spawn(|| {
            while !stop.is_said() {
                let seen = reader.everything();
                assert!(first.iter().all(|package| seen.contains(package)), "{seen:?}");
            }
        });
        let one = |arch: &str| rig.publish("stable/v1.36", &Made::get().packages("1.36.2", &["kubectl", arch]));
        let commands = [
            one("amd64.deb"),
            rig.command("promote staging/v1.36 stable/v1.36"),
            one("x86_64.rpm"),
            rig.command("repo rollback stable/v1.36 --to 1"),
            one("arm64.deb"),
            rig.command("repo refresh stable/v1.36"),
            rig.without_key("repo gc --delete --wait 0"),
            one("aarch64.rpm"),
            rig.without_key("repo repair"),
            rig.without_key("repo check"),
            rig.without_key("repo check --digests"),
        ];
        let runs: Vec<_> = commands.into_iter().map(|mut command| scope.spawn(move || run(&mut command))).collect();
        let ran = runs.into_iter().map(|run| run.join().unwrap()).collect();
        stop.say();
        looking.join().unwrap();
        ran
    });
    for (number, ran) in ran.iter().enumerate() {
        assert_eq!(ran.code, 0, "{number}: {}{}", ran.stdout, ran.stderr);
    }
    rig.assert_whole();
    let history = done(&mut rig.without_key("repo history stable/v1.36"));
    // Each that changed something is a state of its own; of two that add the same, one finds it there.
    for reason in ["publish", "refresh"] {
        assert!(history.contains(reason), "{history}");
    }
    done(&mut rig.publish("stable/v1.36", &newer));
    rig.assert_whole();
    assert_eq!(reader.everything().len(), first.len() + 3 * 2 * 2);
}

#[test]
fn everything_at_once_in_a_folder() {
    everything_at_once(&Rig::new());
}

#[test]
fn everything_at_once_in_a_bucket() {
    let server = Server::start();
    everything_at_once(&Rig::in_bucket(&server, "everything"));
}
