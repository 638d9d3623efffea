//! debs: members of an ar archive (deb(5)).

use std::io::{self, Read, Seek as _, SeekFrom, Write};
use std::path::PathBuf;

use fs_err::File;

use super::SigningError;
use crate::package::deb::ar_header;
use crate::package::reader::{ArMember, Fault, ORIGIN, ar_content, ar_members};
use crate::sign::{MAX_KEY_FILE, Signature};
use crate::source_date::SourceDate;

pub(super) const MAGIC: &[u8] = b"!<arch>\n";
const HEADER: u64 = 60;
const PREFIX: &str = "_gpg";

/// The members of a deb.
pub(super) struct Deb {
    path: PathBuf,
    members: Vec<ArMember>,
}

impl Deb {
    pub(super) fn read(mut file: File, length: u64) -> Result<Self, Fault> {
        let members = ar_members(&mut file, length)?;
        if members.first().is_none_or(|member| member.name != "debian-binary") {
            return Err(Fault::malformed("ar archive", "the first member is not `debian-binary`: no deb"));
        }
        Ok(Self { path: file.path().to_owned(), members })
    }

    /// The time of the first member, which is that of all in our packages.
    pub(super) fn date(&self) -> SourceDate {
        let time = self.members.first().map_or(0, |member| member.time);
        SourceDate::from_epoch(u32::try_from(time).unwrap_or(u32::MAX))
    }

    /// What is signed.
    pub(super) fn message(&self) -> io::Result<impl Read + use<>> {
        let mut message: Box<dyn Read> = Box::new(io::empty());
        for member in self.members.iter().filter(|member| !member.name.starts_with('_')) {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(member.start))?;
            message = Box::new(message.chain(file.take(member.size)));
        }
        Ok(message)
    }

    pub(super) fn signatures(&self) -> Result<Vec<Signature>, SigningError> {
        let Some(member) = self.members.iter().find(|member| member.name == ORIGIN) else { return Ok(Vec::new()) };
        let bytes = ar_content(&mut File::open(&self.path)?, member, MAX_KEY_FILE);
        Ok(vec![Signature::parse(&bytes.map_err(|fault| fault.of(&self.path))?)?])
    }

    pub(super) fn copy(&self, signature: Option<&Signature>, out: &mut impl Write) -> Result<(), SigningError> {
        let mut file = File::open(&self.path)?;
        out.write_all(MAGIC)?;
        for member in self.members.iter().filter(|member| !member.name.starts_with(PREFIX)) {
            file.seek(SeekFrom::Start(member.start - HEADER))?;
            io::copy(&mut (&mut file).take(HEADER + member.size), out)?;
            pad(member.size, out)?;
        }
        if let Some(signature) = signature {
            let armor = signature.to_armor().map_err(SigningError::Differs)?;
            let size = armor.len() as u64;
            out.write_all(ar_header(ORIGIN, self.date(), size).as_bytes())?;
            out.write_all(armor.as_bytes())?;
            pad(size, out)?;
        }
        Ok(())
    }
}

/// Members begin at even offsets.
fn pad(size: u64, out: &mut impl Write) -> io::Result<()> {
    if size % 2 == 1 { out.write_all(b"\n") } else { Ok(()) }
}
