//! The binary `subaccountd`.

use std::process::ExitCode;

fn main() -> ExitCode {
    subaccountd::main()
}
