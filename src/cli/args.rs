//! Options that several subcommands share.

use std::num::NonZero;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use crate::arch::Arch;
use crate::format::{Format, Revision};
use crate::package::Compression;
use crate::plan::{Minimum, VersionSelector};
use crate::version::{Channel, Version};

/// What to build.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "What to build")]
pub(crate) struct Selection {
    /// Components; the whole set where none is named
    #[arg(value_name = "COMPONENT")]
    pub(crate) components: Vec<String>,

    /// A component, like the positional argument (can be repeated)
    #[arg(long = "component", value_name = "NAME", value_delimiter = ',')]
    pub(crate) more_components: Vec<String>,

    /// Version of Kubernetes: `1.36.2`, `1.36` (its newest), `stable`, `latest`, `stable-1.36`, `ci/latest`
    #[arg(long, value_name = "VERSION", env = "KUBEPKG_VERSION", value_parser = selector)]
    pub(crate) version: Option<VersionSelector>,

    /// Newest version of a channel where no version is named, else a check of it: `release`, `prerelease`, `nightly`
    #[arg(long, value_name = "CHANNEL", env = "KUBEPKG_CHANNEL")]
    pub(crate) channel: Option<Channel>,

    /// Architectures in upstream's spelling, or `all` that are published [default: this machine's]
    #[arg(long = "arch", value_name = "ARCH", value_delimiter = ',', env = "KUBEPKG_ARCH")]
    pub(crate) arches: Vec<ArchArg>,

    /// Package formats [default: deb,rpm]
    #[arg(long = "format", value_name = "FORMAT", value_delimiter = ',', env = "KUBEPKG_FORMAT")]
    pub(crate) formats: Vec<Format>,

    /// Way of packaging: `current` (as pkgs.k8s.io), `legacy` (as apt.kubernetes.io) [default: current]
    #[arg(long, value_name = "PROFILE", env = "KUBEPKG_PROFILE")]
    pub(crate) profile: Option<String>,

    /// Revision of the packages [default: the profile's]
    #[arg(long, value_name = "REVISION", env = "KUBEPKG_REVISION")]
    pub(crate) revision: Option<Revision>,

    /// Version of kubernetes-cni [default: the one that goes with Kubernetes]
    #[arg(long, value_name = "VERSION", env = "KUBEPKG_CNI_VERSION")]
    pub(crate) cni_version: Option<Version>,

    /// Version of cri-tools [default: the one that goes with Kubernetes]
    #[arg(long, value_name = "VERSION", env = "KUBEPKG_CRI_TOOLS_VERSION")]
    pub(crate) cri_tools_version: Option<Version>,

    /// Version of any component (can be repeated)
    #[arg(long = "component-version", value_name = "NAME=VERSION", value_parser = component_version)]
    pub(crate) component_versions: Vec<(String, Version)>,

    /// Who is responsible for the packages: `Name <mail>`
    #[arg(long, value_name = "MAINTAINER", env = "KUBEPKG_MAINTAINER")]
    pub(crate) maintainer: Option<String>,

    /// Who distributes the packages
    #[arg(long, value_name = "NAME", env = "KUBEPKG_VENDOR")]
    pub(crate) vendor: Option<String>,
}

/// Where everything comes from.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Sources")]
pub(crate) struct Sources {
    /// Mirror in place of dl.k8s.io and github.com: a folder or URL with a folder for each host (can be repeated)
    #[arg(
        long,
        value_name = "[HOST=]URL|DIR",
        env = "KUBEPKG_UPSTREAM",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub(crate) upstream: Vec<String>,

    /// Local Kubernetes build in place of upstream's: a folder with `bin/linux/ARCH/NAME`
    #[arg(long, value_name = "DIR", env = "KUBEPKG_FROM_DIR")]
    pub(crate) from_dir: Option<PathBuf>,

    /// Ask nothing but the cache
    #[arg(long, env = "KUBEPKG_OFFLINE", value_parser = clap::builder::FalseyValueParser::new(), action = clap::ArgAction::SetTrue)]
    pub(crate) offline: bool,

    /// Folder of the cache [default: `kubepkg` in the user's cache folder]
    #[arg(long, value_name = "DIR", env = "KUBEPKG_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,

    /// Certificate authority besides those of the system, in PEM (can be repeated)
    #[arg(long = "ca-certificate", value_name = "FILE", env = "KUBEPKG_CA_CERTIFICATE", value_delimiter = ',')]
    pub(crate) ca_certificates: Vec<PathBuf>,

