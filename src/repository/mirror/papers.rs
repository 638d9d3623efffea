//! Papers of packages that are taken from another repository of kubepkg.
//!
//! No index that clients read names them, but the generation does which the head of a channel names, and the repository's
//! keys sign that. Nothing else is taken: whoever can write beside a package would have the last word on what is in it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::digest::Digest;
use crate::format::Format;
use crate::repository::channel::Channel;
use crate::repository::charter::Repository;
use crate::repository::client::{Kind, Suite};
use crate::repository::error::RepositoryError;
use crate::repository::generation::Entry;
use crate::repository::layout;
use crate::repository::paper::Paper;
use crate::repository::state::StateError;
use crate::repository::store::{Key, StoreError};

/// The folder in which channels lie in the shape of pkgs.k8s.io.
const FLAT: &str = "core:/";

/// Returns the root of the repository that has a channel at `place`, a path or an address; none where it cannot be told.
pub fn root_of<'p>(place: &'p str, kind: &Kind) -> Option<&'p str> {
    match kind {
        Kind::Apt(Suite::Dists { .. }) => Some(place),
        Kind::Apt(Suite::Flat) | Kind::RpmMd => {
            let (root, _) = place.rsplit_once(FLAT)?;
            // Behind two slashes it is the name of a host.
            let is_folder = root.ends_with('/') && !root.ends_with("//");
            if root.is_empty() { Some(".") } else { is_folder.then_some(root) }
        }
    }
}

impl Repository {
    /// Returns the channel that clients read at `place`, below or at the root of this repository.
    pub fn channel_at(&self, place: &str, kind: &Kind) -> Option<Channel> {
        let place = place.trim_end_matches('/');
        let flat = |channel: &Channel, format: Format| place.ends_with(&layout::flat(*channel, format));
        self.channels().into_iter().find(|channel| match kind {
            Kind::Apt(Suite::Dists { suite, .. }) => *suite == channel.word(),
            Kind::Apt(Suite::Flat) => flat(channel, Format::Deb),
            Kind::RpmMd => flat(channel, Format::Rpm),
        })
    }

    /// Writes the papers of package files, which are named by their SHA-256, beside them, and returns how many there are.
    /// A paper that the channel names has to be there, and to be what it names.
    pub fn take_papers(&self, channel: Channel, files: &[(&Digest, &Path)]) -> Result<usize, RepositoryError> {
        let shown = self.shown(channel)?.generation.packages;
        let known: HashMap<&Digest, &Entry> = shown.iter().map(|entry| (&entry.sha256, entry)).collect();
        let mut wanted: Vec<(Key, &Paper, PathBuf)> = Vec::new();
        for (sha256, file) in files {
            let Some(entry) = known.get(sha256) else { continue };
            for paper in &entry.papers {
                let mut beside = file.as_os_str().to_owned();
                beside.push(paper.kind.suffix());
                wanted.push((entry.paper_path(paper.kind), paper, beside.into()));
            }
        }
        self.copy_papers(channel, &wanted)?;
        Ok(wanted.len())
    }

    fn copy_papers(&self, channel: Channel, wanted: &[(Key, &Paper, PathBuf)]) -> Result<(), RepositoryError> {
        let by = || format!("channel {channel}");
        if let Some((path, paper, _)) = wanted.iter().find(|(_, paper, _)| paper.size > paper.kind.limit()) {
            let cause = format!("{path} has {} bytes, and a {} at most {}", paper.size, paper.kind, paper.kind.limit());
            return Err(StateError::Malformed { object: by(), cause }.into());
        }
        let asked: Vec<(Key, u64)> = wanted.iter().map(|(path, paper, _)| (path.clone(), paper.size)).collect();
        let mut done: Vec<Option<Result<(), RepositoryError>>> = wanted.iter().map(|_| None).collect();
        self.store().each_file(&asked, |nth, stored| {
            let (path, paper, beside) = &wanted[nth];
            done[nth] = stored.map(|stored| match copy(stored.path(), paper, beside) {
                Ok(true) => Ok(()),
                Ok(false) => Err(StateError::Differs { object: path.to_string(), by: by() }.into()),
                Err(error) => Err(error.into()),
            });
            Ok::<_, StoreError>(())
        })?;
        for (result, (path, ..)) in done.into_iter().zip(wanted) {
            result.unwrap_or_else(|| Err(StateError::Missing { object: path.to_string(), by: by() }.into()))?;
        }
        Ok(())
    }
}

/// Copies a file that is what `paper` says; whether it is.
fn copy(from: &Path, paper: &Paper, to: &Path) -> std::io::Result<bool> {
    if fs::metadata(from)?.len() != paper.size {
        return Ok(false);
    }
    let bytes = fs::read(from)?;
    if bytes.len() as u64 != paper.size || Digest::sha256(&bytes) != paper.sha256 {
        return Ok(false);
    }
    fs::write(to, bytes)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_a_channel_is_found_by_its_shape() {
        let dists = Kind::Apt(Suite::Dists { suite: "stable-v1.36".to_owned(), components: Vec::new() });
        assert_eq!(root_of("https://h/x", &dists), Some("https://h/x"));
        for (place, root) in [
            ("https://h/core:/stable:/v1.36/deb/", Some("https://h/")),
            ("s3://b/p/core:/rolling:/deb", Some("s3://b/p/")),
            ("core:/rolling:/deb", Some(".")),
            ("/srv/core:/old/core:/rolling:/deb", Some("/srv/core:/old/")),
            ("https://h/score:/rolling:/deb", None),
            ("https://core:/rolling:/deb", None),
            ("https://h/deb", None),
        ] {
            assert_eq!(root_of(place, &Kind::Apt(Suite::Flat)), root, "{place}");
        }
    }
}
