//! Members of gzip files (RFC 1952), without name and time. libdeflate takes a third of zlib's time at the same size.

use std::io;

use libdeflater::{CompressionLvl, Compressor};

use super::codec::{Block, Record};

/// Compresses bytes into one member.
pub(super) fn member(level: u32, raw: &[u8]) -> io::Result<Block> {
    let level = i32::try_from(level).ok().and_then(|level| CompressionLvl::new(level).ok());
    let level = level.ok_or_else(|| io::Error::other("libdeflate has no such level"))?;
    let mut compressor = Compressor::new(level);
    let mut bytes = vec![0; compressor.gzip_compress_bound(raw.len())];
    let size = compressor.gzip_compress(raw, &mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    bytes.truncate(size);
    bytes.shrink_to_fit();
    let (stored, raw) = (size as u64, raw.len() as u64);
    Ok(Block { bytes, record: Record { stored, unpadded: stored, raw } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_bears_neither_name_nor_time() {
        let block = member(7, b"kubelet\n").unwrap();
        // RFC 1952, 2.3: deflate, no flags, no time.
        assert_eq!(block.bytes[..8], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    }
}
