//! Files from a folder, under `file` URLs.

use std::io::{self, Read as _};
use std::sync::Arc;

use fs_err::File;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream;
use url::Url;

use super::{Failure, Reply, Rest, Transport};
use crate::fetch::error::TransferError;

const CHUNK: usize = 128 * 1024;

/// Reads files of a mirror that is a folder.
#[derive(Debug)]
pub(in crate::fetch) struct Folder;

impl Transport for Folder {
    fn get<'a>(&'a self, location: &'a Url, _: Option<&'a Rest>) -> BoxFuture<'a, Result<Reply, Failure>> {
        Box::pin(async { open(location) })
    }

    fn size<'a>(&'a self, location: &'a Url) -> BoxFuture<'a, Result<Option<u64>, Failure>> {
        Box::pin(async { open(location).map(|reply| reply.total) })
    }
}

fn open(location: &Url) -> Result<Reply, Failure> {
    let path = location.to_file_path().map_err(|()| Failure::Final(TransferError::OutsideMirror))?;
    // Asked before opening, because opening a named pipe waits for a writer.
    let metadata = fs_err::metadata(&path).map_err(failure)?;
    if !metadata.is_file() {
        return Err(Failure::Final(TransferError::NotAFile));
    }
    let file = File::open(&path).map_err(failure)?;
    let body = stream::unfold(Some(file), |file| async {
        let mut file = file?;
        let mut chunk = vec![0; CHUNK];
        match file.read(&mut chunk) {
            Ok(0) => None,
            Ok(count) => {
                chunk.truncate(count);
                Some((Ok(chunk), Some(file)))
            }
            Err(error) => Some((Err(failure(error)), None)),
        }
    });
    Ok(Reply { start: 0, total: Some(metadata.len()), validator: None, body: body.boxed() })
}

fn failure(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Failure::Absent,
        _ => Failure::Final(TransferError::Read(Arc::new(error))),
    }
}
