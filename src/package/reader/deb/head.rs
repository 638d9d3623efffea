//! What the beginning of a deb says, in one reading from its first byte to its last.

use std::io::{BufReader, Read};

use super::super::codec::{Codec, gunzip};
use super::super::error::{Fault, excerpt};
use super::super::inspection::EntryKind;
use super::super::scan::FileList;
use super::super::{MAX_CONTROL_BYTES, MAX_DATA_BYTES};
use super::control::Control;
use super::{MAX_VERSION_BYTES, ar, control, tarball, version_of};

/// The control stanza of a deb, and perhaps its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebHead {
    /// The fields in their order. A value keeps its line breaks; continuation lines are without their first blank.
    pub fields: Vec<(String, String)>,
    /// The paths of everything but directories, without a `/` before them, in the package's order.
    pub files: Option<Vec<String>>,
    /// Whether it has a signature of its maker (debsigs(1)). Whether that is good, is another question.
    pub is_signed: bool,
}

/// The member that holds a signature of who made the package; debsigs(1) knows others, such as `_gpgmaint`.
pub(in crate::package) const ORIGIN: &str = "_gpgorigin";

/// Which member comes next; members that begin with `_` may come between (deb(5)).
enum Next {
    Version,
    Control,
    Data,
    Anything,
}

/// Reads a deb of `length` bytes to its end.
pub(in super::super) fn read(input: &mut dyn Read, length: u64, list: FileList) -> Result<DebHead, Fault> {
    let mut next = Next::Version;
    let mut head = DebHead { fields: Vec::new(), files: None, is_signed: false };
    ar::walk(input, length, |member, content| {
        head.is_signed |= member.name == ORIGIN;
        match next {
            Next::Version if member.name == "debian-binary" => {
                let mut bytes = Vec::new();
                let read = content.take(MAX_VERSION_BYTES).read_to_end(&mut bytes);
                read.map_err(|source| Fault::unpack(&member.name, source))?;
                version_of(&bytes)?;
                next = Next::Control;
            }
            Next::Version => {
                return Err(Fault::malformed("ar archive", "the first member is not `debian-binary`: no deb"));
            }
            Next::Control | Next::Data if member.name.starts_with('_') => {}
            Next::Control => {
                let codec = codec_of(&member.name, "control.tar")?;
                head.fields = control_of(codec, content, &member.name)?.stanza.rest();
                next = Next::Data;
            }
            Next::Data => {
                let codec = codec_of(&member.name, "data.tar")?;
                if list == FileList::Wanted {
                    head.files = Some(paths(&mut decoder(codec, content, &member.name)?, &member.name)?);
                }
                next = Next::Anything;
            }
            Next::Anything => {}
        }
        Ok(())
    })?;
    match next {
        Next::Anything => Ok(head),
        Next::Version => Err(Fault::malformed("ar archive", "the first member is not `debian-binary`: no deb")),
        Next::Control => Err(Fault::malformed("ar archive", "no member `control.tar`")),
        Next::Data => Err(Fault::malformed("ar archive", "no member `data.tar`")),
    }
}

fn codec_of(name: &str, stem: &str) -> Result<Codec, Fault> {
    Codec::of_member(name, stem).ok_or_else(|| {
        let cause = format!("`{}` where `{stem}` with a known compression should be", excerpt(name));
        Fault::malformed("ar archive", cause)
    })
}

fn decoder<'a>(codec: Codec, content: &'a mut dyn Read, member: &str) -> Result<Box<dyn Read + 'a>, Fault> {
    codec.decoder(BufReader::new(content)).map_err(|source| Fault::unpack(member, source))
}

fn control_of(codec: Codec, content: &mut dyn Read, member: &str) -> Result<Control, Fault> {
    if codec != Codec::Gzip {
        return control::read(&mut decoder(codec, content, member)?, member);
    }
    let mut packed = Vec::new();
    let read = content.take(MAX_CONTROL_BYTES).read_to_end(&mut packed);
    let unpacked = read.and_then(|_| gunzip(packed, MAX_CONTROL_BYTES));
    control::read(&mut unpacked.map_err(|source| Fault::unpack(member, source))?.as_slice(), member)
}

/// Lists the files of a `data.tar`.
fn paths(input: &mut dyn Read, member: &str) -> Result<Vec<String>, Fault> {
    let mut paths = Vec::new();
    tarball::read(input, MAX_DATA_BYTES, member, |header, _| {
        if header.kind != EntryKind::Directory {
            paths.push(header.path);
        }
        Ok(())
    })?;
    Ok(paths)
}
