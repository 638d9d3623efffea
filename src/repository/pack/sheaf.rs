//! The fragments of one pack.

use std::io::Read as _;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::LIMIT;
use super::frames::{Frames, Place, Size};
use crate::repository::fragment::Fragment;
use crate::repository::state::FORM;

/// zstd's level of what stands in front.
const LEVEL: i32 = 3;

/// Fragments without their texts, and the texts.
#[derive(Debug, Default)]
pub(super) struct Sheaf {
    fragments: Vec<(Rc<Fragment>, Place)>,
    frames: Frames,
}

/// The first line of a pack.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    form: u32,
    frames: Vec<Size>,
}

/// The line of a fragment.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<F> {
    fragment: F,
    texts: Place,
}

impl Sheaf {
    /// Reads a pack.
    pub(super) fn parse(mut bytes: Vec<u8>) -> Result<Self, String> {
        let text = |error: std::io::Error| error.to_string();
        let mut decoder = zstd::stream::Decoder::with_buffer(bytes.as_slice()).map_err(text)?.single_frame();
        let mut lines = Vec::new();
        decoder.by_ref().take(LIMIT + 1).read_to_end(&mut lines).map_err(text)?;
        if lines.len() as u64 > LIMIT {
            return Err(format!("more than {LIMIT} bytes"));
        }
        let left = decoder.finish().len();
        bytes.drain(..bytes.len() - left);
        let mut lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let head: Head = serde_json::from_slice(lines.next().unwrap_or_default()).map_err(|error| error.to_string())?;
        if head.form != FORM {
            return Err(format!("it is of form {}", head.form));
        }
        let fragments = lines.map(|line| {
            let Line { fragment, texts } =
                serde_json::from_slice::<Line<Fragment>>(line).map_err(|error| error.to_string())?;
            fragment.check_kept().map_err(|error| error.to_string())?;
            Ok((Rc::new(fragment), texts))
        });
        Ok(Self { fragments: fragments.collect::<Result<_, String>>()?, frames: Frames::new(bytes, &head.frames)? })
    }

    /// Adds a fragment, and returns it without its texts.
    pub(super) fn push(&mut self, mut fragment: Fragment) -> Result<Rc<Fragment>, String> {
        let texts = fragment.take_texts();
        let place = self.frames.push(&texts)?;
        let fragment = Rc::new(fragment);
        self.fragments.push((Rc::clone(&fragment), place));
        Ok(fragment)
    }

    pub(super) fn len(&self) -> usize {
        self.fragments.len()
    }

    /// Returns the fragments without their texts.
    pub(super) fn fragments(&self) -> impl Iterator<Item = &Fragment> {
        self.fragments.iter().map(|(fragment, _)| &**fragment)
    }

    pub(super) fn get(&self, place: usize) -> &Fragment {
        &self.fragments[place].0
    }

    /// Returns a fragment with its texts.
    pub(super) fn whole(&self, place: usize) -> Result<Fragment, String> {
        let (fragment, texts) = &self.fragments[place];
        self.frames
            .read(texts, |texts| fragment.with_texts(texts))?
            .ok_or_else(|| "texts of another fragment".to_owned())
    }

    /// Returns the bytes of the pack.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let (stored, frames) = self.frames.to_stored()?;
        let mut lines = serde_json::to_vec(&Head { form: FORM, frames }).map_err(|error| error.to_string())?;
        for (fragment, texts) in &self.fragments {
            lines.push(b'\n');
            let line = Line { fragment: &**fragment, texts: texts.clone() };
            serde_json::to_writer(&mut lines, &line).map_err(|error| error.to_string())?;
        }
        lines.push(b'\n');
        let mut bytes = zstd::bulk::compress(&lines, LEVEL).map_err(|error| error.to_string())?;
        bytes.extend_from_slice(&stored);
        Ok(bytes)
    }
}
