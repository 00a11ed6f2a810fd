//! The views of the attacks: held items, writes by account, and the current lists.

use std::fs;

use jiff::Timestamp;
use serde_json::Value;
use twilio_sim::{AccountStatus, Operation};

use crate::support::{Daemon, Setup, ac, eventually};

/// The writes of status and owner that reached the simulator, in order: the account or the number SID, and the value.
pub(super) fn writes(setup: &Setup) -> Vec<(String, String)> {
    let writes = setup.sim.requests().into_iter().filter(|request| request.method != "GET");
    let object =
        |path: &str| path.rsplit('/').next().and_then(|name| name.split('.').next()).map(str::to_owned);
    writes
        .filter_map(|write| {
            let asked = write.param("Status").or_else(|| write.param("AccountSid"))?;
            Some((object(&write.path)?, asked.to_owned()))
        })
        .collect()
}

/// The number of requests of `operation` that name account `n`.
pub(super) fn requests_about(setup: &Setup, operation: Operation, n: u64) -> usize {
    let requests = setup.sim.requests();
    let account = ac(n);
    requests
        .iter()
        .filter(|request| request.operation == Some(operation) && request.account.as_ref() == Some(&account))
        .count()
}

/// Changes a switch of the simulator.
pub(super) fn switch(setup: &Setup, assignment: &str) {
    let mut world = setup.sim.world();
    let switches = world.switches().with(assignment).unwrap();
    *world.switches_mut() = switches;
}

/// Waits until the account list shows account `n` as `status`.
pub(super) async fn listed(setup: &Setup, n: u64, status: AccountStatus) {
    eventually("the list shows it", async || {
        let accounts = setup.sim.world().listed_accounts(Timestamp::UNIX_EPOCH);
        accounts.iter().any(|account| account.sid.as_str() == ac(n) && account.status == status)
    })
    .await;
}

/// Waits until the number list of account `n` shows `count` numbers.
pub(super) async fn lists_numbers(setup: &Setup, n: u64, count: usize) {
    eventually("the list shows them", async || {
        setup.sim.world().listed_numbers_of(&ac(n), Timestamp::UNIX_EPOCH).len() == count
    })
    .await;
}

/// The held items of the last pass about account `n`: kind, reason and message.
pub(super) async fn held(daemon: &Daemon, n: u64) -> Vec<(String, String, String)> {
    let (status, account) = (daemon.status().await, ac(n));
    let items = status["plan"]["held"].as_array().cloned().unwrap_or_default();
    let of_it = items.into_iter().filter(|held| held["account"] == account.as_str());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    of_it.map(|held| (text(&held["kind"]), text(&held["reason"]), text(&held["message"]))).collect()
}

/// Waits until `kind` of account `n` is held as `reason`, and returns the message.
pub(super) async fn held_as(daemon: &Daemon, n: u64, kind: &str, reason: &str) -> String {
    let mut message = String::new();
    eventually(&format!("{kind} of account {n} is held as {reason}"), async || {
        let found = held(daemon, n).await.into_iter().find(|(of, why, _)| of == kind && why == reason);
        found.is_some_and(|(_, _, said)| {
            message = said;
            true
        })
    })
    .await;
    message
}

/// Writes `text` as the file `name` of the folder `state`, as editors do.
pub(super) fn write_in_folder(setup: &Setup, name: &str, text: &str) {
    let folder = setup.dir.path().join("state");
    fs::create_dir_all(&folder).unwrap();
    let new = folder.join(".new");
    fs::write(&new, text).unwrap();
    fs::rename(new, folder.join(name)).unwrap();
}

/// Starts the daemon on the folder `state`.
pub(super) async fn daemon_on_folder(setup: &Setup, args: &[&str]) -> Daemon {
    let mut command = setup.command(&[&["run"], args].concat());
    command.env("SUBACCOUNTD_DESIRED", setup.dir.path().join("state"));
    Daemon::start(command, &setup.dir.path().join(".log")).await
}

/// Kills the daemon, as a power cut does.
pub(super) async fn kill(mut daemon: Daemon) {
    daemon.signal("KILL");
    daemon.ended().await;
}
