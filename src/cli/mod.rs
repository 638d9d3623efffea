//! The command line: words, colours, exit codes. The only place that prints, reads the environment, or ends the process.

mod args;
mod build;
mod config;
mod diagnostic;
mod exit;
mod fetch;
mod generate;
mod inspect;
mod inspect_text;
mod plan;
mod render;
mod reporter;
mod session;
mod signal;
mod spec;
mod ui;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand};

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
#[command(name = "kubepkg", version, max_term_width = 100, after_help = AFTER_HELP, after_long_help = AFTER_LONG_HELP)]
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
";

const AFTER_LONG_HELP: &str = "\
Examples:
  kubepkg build --version 1.36.2 --arch arm64     the whole set for one architecture
  kubepkg build kubectl --version stable          kubectl for this machine
  kubepkg plan --version 1.36 --arch all          what would be built, and from where
  kubepkg inspect dist/*.deb dist/*.rpm           what packages say and hold
  kubepkg spec export my-specs                    a starting point for specs of one's own

Environment:
  KUBEPKG_*           any option that shows it; a flag beats it, and it beats kubepkg.yaml
  SOURCE_DATE_EPOCH   the time in packages, in seconds; the release's date where unset
  NO_COLOR            no colours

`kubepkg help exit-codes` lists the exit codes.
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
    Build(build::BuildArgs),
    Plan(plan::PlanArgs),
    Fetch(fetch::FetchArgs),
    Render(render::RenderArgs),
    Inspect(inspect::InspectArgs),
    Spec(spec::SpecArgs),
    Generate(generate::GenerateArgs),
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
    if arguments.iter().skip(1).map(|word| word.to_string_lossy()).eq(["help", "exit-codes"]) {
        return print(&exit_codes(), Exit::Done);
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // clap writes help to stdout and errors to stderr.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done }.into();
        }
    };
    let no_color = environment("NO_COLOR").is_some_and(|value| !value.is_empty());
    let ui = Ui::new(cli.global.quiet + u8::from(cli.global.json), cli.global.verbose, cli.global.color, no_color);
    signal::listen();
    match run(cli.command, &cli.global, ui) {
        Ok(done) if cli.global.json => print(&pretty(&done.json), done.exit),
        Ok(done) => print(&done.text, done.exit),
        Err(failure) => {
            if cli.global.json {
                let _ = ui::data(&pretty(&failure.json()));
            }
            failure.show(ui);
            failure.exit().into()
        }
    }
}

fn run(command: Command, global: &Global, ui: Ui) -> Result<Done, Failure> {
    let config = Config::load(global.config.as_deref())?;
    let date = environment("SOURCE_DATE_EPOCH")
        .map(|text| SourceDate::parse_epoch(&text.to_string_lossy()))
        .transpose()
        .map_err(|error| {
            Failure::new(Exit::Usage, &error).hint("unset SOURCE_DATE_EPOCH, or set it to a number of seconds")
        })?;
    let session = Session { ui, config, date, reporter: Arc::new(Terminal::new(ui)) };
    match command {
        Command::Build(args) => args.run(&session),
        Command::Plan(args) => args.run(&session),
        Command::Fetch(args) => args.run(&session),
        Command::Render(args) => args.run(&session),
        Command::Inspect(args) => args.run(),
        Command::Spec(args) => args.run(&session),
        Command::Generate(args) => args.run(Cli::command()),
    }
}

fn print(text: &str, exit: Exit) -> ExitCode {
    match ui::data(text) {
        Ok(()) => exit.into(),
        Err(_) => Exit::Write.into(),
    }
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

fn exit_codes() -> String {
    Exit::TABLE.iter().map(|(code, meaning)| format!("{code:>4}  {meaning}\n")).collect()
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
