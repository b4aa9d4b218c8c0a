//! Hands the arguments to [`mcache::cli`] and ends with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    mcache::cli::main()
}
