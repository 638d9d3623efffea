//! `kubepkg help`

use serde_json::{Value, json};

use super::Done;
use super::diagnostic::Failure;
use super::exit::Exit;

/// The one topic that is no subcommand.
const EXIT_CODES: &str = "exit-codes";

/// Print help of a subcommand, or the exit codes
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg help build
  kubepkg help exit-codes")]
pub(crate) struct HelpArgs {
    /// A subcommand, or `exit-codes`
    #[arg(value_name = "TOPIC")]
    topic: Vec<String>,
}

impl HelpArgs {
    pub(crate) fn run(&self, mut command: clap::Command) -> Result<Done, Failure> {
        if self.topic == [EXIT_CODES] {
            return Ok(exit_codes());
        }
        command.build();
        let mut topic = &mut command;
        for name in &self.topic {
            topic = topic.find_subcommand_mut(name).ok_or_else(|| {
                Failure::usage(format!("there is no subcommand `{name}`")).hint("`kubepkg help` lists them")
            })?;
        }
        let text = topic.render_long_help().to_string();
        Ok(Done::new(text.clone(), json!({"schema": 1, "text": text})))
    }
}

fn exit_codes() -> Done {
    let text = Exit::TABLE.iter().map(|(code, meaning)| format!("{code:>4}  {meaning}\n")).collect();
    let codes: Vec<Value> =
        Exit::TABLE.iter().map(|(code, meaning)| json!({"code": code, "meaning": meaning})).collect();
    Done::new(text, json!({"schema": 1, "exit_codes": codes}))
}
