//! Keys that gpg keeps: in its agent, or on a smart card.

use std::fmt;
use std::io::{self, Read};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::process::{self, Environment, Failure, ProcessError};
use super::{Certificate, Form, KeyError, KeyState, SignError, Signature, Signer, probe};
use crate::source_date::SourceDate;

/// A key of the user's gpg, which asks for its passphrase or PIN itself.
pub struct GpgKey {
    environment: Environment,
    state: KeyState,
    certificate: Certificate,
    /// A card and a pinentry serve one at a time.
    turn: Mutex<()>,
}

impl GpgKey {
    /// Looks a key up, by its fingerprint, key id or user, and chooses which of its keys signs: the newest subkey that may
    /// sign at `now`, in seconds since 1970, and whose secret half gpg has; without any the primary key. A fingerprint
    /// or key id with `!` behind it is that very key. `environment`
    /// is what gpg gets.
    pub fn open(name: &str, environment: Environment, now: u32) -> Result<Self, KeyError> {
        let (name, exact) = match name.strip_suffix('!') {
            Some(name) => (name, Some(name.trim_start_matches("0x").to_ascii_uppercase())),
            None => (name, None),
        };
        if name.is_empty() {
            return Err(KeyError::NotFound);
        }
        let exported = ask(&environment, &["--export", "--", name])?;
        if exported.is_empty() {
            return Err(KeyError::NotFound);
        }
        let certificate = Certificate::parse_one(&exported)?;
        let listed = match ask(&environment, &["--with-colons", "--list-secret-keys", "--", name]) {
            Err(ProcessError::Failed { said, .. }) if said.contains("No secret key") => Vec::new(),
            other => other?,
        };
        let secrets = secrets(&String::from_utf8_lossy(&listed));
        let is_meant = |state: &KeyState| exact.as_ref().is_none_or(|exact| state.fingerprint.ends_with(exact));
        let state = certificate.signing_key(now, |state| is_meant(state) && secrets.contains(&state.fingerprint))?;
        let key = Self { environment, state, certificate, turn: Mutex::default() };
        probe(&key, &key.state)?;
        Ok(key)
    }
}

/// gpg with none of the user's options, which could change what it signs, and with no terminal of its own.
fn gpg(environment: &Environment) -> Command {
    let mut gpg = Command::new("gpg");
    gpg.args(["--no-options", "--batch", "--no-tty", "--quiet", "--no-auto-check-trustdb", "--no-auto-key-retrieve"]);
    environment.set(&mut gpg);
    // Its words are told, and one of them is looked for.
    gpg.env("LANGUAGE", "en");
    gpg
}

fn ask(environment: &Environment, arguments: &[&str]) -> Result<Vec<u8>, ProcessError> {
    let mut command = gpg(environment);
    command.args(arguments);
    process::run(command, &mut io::empty()).map_err(|failure| match failure {
        Failure::Process(error) => error,
        Failure::Message(source) => ProcessError::Pipe { program: "gpg".to_owned(), source },
    })
}

/// The fingerprints of the keys whose secret half gpg can reach (`GnuPG`, doc/DETAILS, field 15: `#` is a stub).
fn secrets(listed: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_reachable = false;
    for line in listed.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        match fields[0] {
            "sec" | "ssb" => is_reachable = fields.get(14).is_none_or(|field| *field != "#"),
            "fpr" if is_reachable => found.extend(fields.get(9).map(|&fingerprint| fingerprint.to_owned())),
            _ => {}
        }
    }
    found
}

impl Signer for GpgKey {
    fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    fn fingerprint(&self) -> &str {
        &self.state.fingerprint
    }

    fn sign(&self, message: &mut dyn Read, form: Form, date: SourceDate) -> Result<Signature, SignError> {
        let mut command = gpg(&self.environment);
        command.arg(format!("--local-user={}!", self.state.fingerprint));
        // The `!` stops gpg's clock at that second.
        command.arg(format!("--faked-system-time={}!", self.state.signing_time(date)));
        command.args(["--digest-algo=SHA512", "--disable-signer-uid", "--no-emit-version", "--output=-"]);
        if form == Form::Text {
            command.arg("--textmode");
        }
        command.arg("--detach-sign");
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = process::run(command, message);
        drop(turn);
        let answer = answer.map_err(|failure| match failure {
            Failure::Message(error) => SignError::Io(error),
            Failure::Process(error) => SignError::Process(error),
        })?;
        Signature::parse(&answer).map_err(SignError::refused)
    }
}

impl fmt::Debug for GpgKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GpgKey").field("state", &self.state).finish_non_exhaustive()
    }
}
