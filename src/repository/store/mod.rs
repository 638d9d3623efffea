//! Where a repository is kept: a folder, or a prefix in a host. What a web server shows of one can be read alike.
//!
//! The same few requests everywhere, and nothing that would have to be removed after a crash: no lock objects. Immutable
//! names are written once ([`Store::create`]); the few names that change are replaced, those that decide by
//! compare-and-swap ([`Store::swap`]). Nothing but [`Store::list`] lists.
//!
//! Buckets are asked asynchronously inside; outside everything is plain calls.

mod bucket;
mod error;
mod folder;
mod host;
mod location;
pub(crate) mod media;
mod object;
mod open;
mod source;
mod stored;
mod web;

use std::fmt;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::runtime::{Builder, Runtime};
use url::Url;

pub use error::{Action, Cause, StoreError};
pub use location::{BadLocation, Location};
pub use object::{Listed, Object, Swap, Tag};
pub use open::{Opened, Pieces, Reading};
pub use source::{Content, Source};
pub use stored::Stored;
pub use web::url_below;

use crate::fetch::HttpOptions;
use crate::path::RelativePath;
use bucket::Bucket;
use folder::Folder;
use host::Host;
use web::WebFolder;

/// The name of an object below the root of the repository.
pub type Key = RelativePath;

/// The folder of what kubepkg alone reads.
pub const STATE: &str = ".kubepkg";

/// So many files are kept on the disk one by one; of more all at once.
const FEW: usize = 32;
/// How many requests are under way at once.
const CONCURRENCY: usize = 8;

/// How a store is spoken to.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Variables of the environment that say who asks and whom: `AWS_*`, `GOOGLE_*`, `AZURE_*`.
    pub environment: Vec<(String, String)>,
    /// The longest time for one request, with all its bytes.
    pub timeout: Duration,
    /// How often a failed request is tried again.
    pub retries: usize,
    /// How web servers are spoken to.
    pub http: HttpOptions,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { environment: Vec::new(), timeout: Duration::from_secs(300), retries: 5, http: HttpOptions::default() }
    }
}

/// A place for objects.
pub struct Store {
    location: Location,
    place: Place,
}

enum Place {
    Folder(Folder),
    Hosted(Host, Runtime),
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("location", &self.location).finish_non_exhaustive()
    }
}

impl Store {
    /// Sets up everything but asks nothing: whether it is there shows the first request.
    pub fn new(location: &Location, options: &StoreOptions) -> Result<Self, StoreError> {
        let failed = |cause| StoreError { action: Action::Read, object: location.to_string(), cause };
        let place = match location {
            Location::Folder(root) => Place::Folder(Folder::new(root)),
            Location::Bucket(url) => {
                let bucket = Bucket::new(url, options).map_err(failed)?;
                Place::Hosted(Host::Bucket(bucket), runtime().map_err(|error| failed(error.into()))?)
            }
            Location::Web(url) => {
                let web = WebFolder::new(url, options).map_err(|error| failed(Cause::Setup(error)))?;
                Place::Hosted(Host::Web(Box::new(web)), runtime().map_err(|error| failed(error.into()))?)
            }
        };
        Ok(Self { location: location.clone(), place })
    }

    /// Returns where it is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Returns the address of an object in a folder or on a web server.
    pub fn url(&self, key: &Key) -> Option<Url> {
        match &self.location {
            Location::Folder(root) => {
                std::path::absolute(root.join(key.as_str())).ok().and_then(|path| Url::from_file_path(path).ok())
            }
            Location::Web(base) => Some(url_below(base, key)),
            Location::Bucket(_) => None,
        }
    }

    /// Returns an object of at most `limit` bytes, if it is there.
    pub fn get(&self, key: &Key, limit: u64) -> Result<Option<Object>, StoreError> {
        let result = match &self.place {
            Place::Folder(folder) => folder.get(key, limit),
            Place::Hosted(host, runtime) => runtime.block_on(host.get(key, limit)),
        };
        result.map_err(|cause| self.failed(Action::Read, key, cause))
    }

