//! `kubepkg repo gc`

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::Done;
use crate::cli::diagnostic::Failure;
use crate::cli::exit::Exit;
use crate::cli::repository::{Place, date};
use crate::cli::session::Session;
use crate::digest::{Algorithm, Digest};
use crate::event::count;
use crate::repository::collect::{Keep, size};
use crate::repository::store::Listed;

/// The largest lock, in bytes.
const LIMIT: u64 = 64 << 20;
const HOUR: u32 = 60 * 60;
const DAY: u32 = 24 * HOUR;

/// Find what no generation of use names, and delete it
///
/// A generation is of use while it is shown and for some days after. Without `--delete` nothing is changed. With it, the
/// first run records what it found, and a later one deletes what is still of no use.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg repo gc
  kubepkg repo gc --delete --lock promote.yaml")]
pub(super) struct Gc {
    #[command(flatten)]
    place: Place,
    /// Days for which clients and caches may still know what was shown
    #[arg(long, value_name = "DAYS", default_value = "7", value_parser = clap::value_parser!(u32).range(..=36500))]
    grace: u32,
    /// Hours that must have passed since an earlier run found the same
    #[arg(long, value_name = "HOURS", default_value = "24", value_parser = clap::value_parser!(u32).range(..=87600))]
    wait: u32,
    /// File that names packages by their SHA-256, which are kept: a list of `promote --file`, a lock; may be repeated
    #[arg(long = "lock", value_name = "FILE")]
    locks: Vec<PathBuf>,
    /// Delete what an earlier run found, and record the rest
    #[arg(long)]
    delete: bool,
}

impl Gc {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let locked = self.locks.iter().map(|lock| digests(lock)).collect::<Result<Vec<_>, _>>()?;
        let keep = Keep {
            grace: self.grace.saturating_mul(DAY),
            wait: self.wait.saturating_mul(HOUR),
            locked: locked.into_iter().flatten().collect(),
        };
        let repository = self.place.open(session)?;
        let now = date(session);
        let garbage = repository.garbage(now, &keep)?;
        let told = |objects: &[Listed]| format!("{} of {} bytes", count(objects.len(), "file"), size(objects));
        let mut shown: Vec<&Listed> = garbage.objects();
        let deleted;
        if self.delete {
            deleted = repository.collect(&garbage, now, &keep)?;
            session.ui.status("Deleted", &told(&deleted));
            session.ui.status("Recorded", &format!("{}, for a run in {} hours", told(&garbage.waiting), self.wait));
            shown = deleted.iter().collect();
        } else if shown.is_empty() {
            session.ui.status("Found", "nothing that is of no use");
        } else {
            session.ui.status("Found", &format!("{} that `--delete` deletes", told(&garbage.due)));
            session.ui.status("Found", &format!("{} that it records for a later run", told(&garbage.waiting)));
        }
        let text = shown.iter().map(|object| format!("{}\n", object.key)).collect();
        let names = |objects: &[Listed]| -> Vec<String> { objects.iter().map(|one| one.key.to_string()).collect() };
        let json = json!({
            "schema": 1,
            "deleted": self.delete,
            "files": shown.iter().map(|object| object.key.as_str()).collect::<Vec<_>>(),
            "bytes": size(shown.iter().copied()),
            "due": names(&garbage.due),
            "waiting": names(&garbage.waiting),
        });
        Ok(Done::new(text, json))
    }
}

/// Reads every SHA-256 that a text names, whatever else stands there.
fn digests(lock: &Path) -> Result<HashSet<Digest>, Failure> {
    let size = fs_err::metadata(lock).map_err(|error| Failure::new(Exit::Usage, &error))?.len();
    if size > LIMIT {
        return Err(Failure::usage(format!("`{}` has more than {LIMIT} bytes", lock.display())));
    }
    let text = fs_err::read_to_string(lock).map_err(|error| Failure::new(Exit::Usage, &error))?;
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let found: HashSet<Digest> = words.filter_map(|word| Digest::from_hex(Algorithm::Sha256, word).ok()).collect();
    if found.is_empty() {
        // A lock that keeps nothing is another file than was meant.
        return Err(Failure::usage(format!("`{}` names no SHA-256", lock.display()))
            .hint("name a list as `kubepkg promote --file` takes it"));
    }
    Ok(found)
}
