//! What the subcommands on repositories share.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::args::Trees;
use super::diagnostic::Failure;
use super::exit::Exit;
use super::session::Session;
use super::signing::{Also, Signing, now, told};
use crate::fetch::HttpOptions;
use crate::repository::channel::Channel;
use crate::repository::charter::Repository;
use crate::repository::error::RepositoryError;
use crate::repository::gate::{Components, Refusal};
use crate::repository::generation::Entry;
use crate::repository::history::Difference;
use crate::repository::paper::Paper;
use crate::repository::publish::{Outcome, Publisher};
use crate::repository::state::StateError;
use crate::repository::store::{BadLocation, Cause, Location, Store, StoreOptions};
use crate::sign::{Finding, Signer, Signers, When};
use crate::source_date::SourceDate;
use crate::template::Templates;

/// Variables that say who asks a bucket, and whom.
const ENVIRONMENT: [&str; 3] = ["AWS_", "GOOGLE_", "AZURE_"];

/// Which repository.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// Repository: a folder, `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or `az://CONTAINER/PREFIX` [default: that of kubepkg.yaml]
    #[arg(long = "repo", value_name = "DIR|URL", env = "KUBEPKG_REPO", hide_env_values = true)]
    repo: Option<String>,

    #[command(flatten)]
    pub(crate) patience: Patience,
}

/// How long a bucket or a web server is waited for, and whom it may be.
#[derive(Debug, Clone, Args)]
pub(crate) struct Patience {
    #[command(flatten)]
    pub(crate) requests: Requests,

    /// Certificate authority besides those of the system, in PEM (can be repeated)
    #[arg(long = "ca-certificate", value_name = "FILE", env = "KUBEPKG_CA_CERTIFICATE", value_delimiter = ',')]
    pub(crate) ca_certificates: Vec<PathBuf>,
}

/// How often and how long a bucket or a web server is asked.
#[derive(Debug, Clone, Args)]
pub(crate) struct Requests {
    /// Give a request to a bucket or a web server up after so many seconds
    #[arg(id = "store-timeout", long = "store-timeout", hide_short_help = true, value_name = "SECONDS", env = "KUBEPKG_STORE_TIMEOUT", default_value = "300", value_parser = clap::value_parser!(u64).range(1..=86400))]
    timeout: u64,

    /// Try a failed request to a bucket or a web server so many times more
    #[arg(id = "store-retries", long = "store-retries", hide_short_help = true, value_name = "COUNT", env = "KUBEPKG_STORE_RETRIES", default_value = "5", value_parser = clap::value_parser!(u8).range(..=20))]
    retries: u8,
}

impl Patience {
    /// How web servers are spoken to.
    pub(crate) fn http(&self) -> HttpOptions {
        HttpOptions {
            ca_certificates: self.ca_certificates.clone(),
            read_timeout: Duration::from_secs(self.requests.timeout).min(HttpOptions::default().read_timeout),
            retries: self.requests.retries.into(),
            ..HttpOptions::default()
        }
    }
}

impl Place {
    /// Opens the repository that the command line, the environment or the configuration names.
    pub(crate) fn open(&self, session: &Session) -> Result<Repository, Failure> {
        Ok(Repository::open(store(self.named(session)?, &self.patience)?)?)
    }

    /// Returns which one is meant.
    pub(crate) fn named<'a>(&'a self, session: &'a Session) -> Result<&'a str, Failure> {
        self.repo.as_deref().or(session.config.repo.as_deref()).ok_or_else(|| {
            Failure::usage("which repository?")
                .hint("add `--repo DIR`, or run `kubepkg repo init`, which writes it to kubepkg.yaml")
        })
    }
}

/// Opens the store of a repository. Parsed here and not by clap, which repeats what it refuses.
pub(crate) fn store(place: &str, patience: &Patience) -> Result<Store, Failure> {
    let location: Location = place.parse().map_err(|error: BadLocation| Failure::usage(error.to_string()))?;
    let options = StoreOptions {
        environment: super::environment_of(&ENVIRONMENT),
        timeout: Duration::from_secs(patience.requests.timeout),
        retries: patience.requests.retries.into(),
        http: patience.http(),
    };
    Ok(Store::new(&location, &options).map_err(RepositoryError::from)?)
}

