//! Exit codes: what a script may rely on.

/// One meaning each; none changes once released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Everything that was asked for is done.
    Done = 0,
    /// A bug, or something nobody thought of.
    Unknown = 1,
    /// The command line, the environment or `kubepkg.yaml` is wrong.
    Usage = 2,
    /// A spec or a template is wrong.
    Spec = 3,
    /// There is no such version, architecture or component.
    Plan = 4,
    /// A file could not be fetched.
    Fetch = 5,
    /// Bytes are not what was published or not signed as they must be, or not what the package would say.
    Verification = 6,
    /// A package or another file could not be written or read.
    Write = 7,
    /// A key cannot be used, does not sign, or is one that clients refuse.
    Key = 8,
    /// Nothing contradicts a package, and what was asked for cannot be proven.
    Unproven = 9,
    /// Everything that upstream publishes is built, but not everything that was planned.
    Incomplete = 10,
    /// A repository would not be what its users need, and nothing was published.
    Refused = 11,
}

impl Exit {
    /// Every code with its meaning, for the README and `kubepkg help exit-codes`.
    pub(crate) const TABLE: [(u8, &'static str); 15] = [
        (Self::Done as u8, "done"),
        (Self::Unknown as u8, "a bug, or something nobody thought of"),
        (Self::Usage as u8, "the command line, the environment or kubepkg.yaml is wrong"),
        (Self::Spec as u8, "a spec or template is wrong"),
        (Self::Plan as u8, "there is no such version, architecture or component"),
        (Self::Fetch as u8, "a file could not be fetched"),
        (
            Self::Verification as u8,
            "bytes are not what was published or not signed as they must be, or not what the package would say",
        ),
        (Self::Write as u8, "a package or another file could not be written or read"),
        (Self::Key as u8, "a key cannot be used, does not sign, or is one that clients refuse"),
        (
            Self::Unproven as u8,
            "verify: nothing is wrong, but what was asked for cannot be told: no signature, or not published",
        ),
        (
            Self::Incomplete as u8,
            "with --arch all: what upstream publishes is built, but some planned files are not published",
        ),
        (Self::Refused as u8, "a repository would not be what its users need, and nothing was published"),
        (129, "hung up (the terminal is gone)"),
        (130, "interrupted (Ctrl-C)"),
        (143, "terminated"),
    ];
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
