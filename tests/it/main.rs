//! Integration tests, one module a topic: real package managers, real files, exit codes.
#![cfg(test)]

mod deb;
mod docs;
mod fault_server;
mod fetch;
mod fixtures;
mod inspect;
mod local_build;
mod rpm;
mod tidy;
