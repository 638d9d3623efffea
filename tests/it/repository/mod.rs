//! Repositories: where they are kept, what is published to them, what clients make of it.

mod bucket;
mod cache;
mod client;
mod clients;
mod crash;
mod keys;
mod papers;
mod publishing;
mod rig;
mod s3;
mod server;
mod serving;
mod settings;
mod site;
mod snippets;
mod store;
mod stress;
