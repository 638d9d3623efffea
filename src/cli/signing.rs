//! The key that packages are signed with, and who keeps it.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use serde::Deserialize;

use super::diagnostic::Failure;
use super::secrets::{self, PASSPHRASE, Secret};
use super::session::Session;
use crate::sign::{
    Certificate, CommandKey, Finding, GpgKey, KeyError, KeyFile, KeyState, LockedKey, MAX_KEY_FILE, Signer, When,
};
use crate::source_date::SourceDate;

/// Who signs: one keeper of a key at most.
#[derive(Debug, Clone, Default, Args, Deserialize, schemars::JsonSchema)]
#[command(next_help_heading = "Signing")]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Signing {
    /// File of the OpenPGP secret key that signs the packages, armored or binary
    #[arg(id = "sign-key", long = "sign-key", value_name = "FILE", env = "KUBEPKG_SIGN_KEY")]
    pub(crate) key: Option<PathBuf>,

    /// File whose first line is the key's passphrase; without it `KUBEPKG_SIGN_PASSPHRASE`, or the terminal is asked
    #[arg(
        id = "sign-passphrase-file",
        long = "sign-passphrase-file",
        value_name = "FILE",
        env = "KUBEPKG_SIGN_PASSPHRASE_FILE"
    )]
    pub(crate) passphrase_file: Option<PathBuf>,

    /// Key that gpg keeps, in its agent or on a card: fingerprint, key id or mail; `FINGERPRINT!` is that very subkey
    #[arg(id = "sign-gpg", long = "sign-gpg", value_name = "KEY", env = "KUBEPKG_SIGN_GPG")]
    pub(crate) gpg: Option<String>,

    /// Program that signs digests, for key services and hardware; README.md says what it gets and gives
    #[arg(id = "sign-command", long = "sign-command", value_name = "PROGRAM", env = "KUBEPKG_SIGN_COMMAND")]
    pub(crate) command: Option<PathBuf>,

    /// File of the certificate of that program's key
    #[arg(id = "sign-certificate", long = "sign-certificate", value_name = "FILE", env = "KUBEPKG_SIGN_CERTIFICATE")]
    pub(crate) certificate: Option<PathBuf>,

    /// Files of other secret keys that sign a repository besides the first one, while one takes the place of another
    #[arg(skip)]
    pub(crate) also: Vec<PathBuf>,
}

/// Keys that sign a repository besides the first one, while one takes the place of another.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Signing")]
pub(crate) struct Also {
    /// File of another secret key that signs what clients read, besides the first; may be repeated
    #[arg(
        id = "also-sign-key",
        long = "also-sign-key",
        value_name = "FILE",
        env = "KUBEPKG_ALSO_SIGN_KEY",
        value_delimiter = ','
    )]
    keys: Vec<PathBuf>,
}

impl Also {
    /// Opens the keys that the command line or the configuration names.
    pub(crate) fn signers(&self, session: &Session) -> Result<Vec<Box<dyn Signer>>, Failure> {
        let keys = if self.keys.is_empty() { &session.config.sign.also } else { &self.keys };
        let open = |key: &PathBuf| {
            let signing = Signing { key: Some(key.clone()), ..Signing::default() };
            Ok(signing.signer(session)?.into_iter().next())
        };
        keys.iter().filter_map(|key| open(key).transpose()).collect()
    }
}

