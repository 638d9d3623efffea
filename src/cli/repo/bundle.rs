//! `kubepkg repo bundle`

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use fs_err as fs;
use serde_json::json;

use super::Several;
use crate::arch::Arch;
use crate::cli::Done;
use crate::cli::diagnostic::Failure;
use crate::cli::repository::Publishing;
use crate::cli::session::Session;
use crate::cli::signal;
use crate::repository::bundle::{Bundle, Destination};
use crate::repository::channel::Channel;
use crate::repository::charter::Repository;
use crate::repository::selection::Selection;
use crate::scratch::Scratch;

/// zstd's level for archives: packages are compressed already.
const ZSTD: i32 = 3;
/// gzip's, for the same reason.
const GZIP: u32 = 1;

/// Put channels into one tar archive, for machines without a network
///
/// The archive is a signed repository of the newest state of each channel, with its key, files for apt, dnf and zypper that
/// name the place where it is to be unpacked, and the steps. All of it needs no key; some packages or architectures are
/// signed anew, which does. The same state gives the same archive.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg repo bundle stable/v1.36 --repo ./repo --output set.tar
  kubepkg repo bundle stable/v1.36 --repo ./repo --arch amd64 --sign-key release.asc --output set.tar.zst")]
pub(super) struct BundleArgs {
    #[command(flatten)]
    some: Several,

    /// Archive: `.tar`, `.tar.gz` or `.tar.zst`
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,

    /// Where it will be unpacked [default: /srv/ and the repository's name]
    #[arg(long, value_name = "DIR")]
    destination: Option<Destination>,

    /// Only these packages, by name
    #[arg(long = "package", value_name = "NAME", value_delimiter = ',')]
    packages: Vec<String>,

    /// Only these architectures
    #[arg(long = "arch", value_name = "ARCH", value_delimiter = ',')]
    arches: Vec<Arch>,

    #[command(flatten)]
    publishing: Publishing,
}

#[derive(Debug, Clone, Copy)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

impl BundleArgs {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let packing = packing(&self.output)?;
        let repository = self.some.place.open(session)?;
        let channels = self.some.channels(&repository)?;
        let destination = match &self.destination {
            Some(destination) => destination.clone(),
            None => format!("/srv/{}", repository.charter().word()).parse().map_err(Failure::usage)?,
        };
        let parent = self.output.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let scratch = signal::scratch(parent).map_err(|error| Failure::write(&error))?;
        let selection = Selection { packages: self.packages.clone(), arches: self.arches.clone() };
        let part = self.part(session, &repository, (&channels, &selection), &scratch)?;
        let bundle = part.as_ref().unwrap_or(&repository).bundle(&channels, &destination)?;
        self.write(&bundle, packing, &scratch)?;
        let (count, size) = (bundle.count(), bundle.size());
        session
            .ui
            .status("Wrote", &format!("{}: {count} files of {size} bytes, for {destination}", self.output.display()));
        let channels: Vec<String> = channels.iter().map(Channel::to_string).collect();
        let json = json!({
            "schema": 1,
            "file": self.output.display().to_string(),
            "destination": destination.to_string(),
            "channels": channels,
            "files": count,
            "bytes": size,
        });
        Ok(Done::new(format!("{}\n", self.output.display()), json))
    }

    /// Signs what was selected; none where that is everything.
    fn part(
        &self,
        session: &Session,
        repository: &Repository,
        (channels, selection): (&[Channel], &Selection),
        scratch: &Scratch,
    ) -> Result<Option<Repository>, Failure> {
        if selection.is_everything() {
            return Ok(None);
        }
        let opened = self.publishing.open(session)?;
        Ok(Some(repository.select(channels, selection, scratch.path(), &opened.publisher())?))
    }

    fn write(&self, bundle: &Bundle<'_>, packing: Packing, scratch: &Scratch) -> Result<(), Failure> {
        let unfinished = scratch.path().join("bundle");
        let failed = |error: std::io::Error| Failure::write(&error);
        let file = fs::File::create(&unfinished).map_err(failed)?;
        let mut out = BufWriter::with_capacity(1 << 20, &file);
        match packing {
            Packing::Plain => bundle.write(&mut out)?,
            Packing::Gzip => {
                let mut packer = GzEncoder::new(&mut out, flate2::Compression::new(GZIP));
                bundle.write(&mut packer)?;
                packer.finish().map_err(failed)?;
            }
            Packing::Zstd => {
                let mut packer = zstd::stream::write::Encoder::new(&mut out, ZSTD).map_err(failed)?;
                packer.include_checksum(true).map_err(failed)?;
                bundle.write(&mut packer)?;
                packer.finish().map_err(failed)?;
            }
        }
        out.flush().map_err(failed)?;
        drop(out);
        Scratch::publish(file.file(), &unfinished, &self.output).map_err(failed)
    }
}

fn packing(output: &Path) -> Result<Packing, Failure> {
    let name = output.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let known =
        [(".tar", Packing::Plain), (".tar.gz", Packing::Gzip), (".tgz", Packing::Gzip), (".tar.zst", Packing::Zstd)];
    let found = known.into_iter().find(|(end, _)| name.ends_with(end)).map(|(_, packing)| packing);
    found.ok_or_else(|| {
        Failure::usage(format!("`{}`: nobody can tell what archive that is to be", output.display()))
            .hint("end the name in `.tar`, `.tar.gz` or `.tar.zst`")
    })
}
