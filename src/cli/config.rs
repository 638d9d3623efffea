//! `kubepkg.yaml`: a vendor's defaults. Flags beat it, `KUBEPKG_*` variables stand between.

mod exception;
mod proof;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use fs_err as fs;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

pub(crate) use self::proof::ProofFile;
use super::args::ArchArg;
use super::diagnostic::Failure;
use super::exit::Exit;
use super::signing::Signing;
use crate::fetch::Mirror;
use crate::format::{Format, Revision};
use crate::package::Compression;
use crate::plan::{Exception, Minimum, SignedFile};
use crate::repository::anchor::Fingerprint;
use crate::spec::{SpecError, is_maintainer};
use crate::template::render_text;

/// The file that is read where no other is named, if it is there.
pub(crate) const DEFAULT: &str = "kubepkg.yaml";
/// The largest configuration, in bytes.
const LIMIT: u64 = 1 << 20;

/// What a vendor sets once. Every key is optional.
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// `Name <mail>`
    #[serde(deserialize_with = "word")]
    #[schemars(with = "Option<String>")]
    pub(crate) maintainer: Option<Maintainer>,
    /// Who distributes the packages.
    #[serde(deserialize_with = "word")]
    #[schemars(with = "Option<String>")]
    pub(crate) vendor: Option<Vendor>,
    /// How revisions are made.
    pub(crate) revision: RevisionScheme,
    /// Mirrors: `[HOST=]URL|DIR`. Folders lie beside the configuration.
    #[serde(deserialize_with = "words")]
    #[schemars(with = "Vec<String>")]
    pub(crate) upstream: Vec<Mirror>,
    /// Package formats: `deb`, `rpm`.
    #[serde(deserialize_with = "words")]
    #[schemars(with = "Vec<String>")]
    pub(crate) formats: Vec<Format>,
    /// Architectures in upstream's spelling, or `all`.
    #[serde(deserialize_with = "words")]
    #[schemars(with = "Vec<String>")]
    pub(crate) arches: Vec<ArchArg>,
    /// Way of packaging.
    pub(crate) profile: Option<String>,
    /// Folder of specs, beside the configuration.
    pub(crate) spec_dir: Option<PathBuf>,
    /// Folder of templates, beside the configuration.
    pub(crate) template_dir: Option<PathBuf>,
    /// Folder of the packages, beside the configuration.
    pub(crate) output: Option<PathBuf>,
    /// Preset, or codec and level: `fast`, `xz:6`.
    #[serde(deserialize_with = "word")]
    #[schemars(with = "Option<String>")]
    pub(crate) compression: Option<Compression>,
    /// Repository: a folder beside the configuration, or the URL of a bucket.
    pub(crate) repo: Option<String>,
    /// Fingerprint of a key that signs the repository: another one is refused.
    #[serde(deserialize_with = "word")]
    #[schemars(with = "Option<String>")]
    pub(crate) repo_key: Option<Fingerprint>,
    /// Who signs packages. Files lie beside the configuration.
    pub(crate) sign: Signing,
    /// Folder of the cache, beside the configuration.
    pub(crate) cache_dir: Option<PathBuf>,
    /// Certificate authorities besides those of the system, beside the configuration.
    pub(crate) ca_certificates: Vec<PathBuf>,
    /// Whom keyless signatures are traced back to: a `trusted_root.json` or certificates in PEM, beside the configuration.
    pub(crate) trust_root: Option<PathBuf>,
    /// The least that must vouch for what upstream signs: `signature`, or `digest` for mirrors without signatures.
    #[serde(deserialize_with = "word")]
    #[schemars(with = "Option<String>")]
    pub(crate) min_verification: Option<Minimum>,
    /// Files whose signatures may be missing or wrong, each with the reason.
    #[serde(deserialize_with = "exception::exceptions")]
    #[schemars(with = "Vec<exception::RawException>")]
    pub(crate) signature_exceptions: Vec<Exception>,
    /// Entries of the transparency log and bundles that prove signatures, beside the configuration.
    #[serde(deserialize_with = "proof::proofs")]
    #[schemars(with = "Vec<proof::RawProof>")]
    pub(crate) signature_proofs: Vec<ProofFile>,
    /// Where all this was read, if there is a file.
    #[serde(skip)]
    pub(crate) file: Option<PathBuf>,
}

