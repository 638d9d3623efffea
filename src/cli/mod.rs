//! The command line.

#[expect(dead_code, reason = "the `inspect` subcommand is not wired yet")]
mod inspect_text;
