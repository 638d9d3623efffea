//! From options, environment and configuration to what the library needs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use super::args::{ArchArg, Output, Selection, Sources, Trees};
use super::config::{Config, Maintainer, ProofFile, RevisionPattern, Vendor};
use super::diagnostic::Failure;
use super::exit::Exit;
use super::reporter::Terminal;
use super::signal;
use super::trust;
use super::ui::Ui;
use crate::arch::Arch;
use crate::fetch::{BadMirror, FetchOptions, Fetcher, HttpOptions, Mirror, Network, Upstream};
use crate::format::{Format, Revision};
use crate::package::Compression;
use crate::plan::{
    Arches, MARKER_LIMIT, Plan, Request, Revisions, SignaturePolicy, VersionSelector, plan, read_marker,
};
use crate::source_date::SourceDate;
use crate::spec::Catalog;
use crate::template::Templates;
use crate::tree::Tree;
use crate::version::Version;

/// What all subcommands work with.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) ui: Ui,
    /// Whether data is printed as JSON, for what prints before it ends.
    pub(crate) json: bool,
    pub(crate) config: Config,
    /// `SOURCE_DATE_EPOCH`.
    pub(crate) date: Option<SourceDate>,
    pub(crate) reporter: Arc<Terminal>,
}

const NAME_THE_VERSION: &str = "name the version itself, such as `--version 1.36.2`";

impl Session {
    pub(crate) fn specs(&self, trees: &Trees) -> Result<(Tree, Catalog), Failure> {
        let tree = match trees.spec_dir.as_ref().or(self.config.spec_dir.as_ref()) {
            Some(folder) => Tree::read(folder)?,
            None => Tree::embedded_specs(),
        };
        let catalog = Catalog::load(&tree)?;
        Ok((tree, catalog))
    }

    pub(crate) fn templates(&self, trees: &Trees) -> Result<Templates, Failure> {
        Ok(Templates::new(match trees.template_dir.as_ref().or(self.config.template_dir.as_ref()) {
            Some(folder) => Tree::read(folder)?,
            None => Tree::embedded_templates(),
        }))
    }

    pub(crate) fn fetcher(&self, sources: &Sources) -> Result<Fetcher, Failure> {
        let mirrors = if sources.upstream.is_empty() { self.config.upstream.clone() } else { mirrors(sources)? };
        let ca_certificates =
            if sources.ca_certificates.is_empty() { &self.config.ca_certificates } else { &sources.ca_certificates };
        let options = FetchOptions {
            upstream: Upstream::new(mirrors),
            cache_dir: self.cache_dir(sources)?,
            network: if sources.offline { Network::Offline } else { Network::Online },
            http: http(sources, ca_certificates),
            trust_root: trust::root(sources.trust_root.as_ref().or(self.config.trust_root.as_ref()))?,
        };
        Ok(Fetcher::new(&options, Arc::clone(&self.reporter) as _)?)
    }

    /// A fetcher of files that others than upstream publish: no mirror stands in for them.
    pub(crate) fn plain_fetcher(&self, cache: Option<&Path>, http: HttpOptions) -> Result<Fetcher, Failure> {
        let cache = cache.map(Path::to_path_buf).or_else(|| self.config.cache_dir.clone());
        let options = FetchOptions {
            upstream: Upstream::default(),
            cache_dir: cache.map_or_else(cache_dir, Ok)?,
            network: Network::Online,
            http,
            trust_root: trust::root(None)?,
        };
        Ok(Fetcher::new(&options, Arc::clone(&self.reporter) as _)?)
    }

    pub(crate) fn cache_dir(&self, sources: &Sources) -> Result<PathBuf, Failure> {
        sources.cache_dir.clone().or_else(|| self.config.cache_dir.clone()).map_or_else(cache_dir, Ok)
    }

    pub(crate) fn output(&self, output: &Output) -> Result<PathBuf, Failure> {
        let folder = output.output.clone().or_else(|| self.config.output.clone());
        match folder.unwrap_or_else(|| PathBuf::from("dist")) {
            folder if folder == Path::new("-") => Err(Failure::usage("`-` is no folder, and packages are files")
                .hint("name a folder; the paths of the packages go to stdout")),
            folder => Ok(folder),
        }
    }

    pub(crate) fn compression(&self, output: &Output) -> Compression {
        output.compression.or(self.config.compression).unwrap_or_default()
    }