/// Where the secret half is.
enum Keeper<'a> {
    File(&'a Path),
    Gpg(&'a str),
    Command { program: &'a Path, certificate: &'a Path },
}

impl Signing {
    /// Opens the key that the command line or the configuration names, and warns of what clients will not take of it.
    pub(crate) fn signer(&self, session: &Session) -> Result<Option<Box<dyn Signer>>, Failure> {
        let Some(keeper) = self.keeper(&session.config.sign)? else { return Ok(None) };
        secrets::keep_inside();
        let now = now();
        let (named, opened): (String, Result<Box<dyn Signer>, KeyError>) = match keeper {
            Keeper::File(path) => (format!("`{}`", path.display()), self.file(session, path, now)?.map(boxed)),
            Keeper::Gpg(name) => {
                (format!("`{name}` of gpg"), GpgKey::open(name, secrets::environment(), now).map(boxed))
            }
            Keeper::Command { program, certificate } => {
                let bytes = secrets::read(certificate, MAX_KEY_FILE)?;
                let key = CommandKey::open(program.as_os_str(), &bytes, secrets::environment(), now);
                (format!("`{}` by `{}`", certificate.display(), program.display()), key.map(boxed))
            }
        };
        let signer = opened.map_err(|error| Failure::key(format!("cannot use the key {named}"), &error))?;
        for finding in signer.certificate().check(now) {
            session.ui.warning(&told(&finding));
        }
        Ok(Some(signer))
    }

    /// What the command line says, or else the configuration.
    fn keeper<'a>(&'a self, config: &'a Self) -> Result<Option<Keeper<'a>>, Failure> {
        match self.own(config)? {
            Some(keeper) => Ok(Some(keeper)),
            None => config.own(self),
        }
    }

    fn own<'a>(&'a self, other: &'a Self) -> Result<Option<Keeper<'a>>, Failure> {
        let one = "name one; the variables KUBEPKG_SIGN_KEY, KUBEPKG_SIGN_GPG and KUBEPKG_SIGN_COMMAND count too";
        match (&self.key, &self.gpg, &self.command) {
            (None, None, None) => Ok(None),
            (Some(path), None, None) => Ok(Some(Keeper::File(path))),
            (None, Some(name), None) => Ok(Some(Keeper::Gpg(name))),
            (None, None, Some(program)) => {
                let certificate = self.certificate.as_ref().or(other.certificate.as_ref()).ok_or_else(|| {
                    Failure::usage(format!("whose signatures does `{}` make?", program.display()))
                        .hint("add `--sign-certificate FILE`, the public half of its key")
                })?;
                Ok(Some(Keeper::Command { program, certificate }))
            }
            _ => Err(Failure::usage("more than one key to sign with").hint(one)),
        }
    }

    fn file(&self, session: &Session, path: &Path, now: u32) -> Result<Result<KeyFile, KeyError>, Failure> {
        let bytes = secrets::read(path, MAX_KEY_FILE)?;
        let locked = match LockedKey::parse(&bytes, now) {
            Ok(locked) => locked,
            Err(error) => return Ok(Err(error)),
        };
        let passphrase = if locked.is_locked() { self.passphrase(session, locked.state())? } else { Secret::default() };
        Ok(locked.unlock(&passphrase))
    }

    fn passphrase(&self, session: &Session, state: &KeyState) -> Result<Secret, Failure> {
        let file = self.passphrase_file.as_ref().or(session.config.sign.passphrase_file.as_ref());
        if let Some(passphrase) = secrets::given(file.map(PathBuf::as_path))? {
            return Ok(passphrase);
        }
        secrets::typed(&format!("Passphrase of {}: ", state.fingerprint)).unwrap_or_else(|| {
            Err(Failure::usage(format!("the key {} needs a passphrase", state.fingerprint))
                .hint(format!("add `--sign-passphrase-file FILE`, or set {PASSPHRASE}")))
        })
    }

    /// Files are meant from where the configuration lies; a program without a slash is looked for in PATH.
    pub(crate) fn resolve(&mut self, base: &Path) {
        let program = self.command.as_mut().filter(|program| program.as_os_str().as_encoded_bytes().contains(&b'/'));
        let files = [&mut self.key, &mut self.passphrase_file, &mut self.certificate];
        for path in files.into_iter().flatten().chain(program).chain(&mut self.also) {
            *path = base.join(&*path);
        }
    }
}

fn boxed<S: Signer + 'static>(signer: S) -> Box<dyn Signer> {
    Box::new(signer)
}

/// Says whose signature packages have, or that they have none.
pub(crate) fn report(session: &Session, signer: Option<&dyn Signer>) {
    match signer {
        Some(signer) => session.ui.status("Signed", &format!("with key {}", signer.fingerprint())),
        None => session.ui.status("Unsigned", "packages: `kubepkg build --sign-key FILE` signs them"),
    }
}

/// A finding in one line.
pub(crate) fn told(finding: &Finding) -> String {
    let Finding { key, cause, client, when, remedy } = finding;
    let when = match when {
        When::Now => String::new(),
        When::From(time) => format!(" from {}", day(*time)),
    };
    format!("key {key}: {cause}: refused{when} by {client}; {remedy}")
}

/// A day of the calendar, in UTC.
pub(crate) fn day(time: u32) -> String {
    SourceDate::from_epoch(time).to_string().chars().take("2026-02-01".len()).collect()
}

/// Reads the certificates of a file, public or secret.
pub(crate) fn certificates(path: &Path) -> Result<Vec<Certificate>, Failure> {
    let bytes = secrets::read(path, MAX_KEY_FILE)?;
    Certificate::parse(&bytes).map_err(|error| Failure::key(format!("cannot read `{}`", path.display()), &error))
}

/// Seconds since 1970. Keys end by the clock of those who use them, and only the command line looks at one.
pub(crate) fn now() -> u32 {
    let now = system_time().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(now.as_secs()).unwrap_or(u32::MAX)
}

/// The time that files and other machines have. Only the command line looks at the clock.
#[expect(clippy::disallowed_methods, reason = "this is the one place that looks at the clock")]
pub(crate) fn system_time() -> SystemTime {
    SystemTime::now()
}
