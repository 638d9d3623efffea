//! Repositories: packages in, and out of the other side what apt, dnf and zypper read.

pub mod channel;
pub mod store;
