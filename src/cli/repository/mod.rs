//! What the subcommands on repositories share.

mod hint;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::args::Trees;
use crate::cli::diagnostic::Failure;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::signing::{Also, Signing, now, told};
use crate::fetch::HttpOptions;
use crate::repository::anchor::{Anchors, Fingerprint};
use crate::repository::channel::Channel;
use crate::repository::charter::Repository;
use crate::repository::error::RepositoryError;
use crate::repository::gate::Components;
use crate::repository::generation::Entry;
use crate::repository::history::Difference;
use crate::repository::paper::Paper;
use crate::repository::publish::{Outcome, Publisher};
use crate::repository::store::{BadLocation, Location, Store, StoreOptions};
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
    known: Known,
    #[command(flatten)]
    pub(crate) patience: Patience,
}

/// Which repository it must be.
#[derive(Debug, Clone, Args)]
pub(crate) struct Known {
    /// Fingerprint of a key that signs the repository; another one is refused [default: that of kubepkg.yaml, and keys to sign with]
    #[arg(id = "repo-key", long = "repo-key", value_name = "FINGERPRINT", env = "KUBEPKG_REPO_KEY")]
    key: Option<Fingerprint>,
}

impl Known {
    /// Returns what is known of the repository at a place: what kubepkg.yaml says is said of the one that it names.
    pub(crate) fn anchors(&self, session: &Session, place: &str) -> Anchors {
        Anchors::default().and_fingerprint(self.key.as_ref().or_else(|| configured(session, place)))
    }
}

/// The key that kubepkg.yaml names for a repository.
pub(crate) fn configured<'a>(session: &'a Session, place: &str) -> Option<&'a Fingerprint> {
    session.config.repo_key.as_ref().filter(|_| session.config.repo.as_deref() == Some(place))
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
        let place = self.named(session)?;
        Ok(Repository::open(store(place, &self.patience)?, self.known.anchors(session, place))?)
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
        environment: crate::cli::environment_of(&ENVIRONMENT),
        timeout: Duration::from_secs(patience.requests.timeout),
        retries: patience.requests.retries.into(),
        http: patience.http(),
    };
    Ok(Store::new(&location, &options).map_err(RepositoryError::from)?)
}

/// Who signs what a repository says.
#[derive(Debug, Clone, Args)]
pub(crate) struct Sealing {
    #[command(flatten)]
    pub(crate) signing: Signing,
    #[command(flatten)]
    also: Also,
}

impl Sealing {
    /// Opens the keys.
    pub(crate) fn open(&self, session: &Session) -> Result<Keys, Failure> {
        self.open_named(session)?.ok_or_else(|| {
            Failure::usage("no key: apt, dnf and zypper read signed repositories").hint(
                "add `--sign-key FILE`, the key that `kubepkg repo init` made, or `sign: {key: FILE}` to kubepkg.yaml",
            )
        })
    }

    /// Opens the keys, where some are named.
    pub(crate) fn open_named(&self, session: &Session) -> Result<Option<Keys>, Failure> {
        self.signing.signer(session)?.map(|signer| Keys::new(session, signer, &self.also)).transpose()
    }
}

/// Who signs what a repository says, and what it takes for its own.
#[derive(Debug, Clone, Args)]
pub(crate) struct Publishing {
    #[command(flatten)]
    pub(crate) sealing: Sealing,
    #[command(flatten)]
    trees: Trees,
}

/// The packages that no distribution is trusted to have.
pub(crate) fn components(session: &Session, trees: &Trees) -> Result<Components, Failure> {
    let (_, catalog) = session.specs(trees)?;
    Ok(Components::of(&catalog))
}

/// Keys of a repository, opened.
pub(crate) struct Keys {
    signer: Box<dyn Signer>,
    also: Vec<Box<dyn Signer>>,
    /// The time that is written.
    pub(crate) date: SourceDate,
}

/// Who publishes, opened.
pub(crate) struct Opened {
    keys: Keys,
    components: Components,
}

impl Publishing {
    pub(crate) fn open(&self, session: &Session) -> Result<Opened, Failure> {
        Ok(Opened { keys: self.sealing.open(session)?, components: self.components(session)? })
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

impl Keys {
    pub(crate) fn new(session: &Session, signer: Box<dyn Signer>, also: &Also) -> Result<Self, Failure> {
        let also = also.signers(session)?;
        std::iter::once(&signer).chain(&also).try_for_each(|signer| lint(&**signer))?;
        Ok(Self { signer, also, date: date(session) })
    }

    pub(crate) fn signers(&self) -> Signers<'_> {
        Signers::new(&*self.signer, self.also.iter().map(|signer| &**signer))
    }
}

impl Opened {
    pub(crate) fn new(
        session: &Session,
        signer: Box<dyn Signer>,
        also: &Also,
        components: Components,
    ) -> Result<Self, Failure> {
        Ok(Self { keys: Keys::new(session, signer, also)?, components })
    }

    /// Returns who signs first.
    pub(crate) fn signer(&self) -> &dyn Signer {
        &*self.keys.signer
    }

    pub(crate) fn publisher(&self) -> Publisher<'_> {
        Publisher { signers: self.keys.signers(), date: self.keys.date, components: &self.components }
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
