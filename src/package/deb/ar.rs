//! The outer archive of a deb (deb(5)): ar members in common format, written once and in order.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};

use crate::package::WriteError;
use crate::source_date::SourceDate;

/// The global header.
const MAGIC: &[u8] = b"!<arch>\n";
/// Where the size stands in a member's header, and how many decimal digits it takes.
const SIZE_OFFSET: u64 = 48;
const SIZE_DIGITS: usize = 10;
/// The largest member that the ten digits can tell of.
const MAX_MEMBER: u64 = 9_999_999_999;

/// Writes members to a file. What a member's size is comes out at its end, so its header is completed then, and no
/// second copy is made.
#[derive(Debug)]
pub(super) struct Archive<'a> {
    out: &'a mut File,
    date: SourceDate,
}

impl<'a> Archive<'a> {
    /// Begins an archive at the beginning of `out`.
    pub(super) fn begin(out: &'a mut File, date: SourceDate) -> Result<Self, WriteError> {
        out.seek(SeekFrom::Start(0))?;
        out.write_all(MAGIC)?;
        Ok(Self { out, date })
    }

    /// Appends the member `name` with what `fill` writes.
    pub(super) fn member<T>(
        &mut self,
        name: &str,
        fill: impl FnOnce(&mut BufWriter<&mut File>) -> Result<T, WriteError>,
    ) -> Result<T, WriteError> {
        let begin = self.out.stream_position()?;
        self.out.write_all(header(name, self.date, 0).as_bytes())?;
        let content = self.out.stream_position()?;
        let mut buffered = BufWriter::with_capacity(1 << 16, &mut *self.out);
        let filled = fill(&mut buffered)?;
        buffered.into_inner().map_err(io::IntoInnerError::into_error)?;
        let end = self.out.stream_position()?;
        let size = end - content;
        if size > MAX_MEMBER {
            let cause = format!("{size} bytes are more than the limit of {MAX_MEMBER} for a member");
            return Err(WriteError::Field { field: name.to_owned(), cause });
        }
        self.out.seek(SeekFrom::Start(begin + SIZE_OFFSET))?;
        write!(self.out, "{size:<SIZE_DIGITS$}")?;
        self.out.seek(SeekFrom::Start(end))?;
        if size % 2 == 1 {
            self.out.write_all(b"\n")?;
        }
        Ok(filled)
    }
}

/// Returns the header of a member of up to sixteen characters and `size` bytes.
pub(in crate::package) fn header(name: &str, date: SourceDate, size: u64) -> String {
    format!("{name:<16}{:<12}0     0     100644  {size:<SIZE_DIGITS$}`\n", date.epoch())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn headers_are_completed_and_members_begin_at_even_offsets() {
        let mut out = tempfile::tempfile().unwrap();
        let mut archive = Archive::begin(&mut out, SourceDate::from_epoch(1_575_676_800)).unwrap();
        for (name, bytes) in [("debian-binary", "2.0\n"), ("odd", "abc"), ("last", "")] {
            archive.member(name, |member| Ok(member.write_all(bytes.as_bytes())?)).unwrap();
        }
        let mut text = String::new();
        out.seek(SeekFrom::Start(0)).unwrap();
        out.read_to_string(&mut text).unwrap();
        let header = |name: &str, size: &str| format!("{name:<16}1575676800  0     0     100644  {size:<10}`\n");
        let expected =
            format!("!<arch>\n{}2.0\n{}abc\n{}", header("debian-binary", "4"), header("odd", "3"), header("last", "0"));
        assert_eq!(text, expected);
    }
}
