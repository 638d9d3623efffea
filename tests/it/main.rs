//! Integration tests: the library and the program against real package managers.

#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod rpm;