    /// Returns several objects of at most `limit` bytes each, in the order of the names; none for those that are not
    /// there.
    pub fn get_all(&self, keys: &[Key], limit: u64) -> Result<Vec<Option<Object>>, StoreError> {
        match &self.place {
            Place::Folder(_) => keys.iter().map(|key| self.get(key, limit)).collect(),
            Place::Hosted(host, runtime) => {
                let requests = keys.iter().map(|key| async move {
                    host.get(key, limit).await.map_err(|cause| self.failed(Action::Read, key, cause))
                });
                runtime.block_on(stream::iter(requests).buffered(CONCURRENCY).try_collect())
            }
        }
    }

    /// Returns the sizes of several objects, in the order of the names; none for those that are not there.
    pub fn sizes(&self, keys: &[Key]) -> Result<Vec<Option<u64>>, StoreError> {
        let failed = |key: &Key, cause| self.failed(Action::Read, key, cause);
        match &self.place {
            Place::Folder(folder) => {
                keys.iter().map(|key| folder.size(key).map_err(|cause| failed(key, cause))).collect()
            }
            Place::Hosted(host, runtime) => {
                let requests =
                    keys.iter().map(|key| async move { host.size(key).await.map_err(|cause| failed(key, cause)) });
                runtime.block_on(stream::iter(requests).buffered(CONCURRENCY).try_collect())
            }
        }
    }

