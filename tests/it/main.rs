//! Integration tests, one module a topic: real package managers, real files, exit codes.
#![cfg(test)]

mod benches;
mod built;
mod cli;
mod configuration;
mod cross_format;
mod deb;
mod debian;
mod defects;
mod docs;
mod facts;
mod fault_server;
mod fetch;
mod fixtures;
mod fuzz;
mod index_files;
mod inspect;
mod local_build;
mod mirror;
mod packing;
mod papers;
mod plan;
mod program;
mod repository;
mod rpm;
mod rpm_clients;
mod schema;
mod signing;
mod small_disk;
mod spec_errors;
mod tidy;
mod vendor;
mod verify;