    /// Decides everything; the network is asked for version markers alone.
    pub(crate) fn plan(
        &self,
        selection: &Selection,
        sources: &Sources,
        templates: &Templates,
        fetcher: impl FnOnce() -> Result<Arc<Fetcher>, Failure>,
    ) -> Result<(Plan, Request), Failure> {
        let (_, catalog) = self.specs(&sources.trees)?;
        let version = self.version(selection, &catalog, fetcher)?;
        let request = self.request(selection, sources, &catalog, version)?;
        Ok((plan(&catalog, templates, &request)?, request))
    }

    fn version(
        &self,
        selection: &Selection,
        catalog: &Catalog,
        fetcher: impl FnOnce() -> Result<Arc<Fetcher>, Failure>,
    ) -> Result<Version, Failure> {
        let selector = match (&selection.version, selection.channel) {
            (Some(selector), _) => selector.clone(),
            (None, Some(channel)) => VersionSelector::newest(channel),
            (None, None) => {
                return Err(Failure::usage("no version")
                    .hint("add `--version 1.36.2`, `--version stable`, or `--channel release`"));
            }
        };
        let version = match (&selector, selector.marker_url(catalog.distribution())?) {
            (VersionSelector::Exact(version), _) => version.clone(),
            (VersionSelector::Marker { .. }, None) => {
                return Err(Failure::spec("`markers` of distribution.yaml names no file").hint(NAME_THE_VERSION));
            }
            (VersionSelector::Marker { name, .. }, Some(url)) => {
                let version = read_marker(&url, &fetcher()?.text(&url, MARKER_LIMIT)?)?;
                self.ui.status("Resolved", &format!("{name} to {version}"));
                version
            }
        };
        match selection.channel {
            Some(channel) if selection.version.is_some() && channel != version.channel() => {
                let message = format!("{version} is of the channel `{}`, not `{channel}`", version.channel());
                Err(Failure::plan(message).hint("leave `--channel` out, or name another version"))
            }
            _ => Ok(version),
        }
    }

    fn request(
        &self,
        selection: &Selection,
        sources: &Sources,
        catalog: &Catalog,
        version: Version,
    ) -> Result<Request, Failure> {
        let profile = selection.profile.clone().or_else(|| self.config.profile.clone());
        let maintainer = one_of::<Maintainer>(selection.maintainer.as_deref())?;
        let maintainer = maintainer.as_ref().or(self.config.maintainer.as_ref()).map(|text| text.0.clone());
        let vendor = one_of::<Vendor>(selection.vendor.as_deref())?;
        let vendor = vendor.as_ref().or(self.config.vendor.as_ref()).map(|text| text.0.clone());
        let revisions = self.revisions(selection, catalog, profile.as_deref())?;
        Ok(Request {
            version,
            component_versions: component_versions(selection),
            components: selection.components.iter().chain(&selection.more_components).cloned().collect(),
            arches: self.arches(selection, sources)?,
            formats: self.formats(selection),
            profile,
            revisions,
            maintainer,
            vendor,
            date: self.date,
            local_build: sources.from_dir.clone(),
            signature_policy: self.signature_policy(sources)?,
        })
    }

    /// Returns what the user asks of signatures, and lets go of them.
    pub(crate) fn signature_policy(&self, sources: &Sources) -> Result<SignaturePolicy, Failure> {
        Ok(SignaturePolicy {
            minimum: sources.min_verification.or(self.config.min_verification).unwrap_or_default(),
            exceptions: self.config.signature_exceptions.clone(),
            proofs: self.config.signature_proofs.iter().map(ProofFile::read).collect::<Result<_, _>>()?,
        })
    }

    fn formats(&self, selection: &Selection) -> BTreeSet<Format> {
        let given = if selection.formats.is_empty() { &self.config.formats } else { &selection.formats };
        if given.is_empty() { Format::ALL.into() } else { given.iter().copied().collect() }
    }

    fn arches(&self, selection: &Selection, sources: &Sources) -> Result<Arches, Failure> {
        let mut given = if selection.arches.is_empty() { &self.config.arches } else { &selection.arches }.clone();
        if given.is_empty() {
            given.push(ArchArg::One(host_arch()?));
        }
        let named: BTreeSet<Arch> = given
            .iter()
            .filter_map(|one| match one {
                ArchArg::All => None,
                ArchArg::One(arch) => Some(*arch),
            })
            .collect();
        if named.len() == given.len() {
            return Ok(Arches::These(named));
        }
        // A local build has the architectures that it has, published or not.
        Ok(sources.from_dir.as_deref().map_or(Arches::All, |folder| Arches::Built(built(folder))))
    }

