//! Where words go: data to stdout, everything else to stderr.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};

/// How much is said, and in which colours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ui {
    /// What is said on stderr.
    pub(crate) verbosity: Verbosity,
    /// Whether stderr has colours.
    pub(crate) colour: bool,
}

/// What is said on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Errors.
    Errors,
    /// Errors and warnings.
    Warnings,
    /// What is done, and a progress bar on a terminal.
    Status,
    /// Every step.
    Steps,
}

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Ui {
    pub(crate) fn new(quiet: u8, verbose: u8, colour: Colour, no_color: bool) -> Self {
        let verbosity = match (quiet, verbose) {
            (0, 0) => Verbosity::Status,
            (0, _) => Verbosity::Steps,
            (1, _) => Verbosity::Warnings,
            _ => Verbosity::Errors,
        };
        let colour = match colour {
            Colour::Auto => !no_color && io::stderr().is_terminal(),
            Colour::Always => true,
            Colour::Never => false,
        };
        Self { verbosity, colour }
    }

    /// Whether progress bars make sense: on a terminal, and where lines do not mix with them.
    pub(crate) fn has_bars(self) -> bool {
        self.verbosity == Verbosity::Status && io::stderr().is_terminal()
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Says what is done, in cargo's way: a verb on the right of its column.
    pub(crate) fn status(self, verb: &str, text: &str) {
        if self.verbosity >= Verbosity::Status {
            let verb = self.paint(AnsiColor::Green.on_default().bold(), &format!("{verb:>12}"));
            self.say(&format!("{verb} {text}"));
        }
    }

    pub(crate) fn warning(self, text: &str) {
        if self.verbosity >= Verbosity::Warnings {
            let label = self.paint(AnsiColor::Yellow.on_default().bold(), "warning");
            self.say(&format!("{label}: {text}"));
        }
    }

    pub(crate) fn error(self, text: &str) {
        let label = self.paint(AnsiColor::Red.on_default().bold(), "error");
        self.say(&format!("{label}: {text}"));
    }

    /// One more line of an error.
    pub(crate) fn cause(self, text: &str) {
        self.say(&format!("  caused by: {text}"));
    }

    pub(crate) fn hint(self, text: &str) {
        let label = self.paint(AnsiColor::Cyan.on_default().bold(), "hint");
        self.say(&format!("\n{label}: {text}"));
    }

    /// Writes to stderr; a closed stderr is nothing to fail for.
    #[expect(clippy::unused_self, reason = "whoever speaks has been told how")]
    pub(crate) fn say(self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

/// Writes data to stdout. A reader that has had enough closes the pipe, which is success.
pub(crate) fn data(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
