//! kubepkg
pub mod arch;
mod cli;
pub mod digest;
pub mod event;
pub mod fetch;
pub mod format;
pub mod image;
pub mod package;
pub mod path;
pub mod plan;
pub mod relation;
pub mod source_date;
pub mod spec;
pub mod template;
pub mod tree;
pub mod version;
