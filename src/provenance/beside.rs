//! The provenance of a package comes before its name, and says nothing wrong of the package that had the name before.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::{open, path_beside};
use crate::scratch::Scratch;

/// Gives `package` its provenance, one line, while `publish` gives it its name.
///
/// Where a package is replaced, both lines stand in the file meanwhile: whenever a run is killed, the package that has
/// the name has its provenance.
pub fn place(
    scratch: &Scratch,
    package: &Path,
    line: &str,
    publish: impl FnOnce() -> io::Result<()>,
) -> io::Result<PathBuf> {
    let path = path_beside(package);
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let write = |name: &str, text: &str| {
        let unfinished = scratch.path().join(name);
        let mut file = fs::File::create(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        io::Result::Ok((file, unfinished))
    };
    let (file, unfinished) = write(&name, line)?;
    let replaced = if package.exists() { old_lines(&path).filter(|old| old != line) } else { None };
    let Some(replaced) = replaced else {
        Scratch::publish(file.file(), &unfinished, &path)?;
        publish()?;
        return Ok(path);
    };
    let (both, unfinished_both) = write(&format!("{name}.both"), &(replaced + line))?;
    Scratch::publish(both.file(), &unfinished_both, &path)?;
    publish()?;
    Scratch::publish(file.file(), &unfinished, &path)?;
    Ok(path)
}

/// The provenance that is there, if it is any.
fn old_lines(path: &Path) -> Option<String> {
    let envelopes = open(path).ok()?;
    envelopes.iter().map(|envelope| envelope.to_line().ok()).collect()
}
