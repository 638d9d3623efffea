//! Repositories: where they are kept, what is published to them, what clients make of it.

mod bad_input;
mod bucket;
mod cache;
mod check;
mod client;
mod clients;
mod conditions;
mod crash;
mod faults;
mod foreign;
mod hostile;
mod init;
mod keyring;
mod keys;
mod papers;
mod publishing;
mod reader;
mod rig;
mod s3;
mod server;
mod serving;
mod settings;
mod site;
mod snippets;
mod store;
mod stress;
