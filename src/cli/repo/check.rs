//! `kubepkg repo check`

use std::path::PathBuf;

use serde_json::{Value, json};

use super::Several;
use crate::cli::Done;
use crate::cli::diagnostic::Failure;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::signing::certificates;
use crate::repository::check::{Depth, Finding};

/// Read channels as clients do, and say what is wrong
///
/// Signatures, every index file, every package: there, listed, and of the right size; with `--digests` of the right
/// bytes. Ends with exit code 6 if anything is wrong.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    #[command(flatten)]
    some: Several,
    /// File of the certificate that clients trust [default: those of the repository]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Read all bytes of all packages
    #[arg(long)]
    digests: bool,
}

impl Check {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let repository = self.some.place.open()?;
        let trusted = match &self.key {
            Some(file) => certificates(file)?,
            None => repository.charter().keyring.of_index(),
        };
        let depth = if self.digests { Depth::Digests } else { Depth::Sizes };
        let (mut text, mut channels, mut exit) = (String::new(), Vec::new(), Exit::Done);
        for channel in self.some.channels(&repository)? {
            let found = repository.check(channel, &trusted, depth)?;
            if found.is_empty() {
                session.ui.status("Checked", &channel.to_string());
            } else {
                exit = Exit::Verification;
            }
            text += &found.iter().map(|Finding { file, cause }| format!("{file}: {cause}\n")).collect::<String>();
            let found: Vec<Value> =
                found.iter().map(|finding| json!({"file": finding.file, "cause": finding.cause})).collect();
            channels.push(json!({"channel": channel.to_string(), "findings": found}));
        }
        Ok(Done { text, json: json!({"schema": 1, "channels": channels}), exit })
    }
}
