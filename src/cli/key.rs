//! `kubepkg key`

use std::path::{Path, PathBuf};

use clap::Subcommand;
use fs_err as fs;
use serde_json::{Value, json};

use super::Done;
use super::diagnostic::Failure;
use super::exit::Exit;
use super::new_key::{self, NewKeyOptions};
use super::secrets;
use super::session::Session;
use super::signing::{certificates, day, now, told};
use crate::package::signing::policy;
use crate::sign::{Certificate, Fault, KeyState, When};

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

    #[command(flatten)]
    key: NewKeyOptions,
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
        new_key::free(&self.file)?;
        let made = self.key.make(session, None)?;
        made.write(session, &self.file)?;
        let file = self.file.display().to_string();
        let json = json!({"schema": 1, "path": file, "certificate": view(&self.file, &made.certificate)});
        Ok(Done::new(format!("{file}\n"), json))
    }
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
