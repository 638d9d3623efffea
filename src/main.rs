//! The program: everything is in the library's `cli`.

use std::process::ExitCode;

/// Codecs in C take their large buffers from libc. Beside them the small values that stay keep every buffer from being
/// given back, and memory grows with the number of packages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    kubepkg::cli::main(std::env::args_os())
}