/// Who signs what a repository says, and what it takes for its own.
#[derive(Debug, Clone, Args)]
pub(crate) struct Publishing {
    #[command(flatten)]
    pub(crate) signing: Signing,
    #[command(flatten)]
    pub(crate) also: Also,
    #[command(flatten)]
    trees: Trees,
}

/// The packages that no distribution is trusted to have.
pub(crate) fn components(session: &Session, trees: &Trees) -> Result<Components, Failure> {
    let (_, catalog) = session.specs(trees)?;
    Ok(Components::of(&catalog))
}

/// Who publishes, opened.
pub(crate) struct Opened {
    signer: Box<dyn Signer>,
    also: Vec<Box<dyn Signer>>,
    date: SourceDate,
    components: Components,
}

impl Publishing {
    pub(crate) fn open(&self, session: &Session) -> Result<Opened, Failure> {
        let signer = self.signing.signer(session)?.ok_or_else(|| {
            Failure::usage("no key: apt, dnf and zypper read signed repositories").hint(
                "add `--sign-key FILE`, the key that `kubepkg repo init` made, or `sign: {key: FILE}` to kubepkg.yaml",
            )
        })?;
        Opened::new(session, signer, &self.also, self.components(session)?)
    }
}

impl Publishing {
    /// Returns what the specs know of the packages.
    pub(crate) fn components(&self, session: &Session) -> Result<Components, Failure> {
        Ok(Components::of(&session.specs(&self.trees)?.1))
    }

    /// Returns the templates of packages that are made here.
    pub(crate) fn templates(&self, session: &Session) -> Result<Templates, Failure> {
        session.templates(&self.trees)
    }
}

impl Opened {
    pub(crate) fn new(
        session: &Session,
        signer: Box<dyn Signer>,
        also: &Also,
        components: Components,
    ) -> Result<Self, Failure> {
        let also = also.signers(session)?;
        std::iter::once(&signer).chain(&also).try_for_each(|signer| lint(&**signer))?;
        Ok(Self { signer, also, date: date(session), components })
    }

    /// Returns who signs first.
    pub(crate) fn signer(&self) -> &dyn Signer {
        &*self.signer
    }

    pub(crate) fn publisher(&self) -> Publisher<'_> {
        let signers = Signers::new(&*self.signer, self.also.iter().map(|signer| &**signer));
        Publisher { signers, date: self.date, components: &self.components }
    }
}

/// Refuses a key that some client refuses, or will before the next month is over: who publishes with it leaves its users
/// with a repository that they cannot read.
fn lint(signer: &dyn Signer) -> Result<(), Failure> {
    const MONTH: u32 = 30 * 24 * 60 * 60;
    let now = now();
    let is_near = |finding: &&Finding| match finding.when {
        When::Now => true,
        When::From(time) => time < now.saturating_add(MONTH),
    };
    match signer.certificate().check(now).iter().find(is_near) {
        None => Ok(()),
        Some(finding) => {
            Err(Failure::new(Exit::Key, &Refused(told(finding))).hint("name another key with `--sign-key`"))
        }
    }
}

/// A key that clients refuse.
#[derive(Debug, thiserror::Error)]
#[error("nothing is published with this key: {0}")]
struct Refused(String);

/// `SOURCE_DATE_EPOCH`, or the clock.
pub(crate) fn date(session: &Session) -> SourceDate {
    session.date.unwrap_or_else(|| SourceDate::from_epoch(now()))
}

/// Says what a change of a channel came to.
pub(crate) fn report(session: &Session, channel: Channel, outcome: &Outcome) -> (String, Value) {
    let number = outcome.head.number;
    if outcome.is_new() {
        let (added, removed) = (outcome.added.len(), outcome.removed.len());
        session.ui.status("Published", &format!("generation {number} of {channel}: {added} added, {removed} removed"));
    } else {
        session.ui.status("Unchanged", &format!("generation {number} of {channel}"));
    }
    (changes(&outcome.added, &outcome.removed), view(channel, outcome))
}

