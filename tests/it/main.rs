//! Integration tests.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod fault_server;
mod fetch;