    /// Whom signatures without keys are traced back to: a `trusted_root.json`, or certificates in PEM [default:
    /// sigstore's public instance]
    #[arg(long, value_name = "FILE", env = "KUBEPKG_TRUST_ROOT")]
    pub(crate) trust_root: Option<PathBuf>,

    /// Least that must vouch for files that upstream signs: `signature`, or `digest` for mirrors without signatures
    /// [default: signature]
    #[arg(long, value_name = "VERIFICATION", env = "KUBEPKG_MIN_VERIFICATION")]
    pub(crate) min_verification: Option<Minimum>,

    /// Give a server up that is silent for so many seconds [default: 60]
    #[arg(long, value_name = "SECONDS", env = "KUBEPKG_TIMEOUT", value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub(crate) timeout: Option<u64>,

    /// Try a failed transfer so many times more [default: 4]
    #[arg(long, value_name = "COUNT", env = "KUBEPKG_RETRIES", value_parser = clap::value_parser!(u8).range(..=20))]
    pub(crate) retries: Option<u8>,

    #[command(flatten)]
    pub(crate) trees: Trees,
}

/// Specs and templates.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Sources")]
pub(crate) struct Trees {
    /// Folder of specs in place of those inside the program
    #[arg(long, value_name = "DIR", env = "KUBEPKG_SPEC_DIR")]
    pub(crate) spec_dir: Option<PathBuf>,

    /// Folder of templates in place of those inside the program
    #[arg(long, value_name = "DIR", env = "KUBEPKG_TEMPLATE_DIR")]
    pub(crate) template_dir: Option<PathBuf>,
}

/// Where packages go.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Output {
    /// Folder of the packages [default: dist]
    #[arg(long, short, value_name = "DIR", env = "KUBEPKG_OUTPUT")]
    pub(crate) output: Option<PathBuf>,

    /// `fast` (xz:1), `default` (xz:6), `small` (xz:9), or `xz`, `zstd`, `gzip` or `none`, with a level after a colon
    #[arg(long, value_name = "PRESET|CODEC[:LEVEL]", env = "KUBEPKG_COMPRESSION")]
    pub(crate) compression: Option<Compression>,
}

/// How much is done at once, and what need not be done again.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Work")]
pub(crate) struct Work {
    /// How many jobs run at once; the packages are the same [default: one a core]
    #[arg(long, short, value_name = "COUNT", env = "KUBEPKG_JOBS")]
    pub(crate) jobs: Option<NonZero<u16>>,

    /// Compress and package everything anew, and keep nothing of it; the packages are the same
    #[arg(long, env = "KUBEPKG_NO_CACHE", value_parser = clap::builder::FalseyValueParser::new(), action = clap::ArgAction::SetTrue)]
    pub(crate) no_cache: bool,

    /// Most that compressed blocks take in the cache after a run, in GiB [default: 4]
    #[arg(long, value_name = "GIB", env = "KUBEPKG_CACHE_LIMIT")]
    pub(crate) cache_limit: Option<u32>,
}

impl Work {
    /// Returns how many jobs run at once.
    pub(crate) fn jobs(&self) -> NonZero<usize> {
        let cores = || std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        self.jobs.map_or_else(cores, NonZero::from)
    }
}

/// One value of `--arch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ArchArg {
    /// Everything that is published.
    All,
    /// One.
    One(Arch),
}

impl FromStr for ArchArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "all" {
            return Ok(Self::All);
        }
        text.parse().map(Self::One).map_err(|error: crate::arch::UnknownArch| match error.meant {
            Some(meant) => format!("{error}; `{text}` is `{meant}` in upstream's spelling"),
            None => format!("{error}, and `all`"),
        })
    }
}

fn selector(text: &str) -> Result<VersionSelector, String> {
    text.parse().map_err(|error: crate::plan::BadSelector| {
        format!("{error}; write `1.36.2`, `1.36`, `stable`, `latest`, `stable-1.36`, `ci/latest`, or a pre-release or CI build")
    })
}

fn component_version(text: &str) -> Result<(String, Version), String> {
    let (name, version) = text.split_once('=').ok_or("write `NAME=VERSION`")?;
    let version = version.parse().map_err(|error: crate::version::BadVersion| error.to_string())?;
    Ok((name.to_owned(), version))
}
