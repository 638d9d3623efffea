//! Objects that are read piece by piece, from any place on, by many at once: what a server needs.

use std::fmt;
use std::io::{self, SeekFrom};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use hyper::body::Bytes;
use hyper_staticfile::vfs::{FileAccess, IntoFileAccess};
use object_store::{GetOptions, GetRange};
use rustix::fs::{CWD, Mode, OFlags, openat};
use tokio::io::{AsyncRead as _, AsyncSeek, ReadBuf};

use super::bucket::Remote;
use super::error::Cause;
use super::host::Host;
use super::{Key, Place, Store};

/// Bytes that are read from a file at once.
const PIECE: usize = 64 << 10;

/// What a name stands for.
#[derive(Debug)]
pub enum Opened {
    /// An object.
    Object(Reading),
    /// A folder: only a store in a folder has any.
    Folder,
    /// Nothing, or nothing that is served: a symbolic link, a device.
    Nothing,
}

/// An object that is open.
#[derive(Debug)]
pub struct Reading {
    /// The number of its bytes.
    pub size: u64,
    /// The time of its last change, by the store's clock.
    pub modified: Option<SystemTime>,
    /// Its bytes.
    pub bytes: Pieces,
}

/// The bytes of an object.
pub struct Pieces(Kind);

enum Kind {
    File(tokio::fs::File, Vec<u8>),
    Remote { object: Remote, place: u64, left: Bytes, state: State },
}

/// How far the answer of a bucket is.
enum State {
    Idle,
    Asked(BoxFuture<'static, object_store::Result<object_store::GetResult>>),
    Coming(BoxStream<'static, object_store::Result<Bytes>>),
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens what has a name. Symbolic links are not followed, neither at the end of the name nor on the way.
    pub async fn open(&self, key: &Key) -> Result<Opened, Cause> {
        match &self.place {
            Place::Folder(folder) => {
                let (root, key) = (folder.root().to_path_buf(), key.clone());
                let opened = tokio::task::spawn_blocking(move || open_file(&root, &key)).await;
                opened.map_err(io::Error::other)?.map_err(Cause::from)
            }
            Place::Hosted(Host::Web(_), _) => Err(Cause::NotServed),
            Place::Hosted(Host::Bucket(bucket), _) => Ok(match bucket.remote(key).await? {
                Some(object) => {
                    let (size, modified) = (object.size, Some(object.modified));
                    let kind = Kind::Remote { object, place: 0, left: Bytes::new(), state: State::Idle };
                    Opened::Object(Reading { size, modified, bytes: Pieces(kind) })
                }
                None => Opened::Nothing,
            }),
        }
    }
}

/// Walks from folder to folder, so that nobody can put a link in the way.
fn open_file(root: &Path, key: &Key) -> io::Result<Opened> {
    let mut parts: Vec<&str> = key.as_str().split('/').collect();
    let name = parts.pop().unwrap_or_default();
    let step = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
    let walked = parts.into_iter().try_fold(openat(CWD, root, step, Mode::empty())?, |folder, part| {
        openat(&folder, part, step | OFlags::NOFOLLOW, Mode::empty())
    });
    // A pipe must not be waited for.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = match walked.and_then(|folder| openat(&folder, name, flags, Mode::empty())) {
        Ok(file) => std::fs::File::from(file),
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => {
            return Ok(Opened::Nothing);
        }
        Err(error) => return Err(error.into()),
    };
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Ok(Opened::Folder);
    }
    if !metadata.is_file() {
        return Ok(Opened::Nothing);
    }
    let (size, modified) = (metadata.len(), metadata.modified().ok());
    let bytes = Pieces(Kind::File(tokio::fs::File::from_std(file), vec![0; PIECE]));
    Ok(Opened::Object(Reading { size, modified, bytes }))
}

impl IntoFileAccess for Pieces {
    type Output = Self;

    fn into_file_access(self) -> Self {
        self
    }
}

impl AsyncSeek for Pieces {
    fn start_seek(mut self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        match &mut self.0 {
            Kind::File(file, _) => Pin::new(file).start_seek(position),
            Kind::Remote { place, left, state, .. } => {
                let SeekFrom::Start(start) = position else { return Err(io::ErrorKind::Unsupported.into()) };
                (*place, *left, *state) = (start, Bytes::new(), State::Idle);
                Ok(())
            }
        }
    }

    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        match &mut self.0 {
            Kind::File(file, _) => Pin::new(file).poll_complete(cx),
            Kind::Remote { place, .. } => Poll::Ready(Ok(*place)),
        }
    }
}

impl FileAccess for Pieces {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, len: usize) -> Poll<io::Result<Bytes>> {
        match &mut self.0 {
            Kind::File(file, buffer) => {
                let end = len.min(buffer.len());
                let mut piece = ReadBuf::new(&mut buffer[..end]);
                ready!(Pin::new(file).poll_read(cx, &mut piece))?;
                Poll::Ready(Ok(Bytes::copy_from_slice(piece.filled())))
            }
            Kind::Remote { object, place, left, state } => loop {
                if !left.is_empty() {
                    let piece = left.split_to(len.min(left.len()));
                    *place += piece.len() as u64;
                    return Poll::Ready(Ok(piece));
                }
                match state {
                    State::Idle if *place >= object.size || len == 0 => return Poll::Ready(Ok(Bytes::new())),
                    State::Idle => *state = State::Asked(ask(object, *place)),
                    State::Asked(answer) => *state = State::Coming(ready!(answer.as_mut().poll(cx))?.into_stream()),
                    State::Coming(pieces) => match ready!(pieces.poll_next_unpin(cx)) {
                        Some(piece) => *left = piece?,
                        None => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                    },
                }
            },
        }
    }
}

/// Asks for the rest of an object, if it is still the same.
fn ask(object: &Remote, place: u64) -> BoxFuture<'static, object_store::Result<object_store::GetResult>> {
    let (store, path) = (object.store.clone(), object.path.clone());
    let options = GetOptions {
        range: Some(GetRange::Bounded(place..object.size)),
        if_match: object.e_tag.clone(),
        ..GetOptions::default()
    };
    Box::pin(async move { store.get_opts(&path, options).await })
}
