//! Integration tests, one module a topic: real package managers, real files, exit codes.
#![cfg(test)]

mod built;
mod cross_format;
mod deb;
mod debian;
mod docs;
mod fault_server;
mod fetch;
mod fixtures;
mod inspect;
mod local_build;
mod rpm;
mod rpm_clients;
mod tidy;
