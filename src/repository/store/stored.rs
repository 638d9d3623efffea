//! Objects as files, for those who read packages.

use std::path::{Path, PathBuf};

use futures_util::{StreamExt as _, stream};
use tempfile::NamedTempFile;

use super::{Action, CONCURRENCY, Key, Place, Store, StoreError};

/// An object as a file, which may go away when this is dropped.
#[derive(Debug)]
pub struct Stored(StoredKind);

#[derive(Debug)]
enum StoredKind {
    There(PathBuf),
    Copy(NamedTempFile),
}

impl Stored {
    /// Returns where it is.
    pub fn path(&self) -> &Path {
        match &self.0 {
            StoredKind::There(path) => path,
            StoredKind::Copy(file) => file.path(),
        }
    }
}

impl Store {
    /// Hands over objects as files, several at once, each with the place of its name; none for those that are not there.
    /// Every object may have as many bytes as stand beside its name.
    pub fn each_file(
        &self,
        keys: &[(Key, u64)],
        mut done: impl FnMut(usize, Option<Stored>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match &self.place {
            Place::Folder(folder) => keys.iter().enumerate().try_for_each(|(place, (key, _))| {
                let size = folder.size(key).map_err(|cause| self.failed(Action::Read, key, cause))?;
                done(place, size.map(|_| Stored(StoredKind::There(folder.path(key)))))
            }),
            Place::Hosted(host, runtime) => {
                let requests = keys.iter().enumerate().map(|(place, (key, limit))| async move {
                    let file = host.file(key, *limit).await.map_err(|cause| self.failed(Action::Read, key, cause))?;
                    Ok::<_, StoreError>((place, file.map(|file| Stored(StoredKind::Copy(file)))))
                });
                runtime.block_on(async {
                    let mut files = stream::iter(requests).buffer_unordered(CONCURRENCY);
                    while let Some(result) = files.next().await {
                        let (place, file) = result?;
                        done(place, file)?;
                    }
                    Ok(())
                })
            }
        }
    }
}
