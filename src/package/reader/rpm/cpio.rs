//! The archive in an RPM: cpio in its "new" form (cpio(5)), and rpm's short form of it for large files, in which a
//! number stands for what the header of the package says (rpm's `docs/manual/large_files.md`).

use std::io::{self, Read};

const NEW: &[u8] = b"070701";
const NEW_WITH_CHECKSUM: &[u8] = b"070702";
const SHORT: &[u8] = b"07070X";
const TRAILER: &[u8] = b"TRAILER!!!";
/// Everything begins at multiples of four bytes.
const ALIGNMENT: u64 = 4;
/// Linux takes 4096 bytes for a path.
const MAX_NAME: u64 = 64 << 10;

/// The header of one member.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// All of it.
    Named(Named),
    /// The place of the file in the package's header.
    Numbered(u32),
}

/// A header that says everything.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) name: Vec<u8>,
    /// What names of one file share.
    pub(super) inode: u32,
    pub(super) mode: u32,
    pub(super) links: u32,
    pub(super) size: u64,
}

/// Reads an archive member by member.
pub(super) struct Archive<R> {
    bytes: R,
    offset: u64,
}

impl<R: Read> Archive<R> {
    pub(super) fn new(bytes: R) -> Self {
        Self { bytes, offset: 0 }
    }

    /// Reads the next header; nothing where the trailer stands.
    pub(super) fn next(&mut self) -> io::Result<Option<Member>> {
        self.pad()?;
        let mut magic = [0; 6];
        self.read_exact(&mut magic)?;
        if magic == SHORT {
            let place = self.number()?;
            self.pad()?;
            return Ok(Some(Member::Numbered(place)));
        }
        if magic != NEW && magic != NEW_WITH_CHECKSUM {
            return Err(invalid(format!("`{}` begins no cpio header", magic.escape_ascii())));
        }
        // ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
        let mut fields = [0; 13];
        for field in &mut fields {
            *field = self.number()?;
        }
        let [inode, mode, _, _, links, _, size, .., name, _] = fields;
        let name = self.name(name.into())?;
        self.pad()?;
        if name == TRAILER {
            return Ok(None);
        }
        Ok(Some(Member::Named(Named { name, inode, mode, links, size: size.into() })))
    }

    /// Returns the next `size` bytes, which the caller reads to their end.
    pub(super) fn content(&mut self, size: u64) -> io::Take<&mut Self> {
        self.take(size)
    }

    /// Reads what stands behind the trailer, and returns whether it is nothing but zeros.
    pub(super) fn finish(mut self) -> io::Result<bool> {
        let mut buffer = [0; 8192];
        loop {
            match self.bytes.read(&mut buffer) {
                Ok(0) => return Ok(true),
                Ok(count) if buffer[..count].iter().all(|byte| *byte == 0) => {}
                Ok(_) => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads eight hexadecimal digits.
    fn number(&mut self) -> io::Result<u32> {
        let mut digits = [0; 8];
        self.read_exact(&mut digits)?;
        let good = digits.iter().all(u8::is_ascii_hexdigit);
        let number = str::from_utf8(&digits).ok().filter(|_| good).and_then(|text| u32::from_str_radix(text, 16).ok());
        number.ok_or_else(|| invalid(format!("`{}` is no number of a cpio header", digits.escape_ascii())))
    }

    /// Reads a name, which ends in its only NUL.
    fn name(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > MAX_NAME {
            return Err(invalid(format!("a name of {size} bytes, and {MAX_NAME} are the limit")));
        }
        let mut name = Vec::new();
        self.take(size).read_to_end(&mut name)?;
        match name.split_last() {
            Some((0, name)) if !name.contains(&0) => Ok(name.to_vec()),
            _ if (name.len() as u64) < size => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Err(invalid("a name that does not end where it says".to_owned())),
        }
    }

    fn pad(&mut self) -> io::Result<()> {
        let missing = (ALIGNMENT - self.offset % ALIGNMENT) % ALIGNMENT;
        let mut padding = Vec::new();
        self.take(missing).read_to_end(&mut padding)?;
        match padding.iter().all(|byte| *byte == 0) {
            true if padding.len() as u64 == missing => Ok(()),
            true => Err(io::ErrorKind::UnexpectedEof.into()),
            false => Err(invalid("the padding of a cpio header is not empty".to_owned())),
        }
    }
}

impl<R: Read> Read for Archive<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.offset += count as u64;
        Ok(count)
    }
}

fn invalid(cause: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, size: u64) -> Vec<u8> {
        let fields = [7, 0o100_644, 0, 0, 1, 0, size, 0, 0, 0, 0, name.len() as u64 + 1, 0];
        let mut bytes = b"070701".to_vec();
        bytes.extend(fields.iter().flat_map(|field| format!("{field:08x}").into_bytes()));
        bytes.extend(name.bytes().chain([0]));
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn both_forms_of_a_header_are_read() {
        let short = b"07070X00000003\0\0cde\0".to_vec();
        let bytes = [named("./a", 5), b"01234\0\0\0".to_vec(), short, named("TRAILER!!!", 0), vec![0; 9]].concat();
        let mut archive = Archive::new(bytes.as_slice());
        let first = Named { name: b"./a".to_vec(), inode: 7, mode: 0o100_644, links: 1, size: 5 };
        assert_eq!(archive.next().unwrap(), Some(Member::Named(first)));
        assert_eq!(io::read_to_string(archive.content(5)).unwrap(), "01234");
        assert_eq!(archive.next().unwrap(), Some(Member::Numbered(3)));
        assert_eq!(io::read_to_string(archive.content(3)).unwrap(), "cde");
        assert_eq!(archive.next().unwrap(), None);
        assert!(archive.finish().unwrap());
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        let cause = |bytes: &[u8]| Archive::new(bytes).next().unwrap_err().to_string();
        assert_eq!(cause(b"070707"), "`070707` begins no cpio header");
        assert_eq!(cause(b"070701-0000001"), "`-0000001` is no number of a cpio header");
        assert_eq!(cause(b"07070X0000000+\0\0"), "`0000000+` is no number of a cpio header");
        assert_eq!(cause(b"07070X00000000\0x"), "the padding of a cpio header is not empty");
        assert_eq!(cause(&named("a\0b", 0)), "a name that does not end where it says");
        let mut long = named("a", 0);
        long[94..102].copy_from_slice(b"00ffffff");
        assert_eq!(cause(&long), "a name of 16777215 bytes, and 65536 are the limit");
        for end in [3, 10, 110, 111] {
            let cut = Archive::new(&named("abc", 0)[..end]).next().unwrap_err();
            assert_eq!(cut.kind(), io::ErrorKind::UnexpectedEof, "{end}");
        }
        let mut more = Archive::new(&b"\0\0x"[..]);
        more.offset = 4;
        assert!(!more.finish().unwrap());
    }
}