    fn revisions(&self, selection: &Selection, catalog: &Catalog, profile: Option<&str>) -> Result<Revisions, Failure> {
        let profiles = &catalog.distribution().profiles;
        let profile = profiles.iter().find(|known| profile.is_none_or(|name| known.name == name));
        let make = |scheme: Option<&RevisionPattern>, own: Option<&Revision>| -> Result<Option<Revision>, Failure> {
            match (scheme, selection.revision.as_ref().or(own)) {
                (Some(scheme), Some(number)) => scheme.apply(number).map(Some).map_err(Failure::usage),
                _ => Ok(selection.revision.clone()),
            }
        };
        Ok(Revisions {
            deb: make(self.config.revision.deb.as_ref(), profile.map(|profile| &profile.deb_revision))?,
            rpm: make(self.config.revision.rpm.as_ref(), profile.map(|profile| &profile.rpm_revision))?,
        })
    }
}

fn http(sources: &Sources, ca_certificates: &[PathBuf]) -> HttpOptions {
    let mut options = HttpOptions { ca_certificates: ca_certificates.to_vec(), ..HttpOptions::default() };
    if let Some(timeout) = sources.timeout.map(Duration::from_secs) {
        (options.connect_timeout, options.read_timeout) = (timeout, timeout);
    }
    if let Some(retries) = sources.retries {
        options.retries = retries.into();
    }
    options
}

/// Parsed here and not by clap, which repeats what it refuses: a URL may hold a password.
fn mirrors(sources: &Sources) -> Result<Vec<Mirror>, Failure> {
    let parse =
        |text: &String| text.parse().map_err(|error: BadMirror| Failure::usage(format!("`--upstream`: {error}")));
    sources.upstream.iter().map(parse).collect()
}

fn component_versions(selection: &Selection) -> BTreeMap<String, Version> {
    let mut versions: BTreeMap<String, Version> = selection.component_versions.iter().cloned().collect();
    let named = [("kubernetes-cni", &selection.cni_version), ("cri-tools", &selection.cri_tools_version)];
    versions.extend(named.into_iter().filter_map(|(name, version)| Some((name.to_owned(), version.clone()?))));
    versions
}

/// The architectures of a local build: the folders of `bin/linux` whose names are known.
fn built(folder: &Path) -> BTreeSet<Arch> {
    let folder = folder.join("bin/linux");
    Arch::ALL.into_iter().filter(|arch| folder.join(arch.as_str()).is_dir()).collect()
}

fn host_arch() -> Result<Arch, Failure> {
    let name = match std::env::consts::ARCH {
        "x86" => "386",
        "arm" => "arm",
        other => other,
    };
    name.parse()
        .or_else(|error: crate::arch::UnknownArch| error.meant.ok_or(error))
        .map_err(|error| Failure::new(Exit::Usage, &error).hint("name an architecture, such as `--arch amd64`"))
}

/// The user's cache (XDG Base Directory Specification).
fn cache_dir() -> Result<PathBuf, Failure> {
    let folder = |name: &str| super::environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
    folder("XDG_CACHE_HOME")
        .or_else(|| folder("HOME").map(|home| home.join(".cache")))
        .map(|base| base.join("kubepkg"))
        .ok_or_else(|| {
            Failure::usage("neither XDG_CACHE_HOME nor HOME says where the cache is").hint("add `--cache-dir DIR`")
        })
}

/// Parses what an option gives, if it is given.
fn one_of<T: FromStr<Err = String>>(text: Option<&str>) -> Result<Option<T>, Failure> {
    text.map(str::parse)
        .transpose()
        .map_err(|error: String| Failure::usage(error).hint("`kubepkg build --help` shows what each option takes"))
}

/// A fetcher whose unfinished files go when the user interrupts.
pub(crate) fn interruptible(fetcher: Fetcher) -> Arc<Fetcher> {
    let fetcher = Arc::new(fetcher);
    let weak = Arc::downgrade(&fetcher);
    signal::at_interrupt(move || {
        if let Some(fetcher) = weak.upgrade() {
            fetcher.abandon();
        }
    });
    fetcher
}
