//! The fragments of one pack.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
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
        let decoder = zstd::stream::Decoder::with_buffer(bytes.as_slice()).map_err(text)?.single_frame();
        let mut lines = BufReader::new(decoder.take(LIMIT + 1));
        let (mut line, mut fragments) = (Vec::new(), Vec::new());
        lines.read_until(b'\n', &mut line).map_err(text)?;
        let head: Head = serde_json::from_slice(&line).map_err(|error| error.to_string())?;
        if head.form != FORM {
            return Err(format!("it is of form {}", head.form));
        }
        line.clear();
        // Line by line: together they would be the largest thing in memory.
        while lines.read_until(b'\n', &mut line).map_err(text)? > 0 {
            if lines.get_ref().limit() == 0 {
                return Err(format!("more than {LIMIT} bytes"));
            }
            let Line { fragment, texts } =
                serde_json::from_slice::<Line<Fragment>>(&line).map_err(|error| error.to_string())?;
            fragment.check_kept().map_err(|error| error.to_string())?;
            fragments.push((Rc::new(fragment), texts));
            line.clear();
        }
        let left = lines.into_inner().into_inner().finish().len();
        bytes.drain(..bytes.len() - left);
        Ok(Self { fragments, frames: Frames::new(bytes, &head.frames)? })
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
        let text = |error: std::io::Error| error.to_string();
        // Line by line: together they would be the largest thing in memory.
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), LEVEL).map_err(text)?;
        let mut line = serde_json::to_vec(&Head { form: FORM, frames }).map_err(|error| error.to_string())?;
        for (fragment, texts) in &self.fragments {
            line.push(b'\n');
            encoder.write_all(&line).map_err(text)?;
            line.clear();
            let value = Line { fragment: &**fragment, texts: texts.clone() };
            serde_json::to_writer(&mut line, &value).map_err(|error| error.to_string())?;
        }
        line.push(b'\n');
        encoder.write_all(&line).map_err(text)?;
        let mut bytes = encoder.finish().map_err(text)?;
        bytes.extend_from_slice(&stored);
        Ok(bytes)
    }
}
