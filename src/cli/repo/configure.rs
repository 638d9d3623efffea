//! `kubepkg repo configure`

use clap::Args;
use serde_json::json;

use crate::cli::Done;
use crate::cli::diagnostic::Failure;
use crate::cli::repository::{Keys, Place, Sealing};
use crate::cli::session::Session;
use crate::repository::settings::{Contents, Packed, PublicUrl, RpmPacked, Settings, Shape};

/// Choose anew how a repository presents what it holds
///
/// What is not named stays as it is. A choice holds from the next publication on; `kubepkg repo refresh` is one. For how
/// long apt believes what is published is signed, and takes the repository's keys; the rest takes none.
#[derive(Debug, Args)]
pub(super) struct Configure {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    sealing: Sealing,
    #[command(flatten)]
    choices: Choices,
}

/// What is chosen for a repository.
#[derive(Debug, Args)]
#[command(next_help_heading = "Presentation")]
pub(super) struct Choices {
    /// Where clients find the repository, such as `https://packages.example.org/kubernetes`
    #[arg(long, value_name = "URL")]
    url: Option<PublicUrl>,

    /// Shapes in which apt finds it: `dists`, `flat` (as pkgs.k8s.io) [default: dists,flat]
    #[arg(long = "apt-shape", value_name = "SHAPE", value_delimiter = ',')]
    shapes: Vec<Shape>,

    /// What apt's index files are served in besides gzip: `xz` (up to 2000 packages), `zstd` [default: xz]
    #[arg(long = "apt-compression", value_name = "COMPRESSION", value_delimiter = ',')]
    apt: Vec<Packed>,

    /// What the index files for dnf and zypper are served in: `gzip`, `zstd` [default: gzip]
    #[arg(long = "rpm-compression", value_name = "COMPRESSION")]
    rpm: Option<RpmPacked>,

    /// Whether apt-file finds the files in packages: `yes`, `no` [default: no]
    #[arg(long, value_name = "ANSWER")]
    contents: Option<Contents>,

    /// Days for which apt believes what is published, which must be refreshed before; 0 for ever [default: 0]
    #[arg(long = "valid-days", value_name = "DAYS")]
    valid_days: Option<u16>,
}

impl Choices {
    /// Returns `settings` with what was chosen.
    pub(super) fn applied(&self, settings: &Settings) -> Settings {
        Settings {
            url: self.url.clone().or_else(|| settings.url.clone()),
            shapes: sorted(&self.shapes, &settings.shapes),
            apt: sorted(&self.apt, &settings.apt),
            rpm: self.rpm.unwrap_or(settings.rpm),
            contents: self.contents.unwrap_or(settings.contents),
            valid_days: self.valid_days.map_or(settings.valid_days, |days| (days > 0).then_some(days)),
        }
    }
}

/// Returns what was chosen, each once and in one order, or else what was there.
fn sorted<T: Copy + Ord>(chosen: &[T], there: &[T]) -> Vec<T> {
    let mut all = if chosen.is_empty() { there.to_vec() } else { chosen.to_vec() };
    all.sort();
    all.dedup();
    all
}

impl Configure {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let mut repository = self.place.open(session)?;
        let settings = self.choices.applied(&repository.charter().settings);
        let is_signed = settings.valid_days != repository.charter().settings.valid_days;
        let keys = is_signed.then(|| self.sealing.open(session)).transpose()?;
        let signers = keys.as_ref().map(Keys::signers);
        repository.configure(&settings, signers.as_ref().zip(keys.as_ref().map(|keys| keys.date)))?;
        repository.show_site()?;
        session.ui.status("Configured", &repository.store().location().to_string());
        Ok(Done::new(String::new(), json!({"schema": 1, "settings": settings})))
    }
}
