//! `kubepkg key`

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use fs_err as fs;
use serde_json::{Value, json};

use super::Done;
use super::diagnostic::Failure;
use super::exit::Exit;
use super::secrets::{self, Secret};
use super::session::Session;
use super::signing::{certificates, day, now, told};
use crate::package::signing::policy;
use crate::sign::{Certificate, Fault, KeyAlgorithm, KeyState, NewKey, When};
use crate::spec::is_maintainer;

/// Make, show, check and hand out keys that sign packages
#[derive(Debug, clap::Args)]
#[command(disable_help_subcommand = true)]
#[command(after_help = "Examples:
  kubepkg key generate release.asc --user 'Acme Packaging <packages@acme.example>'
  kubepkg key check release.asc
  kubepkg key export release.asc --output acme.asc
  kubepkg key policy release.asc --output debsig")]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    Generate(Generate),
    /// Show what keys are made for, and until when
    Show {
        /// Files of keys, secret or public
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Find what package managers of today and of next year refuse
    ///
    /// Prints one line for each finding, with the clients that refuse the key, and ends with exit code 8 if there is any.
    Check {
        /// Files of keys, secret or public
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    Export(Export),
    Policy(Policy),
}

/// Make a key: one that only certifies, with a subkey that signs
///
/// The file is the secret key: whoever has it signs in your name. `kubepkg key export` writes the public half.
#[derive(Debug, clap::Args)]
struct Generate {
    /// File of the new key, which must not be there yet
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Whom it belongs to: `Name <mail>` [default: the configuration's maintainer]
    #[arg(long, value_name = "USER")]
    user: Option<String>,

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

/// Write the public half, as clients import it
///
/// Subkeys that were revoked are left out: rpm 4.18 imports no certificate that has one.
#[derive(Debug, clap::Args)]
struct Export {
    /// File of the key, secret or public
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// File to write, in ASCII armor if it ends in `.asc`, else binary, as apt reads them [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Write the policy and the keyring with which debsig-verify checks debs
#[derive(Debug, clap::Args)]
struct Policy {
    /// File of the key, secret or public
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Folder to write `etc/debsig` and `usr/share/debsig` to; `/` is this machine
    #[arg(long, short, value_name = "DIR", default_value = "debsig")]
    output: PathBuf,

    /// Who makes the packages [default: the key's user]
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
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

impl KeyArgs {
    pub(crate) fn run(&self, session: &Session) -> Result<Done, Failure> {
        // A file of a secret key is read for its public half, too.
        secrets::keep_inside();
        match &self.command {
            KeyCommand::Generate(generate) => generate.run(session),
            KeyCommand::Show { files } => show(files),
            KeyCommand::Check { files } => check(files),
            KeyCommand::Export(export) => export.run(),
            KeyCommand::Policy(policy) => policy.run(),
        }
    }
}

impl Generate {
    fn run(&self, session: &Session) -> Result<Done, Failure> {
        let there = |file: &Path| {
            Failure::write(&std::io::Error::other(format!("`{}` is there already", file.display())))
                .hint("name another file; a key is never overwritten")
        };
        if self.file.symlink_metadata().is_ok() {
            return Err(there(&self.file));
        }
        let user = self.user(session)?;
        let passphrase = self.passphrase()?;
        let (algorithm, name) = match self.algorithm {
            AlgorithmArg::Rsa4096 => (KeyAlgorithm::Rsa(4096), "RSA-4096, which takes a while"),
            AlgorithmArg::Rsa3072 => (KeyAlgorithm::Rsa(3072), "RSA-3072"),
            AlgorithmArg::Ed25519 => (KeyAlgorithm::Ed25519, "Ed25519"),
        };
        session.ui.status("Generating", &format!("{name}, for {user}"));
        let request = NewKey { user, algorithm, created: now(), lifetime: self.expires.0 };
        let made = request.generate(&passphrase);
        let (armor, certificate) = made.map_err(|error| Failure::key("no key was made", &error))?;
        write_secret(&self.file, armor.as_bytes()).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => there(&self.file),
            _ => Failure::write(&error).hint("name a file in a folder that you may write to"),
        })?;
        if passphrase.is_empty() {
            session.ui.warning("the key has no passphrase: whoever reads the file signs in your name");
        }
        let file = self.file.display().to_string();
        let json = json!({"schema": 1, "path": file, "certificate": view(&self.file, &certificate)});
        Ok(Done::new(format!("{file}\n"), json))
    }

    fn user(&self, session: &Session) -> Result<String, Failure> {
        let configured = session.config.maintainer.as_ref().map(|maintainer| maintainer.0.clone());
        let user = self.user.clone().or(configured);
        let user = user.ok_or_else(|| Failure::usage("whose key?").hint("add `--user 'Name <mail@example.org>'`"))?;
        if is_maintainer(&user) {
            return Ok(user);
        }
        let told = format!("`{}` is no user of a key", user.escape_default());
        Err(Failure::usage(told).hint("write `Name <mail@example.org>`"))
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

fn show(files: &[PathBuf]) -> Result<Done, Failure> {
    let (mut text, mut views) = (String::new(), Vec::new());
    for file in files {
        for certificate in certificates(file)? {
            text += &format!("{}\n", file.display());
            for (nth, key) in certificate.keys(now()).iter().enumerate() {
                let what = if nth == 0 { "primary" } else { "subkey" };
                text += &format!("  {what:<8} {}\n", line(key));
            }
            text +=
                &certificate.users().map(|user| format!("  user     {}\n", user.escape_debug())).collect::<String>();
            views.push(view(file, &certificate));
        }
    }
    Ok(Done::new(text, json!({"schema": 1, "certificates": views})))
}

fn line(key: &KeyState) -> String {
    let until = key.expires.map_or_else(|| "for ever".to_owned(), |end| format!("until {}", day(end)));
    let faults: Vec<String> = match key.faults.as_slice() {
        [] => vec!["signs".to_owned()],
        faults => faults.iter().map(ToString::to_string).collect(),
    };
    format!("{} {} {until}, {}", key.fingerprint, key.algorithm, faults.join(", "))
}

fn view(file: &Path, certificate: &Certificate) -> Value {
    let keys: Vec<Value> = certificate
        .keys(now())
        .iter()
        .map(|key| {
            json!({
                "fingerprint": key.fingerprint,
                "algorithm": key.algorithm,
                "created": key.created,
                "expires": key.expires,
                "signs": key.is_fit(),
                "faults": key.faults.iter().map(Fault::to_string).collect::<Vec<_>>(),
            })
        })
        .collect();
    let users: Vec<String> = certificate.users().collect();
    let fingerprint = certificate.fingerprint();
    json!({"file": file.display().to_string(), "fingerprint": fingerprint, "users": users, "keys": keys})
}

fn check(files: &[PathBuf]) -> Result<Done, Failure> {
    let (mut text, mut views) = (String::new(), Vec::new());
    for file in files {
        for certificate in certificates(file)? {
            let findings = certificate.check(now());
            if findings.is_empty() {
                text += &format!("{}: {}: good\n", file.display(), certificate.fingerprint());
            }
            for finding in findings {
                text += &format!("{}: {}\n", file.display(), told(&finding));
                let from = match finding.when {
                    When::Now => None,
                    When::From(time) => Some(time),
                };
                views.push(json!({
                    "file": file.display().to_string(),
                    "key": finding.key,
                    "cause": finding.cause,
                    "client": finding.client,
                    "from": from,
                    "remedy": finding.remedy,
                }));
            }
        }
    }
    let exit = if views.is_empty() { Exit::Done } else { Exit::Key };
    Ok(Done { text, json: json!({"schema": 1, "findings": views}), exit })
}

/// Reads the one certificate of a file.
fn certificate(file: &Path) -> Result<Certificate, Failure> {
    let mut all = certificates(file)?;
    match (all.pop(), all.is_empty()) {
        (Some(certificate), true) => Ok(certificate),
        _ => {
            Err(Failure::usage(format!("`{}` has more than one key", file.display())).hint("name a file with one key"))
        }
    }
}

impl Export {
    fn run(&self) -> Result<Done, Failure> {
        let failed = |error| Failure::key(format!("cannot write the public half of `{}`", self.file.display()), &error);
        let certificate = certificate(&self.file)?.cleaned(now());
        let armor = certificate.to_armor().map_err(failed)?;
        let json = json!({"schema": 1, "fingerprint": certificate.fingerprint(), "certificate": armor});
        let Some(output) = &self.output else { return Ok(Done::new(armor, json)) };
        let is_same = output.canonicalize().ok().zip(self.file.canonicalize().ok()).is_some_and(|(a, b)| a == b);
        if is_same {
            let told = format!("`{}` would be lost", self.file.display());
            return Err(Failure::usage(told).hint("name another file with `--output`"));
        }
        let is_armored = output.extension().is_some_and(|extension| extension == "asc");
        let bytes = if is_armored { armor.into_bytes() } else { certificate.to_bytes().map_err(failed)? };
        fs::write(output, bytes)
            .map_err(|error| Failure::write(&error).hint("name a file in a folder that you may write to"))?;
        Ok(Done::new(format!("{}\n", output.display()), json))
    }
}

impl Policy {
    fn run(&self) -> Result<Done, Failure> {
        let certificate = certificate(&self.file)?;
        let origin = self.origin.clone().or_else(|| certificate.users().next()).unwrap_or_default();
        let files = policy(&certificate, &origin, now())
            .map_err(|error| Failure::key(format!("no policy for `{}`", self.file.display()), &error))?;
        let mut paths = Vec::new();
        for file in files {
            let path = self.output.join(&file.path);
            let folder = path.parent().unwrap_or(&self.output);
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(&path, &file.bytes))
                .map_err(|error| Failure::write(&error).hint("choose another folder with `--output`"))?;
            paths.push(path.display().to_string());
        }
        let text = paths.iter().map(|path| format!("{path}\n")).collect();
        Ok(Done::new(text, json!({"schema": 1, "files": paths})))
    }
}
