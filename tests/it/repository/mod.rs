//! Repositories: where they are kept, what is published to them, what clients make of it.

mod bucket;
mod s3;
mod store;
