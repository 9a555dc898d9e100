//! The one binary of Signpost.

use std::process::ExitCode;

fn main() -> ExitCode {
    signpost::cli::run()
}
