//! The inner archives of a deb: tar with GNU's headers, as `dpkg-deb` writes them. Names are written raw, because the
//! `tar` crate drops the leading `./` of short names and keeps that of long ones.

use std::io::{self, Read, Write};

use tar::{EntryType, Header};

use crate::source_date::SourceDate;

/// The size of a block, and of the name fields.
const BLOCK: u64 = 512;
const NAME: usize = 100;

/// What stands in a header besides the name: whose it is and what may be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attributes<'a> {
    /// The permission bits.
    pub(super) mode: u16,
    /// The user's name, which dpkg resolves where it unpacks.
    pub(super) user: &'a str,
    /// The group's name.
    pub(super) group: &'a str,
}

impl Attributes<'static> {
    /// Returns what is root's.
    pub(super) const fn root(mode: u16) -> Self {
        Self { mode, user: "root", group: "root" }
    }
}

/// Writes a tar archive.
pub(super) struct Tarball<W: Write> {
    out: W,
    date: SourceDate,
}

impl<W: Write> Tarball<W> {
    /// Begins an archive in which everything bears `date`.
    pub(super) fn begin(out: W, date: SourceDate) -> Self {
        Self { out, date }
    }

    /// Appends a directory; `name` ends in a slash.
    pub(super) fn directory(&mut self, name: &str, attributes: Attributes<'_>) -> io::Result<()> {
        self.header(EntryType::Directory, name, "", attributes, 0)
    }

    /// Appends a symbolic link.
    pub(super) fn link(&mut self, name: &str, target: &str, attributes: Attributes<'_>) -> io::Result<()> {
        self.header(EntryType::Symlink, name, target, attributes, 0)
    }

    /// Appends a regular file of which `fill` must write exactly `size` bytes.
    pub(super) fn file<E: From<io::Error>>(
        &mut self,
        name: &str,
        size: u64,
        attributes: Attributes<'_>,
        fill: impl FnOnce(&mut W) -> Result<(), E>,
    ) -> Result<(), E> {
        self.header(EntryType::Regular, name, "", attributes, size)?;
        fill(&mut self.out)?;
        Ok(self.pad(size.next_multiple_of(BLOCK) - size)?)
    }

    /// Ends the archive with its two empty blocks.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.pad(2 * BLOCK)?;
        Ok(self.out)
    }

    fn header(
        &mut self,
        kind: EntryType,
        name: &str,
        target: &str,
        attributes: Attributes<'_>,
        size: u64,
    ) -> io::Result<()> {
        if target.len() > NAME {
            self.long(EntryType::GNULongLink, target)?;
        }
        if name.len() > NAME {
            self.long(EntryType::GNULongName, name)?;
        }
        self.block(kind, name, target, attributes, size, self.date)
    }

    /// Writes the entry that holds what is too long for a field of the header after it.
    fn long(&mut self, kind: EntryType, text: &str) -> io::Result<()> {
        let size = text.len() as u64 + 1;
        let attributes = Attributes::root(0);
        self.block(kind, "././@LongLink", "", attributes, size, SourceDate::from_epoch(0))?;
        self.out.write_all(text.as_bytes())?;
        self.pad(size.next_multiple_of(BLOCK) - text.len() as u64)
    }

    fn block(
        &mut self,
        kind: EntryType,
        name: &str,
        target: &str,
        attributes: Attributes<'_>,
        size: u64,
        date: SourceDate,
    ) -> io::Result<()> {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(attributes.mode.into());
        header.set_uid(0);
        header.set_gid(0);
        header.set_username(attributes.user)?;
        header.set_groupname(attributes.group)?;
        header.set_mtime(date.epoch().into());
        header.set_size(size);
        fill_field(&mut header.as_old_mut().name, name);
        fill_field(&mut header.as_old_mut().linkname, target);
        header.set_cksum();
        self.out.write_all(header.as_bytes())
    }

    fn pad(&mut self, count: u64) -> io::Result<()> {
        io::copy(&mut io::repeat(0).take(count), &mut self.out).map(drop)
    }
}

/// Writes as much of `text` as the field takes; what is longer stands in an entry of its own.
fn fill_field(field: &mut [u8; NAME], text: &str) {
    let length = text.len().min(NAME);
    field[..length].copy_from_slice(&text.as_bytes()[..length]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_length_come_back() {
        let names = [99, 100, 101, 511, 512, 513].map(|length| format!("./{}", "n".repeat(length - 2)));
        let mut tarball = Tarball::begin(Vec::new(), SourceDate::from_epoch(7));
        tarball.directory("./", Attributes::root(0o755)).unwrap();
        for name in &names {
            tarball.link(name, name, Attributes::root(0o777)).unwrap();
            tarball
                .file::<io::Error>(name, 3, Attributes { mode: 0o4711, user: "etcd", group: "adm" }, |out| {
                    out.write_all(b"abc")
                })
                .unwrap();
        }
        let bytes = tarball.finish().unwrap();
        assert_eq!((&bytes[..4], bytes.len() as u64 % BLOCK), (b"./\0\0".as_slice(), 0));
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut seen = Vec::new();
        for entry in archive.entries().unwrap() {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.mtime().unwrap(), header.uid().unwrap()), (7, 0));
            seen.push((
                String::from_utf8(entry.path_bytes().into_owned()).unwrap(),
                entry.link_name_bytes().map(|target| String::from_utf8(target.into_owned()).unwrap()),
                header.mode().unwrap(),
                header.username().unwrap().unwrap().to_owned(),
            ));
        }
        let mut expected = vec![("./".to_owned(), None, 0o755, "root".to_owned())];
        for name in names {
            expected.push((name.clone(), Some(name.clone()), 0o777, "root".to_owned()));
            expected.push((name, None, 0o4711, "etcd".to_owned()));
        }
        assert_eq!(seen, expected);
    }
}