/// How a revision is made of the number that `--revision` gives or the profile has: `{{revision}}.acme1`.
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RevisionScheme {
    /// Debian's, such as `{{revision}}~acme12`.
    #[serde(deserialize_with = "word")]
    #[schemars(with = "Option<String>")]
    pub(crate) deb: Option<RevisionPattern>,
    /// RPM's, such as `{{revision}}.acme.el9`.
    #[serde(deserialize_with = "word")]
    #[schemars(with = "Option<String>")]
    pub(crate) rpm: Option<RevisionPattern>,
}

/// `Name <mail@host>`.
#[derive(Debug)]
pub(crate) struct Maintainer(pub(crate) String);

impl FromStr for Maintainer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_maintainer(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("`{}` is no maintainer; one is written `Name <mail@example.org>`", text.escape_default()))
    }
}

/// One line of text.
#[derive(Debug)]
pub(crate) struct Vendor(pub(crate) String);

impl FromStr for Vendor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() || text.len() > 1024 || text.chars().any(char::is_control) {
            return Err(format!("`{}` is no vendor; one is a line of text", text.escape_default()));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A text that makes a revision of a revision.
#[derive(Debug)]
pub(crate) struct RevisionPattern(String);

impl RevisionPattern {
    /// Returns the vendor's revision.
    pub(crate) fn apply(&self, revision: &Revision) -> Result<Revision, String> {
        let data = serde_json::json!({"revision": revision.as_str()});
        render_text("revision", &self.0, &data)
            .map_err(|error| format!("{}; there is `revision`", error.cause()))?
            .parse()
    }
}

impl FromStr for RevisionPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let pattern = Self(text.to_owned());
        let tried = pattern.apply(&"1.1".parse()?)?;
        let other = pattern.apply(&"2.1".parse()?)?;
        if tried == other {
            return Err(format!(
                "`{}` makes one revision of all; write `{{{{revision}}}}` in it",
                text.escape_default()
            ));
        }
        Ok(pattern)
    }
}

/// A value that is parsed where it is read, so that a bad one is shown in its place.
struct Word<T>(T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

fn word<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(Option::<Word<T>>::deserialize(deserializer)?.map(|word| word.0))
}

fn words<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Vec::<Word<T>>::deserialize(deserializer)?.into_iter().map(|word| word.0).collect())
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
        config.file = Some(path.to_owned());
        Ok(config)
    }

    /// Folders are meant from where the file lies, wherever the program runs.
    fn resolve(&mut self, base: &Path) {
        let folders = [&mut self.spec_dir, &mut self.template_dir, &mut self.output, &mut self.cache_dir];
        let folders = folders.into_iter().chain([&mut self.trust_root]);
        for folder in folders.flatten().chain(&mut self.ca_certificates) {
            *folder = base.join(&*folder);
        }
        if let Some(folder) = self.repo.as_mut().filter(|repo| !repo.contains("://")) {
            *folder = base.join(&*folder).display().to_string();
        }
        self.sign.resolve(base);
        for proof in &mut self.signature_proofs {
            proof.resolve(base);
        }
        for mirror in &mut self.upstream {
            mirror.rebase(base);
        }
    }
}

/// Returns the file that `what` is of: by its URL, or by component, version and architecture, and perhaps source.
fn signed_file(what: &str, url: Option<String>, source: [Option<String>; 4]) -> Result<SignedFile, String> {
    match (url, source) {
        (Some(url), [None, None, None, None]) => {
            url.parse().map(SignedFile::Url).map_err(|error| format!("`{}` is no URL: {error}", url.escape_default()))
        }
        (None, [Some(component), Some(version), Some(arch), source]) => Ok(SignedFile::Source {
            component,
            version: version.parse().map_err(|error: crate::version::BadVersion| error.to_string())?,
            arch: arch.parse().map_err(|error: crate::arch::UnknownArch| error.to_string())?,
            source,
        }),
        _ => Err(format!("{what} is of a `url`, or of a `component`, `version` and `arch`")),
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
