//! The command line.

#[cfg_attr(not(test), expect(dead_code, reason = "the `inspect` subcommand is not wired yet"))]
mod inspect_text;
