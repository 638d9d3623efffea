//! Compression without a cache, for tests that call a writer.

use std::num::NonZero;
use std::sync::Arc;

use kubepkg::block::{Blocks, Code};
use kubepkg::event::Silent;
use kubepkg::package::{Compression, Packer};

/// Runs `test` with a packer for programs of any machine.
pub(crate) fn with_packer<T>(compression: Compression, test: impl FnOnce(&Packer<'_>) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    let blocks = Blocks::open(folder.path(), folder.path(), u64::MAX, Arc::new(Silent)).unwrap();
    test(&Packer::new(compression, Code::Any, &blocks, NonZero::<u32>::MIN))
}
