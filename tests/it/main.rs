//! Tests of the library through its public interface, with real package managers as judges.

mod deb;
