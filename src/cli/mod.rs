//! The command line: words, colours, exit codes. The only place that prints, reads the environment, or ends the process.

mod args;
mod blocks;
mod build;
mod config;
mod diagnostic;
mod exit;
mod fetch;
mod generate;
mod help;
mod inspect;
mod inspect_text;
mod key;
mod new_key;
mod plan;
mod promote;
mod publish;
mod render;
mod repo;
mod reporter;
mod repository;
mod secrets;
mod session;
mod sign;
mod signal;
mod signing;
mod spec;
mod trust;
mod ui;
mod verify;

use std::ffi::OsString;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{ArgAction, Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::source_date::SourceDate;
use config::Config;
use diagnostic::Failure;
use exit::Exit;
use reporter::Terminal;
use session::Session;
use ui::{Colour, Ui};

/// Turns published Kubernetes binaries into deb and RPM packages
///
/// kubepkg fetches what the Kubernetes projects publish, verifies it, and writes packages that apt, dnf and zypper
/// install.
#[derive(Debug, Parser)]
#[command(name = "kubepkg", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = AFTER_HELP, after_long_help = AFTER_LONG_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

const AFTER_HELP: &str = "\
Examples:
  kubepkg build --version 1.36.2 --arch arm64     the whole set for one architecture
  kubepkg build kubectl --version stable          kubectl for this machine
  kubepkg plan --version 1.36 --arch all          what would be built, and from where
  kubepkg help exit-codes                         what a script may rely on
";

const AFTER_LONG_HELP: &str = "\
Examples:
  kubepkg build --version 1.36.2 --arch arm64     the whole set for one architecture
  kubepkg build kubectl --version stable          kubectl for this machine
  kubepkg plan --version 1.36 --arch all          what would be built, and from where
  kubepkg inspect dist/*.deb dist/*.rpm           what packages say and hold
  kubepkg verify --upstream kubelet.rpm           whether they are whole, signed, and hold upstream's bytes
  kubepkg spec export my-specs                    a starting point for specs of one's own
  kubepkg help exit-codes                         what a script may rely on

Environment:
  KUBEPKG_*           any option that shows it; a flag beats it, and it beats kubepkg.yaml
  SOURCE_DATE_EPOCH   the time in packages, in seconds; the release's date where unset
  NO_COLOR            no colours
";

/// Options of every subcommand.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
struct Global {
    /// Print one JSON document on stdout, also for errors
    #[arg(long, global = true)]
    json: bool,

    /// Say less: `-q` only warnings and errors, `-qq` only errors
    #[arg(long, short, global = true, action = ArgAction::Count, conflicts_with = "verbose")]
    quiet: u8,

    /// Say more
    #[arg(long, short, global = true, action = ArgAction::Count)]
    verbose: u8,

    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Colour,

    /// Configuration in place of ./kubepkg.yaml
    #[arg(long, global = true, value_name = "FILE", env = "KUBEPKG_CONFIG")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Build(Box<build::BuildArgs>),
    Plan(plan::PlanArgs),
    Fetch(fetch::FetchArgs),
    Render(render::RenderArgs),
    Inspect(inspect::InspectArgs),
    Verify(verify::VerifyArgs),
    Sign(sign::SignArgs),
    Publish(publish::PublishArgs),
    Promote(promote::PromoteArgs),
    Repo(repo::RepoArgs),
    Key(key::KeyArgs),
    Spec(spec::SpecArgs),
    Generate(generate::GenerateArgs),
    Help(help::HelpArgs),
}

/// How a subcommand ends when it does not fail: with data for stdout, and a code.
#[derive(Debug)]
struct Done {
    text: String,
    json: serde_json::Value,
    exit: Exit,
}

impl Done {
    fn new(text: String, json: serde_json::Value) -> Self {
        Self { text, json, exit: Exit::Done }
    }
}

/// Runs the program and returns its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let no_color = environment("NO_COLOR").is_some_and(|value| !value.is_empty());
    let cli = match parse(&arguments, no_color) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && has_json(&arguments) => {
            return print(&pretty(&Failure::from(&error).json()), Exit::Usage);
        }
        Err(error) => {
            // clap writes help to stdout and errors to stderr.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done }.into();
        }
    };
    let ui = Ui::new(cli.global.quiet + u8::from(cli.global.json), cli.global.verbose, cli.global.color, no_color);
    signal::listen();
    let result = caught(|| run(cli.command, &cli.global, ui));
    signal::wait_for_the_end();
    match result {
        Ok(done) if cli.global.json => print(&pretty(&done.json), done.exit),
        Ok(done) => print(&done.text, done.exit),
        Err(failure) => {
            let data = if cli.global.json { pretty(&failure.json()) } else { failure.data().to_owned() };
            let _ = ui::data(&data);
            failure.show(ui);
            failure.exit().into()
        }
    }
}

fn parse(arguments: &[OsString], no_color: bool) -> Result<Cli, clap::Error> {
    let mut command = Cli::command().color(match colour(arguments) {
        Colour::Always => ColorChoice::Always,
        Colour::Auto if !no_color => ColorChoice::Auto,
        Colour::Auto | Colour::Never => ColorChoice::Never,
    });
    let mut matches = command.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// The colours that were asked for, as far as it can be told from a command line that may be wrong.
fn colour(arguments: &[OsString]) -> Colour {
    let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    let joined = words.iter().filter_map(|word| word.strip_prefix("--color="));
    let apart = words.windows(2).filter(|pair| pair[0] == "--color").map(|pair| pair[1].as_ref());
    joined.chain(apart).find_map(|word| clap::ValueEnum::from_str(word, false).ok()).unwrap_or(Colour::Auto)
}

fn has_json(arguments: &[OsString]) -> bool {
    arguments.iter().take_while(|word| *word != "--").any(|word| word == "--json")
}

/// Makes a failure of a panic, whose message the runtime has told already.
fn caught(run: impl FnOnce() -> Result<Done, Failure>) -> Result<Done, Failure> {
    std::panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        Err(Failure::bug("this is a bug in kubepkg, and nothing that was being written is kept")
            .hint("report it with the message above and the output of the same command with `-v`"))
    })
}

fn run(command: Command, global: &Global, ui: Ui) -> Result<Done, Failure> {
    let config = Config::load(global.config.as_deref())?;
    let date = environment("SOURCE_DATE_EPOCH")
        .map(|text| SourceDate::parse_epoch(&text.to_string_lossy()))
        .transpose()
        .map_err(|error| {
            Failure::new(Exit::Usage, &error).hint("unset SOURCE_DATE_EPOCH, or set it to a number of seconds")
        })?;
    let session = Session { ui, json: global.json, config, date, reporter: Arc::new(Terminal::new(ui)) };
    match command {
        Command::Build(args) => args.run(&session),
        Command::Plan(args) => args.run(&session),
        Command::Fetch(args) => args.run(&session),
        Command::Render(args) => args.run(&session),
        Command::Inspect(args) => args.run(),
        Command::Verify(args) => args.run(&session),
        Command::Sign(args) => args.run(&session),
        Command::Publish(args) => args.run(&session),
        Command::Promote(args) => args.run(&session),
        Command::Repo(args) => args.run(&session),
        Command::Key(args) => args.run(&session),
        Command::Spec(args) => args.run(&session),
        Command::Generate(args) => args.run(Cli::command()),
        Command::Help(args) => args.run(Cli::command()),
    }
}

fn print(text: &str, exit: Exit) -> ExitCode {
    match ui::data(text) {
        Ok(()) => exit.into(),
        Err(error) => {
            let failure = Failure::stdout(&error);
            failure.show(Ui::new(0, 0, Colour::Auto, true));
            failure.exit().into()
        }
    }
}

pub(crate) fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

/// Lays out rows in columns, two blanks apart.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..N).map(width).collect();
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
        })
        .collect()
}

/// Reads a variable of the environment.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Reads the variables whose names begin in one of these ways, and that are text.
fn environment_of(starts: &[&str]) -> Vec<(String, String)> {
    let all =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    all.filter(|(name, _)| starts.iter().any(|start| name.starts_with(start))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_the_exit_code_of_a_bug() {
        let failure = caught(|| panic!("on purpose")).unwrap_err();
        assert_eq!(failure.exit(), Exit::Unknown);
        assert!(caught(|| Ok(Done::new(String::new(), serde_json::Value::Null))).is_ok());
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn colours_and_json_are_found_on_a_wrong_command_line() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        for (line, expected) in [
            ("kubepkg --frm --color=never", Colour::Never),
            ("kubepkg --color always --frm", Colour::Always),
            ("kubepkg --color sometimes", Colour::Auto),
        ] {
            assert_eq!(colour(&words(line)), expected, "{line}");
        }
        assert!(has_json(&words("kubepkg plan --frm --json")) && !has_json(&words("kubepkg inspect -- --json")));
    }
}
