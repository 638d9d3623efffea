//! The texts of fragments, one behind the other, compressed in pieces of which each is read apart: whoever needs the text
//! of one package unpacks some hundred kilobytes and not all.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::repository::fragment::MAX_FRAGMENT_BYTES;

/// A frame ends behind the first fragment beyond so many bytes.
const FRAME: usize = 256 << 10;
/// Bytes that a frame may unpack to.
const LIMIT: usize = FRAME + MAX_FRAGMENT_BYTES;
/// zstd's; texts resemble each other, and higher levels gain little.
const LEVEL: i32 = 3;
/// Frames that stay unpacked. Fragments are asked for in the order of index files, in which they mostly lie.
const KEPT: usize = 3;

/// Where the texts of a fragment lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    frame: usize,
    at: usize,
    lengths: Vec<usize>,
}

/// The size of a frame, as it is stored and as it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Size(usize, usize);

/// Frames, the last of which may be open.
#[derive(Debug, Default)]
pub(super) struct Frames {
    stored: Vec<u8>,
    /// Where each begins in `stored`, and its size.
    table: Vec<(usize, Size)>,
    open: Vec<u8>,
    unpacked: RefCell<VecDeque<(usize, Rc<Vec<u8>>)>>,
}

impl Frames {
    /// Takes frames that were stored one behind the other.
    pub(super) fn new(stored: Vec<u8>, sizes: &[Size]) -> Result<Self, String> {
        let (mut table, mut at) = (Vec::with_capacity(sizes.len()), 0_usize);
        for size in sizes {
            if size.1 > LIMIT {
                return Err(format!("a frame of more than {LIMIT} bytes"));
            }
            table.push((at, *size));
            at = at.saturating_add(size.0);
        }
        if at != stored.len() {
            return Err("its frames are not as long as its table says".to_owned());
        }
        Ok(Self { stored, table, ..Self::default() })
    }

    /// Adds the texts of one fragment.
    pub(super) fn push(&mut self, texts: &[String]) -> Result<Place, String> {
        let place =
            Place { frame: self.table.len(), at: self.open.len(), lengths: texts.iter().map(String::len).collect() };
        for text in texts {
            self.open.extend_from_slice(text.as_bytes());
        }
        if self.open.len() >= FRAME {
            self.close()?;
        }
        Ok(place)
    }

    /// Ends the last frame.
    fn close(&mut self) -> Result<(), String> {
        let packed = compressed(&self.open)?;
        self.table.push((self.stored.len(), Size(packed.len(), self.open.len())));
        self.stored.extend_from_slice(&packed);
        self.open.clear();
        Ok(())
    }

    /// Returns what is stored, and the sizes of the frames.
    pub(super) fn to_stored(&self) -> Result<(Vec<u8>, Vec<Size>), String> {
        let (mut stored, mut sizes) =
            (self.stored.clone(), self.table.iter().map(|(_, size)| *size).collect::<Vec<_>>());
        if !self.open.is_empty() {
            let packed = compressed(&self.open)?;
            sizes.push(Size(packed.len(), self.open.len()));
            stored.extend_from_slice(&packed);
        }
        Ok((stored, sizes))
    }

    /// Hands over the texts at a place.
    pub(super) fn read<T>(&self, place: &Place, take: impl FnOnce(&[&str]) -> T) -> Result<T, String> {
        if place.frame == self.table.len() {
            return Ok(take(&cut(&self.open, place)?));
        }
        let frame = self.frame(place.frame)?;
        Ok(take(&cut(&frame, place)?))
    }

    fn frame(&self, number: usize) -> Result<Rc<Vec<u8>>, String> {
        let mut unpacked = self.unpacked.borrow_mut();
        if let Some((_, frame)) = unpacked.iter().find(|(known, _)| *known == number) {
            return Ok(Rc::clone(frame));
        }
        let (at, Size(stored, raw)) = *self.table.get(number).ok_or("a frame that is not there")?;
        let bytes = self.stored.get(at..at + stored).ok_or("a frame that is not there")?;
        let frame = Rc::new(zstd::bulk::decompress(bytes, raw).map_err(|error| error.to_string())?);
        unpacked.push_front((number, Rc::clone(&frame)));
        unpacked.truncate(KEPT);
        Ok(frame)
    }
}

fn compressed(raw: &[u8]) -> Result<Vec<u8>, String> {
    zstd::bulk::compress(raw, LEVEL).map_err(|error| error.to_string())
}

fn cut<'a>(frame: &'a [u8], place: &Place) -> Result<Vec<&'a str>, String> {
    let mut at = place.at;
    let mut texts = Vec::with_capacity(place.lengths.len());
    for length in &place.lengths {
        let end = at.saturating_add(*length);
        let text = frame.get(at..end).ok_or("a text outside of its frame")?;
        texts.push(std::str::from_utf8(text).map_err(|error| error.to_string())?);
        at = end;
    }
    Ok(texts)
}
