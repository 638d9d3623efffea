//! Secrets: where passphrases come from, and what keeps them inside the process.

use std::ffi::OsString;
use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use fs_err as fs;
use zeroize::Zeroizing;

use super::diagnostic::Failure;
use crate::sign::Environment;

/// The variable of a passphrase. No program that kubepkg starts gets to see it.
pub(crate) const PASSPHRASE: &str = "KUBEPKG_SIGN_PASSPHRASE";
/// The longest passphrase that is read from a file, in bytes.
const MAX_PASSPHRASE: u64 = 4096;

/// Bytes that are overwritten when they are dropped.
pub(crate) type Secret = Zeroizing<Vec<u8>>;

/// Keeps the memory of this process out of core files, of helpers that collect them, and from other processes of the
/// user. Called before a secret is read.
pub(crate) fn keep_inside() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    // A system that allows neither is none that writes cores.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // A helper that the kernel pipes cores to gets them whatever the limit is.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// What programs that keep keys get to see.
pub(crate) fn environment() -> Environment {
    Environment::default().without(PASSPHRASE)
}

/// Reads a file that holds a key or a passphrase.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Secret, Failure> {
    let failed = |error: std::io::Error| Failure::write(&error).hint("see whether it is there, and who may read it");
    // Room for all of it, so that no copy is left behind by growing.
    let mut bytes = Secret::new(Vec::with_capacity(usize::try_from(limit + 1).unwrap_or_default()));
    fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > limit {
        let told = Failure::usage(format!("`{}` has more than {limit} bytes", path.display()));
        return Err(told.hint("name the file of the key or passphrase"));
    }
    Ok(bytes)
}

/// Returns the passphrase that a file's first line or the environment has.
pub(crate) fn given(file: Option<&Path>) -> Result<Option<Secret>, Failure> {
    let Some(file) = file else {
        return Ok(super::environment(PASSPHRASE).map(OsString::into_encoded_bytes).map(Secret::new));
    };
    let bytes = read(file, MAX_PASSPHRASE)?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(Some(Secret::new(line.strip_suffix(b"\r").unwrap_or(line).to_vec())))
}

/// Asks the terminal, if there is one.
pub(crate) fn typed(prompt: &str) -> Option<Result<Secret, Failure>> {
    let typed = || rpassword::prompt_password(prompt).map(|typed| Secret::new(typed.into_bytes()));
    let failed = |error: std::io::Error| Failure::write(&error).hint("add `--sign-passphrase-file FILE`");
    std::io::stdin().is_terminal().then(|| typed().map_err(failed))
}
