//! Clients that refresh while somebody publishes, again and again: no refresh may fail.
//!
//! `KUBEPKG_TEST_REFRESHES=200 cargo test --test it -- repository::stress --nocapture` makes as many refreshes of each kind,
//! also of those kinds for which nothing is promised, a few clients at a time, and prints how many failed. With
//! `KUBEPKG_TEST_PUBLISHER=target/release/kubepkg` another program publishes than the one under test, a faster one.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use fs_err as fs;

use super::cache::{Cache, Keeps};
use super::client::Client;
use super::clients::{Kind, RpmMd, given};
use super::rig::{Made, Rig};
use super::s3;
use super::server::Serving;
use super::stop::Stop;
use crate::program::{by, done};

/// How many refreshes there are of each kind in the short run.
const FEW: usize = 8;

/// How many refreshes of each kind a person asked for.
#[expect(clippy::disallowed_methods, reason = "a longer run is asked for by hand")]
fn asked() -> Option<usize> {
    std::env::var("KUBEPKG_TEST_REFRESHES").ok().map(|text| text.parse().unwrap())
}

/// The program that publishes, if it is another one.
#[expect(clippy::disallowed_methods, reason = "a longer run is asked for by hand")]
fn publisher() -> Option<PathBuf> {
    std::env::var_os("KUBEPKG_TEST_PUBLISHER").map(|path| std::path::absolute(path).unwrap())
}

/// For how long a client that has made its refreshes goes on until it has seen two states: a publication may take long.
const PATIENCE: Duration = Duration::from_mins(5);

/// The time between the begins of two publications.
const PERIOD: Duration = Duration::from_millis(400);

/// What stands between a client and the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Front {
    Nothing,
    /// Does as `Cache-Control` says, 40 times as fast.
    Obedient,
    /// Keeps everything for 1.5 s, whatever it says.
    Stubborn,
}

impl Front {
    fn keeps(self) -> Option<Keeps> {
        match self {
            Self::Nothing => None,
            Self::Obedient => Some(Keeps::AsTold(Duration::from_millis(25))),
            Self::Stubborn => Some(Keeps::AtLeast(Duration::from_millis(1500))),
        }
    }
}

/// What refreshes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    Apt(&'static str),
    /// By the URL of the repository (`baseurl`).
    Base(Kind),
    /// As the `.repo` says that the repository has for its clients.
    Given(Kind),
}

/// A client and its way.
#[derive(Debug, Clone, Copy)]
struct Case {
    asks: Asks,
    front: Front,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:?} through {:?}", self.asks, self.front))
    }
}

const DISTS: Asks = Asks::Apt("/ stable-v1.36 main");
const FLAT: Asks = Asks::Apt("/core:/stable:/v1.36/deb/ /");
const FRONTS: [Front; 3] = [Front::Nothing, Front::Obedient, Front::Stubborn];

impl Case {
    /// Whether a failure is one of ours. `repomd.xml` and its signature are two files: who asks for one before and for the
    /// other after a publication gets what does not fit, and a cache that keeps them makes it likely. apt has one file,
    /// and so has dnf by the list of mirrors, which zypper does not take.
    fn is_promised(self) -> bool {
        !matches!(self.asks, Asks::Base(_) | Asks::Given(Kind::Zypper))
    }
}

/// Refreshes and says what was wrong, and which state was found.
struct Machine {
    case: Case,
    address: String,
    at: At,
}

enum At {
    Apt(Client),
    RpmMd(RpmMd),
}

impl Machine {
    /// `origin` and `address` are `HOST:PORT` of the repository and of what stands before it, `path` what comes behind it
    /// in URLs.
    fn new(case: Case, rig: &Rig, (origin, address): (&str, &str), path: &str) -> Self {
        let given = || given(rig).replace(origin, address);
        let address = format!("http://{address}{path}");
        let rpm = |kind, source: String| {
            let machine = RpmMd::new(kind);
            machine.subscribe_to(&source, &Made::get().certificate());
            At::RpmMd(machine)
        };
        let root = format!("{address}/core:/stable:/v1.36/rpm");
        let at = match case.asks {
            Asks::Apt(_) => At::Apt(Client::new()),
            Asks::Base(kind) => rpm(kind, format!("baseurl={root}/")),
            Asks::Given(kind) => rpm(kind, given()),
        };
        Self { case, address, at }
    }

    fn refresh(&self) -> Result<String, String> {
        match (&self.at, self.case.asks) {
            (At::Apt(client), Asks::Apt(rest)) => {
                let wrong = client.refresh_apt(&format!("{}{rest}", self.address));
                if !wrong.is_empty() {
                    return Err(wrong);
                }
                let lists = fs::read_dir(client.path("state/lists")).unwrap().map(|entry| entry.unwrap().path());
                let release = lists.into_iter().find(|path| path.to_str().unwrap().ends_with("_InRelease")).unwrap();
                Ok(fs::read_to_string(release).unwrap())
            }
            (At::RpmMd(machine), _) => machine.make_cache().map(|()| machine.repomd()),
            (At::Apt(_), _) => unreachable!("apt reads no rpm-md"),
        }
    }

    /// Refreshes so many times, and further until it has seen two states, however slow the publisher is. Somebody else's
    /// failure ends it sooner.
    fn run(&self, count: usize, stop: &Stop) -> Vec<Result<String, String>> {
        let _failed = stop.on_failure();
        let (mut refreshed, mut states) = (Vec::new(), BTreeSet::new());
        let mut counted = Instant::now();
        while !stop.is_said() && (refreshed.len() < count || states.len() < 2) {
            if refreshed.len() < count {
                counted = Instant::now();
            }
            assert!(counted.elapsed() < PATIENCE, "{} sees nothing of what is published", self.case);
            let one = self.refresh();
            states.extend(one.clone().ok());
            refreshed.push(one);
        }
        refreshed
    }
}

