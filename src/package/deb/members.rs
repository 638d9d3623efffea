//! What `control.tar` holds (deb-control(5)): the stanza, the scripts, and the lists that are made from the payload.

use std::io::{self, Write};

use md5::{Digest as _, Md5};

use super::payload::{Body, Kind, Payload};
use super::scripts;
use super::tarball::{Attributes, Tarball};
use crate::package::{Texts, WriteError};

/// One member of `control.tar`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Its name, without `./`.
    pub(super) name: &'static str,
    /// Its permission bits.
    pub(super) mode: u16,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

/// Returns the members sorted by name.
pub(super) fn collect(texts: &Texts, payload: &Payload<'_>) -> Result<Vec<Member>, WriteError> {
    let control = texts
        .get("control")
        .ok_or_else(|| WriteError::Field { field: "control".to_owned(), cause: "it was not rendered".to_owned() })?;
    let mut members = vec![Member { name: "control", mode: 0o644, bytes: control.as_bytes().to_vec() }];
    let lists = [("conffiles", conffiles(payload)), ("md5sums", md5sums(payload))];
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        members.push(Member { name, mode: 0o644, bytes: list.into_bytes() });
    }
    for name in scripts::NAMES {
        if let Some(script) = texts.get(name) {
            members.push(Member { name, mode: 0o755, bytes: script.as_bytes().to_vec() });
        }
    }
    members.sort_by_key(|member| member.name);
    Ok(members)
}

/// Appends the members to `tarball`.
pub(super) fn write<W: Write>(tarball: &mut Tarball<W>, members: &[Member]) -> io::Result<()> {
    tarball.directory("./", Attributes::root(0o755))?;
    for Member { name, mode, bytes } in members {
        let size = bytes.len() as u64;
        tarball.file(&format!("./{name}"), size, Attributes::root(*mode), |out| out.write_all(bytes))?;
    }
    Ok(())
}

/// Returns the list of conffiles: absolute paths, one a line (Policy 10.7.3).
pub(super) fn conffiles(payload: &Payload<'_>) -> String {
    let mut list = String::new();
    for (path, _) in payload.files().filter(|(_, item)| item.kind == Kind::Conffile) {
        list.extend(["/", path, "\n"]);
    }
    list
}

/// Returns what `dh_md5sums` writes: every regular file but conffiles, of which dpkg keeps its own record.
fn md5sums(payload: &Payload<'_>) -> String {
    let mut list = String::new();
    for (path, item) in payload.files().filter(|(_, item)| item.kind == Kind::Plain) {
        let digest = match &item.body {
            Body::Memory(bytes) => hex::encode(Md5::digest(bytes)),
            Body::Disk(_, digests) => digests.md5.clone(),
            Body::Directory | Body::Link(_) => continue,
        };
        list.extend([digest.as_str(), "  ", path, "\n"]);
    }
    list
}
