//! `kubepkg.yaml`: a vendor's defaults. Flags beat it, `KUBEPKG_*` variables stand between.

use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::Deserialize;

use super::diagnostic::Failure;
use super::exit::Exit;
use crate::spec::SpecError;

/// The file that is read where no other is named, if it is there.
const DEFAULT: &str = "kubepkg.yaml";
/// The largest configuration, in bytes.
const LIMIT: u64 = 1 << 20;

/// What a vendor sets once. Every key is optional.
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// `Name <mail>`
    pub(crate) maintainer: Option<String>,
    /// Who distributes the packages.
    pub(crate) vendor: Option<String>,
    /// How revisions are made.
    pub(crate) revision: RevisionScheme,
    /// Mirrors: `[HOST=]URL|DIR`.
    pub(crate) upstream: Vec<String>,
    /// Package formats.
    pub(crate) formats: Vec<String>,
    /// Architectures, or `all`.
    pub(crate) arches: Vec<String>,
    /// Way of packaging.
    pub(crate) profile: Option<String>,
    /// Folder of specs, beside the configuration.
    pub(crate) spec_dir: Option<PathBuf>,
    /// Folder of templates, beside the configuration.
    pub(crate) template_dir: Option<PathBuf>,
    /// Folder of the packages.
    pub(crate) output: Option<PathBuf>,
    /// Codec and level.
    pub(crate) compression: Option<String>,
    /// Folder of the cache.
    pub(crate) cache_dir: Option<PathBuf>,
    /// Certificate authorities besides those of the system.
    pub(crate) ca_certificates: Vec<PathBuf>,
}

/// How a revision is made of the number that `--revision` gives or the profile has: `{{revision}}.acme1`.
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RevisionScheme {
    /// Debian's, such as `{{revision}}~acme12`.
    pub(crate) deb: Option<String>,
    /// RPM's, such as `{{revision}}.acme.el9`.
    pub(crate) rpm: Option<String>,
}

impl Config {
    /// Reads the file that is named, or `kubepkg.yaml` of the current folder, or nothing.
    pub(crate) fn load(named: Option<&Path>) -> Result<Self, Failure> {
        let path = named.unwrap_or(Path::new(DEFAULT));
        if named.is_none() && !path.exists() {
            return Ok(Self::default());
        }
        let failed = |error: &dyn std::error::Error| {
            Failure::new(Exit::Usage, error).hint("`--config FILE` names another configuration")
        };
        let size = fs::metadata(path).map_err(|error| failed(&error))?.len();
        if size > LIMIT {
            return Err(Failure::usage(format!("{} is larger than the limit of {LIMIT} bytes", path.display())));
        }
        let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
        let mut config = parse(&text, path)?;
        config.resolve(path.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    /// Folders are meant from where the file lies, wherever the program runs.
    fn resolve(&mut self, base: &Path) {
        let folders = [&mut self.spec_dir, &mut self.template_dir, &mut self.output, &mut self.cache_dir];
        for folder in folders.into_iter().flatten().chain(&mut self.ca_certificates) {
            *folder = base.join(&*folder);
        }
    }
}

fn parse(text: &str, path: &Path) -> Result<Config, Failure> {
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Config::default());
    }
    serde_saphyr::from_str(text).map_err(|error| {
        let hint = "`kubepkg spec schema --of configuration` prints what it may hold";
        Failure::pictured(Exit::Usage, vec![SpecError::syntax(&path.display().to_string(), text, &error, hint)])
    })
}

/// Returns the JSON Schema of the configuration.
pub(crate) fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Config);
    schema.insert("title".to_owned(), "kubepkg configuration".into());
    schema.to_value()
}