/// Publishes, promotes, goes back and signs again, until it is told to stop. Returns how often.
fn publish(rig: &Rig, stop: &Stop) -> u32 {
    let _failed = stop.on_failure();
    let program = publisher();
    let newer = Made::get().packages("1.36.2", &[]);
    for turn in 0.. {
        let begin = Instant::now();
        if stop.is_said() {
            return turn;
        }
        let mut command = match turn % 5 {
            0 => rig.command("promote staging/v1.36 stable/v1.36"),
            2 => rig.publish("stable/v1.36", &newer),
            4 => rig.command("repo refresh stable/v1.36"),
            _ => rig.command("repo rollback stable/v1.36 --to 1"),
        };
        if let Some(program) = &program {
            command = by(program, &command);
        }
        done(&mut command);
        thread::sleep(PERIOD.saturating_sub(begin.elapsed()));
    }
    unreachable!("somebody stops it")
}

/// Lets clients refresh at the same time, each so many times, and returns what should not have been.
fn stress(rig: &Rig, origin: &str, path: &str, cases: &[Case], count: usize) -> Vec<String> {
    done(&mut rig.publish("staging/v1.36", &Made::get().packages("1.36.2", &[])));
    rig.publish_release("stable/v1.36", "1.36.1");
    let caches = FRONTS.map(|front| front.keeps().map(|keeps| Cache::start(origin, keeps)));
    let address = |front: Front| {
        let cache = &caches[FRONTS.iter().position(|other| *other == front).unwrap()];
        cache.as_ref().map_or(origin, Cache::address).to_owned()
    };
    let stop = Stop::default();
    let begin = Instant::now();
    thread::scope(|scope| {
        let _failed = stop.on_failure();
        let publishing = scope.spawn(|| publish(rig, &stop));
        let machines = cases.iter().map(|case| Machine::new(*case, rig, (origin, &address(case.front)), path));
        let runs: Vec<_> = machines
            .map(|machine| {
                let stop = &stop;
                scope.spawn(move || machine.run(count, stop))
            })
            .collect();
        let mut wrong = Vec::new();
        for (case, run) in cases.iter().zip(runs) {
            let refreshed = run.join().unwrap();
            let failed: Vec<&String> = refreshed.iter().filter_map(|one| one.as_ref().err()).collect();
            let states: BTreeSet<&String> = refreshed.iter().filter_map(|one| one.as_ref().ok()).collect();
            let count = refreshed.len();
            eprintln!("{case}: {} of {count} refreshes failed, {} states seen", failed.len(), states.len());
            let Some(first) = failed.first() else { continue };
            if case.is_promised() {
                wrong.push(format!("{case}: {} of {count} failed: {first}", failed.len()));
            } else {
                eprintln!("    {}", first.lines().find(|line| line.contains("repomd")).unwrap_or(first));
            }
        }
        stop.say();
        let published = publishing.join().unwrap();
        eprintln!("{published} publications meanwhile, one in {:.2?}", begin.elapsed() / published.max(1));
        wrong
    })
}

const RPM_MD: [Asks; 5] = [
    Asks::Base(Kind::Dnf4),
    Asks::Given(Kind::Dnf4),
    Asks::Base(Kind::Dnf5),
    Asks::Given(Kind::Dnf5),
    Asks::Given(Kind::Zypper),
];

fn behind_all(asks: Asks) -> Vec<Case> {
    FRONTS.map(|front| Case { asks, front }).into()
}

#[test]
fn no_refresh_fails_while_somebody_publishes() {
    let rig = Rig::new();
    let server = Serving::start(&rig.place, &[]);
    let origin = server.url.strip_prefix("http://").unwrap().trim_end_matches('/');
    done(&mut rig.without_key(&format!("repo configure --url http://{origin}")));
    let wrong = if let Some(count) = asked() {
        // Few clients at a time, for the publisher needs the machine, too.
        let groups = [DISTS, FLAT].into_iter().chain(RPM_MD).map(behind_all);
        groups.flat_map(|group| stress(&rig, origin, "", &group, count)).collect()
    } else {
        let (dnf_4, dnf_5) = (Asks::Given(Kind::Dnf4), Asks::Given(Kind::Dnf5));
        let short = [
            (DISTS, Front::Nothing),
            (FLAT, Front::Stubborn),
            (dnf_4, Front::Obedient),
            (dnf_5, Front::Nothing),
            (dnf_5, Front::Stubborn),
        ];
        stress(&rig, origin, "", &short.map(|(asks, front)| Case { asks, front }), FEW)
    };
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_refresh_fails_while_somebody_publishes_to_a_bucket() {
    let server = s3::Server::start();
    server.open_to_everybody();
    let rig = Rig::in_bucket(&server, "stress");
    done(&mut rig.without_key(&format!("repo configure --url {}", server.url("stress"))));
    let (address, path) = (server.address.as_str(), "/packages/stress");
    let wrong = match asked() {
        Some(count) => {
            // Caches see no difference to a folder.
            let rpm_md = RPM_MD.map(|asks| Case { asks, front: Front::Nothing }).to_vec();
            let groups = [rpm_md, behind_all(DISTS), behind_all(FLAT)];
            groups.iter().flat_map(|group| stress(&rig, address, path, group, count)).collect()
        }
        None => stress(&rig, address, path, &behind_all(FLAT), FEW),
    };
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
