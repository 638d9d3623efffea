//! kubepkg turns published Kubernetes binaries into packages that people can install: verified upstream files in, deb
//! and RPM packages out.
//!
//! ```text
//!  specs/        Request            Transport            templates/
//!    │              │                   │                    │
//!    ▼              ▼                   ▼                    ▼
//!  Spec ── plan ─▶ Plan ── fetch ─▶ Artifact ── assemble ─▶ PackageImage ── write ─▶ Package
//!  what a        what will be       bytes, verified      a package with no       a file of one
//!  component is  done (pure)                             format yet              format
//! ```
//!
//! Each subcommand stops at a noun: `plan` prints the [`plan::Plan`], `fetch` leaves [`fetch::Artifact`]s, `render`
//! prints the texts of an [`image::PackageImage`], `build` leaves packages, `publish` a [`repository`].
//!
//! # Layers
//!
//! A module imports only from rows above its own; `tests/it/tidy.rs` holds the table and fails on anything else.
//!
//! | row | modules | what they are |
//! |---|---|---|
//! | words | [`arch`], [`compression`], [`digest`], [`path`], [`source_date`], [`version`], then [`format`](mod@format), then [`relation`] | values that parse and display |
//! | places | [`tree`], [`scratch`] | folders of texts; folders of unfinished files |
//! | what is asked | [`template`], [`spec`], [`sign`], [`plan`] | pure functions from texts to a plan |
//! | what happens | [`event`] | the library prints nothing, it reports |
//! | what is done | [`fetch`], [`block`], [`image`], [`package`], then [`provenance`], [`sbom`] and [`repository`], then [`pipeline`] | bytes in, bytes out |
//! | what can be known | [`verify`] | questions about any package, ours or not |
//! | words for people | [`cli`] | the only one that prints or reads the environment |
//!
//! # Invariants
//!
//! 1. Nothing before `fetch` does I/O beyond reading specs, templates and configuration; [`sign`] starts the programs that
//!    keep keys ([`sign::GpgKey`], [`sign::CommandKey`]).
//! 2. Nothing outside `fetch::verify` can make an [`fetch::Artifact`]. Verification cannot be turned off; a weaker
//!    policy has a name, is recorded and printed ([`fetch::Evidence`]).
//! 3. Nothing outside `cli` prints, reads the environment or looks at the clock.
//! 4. A spec states facts, a template states none.
//! 5. Two builds of one plan give the same bytes: on another day, machine, time zone, umask, number of cores, with or
//!    without what an earlier run left ([`block`], [`pipeline::Results`]).
//! 6. What upstream published is what is packaged: payload bytes are never stripped or rewritten.
//! 7. A file appears under its final name only when it is complete; a failed or killed run leaves the last good file.
//! 8. Every name from outside is untrusted until parsed into a word.
//! 9. Every download, unpacking and parse has a limit, and says which one was hit.

pub mod arch;
pub mod block;
pub mod cli;
pub mod compression;
pub mod digest;
pub mod event;
pub mod fetch;
pub mod format;
pub mod image;
pub mod package;
pub mod path;
pub mod pipeline;
pub mod plan;
pub mod provenance;
pub mod relation;
pub mod repository;
pub mod sbom;
pub mod scratch;
pub mod sign;
pub mod source_date;
pub mod spec;
pub mod template;
pub mod tree;
pub mod verify;
pub mod version;
