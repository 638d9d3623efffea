//! `kubepkg inspect`

use std::path::PathBuf;

use serde_json::json;

use super::Done;
use super::diagnostic::Failure;
use super::inspect_text;
use crate::package::reader;

/// Show what packages say and hold
///
/// Reads any deb or RPM, whoever made it: metadata, relations, scripts, files.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg inspect dist/kubelet_1.36.2-1.1_arm64.deb
  kubepkg inspect --json dist/*.rpm")]
pub(crate) struct InspectArgs {
    /// Package files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

impl InspectArgs {
    pub(crate) fn run(&self) -> Result<Done, Failure> {
        let mut inspections = Vec::new();
        for file in &self.files {
            inspections.push(
                reader::open(file)
                    .map_err(|error| Failure::write(&error).hint("`kubepkg inspect` reads deb and RPM files"))?,
            );
        }
        let text: Vec<String> = inspections.iter().map(inspect_text::render).collect();
        Ok(Done::new(text.join("\n"), json!({"schema": 1, "packages": inspections})))
    }
}