/// Says what a change of a channel would come to.
pub(crate) fn rehearsed(session: &Session, channel: Channel, difference: &Difference) -> (String, Value) {
    let Difference { added, removed } = difference;
    let told = format!("{channel} would change: {} added, {} removed", added.len(), removed.len());
    session.ui.status("Checked", &told);
    let json = json!({
        "schema": 1,
        "channel": channel.to_string(),
        "dry-run": true,
        "added": entries(added),
        "removed": entries(removed),
    });
    (changes(added, removed), json)
}

/// Says that what a channel shows was signed again.
pub(crate) fn report_signed(session: &Session, channel: Channel, outcome: &Outcome) -> Value {
    session.ui.status("Signed", &format!("generation {} of {channel}", outcome.head.number));
    view(channel, outcome)
}

fn view(channel: Channel, outcome: &Outcome) -> Value {
    json!({
        "schema": 1,
        "channel": channel.to_string(),
        "generation": outcome.head.number,
        "sha256": outcome.head.generation.hex(),
        "added": entries(&outcome.added),
        "removed": entries(&outcome.removed),
    })
}

/// One line for each package that came or went.
pub(crate) fn changes(added: &[Entry], removed: &[Entry]) -> String {
    let removed = removed.iter().map(|entry| format!("- {entry}\n"));
    removed.chain(added.iter().map(|entry| format!("+ {entry}\n"))).collect()
}

pub(crate) fn entries(entries: &[Entry]) -> Value {
    let view = |entry: &Entry| {
        json!({
            "format": entry.format.as_str(),
            "name": entry.name,
            "version": entry.version,
            "arch": entry.arch,
            "sha256": entry.sha256.hex(),
            "size": entry.size,
            "path": entry.path.as_str(),
            "papers": entry.papers.iter().map(|paper| paper_view(entry, paper)).collect::<Vec<_>>(),
        })
    };
    entries.iter().map(view).collect()
}

fn paper_view(entry: &Entry, paper: &Paper) -> Value {
    json!({
        "kind": paper.kind.as_str(),
        "sha256": paper.sha256.hex(),
        "size": paper.size,
        "path": entry.paper_path(paper.kind).as_str(),
    })
}

impl From<RepositoryError> for Failure {
    fn from(error: RepositoryError) -> Self {
        let (exit, hint) = match &error {
            RepositoryError::Store(failed) => match &failed.cause {
                Cause::Denied(_) => (Exit::Write, CREDENTIALS),
                // What builds the request says which half of a pair of variables is unset.
                Cause::Unavailable(reason) if reason.starts_with("Missing ") => (Exit::Write, CREDENTIALS),
                Cause::Missing(_) => (Exit::Write, "make the bucket first, and see AWS_ENDPOINT_URL"),
                Cause::OtherBytes => (Exit::Refused, "build it again with a higher `--revision`"),
                Cause::Changed(_) => (Exit::Write, "publish files that nobody writes to"),
                Cause::ReadOnly | Cause::NotServed => (Exit::Usage, "name it with `--repo`"),
                Cause::Web { .. } | Cause::Fetch(_) | Cause::Setup(_) => {
                    (Exit::Fetch, "look at the address, the network and `kubepkg help exit-codes`; nothing was changed")
                }
                Cause::Io(error) => (Exit::Write, disk(error)),
                _ => (Exit::Write, AGAIN),
            },
            RepositoryError::State(StateError::Newer { .. }) => (Exit::Write, "update kubepkg"),
            RepositoryError::State(_) => {
                (Exit::Verification, "somebody else wrote there; put the file back, or publish to a new repository")
            }
            RepositoryError::NoRepository(_) => (Exit::Plan, "`kubepkg repo init` makes one"),
            RepositoryError::Exists(_) => (Exit::Usage, "publish to it with `kubepkg publish`"),
            RepositoryError::NoChannel { .. } => (Exit::Plan, "`kubepkg publish --channel` makes channels"),
            RepositoryError::NoGeneration { .. } => (Exit::Plan, "`kubepkg repo history` lists them"),
            RepositoryError::NotShown { .. } => (Exit::Plan, "`kubepkg repo list CHANNEL` lists what it has"),
            RepositoryError::NoPackage { .. } => (Exit::Plan, "publish it to some channel first"),
            RepositoryError::OlderState { .. } => {
                (Exit::Verification, "ask whoever publishes it, or wait: mirrors of it may be behind")
            }
            RepositoryError::Nothing(_) => (Exit::Usage, "name packages"),
            RepositoryError::Io(error) => (Exit::Write, unreadable(error)),
            RepositoryError::Package(_) => (Exit::Write, "`kubepkg inspect FILE` says what it is"),
            RepositoryError::Refused(refusals) => (Exit::Refused, refused(&refusals.0)),
            RepositoryError::OtherKeys { .. } | RepositoryError::OldCertificate(_) => (
                Exit::Key,
                "sign with the repository's keys, with `--also-sign-key` where there are several; `kubepkg repo resign` gives it others",
            ),
            RepositoryError::ForeignHead { .. } => {
                (Exit::Verification, "somebody else wrote there; `kubepkg repo check` says what else is wrong")
            }
            RepositoryError::NoOverlap(_) => (
                Exit::Refused,
                "sign with the key that clients know, too: `--also-sign-key`; `--without-overlap` if it is lost",
            ),
            RepositoryError::NoKey(_) => (Exit::Plan, "`kubepkg repo keys` lists them"),
            RepositoryError::KeySigns(_) => (Exit::Refused, "`kubepkg repo resign` puts another key in its place"),
            RepositoryError::Index { .. } => (Exit::Write, "report it, with the package"),
            RepositoryError::Sign(_) => (Exit::Key, "try another key, and report what it says"),
            RepositoryError::Clock { .. } => {
                (Exit::Refused, "set this machine's clock, or leave SOURCE_DATE_EPOCH unset")
            }
            RepositoryError::Busy { .. } | RepositoryError::Contended { .. } => (Exit::Write, "run again"),
        };
        Self::new(exit, &error).hint(hint)
    }
}

