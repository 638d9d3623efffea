//! `kubepkg repo check`

use std::path::PathBuf;

use serde_json::{Value, json};

use super::expect::Expected;
use super::keyring::renew;
use super::known::Known;
use super::subject::Subject;
use crate::cli::Done;
use crate::cli::diagnostic::Failure;
use crate::cli::exit::Exit;
use crate::cli::repository::{Patience, configured, date, store};
use crate::cli::session::Session;
use crate::cli::signing::{now, told};
use crate::repository::anchor::Anchors;
use crate::repository::charter::{CHARTER, Repository};
use crate::repository::check::of_kind;
use crate::repository::client::{Audit, Depth, Finding, Kind, Root, Suite, Trust};
use crate::repository::error::RepositoryError;
use crate::repository::head;
use crate::repository::layout::CERTIFICATE;
use crate::repository::store::Store;
use crate::sign::{Certificate, Packets, When};

/// Read repositories as clients do, and say what is wrong
///
/// Signatures, keys, every index file, every package: there, listed, and of the right size; with `--digests` of the right
/// bytes, and RPMs signed. Ends with exit code 6 if anything is wrong. A repository that kubepkg did not make is read,
/// too: what should be there stands in `--expect`, or is not asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg repo check ./repo
  kubepkg repo check https://packages.example.org/kubernetes stable/v1.36 --digests --key release.asc
  kubepkg repo check https://pkgs.example.org/core:/stable:/v1.36/deb/ --key Release.key --expect promote.yaml
  kubepkg repo check https://deb.example.org/kubernetes --suite stable --component main --key Release.key")]
pub(super) struct Check {
    /// Repository, unless `--repo` names it: a folder, `https://…`, `s3://…`, `gs://…` or `az://…`; then channels, all
    /// where none is named
    #[arg(value_name = "REPO|CHANNEL")]
    words: Vec<String>,

    /// Repository [env: `KUBEPKG_REPO`]
    #[arg(long = "repo", value_name = "DIR|URL")]
    repo: Option<String>,

    /// File of the certificates that clients trust, or the fingerprint of one [default: that of kubepkg.yaml, or what the repository itself says]
    #[arg(long, value_name = "FILE|FINGERPRINT", env = "KUBEPKG_REPO_KEY")]
    key: Option<PathBuf>,

    /// Read all bytes of all packages
    #[arg(long)]
    digests: bool,

    /// List of what should be there: as `kubepkg promote --file` takes it, or `index.json` of a channel
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,

    #[command(flatten)]
    layout: Layout,
    #[command(flatten)]
    patience: Patience,
}

/// Where a repository that kubepkg did not make has what is read.
#[derive(Debug, clap::Args)]
pub(super) struct Layout {
    /// Suite below `dists` of a repository that kubepkg did not make
    #[arg(long, value_name = "SUITE")]
    suite: Option<String>,

    /// Component of that suite (can be repeated) [default: all]
    #[arg(long = "component", value_name = "NAME", requires = "suite")]
    components: Vec<String>,
}

impl Layout {
    /// The kind of repository that is meant, if anything says so.
    pub(super) fn told(&self) -> Option<Kind> {
        let (suite, components) = (self.suite.clone()?, self.components.clone());
        Some(Kind::Apt(Suite::Dists { suite, components }))
    }

    /// The kind of repository that lies in a store.
    pub(super) fn find(&self, store: &Store) -> Result<Kind, Failure> {
        if let Some(kind) = self.told() {
            return Ok(kind);
        }
        Kind::detect(Root::new(store, "")).map_err(RepositoryError::from)?.ok_or_else(|| {
            let location = store.location();
            Failure::plan(format!(
                "there is no repository at `{location}`: neither `InRelease` nor `repodata/repomd.xml`"
            ))
            .hint("name the folder that holds one of them, or a suite of `dists` with `--suite`")
        })
    }
}

/// What was found, in the words of the command line.
struct Report {
    text: String,
    json: Vec<Value>,
    exit: Exit,
}

impl Report {
    fn add(&mut self, session: &Session, what: &str, found: &[Finding]) {
        if found.is_empty() {
            session.ui.status("Checked", what);
        } else {
            self.exit = Exit::Verification;
        }
        self.text += &found.iter().map(|Finding { file, cause }| format!("{file}: {cause}\n")).collect::<String>();
    }

    fn channel(&mut self, session: &Session, name: &str, found: &[Finding]) {
        self.add(session, name, found);
        self.json.push(json!({"channel": name, "findings": view(found)}));
    }
}

fn view(found: &[Finding]) -> Value {
    found.iter().map(|finding| json!({"file": finding.file, "cause": finding.cause})).collect()
}

