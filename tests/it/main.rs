//! Integration tests, one module a topic: real package managers, real files, exit codes.
#![cfg(test)]

mod deb;
mod debian;
mod fault_server;
mod fetch;
mod fixtures;
mod inspect;
mod rpm;
mod tidy;
