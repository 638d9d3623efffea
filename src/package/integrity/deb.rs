//! debs: `md5sums` and the fields that dpkg-deb(1) wants.

use std::collections::{BTreeMap, BTreeSet};

use fs_err::File;

use super::digests::Files;
use super::{Examination, Findings, armor, entries};
use crate::event::count;
use crate::package::reader::{
    EntryKind, Fault, Inspection, Md5Sums, PackageFile, ar_content, ar_members, excerpt, read_deb,
};
use crate::sign::MAX_KEY_FILE;

/// The names of the members that dpkg reads; what else is there must be a signature.
const MEMBERS: usize = 3;

pub(super) fn examine(file: &mut File, identity: PackageFile, to: &mut Examination) -> Result<(), Fault> {
    let mut files = Files::default();
    let (inspection, md5sums) = read_deb(file, identity, &mut |entry, content| files.check(entry, content))?;
    structure(&inspection, &mut to.structure);
    signatures(file, &inspection, &mut to.structure)?;
    digests(&inspection, &md5sums, files, &mut to.digests);
    to.inspection = Some(inspection);
    Ok(())
}

fn structure(deb: &Inspection, findings: &mut Findings) {
    let (members, files) = (count(deb.members.len(), "member"), entries(deb.files.len()));
    findings.agree(format!("deb {} of {members}; {files}", deb.format_version));
    let extra = deb.members.iter().filter(|member| !member.name.starts_with('_')).skip(MEMBERS);
    extra.for_each(|member| findings.note(format!("dpkg does not read the member `{}`", excerpt(&member.name))));
    if deb.maintainer.is_none() || deb.summary.is_none() {
        findings.note("a field that Debian wants is not there: `Maintainer` or `Description`");
    }
    if !is_name(&deb.name) {
        findings.fault(format!("the field `Package` holds `{}`, which is no package name", excerpt(&deb.name)));
    }
    let version = deb.revision.as_ref().map_or_else(|| deb.version.clone(), |rev| format!("{}-{rev}", deb.version));
    if !is_version(&version) {
        findings.fault(format!("the field `Version` holds `{}`, which is no version", excerpt(&version)));
    }
    if let Some(size) = &deb.installed_size.declared
        && !size.bytes().all(|byte| byte.is_ascii_digit())
    {
        findings.fault(format!("the field `Installed-Size` holds `{}`, which is no number", excerpt(size)));
    }
    for member in &deb.control_members {
        if member.name.contains('/') || member.name.starts_with("..") {
            findings.fault(format!("the control archive has a file `{}`", excerpt(&member.name)));
        }
    }
    conffiles(deb, findings);
}

/// Signatures are text, whose own checksum is all that their armor has.
fn signatures(file: &mut File, deb: &Inspection, findings: &mut Findings) -> Result<(), Fault> {
    for member in ar_members(file, deb.file.size)?.iter().filter(|member| member.name.starts_with('_')) {
        if member.size <= MAX_KEY_FILE && armor::is_corrupt(&ar_content(file, member, MAX_KEY_FILE)?) {
            findings.fault(format!("member `{}`: its checksum is not that of the signature", excerpt(&member.name)));
        }
    }
    Ok(())
}

/// Every configuration file is a file of the package (deb-conffiles(5)).
fn conffiles(deb: &Inspection, findings: &mut Findings) {
    let files: BTreeSet<&str> = deb.files.iter().map(|file| file.path.as_str()).collect();
    for conffile in deb.conffiles.iter().filter(|conffile| !files.contains(conffile.as_str())) {
        findings.fault(format!("the configuration file `{}` is not in the package", excerpt(conffile)));
    }
}

/// Policy 5.6.1, as dpkg reads it.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte))
}

/// Policy 5.6.12, as dpkg reads it.
fn is_version(version: &str) -> bool {
    let rest = match version.split_once(':') {
        Some((epoch, rest)) if !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        Some(_) => return false,
        None => version,
    };
    rest.starts_with(|c: char| c.is_ascii_digit())
        && !rest.ends_with('-')
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.~:".contains(&byte))
}

fn digests(deb: &Inspection, md5sums: &Md5Sums, files: Files, findings: &mut Findings) {
    let without = files.tell(findings);
    if md5sums.is_empty() {
        if !without.is_empty() {
            findings.note("`md5sums` names no file: the checksums of the compression are all that there is");
        }
        return;
    }
    let is_file = |kind| matches!(kind, EntryKind::File | EntryKind::Hardlink);
    let known: BTreeSet<&str> =
        deb.files.iter().filter(|file| is_file(file.kind)).map(|file| file.path.trim_start_matches('/')).collect();
    for path in md5sums.keys().filter(|path| !known.contains(path.as_str())) {
        findings.fault(format!("`md5sums` names `{}`, which the package does not have", excerpt(path)));
    }
    let digests: BTreeMap<&str, Option<&String>> =
        deb.files.iter().map(|file| (file.path.as_str(), file.digest.as_ref())).collect();
    for name in deb.files.iter().filter(|file| file.kind == EntryKind::Hardlink && file.digest.is_some()) {
        let target = name.target.as_deref().unwrap_or_default();
        if digests.get(target) != Some(&name.digest.as_ref()) {
            let (path, target) = (excerpt(&name.path), excerpt(target));
            findings.fault(format!("`{path}` is the same file as `{target}`, and `md5sums` has another digest of it"));
        }
    }
    // dpkg keeps the digests of configuration files by itself, so dh_md5sums(1) leaves them out.
    let conffiles: BTreeSet<&String> = deb.conffiles.iter().collect();
    for path in without.iter().filter(|path| !conffiles.contains(path)) {
        findings.fault(format!("`md5sums` does not name `{}`", excerpt(path)));
    }
}
