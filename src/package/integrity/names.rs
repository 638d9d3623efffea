//! The paths of a package: none leads out of where it seems to be, and none is there twice.

use std::collections::BTreeMap;

use super::Findings;
use crate::package::reader::{Entry, EntryKind, Inspection, excerpt};

/// Checks the paths of all files.
pub(super) fn check(inspection: &Inspection, findings: &mut Findings) {
    let mut seen: BTreeMap<&str, &Entry> = BTreeMap::new();
    for file in &inspection.files {
        let path = excerpt(&file.path);
        if !is_plain(&file.path) {
            findings.fault(format!("`{path}` leads out of its folder, or is written in a roundabout way"));
        }
        if file.kind == EntryKind::Hardlink {
            let target = file.target.as_deref().unwrap_or_default();
            if !seen.get(target).is_some_and(|target| matches!(target.kind, EntryKind::File | EntryKind::Hardlink)) {
                findings.fault(format!("`{path}` is a name of `{}`, which no file before it has", excerpt(target)));
            }
        }
        let before = seen.insert(&file.path, file);
        if before.is_some_and(|before| before.kind != EntryKind::Directory || file.kind != EntryKind::Directory) {
            findings.fault(format!("`{path}` stands there twice"));
        }
    }
    for file in &inspection.files {
        if let Some(above) = above(&seen, &file.path) {
            let (path, above) = (excerpt(&file.path), excerpt(above));
            findings.fault(format!("`{path}` lies below `{above}`, which is no directory"));
        }
    }
}

/// Whether a path is absolute and has no empty part, `.` or `..`. The root is one.
fn is_plain(path: &str) -> bool {
    path == "/"
        || path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(|part| !matches!(part, "" | "." | "..")))
}

/// Returns the first path above `path` that the package has as something else than a directory.
fn above<'a>(seen: &BTreeMap<&'a str, &Entry>, path: &str) -> Option<&'a str> {
    path.match_indices('/').skip(1).find_map(|(at, _)| {
        let (above, entry) = seen.get_key_value(&path[..at])?;
        (entry.kind != EntryKind::Directory).then_some(*above)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_have_no_way_out() {
        for path in ["/", "/usr", "/usr/bin/kubectl", "/opt/a b"] {
            assert!(is_plain(path), "{path}");
        }
        for path in ["", "usr", "/usr/", "//usr", "/usr/../etc", "/..", "/./usr", "/usr//bin"] {
            assert!(!is_plain(path), "{path}");
        }
    }
}
