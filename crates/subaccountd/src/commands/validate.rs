//! `validate`: checks desired-state files offline.

use std::{io, path::PathBuf};

use subaccountd_core::spec;

use super::{Exit, colour, print};
use crate::{diagnostics, state};

pub(super) fn validate(paths: &[PathBuf]) -> anyhow::Result<Exit> {
    let sources = state::sources(paths);
    let reading = spec::read(&sources);
    if reading.faults.is_empty() {
        let accounts = reading.desired.accounts().count();
        let numbers = reading.desired.claims().count();
        print(&format!("valid: {accounts} subaccounts, {numbers} numbers, {} files\n", sources.len()))?;
        return Ok(Exit::Done);
    }
    print(&diagnostics::render(&reading.faults, colour(&io::stdout())))?;
    let count = reading.faults.len();
    print(&format!("{count} {}\n", if count == 1 { "fault" } else { "faults" }))?;
    Ok(Exit::Failed)
}
