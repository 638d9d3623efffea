//! What lies beside a new repository: the key that signs it, the configuration that names both, and what keeps the key out
//! of git. All of it is made, or nothing.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::cli::config;
use crate::cli::diagnostic::Failure;
use crate::cli::new_key::{self, MadeKey};
use crate::cli::session::Session;

const IGNORED: &str = ".gitignore";

/// Files of the current folder that were made, and are taken back where the rest fails.
#[derive(Debug, Default)]
pub(super) struct Setup {
    made: Vec<PathBuf>,
    /// What `.gitignore` held.
    ignored: Option<Vec<u8>>,
    /// What a configuration lacks that was there.
    pub(super) lacking: Option<String>,
}

impl Setup {
    /// Writes what is needed to publish to `place` with a key.
    pub(super) fn write(session: &Session, place: &str, file: &Path, key: &MadeKey) -> Result<Self, Failure> {
        let mut setup = Self::default();
        let written = setup.write_all(session, place, file, key);
        match written {
            Ok(()) => Ok(setup),
            Err(failure) => {
                setup.undo();
                Err(failure)
            }
        }
    }

    fn write_all(&mut self, session: &Session, place: &str, file: &Path, key: &MadeKey) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::write(&error).hint("run it in a folder that you may write to");
        new_key::free(file)?;
        // Before there is a secret.
        self.ignore(file).map_err(failed)?;
        key.write(session, file)?;
        self.made.push(file.to_owned());
        let wanted = configuration(place, key.certificate.fingerprint(), file);
        let configuration = session.config.file.clone().unwrap_or_else(|| config::DEFAULT.into());
        if configuration.symlink_metadata().is_ok() {
            self.lacking = Some(lacking(session, &wanted));
            return Ok(());
        }
        let mut created = fs::File::create_new(&configuration).map_err(failed)?;
        self.made.push(configuration);
        created.write_all(wanted.concat().as_bytes()).and_then(|()| created.sync_all()).map_err(failed)
    }

    fn ignore(&mut self, file: &Path) -> std::io::Result<()> {
        let path = Path::new(IGNORED);
        let line = format!("/{}", file.display());
        let before = match fs::read(path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let text = String::from_utf8_lossy(before.as_deref().unwrap_or_default()).into_owned();
        if text.lines().any(|known| known.trim() == line || known.trim() == &line[1..]) {
            return Ok(());
        }
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        let mut bytes = before.clone().unwrap_or_default();
        bytes.extend_from_slice(format!("{end}{line}\n").as_bytes());
        fs::write(path, bytes)?;
        match before {
            Some(bytes) => self.ignored = Some(bytes),
            None => self.made.push(path.to_owned()),
        }
        Ok(())
    }

    /// Takes back what was made. What cannot be taken back is there when somebody looks.
    pub(super) fn undo(self) {
        for file in self.made {
            let _ = fs::remove_file(file);
        }
        if let Some(bytes) = self.ignored {
            let _ = fs::write(IGNORED, bytes);
        }
    }
}

/// The lines of a configuration: of the repository with the fingerprint by which it is known, and of the key.
fn configuration(place: &str, fingerprint: &str, key: &Path) -> [String; 3] {
    // In quotes: YAML takes some of these digits for a number.
    let known = format!("repo-key: \"{fingerprint}\"\n");
    [format!("repo: {}\n", scalar(place)), known, format!("sign:\n  key: {}\n", scalar(&key.display().to_string()))]
}

/// What is not there yet: nobody's file is edited.
fn lacking(session: &Session, [repo, known, sign]: &[String; 3]) -> String {
    let repo = if session.config.repo.is_none() { repo } else { "" };
    let known = if session.config.repo_key.is_none() { known } else { "" };
    format!("{repo}{known}{sign}")
}

/// A text in YAML: plain where that is no question, else in JSON's quotes.
fn scalar(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "./_-".contains(c);
    let is_word =
        text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '.' || c == '/') && text.contains(['.', '/']);
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    if is_word && scheme.chars().all(is_plain) && rest.chars().all(is_plain) {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_yaml_takes_for_something_else_stands_in_quotes() {
        for plain in ["./repo", "s3://packages/kubernetes", "/srv/repo", "kubernetes.secret.asc"] {
            assert_eq!(scalar(plain), plain);
        }
        for quoted in ["repo", "my repo/x", "a: b/c", "1.5", "x#/y", "\u{e9}/x"] {
            assert!(scalar(quoted).starts_with('"'), "{quoted}");
        }
    }
}
