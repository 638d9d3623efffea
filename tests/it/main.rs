//! Integration tests, one module a topic: real package managers, real files, exit codes.
#![cfg(test)]

mod built;
mod cli;
mod cross_format;
mod deb;
mod debian;
mod defects;
mod docs;
mod fault_server;
mod fetch;
mod fixtures;
mod inspect;
mod local_build;
mod mirror;
mod rpm;
mod rpm_clients;
mod small_disk;
mod tidy;
