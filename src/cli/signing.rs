//! The key that packages are signed with.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use fs_err as fs;

use super::diagnostic::Failure;
use super::session::Session;
use crate::sign::{KeyError, KeyFile, LockedKey, MAX_KEY_FILE, Signer as _};

/// Below so many days before its end a key is warned of.
const WARN_DAYS: u32 = 180;
const DAY: u32 = 24 * 60 * 60;
const PASSPHRASE: &str = "KUBEPKG_SIGN_PASSPHRASE";
/// The longest passphrase that is read from a file, in bytes.
const MAX_PASSPHRASE: u64 = 4096;

/// Who signs.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Signing")]
pub(crate) struct Signing {
    /// File of the OpenPGP secret key that signs the packages, armored or binary
    #[arg(long, value_name = "FILE", env = "KUBEPKG_SIGN_KEY")]
    pub(crate) sign_key: Option<PathBuf>,

    /// File whose first line is the key's passphrase; without it KUBEPKG_SIGN_PASSPHRASE, or the terminal is asked
    #[arg(long, value_name = "FILE", env = "KUBEPKG_SIGN_PASSPHRASE_FILE")]
    pub(crate) sign_passphrase_file: Option<PathBuf>,
}

impl Signing {
    /// Opens the key that the command line or the configuration names, and warns of one that ends soon.
    pub(crate) fn key(&self, session: &Session) -> Result<Option<KeyFile>, Failure> {
        let config = &session.config;
        let Some(path) = self.sign_key.as_ref().or(config.sign_key.as_ref()) else { return Ok(None) };
        let now = now();
        let refused = |error: &KeyError| Failure::key(format!("cannot use the key `{}`", path.display()), error);
        let bytes = read(path, MAX_KEY_FILE)?;
        let locked = LockedKey::parse(&bytes, now).map_err(|error| refused(&error))?;
        if let Some(end) = locked.state().expires {
            let days = end.saturating_sub(now) / DAY;
            if days < WARN_DAYS {
                let fingerprint = &locked.state().fingerprint;
                session.ui.warning(&format!(
                    "key {fingerprint} expires in {days} days: nothing that it signed can be installed after that"
                ));
            }
        }
        let passphrase = if locked.is_locked() { self.passphrase(session, locked.state())? } else { Vec::new() };
        locked.unlock(&passphrase).map(Some).map_err(|error| refused(&error))
    }

    fn passphrase(&self, session: &Session, state: &crate::sign::KeyState) -> Result<Vec<u8>, Failure> {
        if let Some(file) = self.sign_passphrase_file.as_ref().or(session.config.sign_passphrase_file.as_ref()) {
            let bytes = read(file, MAX_PASSPHRASE)?;
            let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
            return Ok(line.strip_suffix(b"\r").unwrap_or(line).to_vec());
        }
        if let Some(passphrase) = super::environment(PASSPHRASE) {
            return Ok(passphrase.into_encoded_bytes());
        }
        if std::io::stdin().is_terminal() {
            let prompt = format!("Passphrase of {}: ", state.fingerprint);
            let typed = rpassword::prompt_password(prompt);
            return typed.map(String::into_bytes).map_err(|error| Failure::write(&error));
        }
        Err(Failure::usage(format!("the key {} needs a passphrase", state.fingerprint))
            .hint(format!("add `--sign-passphrase-file FILE`, or set {PASSPHRASE}")))
    }
}

/// Says whose signature packages get, or that they get none.
pub(crate) fn report(session: &Session, key: Option<&KeyFile>) {
    match key {
        Some(key) => session.ui.status("Signing", &format!("with key {}", key.fingerprint())),
        None => session.ui.status("Unsigned", "packages: `kubepkg build --sign-key FILE` signs them"),
    }
}

/// Seconds since 1970.
fn now() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(now.as_secs()).unwrap_or(u32::MAX)
}

/// Reads a small file, such as one of keys.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes));
    read.map_err(|error| Failure::write(&error))?;
    if bytes.len() as u64 > limit {
        return Err(Failure::usage(format!("`{}` has more than {limit} bytes", path.display())));
    }
    Ok(bytes)
}
