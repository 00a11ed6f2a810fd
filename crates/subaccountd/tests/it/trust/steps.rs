//! The steps that the attacks share.

use sha2::{Digest, Sha256};
use twilio_sim::Operation;

use crate::support::{Daemon, Setup, eventually, time};

/// The statuses of the status writes, in the order in which they arrived.
pub(super) fn asked(setup: &Setup) -> Vec<String> {
    let requests = setup.sim.requests().into_iter();
    let changes = requests.filter(|request| request.operation == Some(Operation::UpdateAccount));
    changes.filter_map(|request| request.param("Status").map(str::to_owned)).collect()
}

/// The number of requests of `operation` that arrived so far.
pub(super) fn seen(setup: &Setup, operation: Operation) -> usize {
    setup.sim.requests().iter().filter(|request| request.operation == Some(operation)).count()
}

/// Waits until `count` requests of `operation` arrived.
pub(super) async fn arrived(setup: &Setup, operation: Operation, count: usize) {
    eventually("a request arrives", async || seen(setup, operation) >= count).await;
}

/// Writes `text` as the state and waits until a pass over it ended.
pub(super) async fn decide(setup: &Setup, daemon: &Daemon, text: &str) {
    setup.write(text);
    passed(daemon, text).await;
}

/// Waits until a pass over the state `text` ended.
pub(super) async fn passed(daemon: &Daemon, text: &str) {
    let wanted = subaccountd_core::hex(&Sha256::digest(text));
    eventually("a pass over the state", async || {
        let status = daemon.status().await;
        status["desiredState"]["sha256"] == wanted.as_str()
            && !status["lastPass"]["result"].is_null()
            && time(&status["lastPass"]["startedAt"]) >= time(&status["desiredState"]["loadedAt"])
    })
    .await;
}

/// The reasons and messages of what the last pass held, one line each.
pub(super) async fn held(daemon: &Daemon) -> String {
    let status = daemon.status().await;
    let held = status["plan"]["held"].as_array().unwrap();
    let lines = held.iter().map(|held| format!("{}: {}", held["reason"], held["message"]));
    lines.collect::<Vec<_>>().join("\n")
}

/// Sets a switch of the simulator.
pub(super) fn switch(setup: &Setup, assignment: &str) {
    let mut world = setup.sim.world();
    let switches = world.switches().with(assignment).unwrap();
    *world.switches_mut() = switches;
}

/// Moves number `n` into `account`, as a person does.
pub(super) fn move_number(setup: &Setup, n: u64, account: &str) {
    let owner = account.parse().unwrap();
    setup.sim.edit_number(&crate::support::phone(n), |number| number.owner = owner).unwrap();
}

/// Steps Twilio's clock to `seconds` ahead of ours.
pub(super) fn step_twilio(setup: &Setup, seconds: i64) {
    setup.sim.faults().clock_offset_seconds = seconds;
}

/// The writes of intents in the journal so far.
pub(super) fn intents(setup: &Setup) -> usize {
    let journal = std::fs::read_to_string(setup.journal_dir().join("journal.jsonl")).unwrap_or_default();
    journal.matches(r#""event":"intent""#).count()
}
