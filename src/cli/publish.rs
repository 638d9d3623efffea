//! `kubepkg publish`

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Done;
use super::args::Sources;
use super::diagnostic::Failure;
use super::exit::Exit;
use super::repository::{
    Opened, Patience, Place, Publishing, Requests, components, configured, rehearsed, report, store,
};
use super::session::Session;
use super::signing::{Also, Signing};
use crate::format::Format;
use crate::package::reader::FileList;
use crate::pipeline::{Origin, Package};
use crate::repository::anchor::Anchors;
use crate::repository::candidate::{ReadBack, Signature};
use crate::repository::channel::{BadChannel, Channel};
use crate::repository::charter::Repository;
use crate::sign::Signer;

/// Add packages to a channel of a repository
///
/// Everything is checked first; then all of it is visible at once, or nothing. Packages that the channel has are left
/// alone, so that the same command can be run again after whatever happened. Provenance and bills of materials beside the
/// packages are published beside them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg publish dist/* --repo ./repo --channel stable/v1.36 --sign-key release.asc
  kubepkg publish dist --repo s3://packages/kubernetes --channel prerelease/v1.37")]
pub(crate) struct PublishArgs {
    /// Package files, folders of package files, and papers where these lie elsewhere
    #[arg(value_name = "FILE|DIR", required = true)]
    files: Vec<PathBuf>,

    /// Channel: `stable/v1.36`, `staging/v1.36`, `prerelease/v1.37`, `nightly/v1.38`, `rolling`
    #[arg(long, value_name = "CHANNEL", value_parser = channel)]
    channel: Channel,

    /// Check everything, say what would be added, and change nothing; needs no key
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    publishing: Publishing,
}

impl PublishArgs {
    pub(crate) fn run(&self, session: &Session) -> Result<Done, Failure> {
        if self.dry_run {
            let (repository, components) = (self.place.open(session)?, self.publishing.components(session)?);
            let difference = repository.rehearse_publish(self.channel, &packages(&self.files)?, &components)?;
            let (text, json) = rehearsed(session, self.channel, &difference);
            return Ok(Done::new(text, json));
        }
        let opened = self.publishing.open(session)?;
        let mut repository = self.place.open(session)?;
        let outcome = repository.publish(self.channel, &packages(&self.files)?, &opened.publisher())?;
        let (text, json) = report(session, self.channel, &outcome);
        Ok(Done::new(text, json))
    }
}

/// The files that are named, and the packages in the folders that are.
pub(crate) fn packages(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut packages = Vec::new();
    for path in paths {
        if !path.is_dir() {
            packages.push(path.clone());
            continue;
        }
        let found = packages_in(path).map_err(|error| Failure::new(Exit::Write, &error))?;
        if found.is_empty() {
            return Err(Failure::usage(format!("`{}` has no packages", path.display()))
                .hint("name the folder in which `*.deb` and `*.rpm` lie"));
        }
        packages.extend(found);
    }
    Ok(packages)
}

/// Returns the packages in a folder, sorted, and not those in folders below.
fn packages_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let is_package = path.extension().is_some_and(|end| Format::ALL.iter().any(|format| end == format.as_str()));
        let kind = entry.file_type()?;
        if is_package && (kind.is_file() || (kind.is_symlink() && path.is_file())) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Where packages are published as soon as they are built.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Publishing")]
pub(crate) struct AtOnce {
    /// Channel to which the packages are published when all are built, signed by the key that signs them
    #[arg(long, value_name = "CHANNEL", value_parser = channel)]
    publish: Option<Channel>,

    /// Repository: a folder, `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or `az://CONTAINER/PREFIX`
    #[arg(long, value_name = "DIR|URL", env = "KUBEPKG_REPO", hide_env_values = true)]
    repo: Option<String>,

    #[command(flatten)]
    requests: Requests,
}

impl AtOnce {
    /// Opens the repository before anything is built, if packages are to be published.
    pub(crate) fn open(
        &self,
        session: &Session,
        signing: &Signing,
        sources: &Sources,
    ) -> Result<Option<Target>, Failure> {
        let Some(channel) = self.publish else { return Ok(None) };
        let repo = self.repo.as_deref().or(session.config.repo.as_deref()).ok_or_else(|| {
            Failure::usage("`--publish` says the channel, and not the repository")
                .hint("name it with `--repo`, or as `repo:` in kubepkg.yaml")
        })?;
        let signer = signing.signer(session)?.ok_or_else(|| {
            Failure::usage("no key: apt, dnf and zypper read signed repositories")
                .hint("add `--sign-key FILE`, the key that `kubepkg repo init` made")
        })?;
        let opened = Opened::new(session, signer, &Also::default(), components(session, &sources.trees)?)?;
        let (requests, ca_certificates) = (self.requests.clone(), sources.ca_certificates.clone());
        let anchors = Anchors::default().and_fingerprint(configured(session, repo));
        let repository = Repository::open(store(repo, &Patience { requests, ca_certificates })?, anchors)?;
        Ok(Some(Target { channel, repository, opened }))
    }
}

/// A channel that packages are built for.
pub(crate) struct Target {
    channel: Channel,
    repository: Repository,
    opened: Opened,
}

impl Target {
    /// Returns who signs packages and index files.
    pub(crate) fn signer(&self) -> &dyn Signer {
        self.opened.signer()
    }

    /// Whether the repository wants to know the files of debs.
    pub(crate) fn file_list(&self) -> FileList {
        self.repository.charter().settings.file_list()
    }

    /// Publishes what was built, and returns what came of it.
    pub(crate) fn publish(mut self, session: &Session, packages: Vec<Package>) -> Result<Value, Failure> {
        let packages = packages.into_iter().map(read_back).collect();
        let outcome = self.repository.publish_read_back(self.channel, packages, &self.opened.publisher())?;
        Ok(report(session, self.channel, &outcome).1)
    }
}

/// What an earlier run signed is looked at again, since the folder is not only ours.
fn read_back(package: Package) -> ReadBack {
    let signature = match (package.origin, &package.signer) {
        (Origin::Built, Some(signer)) => Signature::Made(signer.clone()),
        (Origin::Built, None) => Signature::Absent,
        (Origin::Unchanged, _) => Signature::Unknown,
    };
    ReadBack { scan: package.scan(), source: package.source, signature }
}

/// Reads a channel of the command line.
pub(crate) fn channel(text: &str) -> Result<Channel, BadChannel> {
    text.parse()
}