    /// Writes objects whose bytes never change, several at once, and returns how many of them are new. One that is there
    /// with the same bytes is left alone, one with other bytes is an error.
    pub fn create(&self, objects: &[(Key, Content<'_>)]) -> Result<usize, StoreError> {
        let failed = |key: &Key, cause| self.failed(Action::Write, key, cause);
        match &self.place {
            Place::Folder(folder) if objects.len() > FEW => {
                folder.create_all(objects).map_err(|(key, cause)| failed(key, cause))
            }
            Place::Folder(folder) => {
                in_parallel(objects, |(key, content)| folder.create(key, content).map_err(|cause| failed(key, cause)))
            }
            Place::Hosted(host, runtime) => {
                let requests = objects.iter().map(|(key, content)| async move {
                    host.create(key, content).await.map_err(|cause| failed(key, cause))
                });
                let done: Vec<bool> =
                    runtime.block_on(stream::iter(requests).buffer_unordered(CONCURRENCY).try_collect())?;
                Ok(done.into_iter().filter(|is_new| *is_new).count())
            }
        }
    }

    /// Gives objects whose bytes never change another name, without moving their bytes: hard links in a folder, copies
    /// inside the store of a host.
    pub fn link(&self, pairs: &[(Key, Key)]) -> Result<(), StoreError> {
        let failed = |key: &Key, cause| self.failed(Action::Write, key, cause);
        match &self.place {
            Place::Folder(folder) => folder.link_all(pairs).map_err(|(to, cause)| failed(to, cause)),
            Place::Hosted(host, runtime) => {
                let requests = pairs
                    .iter()
                    .map(|(from, to)| async move { host.link(from, to).await.map_err(|cause| failed(to, cause)) });
                runtime.block_on(stream::iter(requests).buffer_unordered(CONCURRENCY).try_collect())
            }
        }
    }

    /// Writes an object, whatever was there.
    pub fn replace(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        let result = match &self.place {
            Place::Folder(folder) => folder.replace(key, bytes),
            Place::Hosted(host, runtime) => runtime.block_on(host.replace(key, bytes)),
        };
        result.map_err(|cause| self.failed(Action::Write, key, cause))
    }

    /// Writes objects that only make sense together and lie in one folder. Where the store can, a reader sees all old or
    /// all new ones; where it cannot, they are written in their order, one right after the other.
    pub fn replace_together(&self, objects: &[(&Key, &[u8])]) -> Result<(), StoreError> {
        match &self.place {
            Place::Folder(folder) => folder.replace_together(objects).or_else(|cause| match objects.first() {
                Some((key, _)) => Err(self.failed(Action::Write, key, cause)),
                None => Ok(()),
            }),
            Place::Hosted(..) => objects.iter().try_for_each(|(key, bytes)| self.replace(key, bytes)),
        }
    }

    /// Writes an object if it is still what `expected` says; none means that it is not there. One that has these bytes
    /// already is as it should be, whoever wrote it: an answer may have been lost on the way.
    pub fn swap(&self, key: &Key, bytes: &[u8], expected: Option<&Tag>) -> Result<Swap, StoreError> {
        let result = match &self.place {
            Place::Folder(folder) => folder.swap(key, bytes, expected),
            Place::Hosted(host, runtime) => runtime.block_on(host.swap(key, bytes, expected)),
        };
        result.map_err(|cause| self.failed(Action::Write, key, cause))
    }

    /// Returns the tags of several objects, in the order of the names; none for those that are not there.
    pub fn tags(&self, keys: &[Key]) -> Result<Vec<Option<Tag>>, StoreError> {
        match &self.place {
            Place::Folder(_) => {
                let objects = self.get_all(keys, u64::MAX - 1)?;
                Ok(objects.into_iter().map(|object| object.map(|object| object.tag)).collect())
            }
            Place::Hosted(host, runtime) => {
                let requests = keys.iter().map(|key| async move {
                    host.tag(key).await.map_err(|cause| self.failed(Action::Read, key, cause))
                });
                runtime.block_on(stream::iter(requests).buffered(CONCURRENCY).try_collect())
            }
        }
    }

    /// Whether [`Store::guard`] keeps others away.
    pub fn is_guarded(&self) -> bool {
        matches!(self.place, Place::Folder(_))
    }

    /// Waits until nobody else holds the guard, and holds it until the file is dropped, or the process ends. A bucket has
    /// no such thing.
    pub fn guard(&self) -> Result<Option<std::fs::File>, StoreError> {
        match &self.place {
            Place::Folder(folder) => folder.guard().map(Some).map_err(|cause| StoreError {
                action: Action::Write,
                object: self.name(STATE),
                cause,
            }),
            Place::Hosted(..) => Ok(None),
        }
    }

    /// Lists the objects below a folder, sorted by name.
    pub fn list(&self, folder: &str) -> Result<Vec<Listed>, StoreError> {
        let result = match &self.place {
            Place::Folder(place) => place.list(folder),
            Place::Hosted(host, runtime) => runtime.block_on(host.list(folder)),
        };
        result.map_err(|cause| StoreError { action: Action::List, object: self.name(folder), cause })
    }

    /// Removes objects, those that are not there too.
    pub fn delete(&self, keys: &[Key]) -> Result<(), StoreError> {
        let failed = |key: &Key, cause| self.failed(Action::Delete, key, cause);
        match &self.place {
            Place::Folder(folder) => {
                keys.iter().try_for_each(|key| folder.delete(key).map_err(|cause| failed(key, cause)))
            }
            Place::Hosted(host, runtime) => {
                let requests =
                    keys.iter().map(|key| async move { host.delete(key).await.map_err(|cause| failed(key, cause)) });
                runtime.block_on(stream::iter(requests).buffer_unordered(CONCURRENCY).try_collect())
            }
        }
    }

    fn failed(&self, action: Action, key: &Key, cause: Cause) -> StoreError {
        StoreError { action, object: self.name(key.as_str()), cause }
    }

    fn name(&self, key: &str) -> String {
        match &self.location {
            Location::Folder(root) => root.join(key).display().to_string(),
            Location::Bucket(_) | Location::Web(_) => format!("{}/{key}", self.location),
        }
    }
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().thread_name("kubepkg-store").worker_threads(2).enable_all().build()
}

/// Writes to a disk wait for it, so several wait at once.
fn in_parallel<T: Sync>(
    items: &[T],
    work: impl Fn(&T) -> Result<bool, StoreError> + Sync,
) -> Result<usize, StoreError> {
    let share = items.len().div_ceil(CONCURRENCY).max(1);
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = items
            .chunks(share)
            .map(|items| {
                scope.spawn(move || {
                    let mut new = 0;
                    for item in items {
                        new += usize::from(work(item)?);
                    }
                    Ok(new)
                })
            })
            .collect();
        let results = threads.into_iter().map(|thread| match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        results.sum()
    })
}
