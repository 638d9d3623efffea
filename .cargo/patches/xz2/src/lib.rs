//! The interface of `xz2` over `liblzma`. Both `debpkg` (through xz2) and `rpm` (through liblzma) declare
//! `links = "lzma"`, and cargo allows only one such crate in a build. liblzma is the maintained fork of xz2
//! and kept its interface, so re-exporting it is all that debpkg needs.
pub use liblzma::*;