impl Check {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let environment = crate::cli::environment("KUBEPKG_REPO").and_then(|place| place.into_string().ok());
        let environment = environment.or_else(|| session.config.repo.clone());
        let subject = Subject::new(&self.words, self.repo.as_deref(), environment)?;
        let store = store(&subject.place, &self.patience)?;
        let expected = self.expect.as_deref().map(Expected::read).transpose()?;
        let known = match &self.key {
            Some(key) => Known::read(key)?,
            None => configured(session, &subject.place).cloned().map_or(Known::Nothing, Known::Fingerprint),
        };
        if self.layout.told().is_some() {
            return self.foreign(session, &store, &subject, (&known, expected.as_ref()));
        }
        match self.open(store, &subject, &known) {
            Ok((repository, found)) => self.own(session, &repository, &subject, (&known, expected.as_ref()), found),
            Err(RepositoryError::NoRepository(_)) => {
                let store = self::store(&subject.place, &self.patience)?;
                self.foreign(session, &store, &subject, (&known, expected.as_ref()))
            }
            // Some buckets refuse to say that something is not there.
            Err(RepositoryError::Store(error)) if error.is_refusal() => {
                let store = self::store(&subject.place, &self.patience)?;
                self.foreign(session, &store, &subject, (&known, expected.as_ref()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a repository. One that is not what is known of it is still read: there may be more that is wrong.
    fn open(
        &self,
        store: Store,
        subject: &Subject,
        known: &Known,
    ) -> Result<(Repository, Vec<Finding>), RepositoryError> {
        use RepositoryError::{ForeignCharter, OtherKeys, Unsigned};
        let error = match Repository::open(store, known.anchors()) {
            Err(error @ (ForeignCharter { .. } | OtherKeys { .. } | Unsigned { .. })) => error,
            other => return Ok((other?, Vec::new())),
        };
        let again = self::store(&subject.place, &self.patience).ok();
        match again.and_then(|store| Repository::open(store, Anchors::default()).ok()) {
            Some(repository) => Ok((repository, vec![Finding { file: CHARTER.to_owned(), cause: error.to_string() }])),
            None => Err(error),
        }
    }

    fn own(
        &self,
        session: &Session,
        repository: &Repository,
        subject: &Subject,
        (known, expected): (&Known, Option<&Expected>),
        mut keys: Vec<Finding>,
    ) -> Result<Done, Failure> {
        let trusted = known.chosen(repository.charter().keyring.of_index());
        if matches!(known, Known::Nothing) {
            let own: Vec<&str> = trusted.iter().map(Certificate::fingerprint).collect();
            session.ui.status(
                "Believed",
                &format!("the repository that its key is {}; `--key` names one that you know", own.join(", ")),
            );
        }
        let packagers = repository.charter().keyring.of_packages();
        let audit = self.audit(session, &trusted, &packagers);
        let mut report = Report { text: String::new(), json: Vec::new(), exit: Exit::Done };
        keys.extend(lint(session, &trusted));
        keys.extend(repository.check_keys()?);
        let packages = repository.check_keyring_packages(date(session))?;
        keys.extend(packages.wrong);
        report.add(session, "keys", &keys);
        let warnings = [packages.behind, unsealed(repository)?].concat();
        for Finding { file, cause } in &warnings {
            session.ui.warning(&format!("{file}: {cause}"));
        }
        renew(session, repository, &packages.channels);
        let channels = match expected {
            _ if !subject.channels.is_empty() => subject.channels.clone(),
            Some(expected) => expected.channels(),
            None => repository.published()?,
        };
        for channel in channels {
            let wanted = expected.map(|expected| expected.of(Some(channel))).transpose()?;
            let found = repository.check(channel, &audit, wanted.as_deref())?;
            report.channel(session, &channel.to_string(), &found);
        }
        let (keys, warnings) = (view(&keys), view(&warnings));
        let json = json!({"schema": 1, "keys": keys, "warnings": warnings, "channels": report.json});
        Ok(Done { text: report.text, json, exit: report.exit })
    }

    fn foreign(
        &self,
        session: &Session,
        store: &Store,
        subject: &Subject,
        (known, expected): (&Known, Option<&Expected>),
    ) -> Result<Done, Failure> {
        let kind = self.layout.find(store)?;
        let trusted = known.found(store)?;
        let mut report = Report { text: String::new(), json: Vec::new(), exit: Exit::Done };
        let keys = lint(session, &trusted);
        report.add(session, "keys", &keys);
        let wanted = expected.map(|expected| expected.of(subject.channels.first().copied())).transpose()?;
        let wanted = wanted.map(|all| of_kind(&all, &kind));
        let audit = self.audit(session, &trusted, &[]);
        let found = audit.repository(Root::new(store, ""), &kind, wanted.as_deref()).map_err(RepositoryError::from)?;
        let location = store.location().to_string();
        report.add(session, &location, &found);
        let json = json!({"schema": 1, "repository": location, "keys": view(&keys), "findings": view(&found)});
        Ok(Done { text: report.text, json, exit: report.exit })
    }

    fn audit<'a>(&self, session: &Session, certificates: &'a [Certificate], packagers: &'a [Certificate]) -> Audit<'a> {
        let trust = Trust { certificates, packets: Packets::Current, now: date(session) };
        let depth = if self.digests { Depth::Digests } else { Depth::Sizes };
        Audit { trust, packagers, depth }
    }
}

/// Heads that would go with an older list of certificates.
fn unsealed(repository: &Repository) -> Result<Vec<Finding>, RepositoryError> {
    let cause = "knows an older list of certificates, which somebody could put back: `kubepkg repo repair` with the \
                 repository's keys signs it anew";
    let behind = repository.unsealed()?.into_iter();
    Ok(behind.map(|channel| Finding { file: head::key(channel).to_string(), cause: cause.to_owned() }).collect())
}

/// What clients refuse of a key, now or within a month. What they will refuse later is a warning.
fn lint(session: &Session, trusted: &[Certificate]) -> Vec<Finding> {
    const MONTH: u32 = 30 * 24 * 60 * 60;
    let now = now();
    let mut found = Vec::new();
    for certificate in trusted {
        for finding in certificate.check(now) {
            let is_near = match finding.when {
                When::Now => true,
                When::From(time) => time < now.saturating_add(MONTH),
            };
            if is_near {
                found.push(Finding { file: CERTIFICATE.to_owned(), cause: told(&finding) });
            } else {
                session.ui.warning(&told(&finding));
            }
        }
    }
    found
}
