//! Where compressed blocks are kept.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::args::Work;
use super::diagnostic::Failure;
use super::session::Session;
use super::signal;
use crate::block::Blocks;
use crate::scratch::Scratch;

/// The folder of the blocks in the cache.
const FOLDER: &str = "blocks";
const DEFAULT_LIMIT_GIB: u32 = 4;

/// Blocks, and the folder of those that are not finished, which goes when the program is interrupted.
#[derive(Debug)]
pub(crate) struct KeptBlocks {
    pub(crate) blocks: Blocks,
    _unfinished: Option<Scratch>,
}

/// Opens the blocks of the cache, or begins without any in `scratch` where nothing is to be kept or the cache cannot be
/// written.
pub(crate) fn open(session: &Session, work: &Work, cache: &Path, scratch: &Scratch) -> Result<KeptBlocks, Failure> {
    let reporter = || Arc::clone(&session.reporter) as _;
    let limit = u64::from(work.cache_limit.unwrap_or(DEFAULT_LIMIT_GIB)) << 30;
    if !work.no_cache {
        let folder = cache.join(FOLDER);
        match signal::scratch(&folder) {
            Ok(unfinished) => {
                let blocks = Blocks::open(&folder, unfinished.path(), limit, reporter());
                let blocks = blocks.map_err(|error| refused(&error))?;
                return Ok(KeptBlocks { blocks, _unfinished: Some(unfinished) });
            }
            Err(error) if is_read_only(&error) => {
                let folder = folder.display();
                session.ui.warning(&format!("the cache `{folder}` cannot be written: no compressed blocks are kept"));
            }
            Err(error) => return Err(refused(&error)),
        }
    }
    let folder = scratch.path().join(FOLDER);
    let blocks = fs_err::create_dir(&folder).and_then(|()| Blocks::open(&folder, &folder, u64::MAX, reporter()));
    Ok(KeptBlocks { blocks: blocks.map_err(|error| Failure::write(&error))?, _unfinished: None })
}

fn is_read_only(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

fn refused(error: &io::Error) -> Failure {
    Failure::write(error).hint("choose another cache with `--cache-dir`, or do without with `--no-cache`")
}
