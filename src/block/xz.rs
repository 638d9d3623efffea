//! The .xz file format (version 1.2.1, <https://tukaani.org/xz/xz-file-format.txt>) around blocks that were compressed
//! apart: header, index and footer.

use std::io;

use liblzma::stream::{Action, Check, Filters, Status, Stream};

use super::codec::{Block, Record};

/// The stream header: magic, flags that say CRC64, and their CRC32 (2.1.1).
pub(super) const HEADER: [u8; 12] = [0xfd, b'7', b'z', b'X', b'Z', 0, 0, 4, 0xe6, 0xd6, 0xb4, 0x46];
/// The stream flags for CRC64.
const FLAGS: [u8; 2] = [0, 4];
const FOOTER: usize = 12;
/// The size of a CRC64, and the flags of a block that say that both sizes stand in its header (3.1.2).
const CHECK: u64 = 8;
const HAS_SIZES: u8 = 0xc0;

/// Compresses bytes into one block, whose header tells both sizes, so that readers may unpack several at once.
pub(super) fn block(filters: &Filters, raw: &[u8]) -> io::Result<Block> {
    let mut encoder = Stream::new_stream_encoder(filters, Check::Crc64)?;
    let mut stream = Vec::with_capacity(raw.len() / 8 + (1 << 10));
    let mut rest = raw;
    loop {
        stream.reserve(1 << 16);
        let before = encoder.total_in();
        let status = encoder.process_vec(rest, &mut stream, Action::Finish)?;
        let taken = usize::try_from(encoder.total_in() - before).unwrap_or(usize::MAX);
        rest = rest.get(taken..).unwrap_or_default();
        if status == Status::StreamEnd {
            break;
        }
    }
    let odd = || io::Error::other("liblzma wrote another stream than one of one block");
    with_sizes(&stream, raw.len() as u64).ok_or_else(odd)
}

/// Takes the one block out of a stream, and puts its sizes into its header (3.1), which an encoder that does not know
/// them in advance leaves out.
fn with_sizes(stream: &[u8], raw: u64) -> Option<Block> {
    let (stored, unpadded) = only_block(stream, raw)?;
    let block = stream.get(HEADER.len()..)?.get(..stored)?;
    let (header, body) = block.split_at_checked((usize::from(*block.first()?) + 1) * 4)?;
    let [_, flags, filters @ .., _, _, _, _] = header else { return None };
    let compressed = unpadded.checked_sub(header.len() as u64 + CHECK)?;
    let mut bytes = vec![0, flags | HAS_SIZES];
    write_number(&mut bytes, compressed);
    write_number(&mut bytes, raw);
    bytes.extend(filters);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes[0] = u8::try_from(bytes.len() / 4).ok()?;
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    let unpadded = bytes.len() as u64 + compressed + CHECK;
    bytes.extend(body);
    Some(Block { record: Record { stored: bytes.len() as u64, unpadded, raw }, bytes })
}

/// Returns the size of the only block of a stream with padding, and without, if it unpacks to `raw` bytes.
fn only_block(stream: &[u8], raw: u64) -> Option<(usize, u64)> {
    let footer = stream.len().checked_sub(FOOTER)?;
    let backward: [u8; 4] = stream.get(footer + 4..footer + 8)?.try_into().ok()?;
    let index_at = footer.checked_sub((u32::from_le_bytes(backward) as usize + 1) * 4)?;
    let mut index = stream.get(index_at..footer)?.iter().copied();
    let is_one = index.next()? == 0 && read_number(&mut index)? == 1;
    let (unpadded, found) = (read_number(&mut index)?, read_number(&mut index)?);
    let stored = index_at.checked_sub(HEADER.len())?;
    let is_right =
        is_one && found == raw && unpadded.next_multiple_of(4) == stored as u64 && stream.starts_with(&HEADER);
    is_right.then_some((stored, unpadded))
}

/// Returns the index and the footer of a stream of these blocks, in their order.
pub(super) fn tail(records: &[Record]) -> Vec<u8> {
    let mut index = vec![0];
    write_number(&mut index, records.len() as u64);
    for record in records {
        write_number(&mut index, record.unpadded);
        write_number(&mut index, record.raw);
    }
    index.resize(index.len().next_multiple_of(4), 0);
    index.extend(crc32fast::hash(&index).to_le_bytes());
    let mut sizes = u32::try_from(index.len() / 4 - 1).unwrap_or(u32::MAX).to_le_bytes().to_vec();
    sizes.extend(FLAGS);
    index.extend(crc32fast::hash(&sizes).to_le_bytes());
    index.extend(sizes);
    index.extend(b"YZ");
    index
}

/// Writes a number seven bits a byte, the lowest first (1.2).
fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7f) as u8);
}

fn read_number(bytes: &mut impl Iterator<Item = u8>) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let byte = bytes.next()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    /// Blocks of every size of number and of padding, one of them empty, make a stream that liblzma takes whole.
    #[test]
    fn a_stream_of_blocks_unpacks() {
        let sizes = [1, 0, 127, 128, 5000, 300_000];
        let raws =
            sizes.map(|size: usize| (0..size).map(|at| u8::try_from(at * at % 251).unwrap()).collect::<Vec<_>>());
        let (mut stream, mut records) = (HEADER.to_vec(), Vec::new());
        for raw in raws.iter().filter(|raw| !raw.is_empty()) {
            let mut filters = Filters::new();
            filters.lzma2(&liblzma::stream::LzmaOptions::new_preset(1).unwrap());
            let block = block(&filters, raw).unwrap();
            assert_eq!(block.bytes[1] & HAS_SIZES, HAS_SIZES);
            assert_eq!(block.bytes.len() as u64, block.record.stored);
            stream.extend(&block.bytes);
            records.push(block.record);
        }
        stream.extend(tail(&records));
        let mut back = Vec::new();
        liblzma::bufread::XzDecoder::new(&stream[..]).read_to_end(&mut back).unwrap();
        assert_eq!(back, raws.concat());
        // The index holds what the blocks are: with another record the reader refuses.
        records[0].raw += 1;
        let wrong = [&stream[..stream.len() - tail(&records).len()], &tail(&records)].concat();
        assert!(liblzma::bufread::XzDecoder::new(&wrong[..]).read_to_end(&mut Vec::new()).is_err());
    }

    #[test]
    fn an_empty_stream_is_one() {
        let stream = [&HEADER[..], &tail(&[])].concat();
        let mut back = Vec::new();
        liblzma::bufread::XzDecoder::new(&stream[..]).read_to_end(&mut back).unwrap();
        assert!(back.is_empty());
    }
}
