//! The package reader against packages that the distributions' own tools made, and against what those tools say.

pub(crate) mod deb;
mod hostile;
pub(crate) mod rpm;

pub(crate) use hostile::ar;

use std::path::Path;
use std::process::Command;

use kubepkg::package::reader::{Inspection, ReadError};

/// The time that everything in a test package has.
const DATE: &str = "1700000000";

fn open(path: &Path) -> Result<Inspection, ReadError> {
    kubepkg::package::reader::open(path)
}

/// Runs a tool and returns what it printed.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").env("SOURCE_DATE_EPOCH", DATE).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a line of shell in a folder.
#[track_caller]
pub(crate) fn shell(folder: &Path, line: &str) -> String {
    run(Command::new("sh").args(["-euc", line]).current_dir(folder))
}

/// The error with all its causes, without the folder of the package.
fn chain(error: &ReadError, path: &Path) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.replace(&format!("{}/", path.parent().unwrap().display()), "")
}
