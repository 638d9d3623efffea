//! `kubepkg repo mirror`

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::json;

use super::check::Layout;
use super::papers::Elsewhere;
use super::source::Packages;
use crate::cli::args::ArchArg;
use crate::cli::diagnostic::Failure;
use crate::cli::exit::Exit;
use crate::cli::publish::channel;
use crate::cli::repository::{Place, Publishing, date, report, store};
use crate::cli::session::Session;
use crate::cli::signing::{certificates, now, told};
use crate::cli::{Done, table};
use crate::event::count;
use crate::format::Format;
use crate::repository::channel::Channel;
use crate::repository::client::{Finding, Kind, Listed, Reading, Root, Trust, Variants};
use crate::repository::error::RepositoryError;
use crate::repository::gate::Components;
use crate::repository::layout::flat;
use crate::repository::mirror::{Origin, Selection};
use crate::repository::store::Store;
use crate::sign::{Certificate, Packets, When};

/// Take packages of another repository into a channel
///
/// A repository of apt or of rpm-md, ours or not, is read as its clients read it: what is not signed by the given key, or
/// not as it should be, is not taken. Of the components those are taken that belong to the channel's minor release, with
/// their companions. What the channel has is not fetched, what was fetched before comes from the cache, and everything is
/// published through the same gates as ever, at once. Papers of packages come along from a repository that kubepkg made:
/// what names them is signed there.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg repo mirror https://pkgs.k8s.io/core:/stable:/v1.36/deb/ --key Release.key --channel stable/v1.36 --repo ./repo
  kubepkg repo mirror https://pkgs.k8s.io/core:/stable:/v1.36/rpm/ --key repomd.xml.key --channel stable/v1.36 --newest 2
  kubepkg repo mirror https://apt.example.org/kubernetes --suite stable --component main --key example.asc --channel rolling

The key comes from somewhere else than the repository, or whoever changes one changes the other.")]
pub(super) struct Mirror {
    /// Repository that is read: `https://…`, a folder or a bucket
    #[arg(value_name = "URL")]
    from: String,

    /// File of the certificates that the repository's clients trust
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// Channel that gets the packages
    #[arg(long, value_name = "CHANNEL", value_parser = channel)]
    channel: Channel,

    #[command(flatten)]
    layout: Layout,

    /// Packages [default: all components]
    #[arg(long = "package", value_name = "NAME", value_delimiter = ',')]
    packages: Vec<String>,

    /// Architectures, or `all` [default: all]
    #[arg(long, value_name = "ARCH", value_delimiter = ',')]
    arch: Vec<ArchArg>,

    /// Versions of Kubernetes [default: all of the channel's minor release]
    #[arg(long = "version", value_name = "VERSION", value_delimiter = ',')]
    versions: Vec<String>,

    /// Only so many versions of each package, the newest ones
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    newest: Option<u16>,

    /// What is accepted of keys and signatures: `current`, what clients of today accept, or `legacy`, signatures of version 3
    /// and keys that are refused by now; the history says so
    #[arg(long, value_name = "WHICH", default_value = "current", value_parser = packets)]
    signatures: Packets,

    /// List what would be taken, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Folder of the cache [default: `kubepkg` in the user's cache folder]
    #[arg(long, value_name = "DIR", env = "KUBEPKG_CACHE_DIR")]
    cache_dir: Option<PathBuf>,

    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    publishing: Publishing,
}

fn packets(text: &str) -> Result<Packets, String> {
    let known = [Packets::Current, Packets::Legacy].into_iter().find(|known| known.as_str() == text);
    known.ok_or_else(|| "takes `current` or `legacy`".to_owned())
}

