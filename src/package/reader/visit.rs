//! The content of files on its way to whoever wants it.

use std::io::{self, Read};

use super::error::{Fault, excerpt};
use super::inspection::Entry;

/// Gets every regular file of a package with its content, in the order of the archive. What is left unread is skipped.
pub type Visit<'a> = dyn FnMut(&Entry, &mut dyn Read) -> io::Result<()> + 'a;

/// Content that remembers whether an error was its own.
struct Content<'a> {
    bytes: &'a mut dyn Read,
    count: u64,
    is_broken: bool,
}

impl Read for Content<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer);
        match &read {
            Ok(count) => self.count += *count as u64,
            Err(error) => self.is_broken = error.kind() != io::ErrorKind::Interrupted,
        }
        read
    }
}

/// Gives a file to a visitor, reads what that left, and checks that there was as much as the archive says.
pub(super) fn hand_over(entry: &Entry, bytes: &mut dyn Read, place: &str, visit: &mut Visit<'_>) -> Result<(), Fault> {
    let mut content = Content { bytes, count: 0, is_broken: false };
    let seen = visit(entry, &mut content);
    let place = || format!("{place}: `{}`", excerpt(&entry.path));
    match seen {
        Err(source) if content.is_broken => return Err(Fault::unpack(place(), source)),
        Err(source) => return Err(Fault::io(source)),
        Ok(()) => io::copy(&mut content, &mut io::sink()).map_err(|source| Fault::unpack(place(), source))?,
    };
    if content.count == entry.size { Ok(()) } else { Err(Fault::truncated(place())) }
}
