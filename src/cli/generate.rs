//! `kubepkg generate`

use std::path::PathBuf;

use clap::Subcommand;
use clap_complete::Shell;
use fs_err as fs;
use serde_json::json;

use super::Done;
use super::diagnostic::Failure;

/// Generate completions and manual pages
#[derive(Debug, clap::Args)]
#[command(disable_help_subcommand = true)]
#[command(after_help = "Examples:
  kubepkg generate completions bash > /etc/bash_completion.d/kubepkg
  kubepkg generate man /usr/local/share/man/man1")]
pub(crate) struct GenerateArgs {
    #[command(subcommand)]
    command: GenerateCommand,
}

#[derive(Debug, Subcommand)]
enum GenerateCommand {
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages to a folder
    Man {
        /// The folder
        folder: PathBuf,
    },
}

impl GenerateArgs {
    pub(crate) fn run(&self, mut command: clap::Command) -> Result<Done, Failure> {
        let failed = |error: std::io::Error| Failure::write(&error).hint("name another folder");
        match &self.command {
            GenerateCommand::Completions { shell } => {
                let mut bytes = Vec::new();
                clap_complete::generate(*shell, &mut command, "kubepkg", &mut bytes);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                Ok(Done::new(text.clone(), json!({"schema": 1, "text": text})))
            }
            GenerateCommand::Man { folder } => {
                fs::create_dir_all(folder).map_err(failed)?;
                command.build();
                let mut paths = Vec::new();
                pages(&command, folder, &mut paths).map_err(failed)?;
                let text = paths.iter().map(|path| format!("{path}\n")).collect();
                Ok(Done::new(text, json!({"schema": 1, "files": paths})))
            }
        }
    }
}

/// One page a command, `kubepkg-build.1`, as git has them.
fn pages(command: &clap::Command, folder: &PathBuf, paths: &mut Vec<String>) -> std::io::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    // The date would be the only thing in the page that is not a function of the program.
    let page = clap_mangen::Man::new(command.clone()).date("").title(name.to_uppercase());
    let mut text = Vec::new();
    page.render(&mut text)?;
    let path = folder.join(format!("{name}.1"));
    fs::write(&path, text)?;
    paths.push(path.display().to_string());
    for inner in command.get_subcommands() {
        pages(inner, folder, paths)?;
    }
    Ok(())
}