impl Mirror {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let key = certificates(&self.key)?;
        lint(session, &key, self.signatures)?;
        let source = store(&self.from, &self.place.patience)?;
        let mut repository = self.place.open(session)?;
        let kind = self.kind(&source)?;
        let from = kind.origin(source.location());
        let reading = self.read(session, (&source, &kind), &key)?;
        repository.check_age(self.channel, &from, &reading)?;
        let chosen = self.choose(&self.publishing.components(session)?, &reading)?;
        let count_of_chosen = chosen.len();
        let missing = repository.missing(self.channel, chosen)?;
        session.ui.status(
            "Chose",
            &format!("{} of {from}, {} of them new", count(count_of_chosen, "package"), missing.len()),
        );
        if self.dry_run {
            return Ok(listed(&missing));
        }
        let opened = self.publishing.open(session)?;
        let packages = Packages::fetch(session, &self.fetcher(session)?, &source, &missing)?;
        let files = packages.files();
        let elsewhere = Elsewhere { place: &self.from, kind: &kind, key: &key, patience: &self.place.patience };
        elsewhere.take_papers(session, &missing, files)?;
        let packagers = repository.untrusted(files, &key)?;
        let signed_by = reading.signed_by.first().cloned().unwrap_or_default();
        let origin = Origin { from, signed_by, dated: reading.date, packets: self.signatures, packagers };
        let outcome = repository.mirror(self.channel, files, &origin, &opened.publisher())?;
        for one in &origin.packagers {
            session.ui.status("Trusted", &format!("{} for packages: it signed some of these", one.fingerprint()));
        }
        let (text, json) = report(session, self.channel, &outcome);
        Ok(Done::new(text, json))
    }

    /// Returns what kind of repository the other one is.
    fn kind(&self, source: &Store) -> Result<Kind, Failure> {
        self.layout.find(source).map_err(|failure| {
            let (deb, rpm) = (flat(self.channel, Format::Deb), flat(self.channel, Format::Rpm));
            let place = format!("name the folder of a channel, such as `{deb}` or `{rpm}` below it");
            if failure.exit() == Exit::Plan {
                failure.hint(format!("{place}, or a suite of `dists` with `--suite {}`", self.channel.word()))
            } else {
                failure
            }
        })
    }

    /// Reads the other repository, of which nothing may be wrong.
    fn read(
        &self,
        session: &Session,
        (source, kind): (&Store, &Kind),
        key: &[Certificate],
    ) -> Result<Reading, Failure> {
        let trust = Trust { certificates: key, packets: self.signatures, now: date(session) };
        let reading = kind.read(Root::new(source, ""), &trust, Variants::One).map_err(RepositoryError::from)?;
        if reading.findings.is_empty() {
            return Ok(reading);
        }
        let wrong: Vec<String> =
            reading.findings.iter().map(|Finding { file, cause }| format!("\n  {file}: {cause}")).collect();
        let from = source.location();
        Err(Failure::new(Exit::Verification, &Wrong(format!("nothing is taken from `{from}`:{}", wrong.concat())))
            .hint(
                "`kubepkg repo check` with the same key says everything; `--key` names the certificate of its clients",
            ))
    }

    fn choose(&self, components: &Components, reading: &Reading) -> Result<Vec<Listed>, Failure> {
        let arches = self.arch.iter().filter_map(|one| match one {
            ArchArg::All => None,
            ArchArg::One(arch) => Some(*arch),
        });
        let selection = Selection {
            channel: self.channel,
            components,
            names: self.packages.iter().cloned().collect(),
            arches: if self.arch.contains(&ArchArg::All) { BTreeSet::new() } else { arches.collect() },
            versions: self.versions.iter().cloned().collect(),
            newest: self.newest.map(usize::from),
        };
        let chosen = selection.choose(&reading.packages);
        if chosen.is_empty() {
            let (from, listed) = (&self.channel, count(reading.packages.len(), "package"));
            return Err(Failure::plan(format!("of {listed} none is meant for channel `{from}`"))
                .hint("see `--package`, `--arch` and `--version`, and the minor release of the channel"));
        }
        Ok(chosen)
    }

    fn fetcher(&self, session: &Session) -> Result<crate::fetch::Fetcher, Failure> {
        session.plain_fetcher(self.cache_dir.as_deref(), self.place.patience.http())
    }
}

/// What is wrong with another repository.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Wrong(String);

/// Refuses keys that clients of today refuse, unless that was asked for.
fn lint(session: &Session, key: &[Certificate], packets: Packets) -> Result<(), Failure> {
    let now = now();
    for finding in key.iter().flat_map(|one| one.check(now)) {
        if finding.when != When::Now || packets == Packets::Legacy {
            session.ui.warning(&told(&finding));
            continue;
        }
        return Err(Failure::new(Exit::Key, &Wrong(format!("nothing is taken with this key: {}", told(&finding))))
            .hint("get its new certificate, or say `--signatures legacy`: the history will, too"));
    }
    if packets == Packets::Legacy {
        session
            .ui
            .warning("signatures of version 3 and keys that clients refuse by now are accepted: `--signatures legacy`");
    }
    Ok(())
}

fn listed(missing: &[Listed]) -> Done {
    let rows: Vec<[String; 2]> =
        missing.iter().map(|one| [format!("+ {one}"), format!("{} bytes", one.size)]).collect();
    let view = |one: &Listed| {
        json!({
            "format": one.format.as_str(),
            "name": one.name,
            "version": one.version,
            "arch": one.arch,
            "sha256": one.sha256.as_ref().map(crate::digest::Digest::hex),
            "size": one.size,
            "base": one.base.as_ref().map(url::Url::as_str),
            "path": one.location.as_str(),
        })
    };
    Done::new(table(&rows), json!({"schema": 1, "added": missing.iter().map(view).collect::<Vec<_>>()}))
}
