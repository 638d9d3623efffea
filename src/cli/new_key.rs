//! New keys: what they are made of, whom they belong to, and how they get into a file.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use fs_err as fs;

use super::diagnostic::Failure;
use super::secrets::{self, Secret};
use super::session::Session;
use super::signing::now;
use crate::sign::{Certificate, KeyAlgorithm, KeyFile, NewKey, Signer as _};
use crate::spec::is_maintainer;

/// What a key is made of, and for whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "New key")]
pub(crate) struct NewKeyOptions {
    /// Whom it belongs to: `Name <mail>` [default: the configuration's maintainer]
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<String>,

    /// What it is made of
    #[arg(long, value_name = "ALGORITHM", default_value = "rsa4096")]
    algorithm: AlgorithmArg,

    /// How long it lasts: days, weeks or years, such as `90d` or `2y`, or `never`
    #[arg(long, value_name = "TIME", default_value = "3y", value_parser = lifetime)]
    expires: Lifetime,

    /// File whose first line becomes the passphrase; without it `KUBEPKG_SIGN_PASSPHRASE`
    #[arg(long, value_name = "FILE", conflicts_with = "ask")]
    passphrase_file: Option<PathBuf>,

    /// Ask the terminal for a passphrase
    #[arg(long = "passphrase")]
    ask: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum AlgorithmArg {
    /// Read by every client
    Rsa4096,
    /// Smaller
    Rsa3072,
    /// Small and fast; neither the oldest RPM clients nor FIPS know it
    Ed25519,
}

/// Seconds, or nothing for ever.
#[derive(Debug, Clone, Copy)]
struct Lifetime(Option<u32>);

fn lifetime(text: &str) -> Result<Lifetime, String> {
    const DAY: u32 = 24 * 60 * 60;
    if text == "never" {
        return Ok(Lifetime(None));
    }
    let bad = || "write days, weeks or years, such as `90d`, `10w` or `2y`, or `never`".to_owned();
    let unit = match text.chars().last() {
        Some('d') => DAY,
        Some('w') => 7 * DAY,
        Some('y') => 365 * DAY,
        _ => return Err(bad()),
    };
    let count = text[..text.len() - 1].parse::<u32>().ok().filter(|count| *count > 0).ok_or_else(bad)?;
    count.checked_mul(unit).map(|seconds| Lifetime(Some(seconds))).ok_or_else(|| format!("`{text}` is too long"))
}

/// A key that is in no file yet.
pub(crate) struct MadeKey {
    armor: Secret,
    /// Its public half.
    pub(crate) certificate: Certificate,
    /// It, ready to sign.
    pub(crate) signer: KeyFile,
    is_locked: bool,
}

impl NewKeyOptions {
    /// Makes a key. It belongs to whom the command line or the configuration names, or else to `user`.
    pub(crate) fn make(&self, session: &Session, user: Option<String>) -> Result<MadeKey, Failure> {
        let user = self.user(session, user)?;
        let passphrase = self.passphrase()?;
        let (algorithm, name) = match self.algorithm {
            AlgorithmArg::Rsa4096 => (KeyAlgorithm::Rsa(4096), "RSA-4096, which takes a while"),
            AlgorithmArg::Rsa3072 => (KeyAlgorithm::Rsa(3072), "RSA-3072"),
            AlgorithmArg::Ed25519 => (KeyAlgorithm::Ed25519, "Ed25519"),
        };
        session.ui.status("Generating", &format!("{name}, for {user}"));
        let request = NewKey { user, algorithm, created: now(), lifetime: self.expires.0 };
        let made = request.generate(&passphrase);
        let (armor, signer) = made.map_err(|error| Failure::key("no key was made", &error))?;
        let armor = Secret::new(armor.as_bytes().to_vec());
        Ok(MadeKey { armor, certificate: signer.certificate().clone(), signer, is_locked: !passphrase.is_empty() })
    }

    fn user(&self, session: &Session, otherwise: Option<String>) -> Result<String, Failure> {
        let configured = session.config.maintainer.as_ref().map(|maintainer| maintainer.0.clone());
        let user = self.user.clone().or(configured).or(otherwise);
        let user = user.ok_or_else(|| Failure::usage("whose key?").hint("add `--user 'Name <mail@example.org>'`"))?;
        if is_maintainer(&user) {
            return Ok(user);
        }
        let told = format!("`{}` is no user of a key", user.escape_default());
        Err(Failure::usage(told).hint("write `--user 'Name <mail@example.org>'`"))
    }

    fn passphrase(&self) -> Result<Secret, Failure> {
        if !self.ask {
            return Ok(secrets::given(self.passphrase_file.as_deref())?.unwrap_or_default());
        }
        let typed = |prompt: &str| {
            let none = || Err(Failure::usage("no terminal to ask").hint("add `--passphrase-file FILE`"));
            secrets::typed(prompt).unwrap_or_else(none)
        };
        let (first, second) = (typed("New passphrase: ")?, typed("The same again: ")?);
        if first == second {
            return Ok(first);
        }
        Err(Failure::usage("the passphrases differ").hint("run again"))
    }
}

impl MadeKey {
    /// Writes the secret half, which only the owner may read.
    pub(crate) fn write(&self, session: &Session, file: &Path) -> Result<(), Failure> {
        write_secret(file, &self.armor).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => there(file),
            _ => Failure::write(&error).hint("name a file in a folder that you may write to"),
        })?;
        if !self.is_locked {
            session.ui.warning("the key has no passphrase: whoever reads the file signs in your name");
        }
        Ok(())
    }
}

/// Refuses a name that is taken.
pub(crate) fn free(file: &Path) -> Result<(), Failure> {
    if file.symlink_metadata().is_ok() { Err(there(file)) } else { Ok(()) }
}

fn there(file: &Path) -> Failure {
    Failure::write(&std::io::Error::other(format!("`{}` is there already", file.display())))
        .hint("name another file; a key is never overwritten")
}

/// Writes a file that only its owner may read, complete or not at all, and never over another.
fn write_secret(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    // Made with mode 0600.
    let mut file = tempfile::Builder::new().prefix(".kubepkg-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    fs::File::open(folder)?.sync_all()
}
