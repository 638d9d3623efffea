//! The control archive of a deb (deb-control(5), deb-conffiles(5), deb-triggers(5), deb-md5sums(5)).

use std::collections::BTreeMap;
use std::io::Read;

use super::super::MAX_CONTROL_BYTES;
use super::super::error::Fault;
use super::super::inspection::{EntryKind, Member, Script, Trigger, text_of};
use super::stanza::Stanza;
use super::tarball;

/// The maintainer scripts, in the order in which dpkg-deb(1) tells of them.
const SCRIPTS: [&str; 5] = ["config", "preinst", "postinst", "prerm", "postrm"];

/// The digests of `md5sums`, by path without the leading `/`.
pub(in crate::package) type Md5Sums = BTreeMap<String, String>;

/// What the control archive says.
#[derive(Debug, Default)]
pub(super) struct Control {
    pub(super) stanza: Stanza,
    pub(super) scripts: Vec<Script>,
    pub(super) triggers: Vec<Trigger>,
    pub(super) conffiles: Vec<String>,
    pub(super) conffiles_removed: Vec<String>,
    pub(super) md5sums: Md5Sums,
    pub(super) members: Vec<Member>,
}

/// Reads the archive out of its tar stream.
pub(super) fn read(input: &mut dyn Read, member: &str) -> Result<Control, Fault> {
    let mut control = Control::default();
    let mut texts = BTreeMap::new();
    tarball::read(input, MAX_CONTROL_BYTES, member, |header, content| {
        if header.kind != EntryKind::File {
            return Ok(());
        }
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).map_err(|source| Fault::unpack(member, source))?;
        control.members.push(Member { name: header.path.clone(), size: header.size });
        if texts.contains_key(&header.path) {
            return Err(Fault::malformed(member, format!("two files `{}`", header.path.escape_debug())));
        }
        texts.insert(header.path, text_of(&bytes));
        Ok(())
    })?;
    let text = |name: &str| texts.get(name).map(String::as_str);
    let stanza = text("control").ok_or_else(|| Fault::malformed(member, "no file `control`"))?;
    control.stanza = Stanza::parse(stanza, &format!("{member}: control"))?;
    control.scripts = SCRIPTS.iter().filter_map(|name| Some(script(name, text(name)?))).collect();
    control.triggers = text("triggers").unwrap_or_default().lines().filter_map(trigger).collect();
    control.md5sums = text("md5sums").unwrap_or_default().lines().filter_map(md5sum).collect();
    for line in text("conffiles").unwrap_or_default().lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        match line.strip_prefix("remove-on-upgrade ") {
            Some(path) => control.conffiles_removed.push(path.trim_start().to_owned()),
            None => control.conffiles.push(line.to_owned()),
        }
    }
    Ok(control)
}

/// The interpreter is what follows `#!` in the first line; a compiled script has none.
fn script(name: &str, body: &str) -> Script {
    let first = body.lines().next().unwrap_or_default();
    let interpreter = first.strip_prefix("#!").map(|rest| rest.trim().to_owned());
    Script { name: name.to_owned(), interpreter, body: body.to_owned() }
}

/// Reads `interest-noawait NAME`; `#` begins a comment.
fn trigger(line: &str) -> Option<Trigger> {
    let directive = line.split('#').next()?.trim();
    let (kind, name) = directive.split_once(char::is_whitespace)?;
    let conditions = vec![name.trim().to_owned()];
    Some(Trigger { kind: kind.to_owned(), conditions, interpreter: None, body: None })
}

/// Reads `HEX  PATH`. Other lines say nothing of any file.
fn md5sum(line: &str) -> Option<(String, String)> {
    let (digest, path) = line.split_once(' ')?;
    let good = digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let path = path.trim_start_matches([' ', '*']).trim_start_matches("./");
    good.then(|| (path.to_owned(), digest.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_of_the_control_archive_are_read_line_by_line() {
        let read = trigger("interest-noawait /usr/lib # why").unwrap();
        assert_eq!(
            (read.kind.as_str(), read.conditions.as_slice()),
            ("interest-noawait", &["/usr/lib".to_owned()][..])
        );
        assert!(trigger("# only a comment").is_none());
        let hex = "d41d8cd98f00b204e9800998ecf8427e";
        assert_eq!(md5sum(&format!("{hex}  usr/a b")), Some(("usr/a b".to_owned(), hex.to_owned())));
        assert_eq!(md5sum("garbage  usr/a"), None);
        assert_eq!(script("preinst", "#! /bin/sh -e\ntrue\n").interpreter.as_deref(), Some("/bin/sh -e"));
        assert_eq!(script("preinst", "\\x7fELF").interpreter, None);
    }
}
