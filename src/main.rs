//! The program: everything is in the library's `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    kubepkg::cli::main(std::env::args_os())
}
