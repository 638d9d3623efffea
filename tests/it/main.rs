//! Integration tests, one module a topic: real package managers, real files, exit codes.
#![cfg(test)]

mod configuration;
mod deb;
mod docs;
mod facts;
mod fault_server;
mod fetch;
mod fixtures;
mod inspect;
mod local_build;
mod plan;
mod program;
mod rpm;
mod schema;
mod spec_errors;
mod tidy;
mod vendor;
