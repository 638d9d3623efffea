//! Integration tests, one module a topic: real package managers, real files, exit codes.
#![cfg(test)]

mod cli;
mod deb;
mod defects;
mod fault_server;
mod fetch;
mod fixtures;
mod inspect;
mod mirror;
mod rpm;
mod small_disk;
mod tidy;
