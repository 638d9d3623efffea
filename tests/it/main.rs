//! Integration tests: real tools, real files, exit codes.
#![cfg(test)] // helpers may `unwrap`, as tests do

mod inspect;
mod tidy;