/// Who asks a bucket.
const CREDENTIALS: &str =
    "see AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, or their like of other clouds, and what they may do";

/// What a run that failed leaves.
const AGAIN: &str = "run again: what is written is not written twice, and clients see what they saw before";

/// What helps where the disk does not do what is asked.
fn disk(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "see who may write there; clients see what they saw before"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "make room there and run again: clients see what they saw before"
        }
        _ => AGAIN,
    }
}

/// What helps where a package file cannot be read.
fn unreadable(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotFound => "`kubepkg build` writes packages to `dist`, or where `--output` says",
        ErrorKind::PermissionDenied => "see who may read it",
        _ => "`kubepkg inspect FILE` says what it is",
    }
}

fn refused(refusals: &[Refusal]) -> &'static str {
    match refusals.first() {
        Some(Refusal::Misnamed { .. }) => "rename it: a name that says something else is a mistake or worse",
        Some(Refusal::Unsigned { .. }) => {
            "sign with the repository's key: `kubepkg sign PACKAGE…`; `kubepkg build` does it itself where `--sign-key` or kubepkg.yaml names the key"
        }
        Some(Refusal::Foreign { .. }) => {
            "sign it with the repository's key, or let clients have that certificate with `kubepkg repo trust FILE`"
        }
        Some(Refusal::Forged { .. }) => "get it again: somebody or something changed it",
        Some(Refusal::OtherBytes { .. }) => "build it again with a higher `--revision`: clients have the other one",
        Some(Refusal::ForeignPaper { .. }) => {
            "`kubepkg sign` renews provenance; without a paper beside it a package is published without"
        }
        Some(Refusal::StrayPaper { .. }) => "name the package, too: papers are published with it",
        Some(Refusal::OtherMinor { .. }) => {
            "publish it to the channel of its minor release, or to `rolling`, which has them all"
        }
        Some(Refusal::NoRelease { .. }) => "`prerelease/…` is for candidates, `nightly/…` for builds of a branch",
        Some(Refusal::Incomplete { .. }) => {
            "publish or list it in the same run: `kubepkg build --version VERSION` makes the whole set"
        }
        Some(Refusal::Unmet { .. }) | None => "publish or list what is missing in the same run",
    }
}
