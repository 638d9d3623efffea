//! Why something was not done to a repository: the exit code, and what to type next.

use std::io::ErrorKind;

use crate::cli::diagnostic::Failure;
use crate::cli::exit::Exit;
use crate::repository::error::RepositoryError;
use crate::repository::gate::Refusal;
use crate::repository::state::StateError;
use crate::repository::store::Cause;

impl From<RepositoryError> for Failure {
    fn from(error: RepositoryError) -> Self {
        let (exit, hint) = match &error {
            RepositoryError::Store(failed) => match &failed.cause {
                Cause::Denied(_) => (Exit::Write, CREDENTIALS),
                // What builds the request says which half of a pair of variables is unset.
                Cause::Unavailable(reason) if reason.starts_with("Missing ") => (Exit::Write, CREDENTIALS),
                Cause::Missing(_) => (Exit::Write, "make the bucket first, and see AWS_ENDPOINT_URL"),
                Cause::OtherBytes => (Exit::Refused, "build it again with a higher `--revision`"),
                Cause::Changed(_) => (Exit::Write, "publish files that nobody writes to"),
                Cause::ReadOnly | Cause::NotServed => (Exit::Usage, "name it with `--repo`"),
                Cause::Web { .. } | Cause::Fetch(_) | Cause::Setup(_) => {
                    (Exit::Fetch, "look at the address, the network and `kubepkg help exit-codes`; nothing was changed")
                }
                Cause::Io(error) => (Exit::Write, disk(error)),
                _ => (Exit::Write, AGAIN),
            },
            RepositoryError::State(StateError::Newer { .. }) => (Exit::Write, "update kubepkg"),
            RepositoryError::State(_) => {
                (Exit::Verification, "somebody else wrote there; put the file back, or publish to a new repository")
            }
            RepositoryError::NoRepository(_) => (Exit::Plan, "`kubepkg repo init` makes one"),
            RepositoryError::Exists(_) => (Exit::Usage, "publish to it with `kubepkg publish`"),
            RepositoryError::NoChannel { .. } => (Exit::Plan, "`kubepkg publish --channel` makes channels"),
            RepositoryError::NoGeneration { .. } => (Exit::Plan, "`kubepkg repo history` lists them"),
            RepositoryError::NotShown { .. } => (Exit::Plan, "`kubepkg repo list CHANNEL` lists what it has"),
            RepositoryError::NoPackage { .. } => (Exit::Plan, "publish it to some channel first"),
            RepositoryError::OlderState { .. } => {
                (Exit::Verification, "ask whoever publishes it, or wait: mirrors of it may be behind")
            }
            RepositoryError::Nothing(_) => (Exit::Usage, "name packages"),
            RepositoryError::Io(error) => (Exit::Write, unreadable(error)),
            RepositoryError::Package(_) => (Exit::Write, "`kubepkg inspect FILE` says what it is"),
            RepositoryError::Refused(refusals) => (Exit::Refused, refused(&refusals.0)),
            RepositoryError::OtherKeys { .. } | RepositoryError::OldCertificate(_) => (
                Exit::Key,
                "sign with the repository's keys, with `--also-sign-key` where there are several; `kubepkg repo resign` gives it others. \
                 If nobody did that, somebody else wrote there",
            ),
            RepositoryError::ForeignHead { .. } => {
                (Exit::Verification, "somebody else wrote there; `kubepkg repo check` says what else is wrong")
            }
            RepositoryError::Unsigned { .. } | RepositoryError::OldCharter { .. } => (
                Exit::Verification,
                "somebody else wrote there, and nothing that it says is believed: put the file back from a copy or the bucket's versions",
            ),
            RepositoryError::ForeignCharter { .. } => (
                Exit::Verification,
                "ask its owner; if the key was changed, name the new one with `--repo-key`, or as `repo-key` in kubepkg.yaml",
            ),
            RepositoryError::Unknown(_) => {
                (Exit::Usage, "compare the fingerprint with one that you have, and name it with `--repo-key`")
            }
            RepositoryError::NeedsKey => {
                (Exit::Key, "add `--sign-key FILE`, and `--also-sign-key` where there are several")
            }
            RepositoryError::NoOverlap(_) => (
                Exit::Refused,
                "sign with the key that clients know, too: `--also-sign-key`; `--without-overlap` if it is lost",
            ),
            RepositoryError::NoKey(_) => (Exit::Plan, "`kubepkg repo keys` lists them"),
            RepositoryError::KeySigns(_) => (Exit::Refused, "`kubepkg repo resign` puts another key in its place"),
            RepositoryError::Index { .. } => (Exit::Write, "report it, with the package"),
            RepositoryError::Sign(_) => (Exit::Key, "try another key, and report what it says"),
            RepositoryError::Clock { .. } => {
                (Exit::Refused, "set this machine's clock, or leave SOURCE_DATE_EPOCH unset")
            }
            RepositoryError::Busy { .. } | RepositoryError::Contended { .. } => (Exit::Write, "run again"),
        };
        Self::new(exit, &error).hint(hint)
    }
}

/// Who asks a bucket.
const CREDENTIALS: &str =
    "see AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, or their like of other clouds, and what they may do";

/// What a run that failed leaves.
const AGAIN: &str = "run again: what is written is not written twice, and clients see what they saw before";

/// What helps where the disk does not do what is asked.
fn disk(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "see who may write there; clients see what they saw before"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "make room there and run again: clients see what they saw before"
        }
        _ => AGAIN,
    }
}

/// What helps where a package file cannot be read.
fn unreadable(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotFound => "`kubepkg build` writes packages to `dist`, or where `--output` says",
        ErrorKind::PermissionDenied => "see who may read it",
        _ => "`kubepkg inspect FILE` says what it is",
    }
}

fn refused(refusals: &[Refusal]) -> &'static str {
    match refusals.first() {
        Some(Refusal::Misnamed { .. }) => "rename it: a name that says something else is a mistake or worse",
        Some(Refusal::Unsigned { .. }) => {
            "sign with the repository's key: `kubepkg sign PACKAGE…`; `kubepkg build` does it itself where `--sign-key` or kubepkg.yaml names the key"
        }
        Some(Refusal::Foreign { .. }) => {
            "sign it with the repository's key, or let clients have that certificate with `kubepkg repo trust FILE`"
        }
        Some(Refusal::Forged { .. }) => "get it again: somebody or something changed it",
        Some(Refusal::OtherBytes { .. }) => "build it again with a higher `--revision`: clients have the other one",
        Some(Refusal::ForeignPaper { .. }) => {
            "`kubepkg sign` renews provenance; without a paper beside it a package is published without"
        }
        Some(Refusal::StrayPaper { .. }) => "name the package, too: papers are published with it",
        Some(Refusal::OtherMinor { .. }) => {
            "publish it to the channel of its minor release, or to `rolling`, which has them all"
        }
        Some(Refusal::NoRelease { .. }) => "`prerelease/…` is for candidates, `nightly/…` for builds of a branch",
        Some(Refusal::Incomplete { .. }) => {
            "publish or list it in the same run: `kubepkg build --version VERSION` makes the whole set"
        }
        Some(Refusal::Unmet { .. }) | None => "publish or list what is missing in the same run",
    }
}
