//! Settings as people, shells, secret stores and orchestrators write them.

mod addresses;
mod region;
mod token;
mod variables;

use std::process::Command;

use crate::support::{Setup, code, entry, fleet, output, state, stderr};

/// One account, which is as the state says.
async fn in_sync() -> Setup {
    Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await
}

/// Runs `command`, which must fail as wrong usage, and returns its standard error. It sends no request.
async fn wrong_usage(setup: &Setup, command: Command) -> String {
    setup.sim.clear_requests();
    let what = format!("{command:?}");
    let ended = output(command).await;
    let error = stderr(&ended);
    assert_eq!(code(&ended), 64, "{what}: {error}");
    assert_eq!(setup.sim.requests().len(), 0, "{what}");
    error
}
